//! A person with a browser: keeps cookies, and fills in the forms that it was shown.

use std::collections::BTreeMap;

use url::form_urlencoded::Serializer;

use super::{Answer, House};

/// A person with a browser.
pub(crate) struct Visitor<'h> {
    house: &'h House,
    pub(crate) cookies: BTreeMap<String, String>,
    /// What the browser says as `Origin` with a form; `None`: nothing.
    pub(crate) origin: Option<String>,
    /// The code in the forms of the last page that had one.
    pub(crate) code: Option<String>,
}

impl<'h> Visitor<'h> {
    pub(crate) fn new(house: &'h House) -> Self {
        Self { house, cookies: BTreeMap::new(), origin: Some(house.issuer.clone()), code: None }
    }

    /// One who is signed in.
    pub(crate) async fn signed_in(house: &'h House, name: &str, password: &str) -> Self {
        let mut visitor = Self::new(house);
        let answer = visitor.sign_in(name, password).await;
        assert_eq!((answer.status, visitor.get("/account").await.status), (303, 200), "{}", answer.body);
        visitor
    }

    /// Opens the sign-in page and sends it.
    pub(crate) async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.get("/login").await;
        self.submit("/login", &[("name", name), ("password", password)]).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let cookies = self.cookie_header();
        let answer = self.house.http("GET", path, &[("Cookie", &cookies), ("Accept", "text/html")], "").await;
        self.keep(answer)
    }

    /// Sends a form with the code of the last page, unless `fields` has another.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = Serializer::new(String::new());
        body.extend_pairs(fields);
        if let Some(code) = self.code.as_deref().filter(|_| !fields.iter().any(|(name, _)| *name == "code")) {
            body.append_pair("code", code);
        }
        let cookies = self.cookie_header();
        let mut headers = vec![("Cookie", cookies.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        headers.extend(self.origin.as_deref().map(|origin| ("Origin", origin)));
        let answer = self.house.http("POST", path, &headers, &body.finish()).await;
        self.keep(answer)
    }

    /// Goes where a redirect within the server leads.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> Answer {
        assert_eq!(answer.status, 303, "{}", answer.body);
        let location = &answer.headers["location"];
        let path = location.strip_prefix(&self.house.issuer).unwrap_or(location).to_owned();
        assert!(path.starts_with('/'), "{location} leads away");
        self.get(&path).await
    }

    fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, answer: Answer) -> Answer {
        for cookie in &answer.cookies {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(code) = value_of(&answer.body, "code") {
            self.code = Some(code);
        }
        answer
    }
}

/// The value of the first field of this name in a page.
pub(crate) fn value_of(page: &str, name: &str) -> Option<String> {
    let rest = page.split_once(&format!("name=\"{name}\" value=\""))?.1;
    Some(rest.split_once('"')?.0.to_owned())
}
