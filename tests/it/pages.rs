//! Setting up, signing in and consenting, in a real browser.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    chromium::Chromium,
    site::{App, Person, Site, Tokens},
};

/// An app that waits at `/callback`, and sends whoever comes there on to another of its addresses, as claude.ai does.
struct AppServer {
    address: String,
}

impl AppServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = vec![0; 16 * 1024];
                let read = stream.read(&mut head).await.unwrap_or_default();
                let target = String::from_utf8_lossy(&head[..read]).split(' ').nth(1).unwrap_or_default().to_owned();
                let answer = match target.split_once('?') {
                    Some(("/callback", query)) => {
                        format!(
                            "HTTP/1.1 302 Found\r\nLocation: http://localhost:{port}/done?{query}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                        )
                    }
                    Some(("/frame", page)) => page_of(&format!("<iframe src=\"{page}\"></iframe>")),
                    _ => page_of("<h1>Connected</h1>"),
                };
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address: format!("http://127.0.0.1:{port}") }
    }
}

fn page_of(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

#[tokio::test]
async fn somebody_sets_up_signs_in_and_connects_an_app() {
    let Some(browser) = Chromium::start().await else { return };
    let site = Site::program_with(&[("OWNER_PASSWORD", "")]).await;
    let code = site.log.setup_code();
    browser.open(&format!("{}/setup", site.url)).await;
    browser.type_into("input[name=setup_code]", &code).await;
    browser.type_into("input[name=password]", "a long enough password").await;
    browser.click("button[type=submit]").await;
    browser.arrive("/account").await;
    // Out and in again.
    browser.click("form[action='/logout'] button").await;
    browser.arrive("/login").await;
    browser.open(&format!("{}/account", site.url)).await;
    browser.arrive("/login").await;
    browser.type_into("input[name=password]", "a long enough password").await;
    browser.click("button[type=submit]").await;
    browser.arrive("/account").await;
    let there = AppServer::start().await;
    let app = App::register_at(&site, &format!("{}/callback", there.address)).await;
    browser.open(&format!("{}{}", site.url, app.request(&[]))).await;
    assert!(browser.source().await.contains("An app"));
    browser.click("input[name=scope_image_processing]").await;
    browser.click("button[value=approve]").await;
    // The whole chain was followed, to another origin than the one the form led to.
    let arrived = browser.arrive("/done?").await;
    assert!(
        arrived.starts_with(&there.address.replace("127.0.0.1", "localhost")) && arrived.contains("/done?"),
        "{arrived}"
    );
    let arrived = url::Url::parse(&arrived).unwrap();
    let code = arrived.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let tokens = Tokens::of(&app.redeem(&code, &[]).await);
    assert_eq!(tokens.scope, "read write");
    assert!(site.lets_in(&tokens.access).await);
    browser.open(&format!("{}/account", site.url)).await;
    browser.click("form[action='/account/apps/revoke'] button").await;
    browser.arrive("done=").await;
    assert!(!site.lets_in(&tokens.access).await);
    browser.quit().await;
}

#[tokio::test]
async fn no_page_is_shown_in_a_frame_and_no_name_is_run() {
    let Some(browser) = Chromium::start().await else { return };
    let site = Site::here().await;
    let there = AppServer::start().await;
    browser.open(&format!("{}/frame?{}/login", there.address, site.url)).await;
    browser.enter_frame().await;
    assert!(!browser.source().await.contains("password"), "the sign-in page was framed");
    let name = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    let body = serde_json::json!({"client_name": name, "redirect_uris": [format!("{}/callback", there.address)]});
    let client = site.post_json("/oauth/register", &[], &body.to_string()).await.json();
    let id = client["client_id"].as_str().unwrap().to_owned();
    let app = App { site: &site, id, redirect: format!("{}/callback", there.address) };
    browser.open(&format!("{}{}", site.url, app.request(&[]))).await;
    browser.type_into("input[name=password]", crate::site::PASSWORD).await;
    browser.click("button[type=submit]").await;
    browser.arrive("transaction=").await;
    assert!(browser.source().await.contains("onerror=alert(2)"), "the name is shown as text");
    assert!(!browser.has_dialog().await);
    assert_eq!(browser.run("return document.scripts.length + document.images.length").await, 0);
    browser.click("button[value=deny]").await;
    browser.arrive("error=access_denied").await;
    browser.quit().await;
}

#[tokio::test]
async fn pages_fit_a_phone_and_every_field_has_a_label() {
    let Some(browser) = Chromium::start().await else { return };
    let site = Site::here().await;
    let app = App::register(&site).await;
    app.connect().await;
    Person::owner(&site).await;
    browser.as_phone().await;
    browser.open(&format!("{}{}", site.url, app.request(&[]))).await;
    let mut seen = 0;
    for step in ["sign in", "consent", "account"] {
        match step {
            "consent" => {
                browser.type_into("input[name=password]", crate::site::PASSWORD).await;
                browser.click("button[type=submit]").await;
                browser.arrive("transaction=").await;
            }
            "account" => browser.open(&format!("{}/account", site.url)).await,
            _ => {}
        }
        let too_wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        assert_eq!(browser.run(too_wide).await, false, "{step} is wider than a phone");
        let unlabelled = "return [...document.querySelectorAll('input:not([type=hidden]):not([hidden])')]
            .filter(field => field.labels.length === 0 && !field.ariaLabel).map(field => field.name)";
        assert_eq!(browser.run(unlabelled).await, serde_json::json!([]), "{step}");
        let small =
            "return [...document.querySelectorAll('button')].filter(b => b.offsetHeight < 40).map(b => b.innerText)";
        assert_eq!(browser.run(small).await, serde_json::json!([]), "{step} has buttons too small for a finger");
        assert_eq!(browser.run("return document.querySelectorAll('h1').length").await, 1, "{step}");
        seen += 1;
    }
    assert_eq!(seen, 3);
    browser.quit().await;
}
