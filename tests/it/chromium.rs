//! Headless Chromium, driven over WebDriver (W3C). Where it is not installed, tests of pages say so and pass.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

/// The key under which WebDriver names an element (W3C WebDriver, section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(crate) struct Chromium {
    driver: Child,
    session: String,
    http: reqwest::Client,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// A browser of its own; `None`, said loudly, where there is none.
    #[expect(clippy::print_stdout, reason = "whoever reads the tests' output must not take this for a pass")]
    pub(crate) async fn start() -> Option<Self> {
        let (Some(driver), Some(browser)) =
            (found("chromedriver"), found("chromium").or_else(|| found("google-chrome")))
        else {
            println!("SKIPPED: chromium and chromedriver are not installed, so this page was not seen in a browser");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut driver =
            Command::new(driver).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map(Result::unwrap);
        let started = lines.find_map(|line| line.split_once("successfully on port ").map(|(_, port)| port.to_owned()));
        let port = started.expect("chromedriver says its port").trim_end_matches('.').to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        let options = json!({
            "binary": browser,
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", format!("--user-data-dir={}", profile.path().display()),
            ],
        });
        let http = reqwest::Client::new();
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let base = format!("http://127.0.0.1:{port}");
        let answer: Value =
            http.post(format!("{base}/session")).json(&wanted).send().await.unwrap().json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        Some(Self { driver, session: format!("{base}/session/{id}"), http, _profile: profile })
    }

    async fn post(&self, command: &str, body: Value) -> Result<Value, String> {
        let request = self.http.post(format!("{}/{command}", self.session)).json(&body);
        Self::value(request).await
    }

    async fn read(&self, command: &str) -> Result<Value, String> {
        Self::value(self.http.get(format!("{}/{command}", self.session))).await
    }

    async fn value(request: reqwest::RequestBuilder) -> Result<Value, String> {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        match answer["value"]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", answer["value"]["message"])),
            None => Ok(answer["value"].clone()),
        }
    }

    pub(crate) async fn open(&self, url: &str) {
        self.post("url", json!({ "url": url })).await.unwrap();
    }

    /// Where the browser is now.
    pub(crate) async fn url(&self) -> String {
        self.read("url").await.unwrap().as_str().unwrap().to_owned()
    }

    /// Waits until the browser is at an address that holds `part`, and returns it.
    pub(crate) async fn arrive(&self, part: &str) -> String {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let url = self.url().await;
            if url.contains(part) {
                return url;
            }
            assert!(std::time::Instant::now() < deadline, "still at {url}, not at {part}: {}", self.source().await);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// The page as the browser understood it.
    pub(crate) async fn source(&self) -> String {
        self.read("source").await.unwrap().as_str().unwrap().to_owned()
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.post("execute/sync", json!({"script": script, "args": []})).await.unwrap()
    }

    /// Waits until `script` returns true.
    pub(crate) async fn until(&self, script: &str) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while self.run(script).await != true {
            assert!(std::time::Instant::now() < deadline, "not so: {script}: {}", self.source().await);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Whether a script of the page has opened a dialog.
    pub(crate) async fn has_dialog(&self) -> bool {
        self.read("alert/text").await.is_ok()
    }

    async fn element(&self, selector: &str) -> String {
        let found = self.post("element", json!({"using": "css selector", "value": selector})).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => panic!("{selector}: {error} at {}: {}", self.url().await, self.source().await),
        };
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.post(&format!("element/{element}/clear"), json!({})).await.unwrap();
        self.post(&format!("element/{element}/value"), json!({ "text": text })).await.unwrap();
    }

    /// Clicks. Where that leads to another page, [`Chromium::arrive`] waits for it.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.post(&format!("element/{element}/click"), json!({})).await.unwrap();
    }

    /// Goes into the first frame of the page.
    pub(crate) async fn enter_frame(&self) {
        self.post("frame", json!({ "id": 0 })).await.unwrap();
    }

    /// Makes the window as wide as a phone.
    pub(crate) async fn as_phone(&self) {
        self.post("window/rect", json!({"width": 390, "height": 844})).await.unwrap();
    }

    /// Closes the browser.
    pub(crate) async fn quit(self) {
        let _ = self.http.delete(&self.session).send().await;
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
