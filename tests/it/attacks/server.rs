//! The server as a whole: its names, its secrets, its limits, several processes of it.

use serde_json::json;

use crate::site::{ALL, App, PASSWORD, Person, SECRET, Site, Tokens, VERIFIER, hidden};

#[tokio::test]
async fn a56_headers_cannot_change_who_we_are_or_who_is_counted() {
    for site in Site::both(&[]).await {
        let lies = [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "host=evil.example;proto=https"),
            ("x-forwarded-for", "203.0.113.7"),
        ];
        for path in
            ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp", "/oauth/status"]
        {
            let answer = site.get(path, &lies).await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.body.contains(&site.url) && !answer.body.contains("evil"), "{}", answer.body);
        }
        let challenge = site.post_json("/mcp", &lies, "").await;
        assert!(
            challenge.header("www-authenticate").contains(&site.url)
                && !challenge.header("www-authenticate").contains("evil")
        );
        assert_eq!(site.get("/login", &lies).await.status, 403, "pages are for their own name");
        // Failures are counted by the address that is really there.
        let mut last = 0;
        for n in 0..105 {
            let from = format!("203.0.113.{n}");
            let fields = [("grant_type", "authorization_code"), ("client_id", "itc_nobody"), ("code", "x")];
            last = site.post("/oauth/token", &[("x-forwarded-for", &from)], &fields).await.status;
        }
        assert_eq!(last, 429);
        site.stop().await;
    }
}

#[tokio::test]
async fn a57_mcp_is_for_known_hosts_and_origins() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let bearer = format!("Bearer {}", app.connect().await.access);
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for (name, value, status) in [
        ("origin", "https://claude.ai", 200),
        ("origin", "http://localhost:6274", 200),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("host", "evil.example", 403),
    ] {
        let answer = site.post_json("/mcp", &[("authorization", &bearer), (name, value)], list).await;
        assert_eq!(answer.status, status, "{name}: {value}");
    }
    // A page of this machine is nobody special to a server that is elsewhere.
    let public = Site::here_with(&[("PUBLIC_URL", "https://it.example")]).await;
    let preflight = |origin: &'static str| {
        let http = public.http.clone();
        let url = format!("{}/mcp", public.url);
        async move {
            let request = http.request(reqwest::Method::OPTIONS, url).header("host", "it.example");
            let request = request.header("origin", origin).header("access-control-request-method", "POST");
            request.send().await.unwrap().headers().contains_key("access-control-allow-origin")
        }
    };
    assert!(preflight("https://claude.ai").await && !preflight("http://localhost:6274").await);
    let exposed = site.post_json("/mcp", &[("origin", "https://claude.ai")], list).await;
    assert!(exposed.header("access-control-expose-headers").contains("www-authenticate"));
}

#[tokio::test]
async fn a58_no_secret_is_written_anywhere() {
    let site = Site::program().await;
    let mut secrets =
        vec![PASSWORD.to_owned(), SECRET.to_owned(), "a wrong password 1".to_owned(), VERIFIER.to_owned()];
    let app = App::register(&site).await;
    Person::new(&site).sign_in("owner", "a wrong password 1").await;
    let mut owner = Person::owner(&site).await;
    let code = owner.allow(&app).await;
    let tokens = Tokens::of(&app.redeem(&code, &[]).await);
    let next = Tokens::of(&app.refresh(&tokens.refresh, &[]).await);
    assert!(site.lets_in(&next.access).await);
    site.mcp(Some(&format!("{}x", next.access))).await;
    app.redeem(&code, &[]).await;
    let page = owner.get("/account").await;
    let changed =
        [("code", hidden(&page.body, "code")), ("current", PASSWORD.into()), ("new", "another long password".into())];
    let changed: Vec<(&str, &str)> = changed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(owner.submit("/account/password", &changed).await.status, 303);
    let invite = site.command(&["user", "add", "bob"]);
    secrets.push(invite.lines().find_map(|line| line.split_once("/invite/")).unwrap().1.trim().to_owned());
    secrets.extend([code, tokens.access, tokens.refresh, next.access, next.refresh, "another long password".into()]);
    secrets.extend(owner.cookies.values().map(|cookie| cookie.split('~').next_back().unwrap().to_owned()));
    let mut places = vec![("the log".to_owned(), site.log.text().into_bytes())];
    for entry in std::fs::read_dir(&site.data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            places.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    assert!(places.len() > 1, "no database was looked at");
    for (place, bytes) in &places {
        for secret in &secrets {
            // A refresh token begins with what is no secret.
            let secret = secret.rsplit('.').next().unwrap().as_bytes();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "a secret is in {place}");
        }
    }
}

#[tokio::test]
async fn a59_a_weak_secret_is_refused_and_a_made_one_lasts() {
    for weak in ["short", "changeme-changeme-changeme-changeme", "00000000000000000000000000000000"] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new(crate::harness::binary());
        let ended = command.env("JWT_SECRET", weak).env("DATA_DIR", folder.path()).current_dir(folder.path()).output();
        let ended = ended.unwrap();
        let text = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && text.contains("JWT_SECRET") && !text.contains(weak), "{text}");
    }
    // The key that follows from it is published, so it can be compared.
    let settings = [("JWT_SECRET", ""), ("JWT_ALG", "ES256")];
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut keys = Vec::new();
    for folder in [&folder, &folder, &other] {
        let site = Site::program_on(folder.path(), &settings).await;
        keys.push(site.get("/.well-known/jwks.json", &[]).await.json());
        site.stop().await;
    }
    assert_eq!(keys[0], keys[1], "a restart signs nobody out");
    assert_ne!(keys[0], keys[2], "every server has its own");
}

#[tokio::test]
async fn a60_any_process_takes_up_where_another_stopped() {
    let folder = tempfile::tempdir().unwrap();
    // One name, as behind a load balancer.
    let public = [("PUBLIC_URL", "https://it.example"), ("HOST", "127.0.0.1")];
    let a = Site::program_on(folder.path(), &public).await;
    let b = Site::program_on(folder.path(), &public).await;
    let host = ("host", "it.example");
    let body = json!({"client_name": "x", "redirect_uris": ["https://app.example/callback"]}).to_string();
    let id = a.post_json("/oauth/register", &[host], &body).await.json()["client_id"].as_str().unwrap().to_owned();
    let at_a = App { site: &a, id: id.clone(), redirect: "https://app.example/callback".into() };
    let at_b = App { site: &b, id, redirect: "https://app.example/callback".into() };
    // The person goes back and forth too.
    let request = a.get(&at_a.request(&[]), &[host]).await;
    let transaction = request.header("location").to_owned();
    let browser = request.header("set-cookie").split(';').next().unwrap().to_owned();
    let page = b.get("/login", &[host, ("cookie", &browser)]).await;
    let fields = [("name", "owner"), ("password", PASSWORD), ("code", &hidden(&page.body, "code"))];
    let from = ("origin", "https://it.example");
    let signed_in = a.post("/login", &[host, from, ("cookie", &browser)], &fields).await;
    let session = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let cookie = format!("{browser}; {session}");
    let page = b.get(&transaction, &[host, ("cookie", &cookie)]).await;
    let (code, transaction) = (hidden(&page.body, "code"), hidden(&page.body, "transaction"));
    let fields =
        [("code", code.as_str()), ("transaction", &transaction), ("decision", "approve"), ("scope_read", "on")];
    let allowed = a.post("/oauth/authorize", &[host, from, ("cookie", &cookie)], &fields).await;
    let code = allowed.sent("code").unwrap();
    let tokens = Tokens::of(&at_b.redeem(&code, &[]).await);
    let call = async |site: &Site| {
        let bearer = format!("Bearer {}", tokens.access);
        let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        site.post_json("/mcp", &[host, ("authorization", &bearer)], list).await.status
    };
    assert_eq!((call(&a).await, call(&b).await), (200, 200));
    assert_eq!(at_a.revoke(&tokens.refresh, &[]).await.status, 200);
    assert_eq!((call(&a).await, call(&b).await), (401, 401), "at once, everywhere");
    assert_eq!(at_b.refresh(&tokens.refresh, &[]).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn a61_what_is_sent_has_bounds() {
    let site = Site::here().await;
    let large = "x".repeat(40 * 1024);
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/register", "/login", "/setup", "/oauth/authorize", "/logout"]
    {
        let answer = site.post(path, &[("origin", &site.url)], &[("code", &large)]).await;
        assert_eq!(answer.status, 413, "{path}");
    }
    let json_for_form = site.post_json("/oauth/token", &[], r#"{"grant_type":"authorization_code"}"#).await;
    assert_eq!(json_for_form.error(), (400, "invalid_request".into()));
}

#[test]
fn a62_secrets_are_compared_in_one_place() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders = vec![root.join("api/src")];
    let mut uses = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().contains("ct_eq") {
                uses.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    assert_eq!(uses, ["keys.rs"]);
}

#[tokio::test]
async fn a63_the_issuer_is_one_string_everywhere() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let server = site.get("/.well-known/oauth-authorization-server", &[]).await.json();
    let mut owner = Person::owner(&site).await;
    let page = owner.consent(&app.request(&[])).await;
    let answer = owner.decide(&page, "approve", ALL).await;
    assert_eq!(server["issuer"], site.url);
    assert_eq!(answer.sent("iss").as_deref(), server["issuer"].as_str());
    for path in ["", "/mcp", "/mcp/"] {
        let resource = site.get(&format!("/.well-known/oauth-protected-resource{path}"), &[]).await.json();
        assert_eq!(resource["authorization_servers"], json!([server["issuer"]]), "{path}");
        assert_eq!(resource["resource"], format!("{}/mcp", site.url));
    }
    for path in ["/oauth-authorization-server/mcp", "/openid-configuration", "/openid-configuration/mcp"] {
        let answer = site.get(&format!("/.well-known{path}"), &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.json();
    }
    let mcp_first = site.get("/mcp/.well-known/openid-configuration", &[]).await;
    assert_eq!(mcp_first.status, 404);
}
