//! Beyond the list: what an attacker found by trying, and what must happen instead.

use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::site::{App, PASSWORD, Person, Site, Tokens, hidden};

#[cfg(unix)]
#[tokio::test]
async fn other_accounts_of_the_machine_see_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::program().await;
    let mut folders = vec![site.data.clone()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains("sqlite3") {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 0);
}

#[tokio::test]
async fn hanging_up_does_not_save_a_guess_from_being_counted() {
    let site = Site::here().await;
    let mut person = Person::new(&site);
    let code = hidden(&person.get("/login").await.body, "code");
    let body = format!("name=owner&password=a-wrong-password&code={code}");
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: {host}\r\nOrigin: {url}\r\nCookie: {cookie}\r\nContent-Length: {length}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
        host = site.url.trim_start_matches("http://"),
        url = site.url,
        cookie = person.cookie(),
        length = body.len(),
    );
    let counted = async || {
        let state = &site.stores().state;
        state.counted("limit/password/all").await.unwrap().map_or(0, |count| count.total)
    };
    // Some are given up before anything is done for them; none that costs a hash goes uncounted.
    let mut sent = 0;
    while counted().await < 10 {
        assert!(sent < 200, "{} of {sent} were counted", counted().await);
        let mut stream = TcpStream::connect(site.url.trim_start_matches("http://")).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        sent += 1;
    }
    assert_eq!(person.sign_in("owner", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn strangers_cannot_lock_out_a_browser_that_was_let_in_before() {
    let site = Site::here_with(&[("TRUSTED_PROXY_HOPS", "1")]).await;
    let mut owner = Person::owner(&site).await;
    let code = hidden(&owner.get("/account").await.body, "code");
    owner.submit("/logout", &[("code", &code)]).await;
    let state = &site.stores().state;
    for whose in ["all", "127.0.0.1"] {
        let quarter = std::time::Duration::from_secs(900);
        state.count(&format!("limit/password/{whose}"), 500, quarter).await.unwrap();
    }
    assert_eq!(Person::new(&site).sign_in("owner", PASSWORD).await.status, 429, "a stranger's browser");
    assert_eq!(owner.sign_in("owner", PASSWORD).await.status, 303);
    // What it knows is of its own person only.
    assert_eq!(owner.sign_in("nobody", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn a_new_password_closes_everything_that_the_old_one_opened() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let mut thief = Person::owner(&site).await;
    let code_of_thief = thief.allow(&app).await;
    let mut owner = Person::owner(&site).await;
    let page = owner.get("/account").await;
    let code = hidden(&page.body, "code");
    let fields = [("code", code.as_str()), ("current", PASSWORD), ("new", "another long password")];
    assert_eq!(owner.submit("/account/password", &fields).await.status, 303);
    assert_eq!(thief.get("/account").await.status, 303, "signed out");
    assert_eq!(owner.get("/account").await.status, 200, "still signed in");
    assert_eq!(app.redeem(&code_of_thief, &[]).await.error(), (400, "invalid_grant".into()));
    assert_eq!(Person::new(&site).sign_in("owner", PASSWORD).await.status, 403);
}

#[tokio::test]
async fn a_reset_disconnects_the_apps_of_whoever_knew_the_password() {
    let site = Site::program().await;
    let app = App::register(&site).await;
    let tokens = app.connect().await;
    let line = site.command(&["owner", "reset"]);
    let setup_code = line.split_once("code ").unwrap().1.trim().to_owned();
    let mut owner = Person::new(&site);
    let code = hidden(&owner.get("/setup").await.body, "code");
    let fields = [("code", code.as_str()), ("setup_code", &setup_code), ("password", "a password after the theft")];
    assert_eq!(owner.submit("/setup", &fields).await.status, 303);
    assert!(!site.lets_in(&tokens.access).await);
    assert_eq!(app.refresh(&tokens.refresh, &[]).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn a_page_that_makes_requests_fail_keeps_nobody_out() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let tokens = app.connect().await;
    let image = [("sec-fetch-site", "cross-site"), ("sec-fetch-dest", "image")];
    for _ in 0..59 {
        assert_eq!(site.get("/oauth/authorize?client_id=x", &image).await.status, 400);
    }
    for _ in 0..120 {
        let fields = [("grant_type", "x")];
        site.post("/oauth/token", &[("origin", "https://evil.example")], &fields).await;
    }
    assert!(site.lets_in(&tokens.access).await);
    let next = Tokens::of(&app.refresh(&tokens.refresh, &[]).await);
    for _ in 0..120 {
        site.mcp(Some("not-a-token")).await;
    }
    assert_eq!(site.mcp(Some("not-a-token")).await.status, 429);
    assert!(site.lets_in(&next.access).await, "a good token is never made to wait for bad ones");
    Person::owner(&site).await;
}

#[tokio::test]
async fn requests_to_connect_are_bounded() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    for _ in 0..60 {
        assert_eq!(site.get(&app.request(&[]), &[]).await.status, 303);
    }
    let stopped = site.get(&app.request(&[]), &[]).await;
    assert_eq!(stopped.status, 429);
    assert!(!stopped.header("retry-after").is_empty());
}

#[tokio::test]
async fn without_sign_in_neither_proxies_nor_foreign_pages_come_in() {
    let site = Site::here_with(&[("AUTH", "off")]).await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for (headers, status) in [
        (vec![], 200),
        (vec![("origin", "http://localhost:6274")], 200),
        (vec![("origin", "https://claude.ai")], 403),
        (vec![("x-forwarded-for", "203.0.113.9")], 403),
        (vec![("forwarded", "for=203.0.113.9")], 403),
    ] {
        assert_eq!(site.post_json("/mcp", &headers, list).await.status, status, "{headers:?}");
    }
}
