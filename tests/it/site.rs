//! A server with sign-in, and who comes to it: a person at a browser, an app that wants to be connected.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{Blobs, Clock, Stores};
use config::{Config, Surroundings, Way};
use reqwest::header::{self, HeaderMap};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::Connection;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use url::{Url, form_urlencoded};

use crate::harness::binary;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const SECRET: &str = "kq3X9vT1mZ7rB5nW0yC8dL2hJ6sF4gPa";
pub(crate) const ALL: &str = "read write image_processing";
pub(crate) const VERIFIER: &str = "the-verifier-of-the-tests-0123456789-abcdefgh";

/// A server with sign-in.
pub(crate) struct Site {
    pub(crate) url: String,
    /// Follows no redirect and keeps no cookie.
    pub(crate) http: reqwest::Client,
    /// The folder of its data.
    pub(crate) data: PathBuf,
    /// Everything it has logged, if it is the real program.
    pub(crate) log: Arc<Log>,
    settings: BTreeMap<String, String>,
    way: Running,
    _folder: Option<tempfile::TempDir>,
}

enum Running {
    /// The real program.
    Program(Child),
    /// Programs that somebody else started.
    Elsewhere,
    /// Its HTTP side in this process, where the clock can be turned.
    Here { stores: Box<Stores>, stop: CancellationToken, serving: JoinHandle<()> },
}

impl Site {
    /// In this process, with an owner.
    pub(crate) async fn here() -> Self {
        Self::here_with(&[]).await
    }

    /// In this process; `settings` go before the usual ones, and an empty value unsets one.
    pub(crate) async fn here_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let around = Surroundings {
            way: Way::Serve,
            start_dir: folder.path().into(),
            home_dir: None,
            data_home: folder.path().join("home"),
            cores: 1,
            read_file: |path| std::fs::read_to_string(path),
        };
        let config = Config::read(&environment(settings), &around).unwrap();
        let blobs = Blobs::open(&config.storage.url, &config.storage.s3).unwrap();
        let stores =
            Stores::open(&config.storage.data_dir, blobs, Duration::from_secs(30), Clock::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let (kept, told) = (stores.clone(), stop.clone());
        let serving = tokio::spawn(async move { api::serve::serve(&config, kept, listener, told).await.unwrap() });
        let data = folder.path().join("data");
        let way = Running::Here { stores: Box::new(stores), stop, serving };
        let settings = environment(settings);
        Self { url, http: client(), data, log: Arc::default(), settings, way, _folder: Some(folder) }
    }

    /// The real program, with an owner.
    pub(crate) async fn program() -> Self {
        Self::program_with(&[]).await
    }

    pub(crate) async fn program_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut site = Self::program_on(folder.path(), settings).await;
        site._folder = Some(folder);
        site
    }

    /// The real program on a folder that others may use too.
    pub(crate) async fn program_on(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let data = folder.join("data");
        let mut command = std::process::Command::new(binary());
        command.env_clear().envs(environment(settings)).env("DATA_DIR", &data).env("HOME", folder).current_dir(folder);
        command.env("PORT", "0").env("RUST_LOG", "debug").stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let log = Arc::new(Log::default());
        let listens = "Image Tool listens on ";
        let url = lines.by_ref().find_map(|line| line.strip_prefix(listens).map(str::to_owned)).expect("it listens");
        let kept = log.clone();
        std::thread::spawn(move || lines.for_each(|line| kept.add(&line)));
        let settings = environment(settings);
        Self { url, http: client(), data, log, settings, way: Running::Program(child), _folder: None }
    }

    /// What somebody else started, reached at `url`, with the usual owner. Each request makes a connection.
    pub(crate) fn at(url: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        let (data, log, settings) = (PathBuf::new(), Arc::default(), BTreeMap::new());
        Self { url: url.into(), http, data, log, settings, way: Running::Elsewhere, _folder: None }
    }

    /// Both ways to run it.
    pub(crate) async fn both(settings: &[(&str, &str)]) -> [Self; 2] {
        [Self::here_with(settings).await, Self::program_with(settings).await]
    }

    /// Turns the clock; only in this process.
    pub(crate) fn later(&self, seconds: u64) {
        self.stores().clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn stores(&self) -> &Stores {
        match &self.way {
            Running::Here { stores, .. } => stores,
            Running::Elsewhere | Running::Program(_) => panic!("the store of another process"),
        }
    }

    pub(crate) async fn stop(mut self) {
        match &mut self.way {
            Running::Here { stop, serving, .. } => {
                stop.cancel();
                serving.await.unwrap();
            }
            Running::Program(child) => {
                child.kill().unwrap();
                child.wait().unwrap();
            }
            Running::Elsewhere => {}
        }
    }

    /// Runs another command of the program on the same data, and returns what it printed.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        let mut command = std::process::Command::new(binary());
        let port = self.url.rsplit(':').next().unwrap();
        command.env_clear().envs(&self.settings).env("DATA_DIR", &self.data).env("PORT", port);
        let output = command.current_dir(&self.data).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes every change of a small value fail, as a store that is down would, until it is called with `false`.
    pub(crate) async fn break_store(&self, broken: bool) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.data.join("image-tool.sqlite3"));
        let mut database = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        let trigger = "CREATE TRIGGER down BEFORE UPDATE ON state BEGIN SELECT RAISE(FAIL, 'down'); END";
        sqlx::raw_sql(if broken { trigger } else { "DROP TRIGGER down" }).execute(&mut database).await.unwrap();
    }

    /// `GET` of a path.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(reqwest::Method::GET, path, headers, None).await
    }

    /// `POST` of a form.
    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let headers: Vec<_> = kind.into_iter().chain(headers.iter().copied()).collect();
        self.send(reqwest::Method::POST, path, &headers, Some(body)).await
    }

    /// `POST` of JSON.
    pub(crate) async fn post_json(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let kind = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        let headers: Vec<_> = kind.into_iter().chain(headers.iter().copied()).collect();
        self.send(reqwest::Method::POST, path, &headers, Some(body.into())).await
    }

    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.text().await.unwrap() }
    }

    /// `tools/list` with this token, or none.
    pub(crate) async fn mcp(&self, token: Option<&str>) -> Answer {
        self.mcp_call(token, "tools/list", json!({})).await
    }

    pub(crate) async fn mcp_call(&self, token: Option<&str>, method: &str, params: Value) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        self.post_json("/mcp", &headers, &body).await
    }

    /// Whether `/mcp` lets a token in.
    pub(crate) async fn lets_in(&self, token: &str) -> bool {
        match self.mcp(Some(token)).await.status {
            200 => true,
            401 => false,
            other => panic!("/mcp answers {other}"),
        }
    }
}

/// What a program says while it runs.
#[derive(Default)]
pub(crate) struct Log {
    text: Mutex<String>,
    grown: Condvar,
}

impl Log {
    fn add(&self, line: &str) {
        *self.text.lock().unwrap() += &format!("{line}\n");
        self.grown.notify_all();
    }

    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Waits until `find` finds something in it.
    pub(crate) fn wait<T>(&self, find: impl Fn(&str) -> Option<T>) -> T {
        let text = self.text.lock().unwrap();
        let missing = |text: &mut String| find(text).is_none();
        let (text, _) = self.grown.wait_timeout_while(text, Duration::from_secs(20), missing).unwrap();
        find(&text).unwrap_or_else(|| panic!("not in the log: {text}"))
    }

    /// The newest setup code.
    pub(crate) fn setup_code(&self) -> String {
        self.wait(|log| log.rsplit_once("code ").map(|(_, rest)| rest[..14].to_owned()))
    }
}

/// What the program is set to: the usual settings, and those of a test.
fn environment(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    let usual = [("OWNER_PASSWORD", PASSWORD), ("JWT_SECRET", SECRET)];
    usual.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Running::Program(child) = &mut self.way {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What a request gave.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The code of an OAuth error, with its status.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    /// A field of the query that a redirect carries; it must be there once or not at all.
    pub(crate) fn sent(&self, name: &str) -> Option<String> {
        let base = Url::parse("http://local.example").unwrap();
        let url = base.join(self.header("location")).unwrap();
        let values: Vec<String> =
            url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect();
        assert!(values.len() <= 1, "{name} is given {} times: {url}", values.len());
        values.into_iter().next()
    }
}

/// A person at a browser of their own.
pub(crate) struct Person<'a> {
    pub(crate) site: &'a Site,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'a> Person<'a> {
    pub(crate) fn new(site: &'a Site) -> Self {
        Self { site, cookies: BTreeMap::new() }
    }

    /// The owner, signed in.
    pub(crate) async fn owner(site: &'a Site) -> Self {
        let mut person = Self::new(site);
        let answer = person.sign_in("owner", PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        person
    }

    pub(crate) async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        let page = self.get("/login").await;
        let code = hidden(&page.body, "code");
        self.submit("/login", &[("name", name), ("password", password), ("code", &code)]).await
    }

    pub(crate) fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let cookie = self.cookie();
        let answer = self.site.get(path, &[("cookie", &cookie)]).await;
        self.keep(&answer);
        answer
    }

    /// Sends a form as a browser does, from a page of the site.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let (cookie, origin) = (self.cookie(), self.site.url.clone());
        let answer = self.site.post(path, &[("cookie", &cookie), ("origin", &origin)], fields).await;
        self.keep(&answer);
        answer
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.into(), value.into());
        }
    }

    /// The consent page of a request: what a browser sees after the redirects.
    pub(crate) async fn consent(&mut self, request: &str) -> Answer {
        let first = self.get(request).await;
        assert_eq!(first.status, 303, "{}", first.body);
        let location = first.header("location").to_owned();
        assert!(location.starts_with("/oauth/authorize?transaction="), "{location}");
        self.get(&location).await
    }

    /// Presses a button of a consent page, with the boxes of `scopes` ticked.
    pub(crate) async fn decide(&mut self, page: &Answer, decision: &str, scopes: &str) -> Answer {
        let (code, transaction) = (hidden(&page.body, "code"), hidden(&page.body, "transaction"));
        let mut fields = vec![("code", code.as_str()), ("transaction", &transaction), ("decision", decision)];
        let boxes: Vec<String> = scopes.split(' ').map(|scope| format!("scope_{scope}")).collect();
        fields.extend(boxes.iter().map(|name| (name.as_str(), "on")));
        self.submit("/oauth/authorize", &fields).await
    }

    /// Allows an app everything it asks for, and returns the code it was given.
    pub(crate) async fn allow(&mut self, app: &App<'_>) -> String {
        let page = self.consent(&app.request(&[])).await;
        let answer = self.decide(&page, "approve", ALL).await;
        answer.sent("code").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body))
    }
}

/// The value of a hidden field of a page.
pub(crate) fn hidden(page: &str, name: &str) -> String {
    let tag = page.split("<input").find(|tag| tag.contains(&format!("name=\"{name}\"")) && tag.contains("hidden"));
    let tag = tag.unwrap_or_else(|| panic!("no field {name} in {page}"));
    tag.split_once("value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

/// A program that wants to be connected.
pub(crate) struct App<'a> {
    pub(crate) site: &'a Site,
    pub(crate) id: String,
    pub(crate) redirect: String,
}

/// The tokens an app has.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) scope: String,
}

impl<'a> App<'a> {
    pub(crate) async fn register(site: &'a Site) -> Self {
        Self::register_at(site, "https://app.example/callback").await
    }

    pub(crate) async fn register_at(site: &'a Site, redirect: &str) -> Self {
        let body = json!({"client_name": "An app", "redirect_uris": [redirect]}).to_string();
        let answer = site.post_json("/oauth/register", &[], &body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let id = answer.json()["client_id"].as_str().unwrap().to_owned();
        Self { site, id, redirect: redirect.to_owned() }
    }

    /// The path of an authorization request; `changes` replace fields, and an empty value removes one.
    pub(crate) fn request(&self, changes: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect),
            ("state", "state of the app"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("scope", ALL),
        ];
        for (name, value) in changes {
            fields.retain(|(known, _)| known != name);
            if !value.is_empty() {
                fields.push((name, value));
            }
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        format!("/oauth/authorize?{query}")
    }

    /// Exchanges a code; `changes` as for [`App::request`].
    pub(crate) async fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in changes {
            fields.retain(|(known, _)| known != name);
            if !value.is_empty() {
                fields.push((name, value));
            }
        }
        self.site.post("/oauth/token", &[], &fields).await
    }

    pub(crate) async fn refresh(&self, token: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        if !more.iter().any(|(name, _)| *name == "client_id") {
            fields.push(("client_id", &self.id));
        }
        fields.extend(more);
        self.site.post("/oauth/token", &[], &fields).await
    }

    pub(crate) async fn revoke(&self, token: &str, more: &[(&str, &str)]) -> Answer {
        let fields: Vec<_> =
            [("token", token), ("client_id", &self.id)].into_iter().chain(more.iter().copied()).collect();
        self.site.post("/oauth/revoke", &[], &fields).await
    }

    /// Gets connected by the owner.
    pub(crate) async fn connect(&self) -> Tokens {
        let code = Person::owner(self.site).await.allow(self).await;
        Tokens::of(&self.redeem(&code, &[]).await)
    }
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}")).to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), scope: text("scope") }
    }
}
