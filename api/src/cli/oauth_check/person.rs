//! The person who signs in and decides: played with a password, or a real one at a browser.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use anyhow::{Context, anyhow, bail, ensure};
use reqwest::{Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::{Url, form_urlencoded};

use super::client::{Client, Request};
use crate::cli::say;

/// How long a real person may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// More pages in a row than any way through sign-in has.
const MOST_PAGES: usize = 10;

/// Who signs in and approves.
pub(super) struct Person {
    name: String,
    password: Option<SecretString>,
    cookies: BTreeMap<String, String>,
}

/// What came back to the client.
pub(super) struct Answer {
    pub(super) code: String,
    pub(super) url: Url,
}

impl Person {
    pub(super) fn new(name: &str, password: Option<SecretString>) -> Self {
        Self { name: name.to_owned(), password, cookies: BTreeMap::new() }
    }

    /// Whether somebody has to click.
    pub(super) fn is_real(&self) -> bool {
        self.password.is_none()
    }

    /// Lets the client in, and returns what it was answered.
    pub(super) async fn approve(&mut self, client: &Client, request: &Request) -> anyhow::Result<Answer> {
        let url = match self.password.clone() {
            Some(password) => self.click(client, &request.url, &password).await?,
            None => wait_for_browser(client, &request.url).await?,
        };
        let url = Url::parse(&url).context("the answer is no URL")?;
        let field = |name: &str| -> Vec<String> {
            url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
        };
        if let Some(error) = field("error").first() {
            bail!("the server answered {error}: {}", field("error_description").concat());
        }
        ensure!(field("state") == [request.state.clone()], "state came back changed: {:?}", field("state"));
        let issuer = client.endpoints["issuer"].as_str().unwrap_or_default();
        ensure!(field("iss") == [issuer], "iss must be {issuer} once, but is {:?}", field("iss"));
        let code = field("code").pop().ok_or_else(|| anyhow!("the answer has no code"))?;
        Ok(Answer { code, url })
    }

    /// Goes from page to page as a browser would, signs in where it is asked to, and presses Approve.
    async fn click(&mut self, client: &Client, url: &str, password: &SecretString) -> anyhow::Result<String> {
        let mut here = Url::parse(url)?;
        let mut response = self.get(client, &here).await?;
        for _ in 0..MOST_PAGES {
            if let Some(location) = response.headers().get(header::LOCATION) {
                let location = location.to_str().context("a redirect that cannot be read")?;
                if location.starts_with(&client.redirect_uri) {
                    return Ok(location.to_owned());
                }
                here = here.join(location)?;
                response = self.get(client, &here).await?;
                continue;
            }
            let status = response.status();
            let page = response.text().await?;
            if here.path() == "/login" && status == StatusCode::FORBIDDEN {
                bail!("name ({}) or password (OWNER_PASSWORD) is wrong", self.name);
            }
            ensure!(status.is_success(), "{} answers {status}: {}", here.path(), heading(&page));
            let mut fields: Vec<(String, String)> = Vec::new();
            for name in ["code", "return_to", "transaction"] {
                fields.extend(hidden(&page, name).map(|value| (name.to_owned(), value)));
            }
            let action = if page.contains("type=\"password\"") {
                fields.push(("name".into(), self.name.clone()));
                fields.push(("password".into(), password.expose_secret().to_owned()));
                "/login"
            } else {
                let boxes = ["scope_read", "scope_write", "scope_image_processing"];
                let shown = boxes.iter().filter(|name| page.contains(&format!("name=\"{name}\"")));
                fields.extend(shown.map(|name| ((*name).to_owned(), "on".to_owned())));
                fields.push(("decision".into(), "approve".into()));
                "/oauth/authorize"
            };
            here = here.join(action)?;
            response = self.submit(client, &here, &fields).await?;
        }
        bail!("sign-in went round in circles, at {}", here.path())
    }

    async fn get(&mut self, client: &Client, url: &Url) -> anyhow::Result<Response> {
        let response = client.http.get(url.clone()).header(header::COOKIE, self.cookie()).send().await?;
        self.keep_cookies(&response);
        Ok(response)
    }

    async fn submit(&mut self, client: &Client, url: &Url, fields: &[(String, String)]) -> anyhow::Result<Response> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = client
            .http
            .post(url.clone())
            .header(header::COOKIE, self.cookie())
            .header(header::ORIGIN, url.origin().ascii_serialization())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        let response = request.send().await?;
        self.keep_cookies(&response);
        Ok(response)
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&mut self, response: &Response) {
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The value of a hidden field of a page of ours.
fn hidden(page: &str, name: &str) -> Option<String> {
    let tag = page.split("<input").find(|tag| tag.contains(&format!("name=\"{name}\"")) && tag.contains("hidden"))?;
    let value = tag.split_once("value=\"")?.1.split_once('"')?.0;
    Some(value.replace("&#61;", "=").replace("&#38;", "&").replace("&amp;", "&"))
}

fn heading(page: &str) -> &str {
    let after = page.split_once("<h1>").map_or("", |(_, rest)| rest);
    after.split_once("</h1>").map_or("", |(heading, _)| heading)
}

/// Opens the page in a browser and waits until it comes back.
async fn wait_for_browser(client: &Client, url: &str) -> anyhow::Result<String> {
    say(&format!("Open this page, sign in and approve:\n  {url}"));
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    // Where there is none, the person opens the page by hand.
    let _ = std::process::Command::new(opener).arg(url).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let callback = client.callback.as_ref().ok_or_else(|| anyhow!("nobody listens for the browser"))?;
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let (mut stream, _) = callback.accept().await?;
            let mut head = vec![0; 16 * 1024];
            let read = stream.read(&mut head).await?;
            let text = String::from_utf8_lossy(&head[..read]).into_owned();
            let target = text.split(' ').nth(1).unwrap_or_default();
            let body = "Back to the terminal: the check goes on there.";
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await?;
            // A browser also asks for an icon.
            if target.starts_with("/callback?") {
                return Ok(target.replacen("/callback", &client.redirect_uri, 1));
            }
        }
    });
    waited.await.unwrap_or_else(|_| bail!("nobody approved within five minutes"))
}
