//! Authorization requests that try to send a code, or a person, where neither belongs.

use serde_json::json;

use crate::site::{ALL, App, Person, Site};

/// Nothing was sent anywhere: a page of our own says what is wrong.
fn stays_here(answer: &crate::site::Answer) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(answer.header("location"), "");
    assert!(answer.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn a01_an_unknown_client_is_told_to_the_person_and_nobody_else() {
    for site in Site::both(&[]).await {
        let app = App { site: &site, id: "itc_unknown".into(), redirect: "https://evil.example/cb".into() };
        stays_here(&site.get(&app.request(&[]), &[]).await);
        stays_here(&site.get(&app.request(&[("client_id", "")]), &[]).await);
        site.stop().await;
    }
}

#[tokio::test]
async fn a02_an_address_that_was_not_registered_gets_nothing() {
    for site in Site::both(&[]).await {
        let app = App::register(&site).await;
        stays_here(&site.get(&app.request(&[("redirect_uri", "https://evil.example/callback")]), &[]).await);
        stays_here(&site.get(&app.request(&[("redirect_uri", "")]), &[]).await);
        // Not even an error.
        let both = app.request(&[("redirect_uri", "https://evil.example/callback"), ("response_type", "token")]);
        stays_here(&site.get(&both, &[]).await);
        site.stop().await;
    }
}

#[tokio::test]
async fn a03_an_address_must_be_the_registered_one_byte_for_byte() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    for trick in [
        "https://app.example/callback/",
        "https://app.example/callback/../callback",
        "https://app.example/callback?x=1",
        "https://app.example/callbackx",
        "https://app.example/callbac",
        "https://app.example/Callback",
        "https://APP.example/callback",
        "https://app.example./callback",
        "https://app.example:443/callback",
        "https://app.example/%63allback",
        "https://app.example/x/%2e%2e/callback",
        "https://app.example@evil.example/callback",
        "https://user@app.example/callback",
        "https://app.example.evil.example/callback",
        "https://app.example%2eevil.example/callback",
        "https://app.example\\@evil.example/callback",
        "https://app.example/callback#x",
        "http://app.example/callback",
        "//app.example/callback",
        " https://app.example/callback",
        "https://app.example/callback\n",
        "https://app.example/callback\0",
    ] {
        stays_here(&site.get(&app.request(&[("redirect_uri", trick)]), &[]).await);
    }
    assert_eq!(site.get(&app.request(&[]), &[]).await.status, 303, "the registered one works");
}

#[tokio::test]
async fn a04_no_scheme_that_a_browser_runs_can_be_registered_or_used() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    for uri in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "\u{1}javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://app.example/1",
        "about:blank",
        "http://app.example/cb",
        "https:///cb",
        "https://app.example/cb#fragment",
        "https://app.example/\u{202e}cb",
    ] {
        let body = json!({"client_name": "x", "redirect_uris": ["https://good.example/cb", uri]}).to_string();
        let answer = site.post_json("/oauth/register", &[], &body).await;
        assert_eq!(answer.error(), (400, "invalid_redirect_uri".into()), "{uri:?}");
        stays_here(&site.get(&app.request(&[("redirect_uri", uri)]), &[]).await);
    }
    let native = App::register_at(&site, "cursor://anysphere.cursor-mcp/oauth/callback").await;
    assert_eq!(site.get(&native.request(&[]), &[]).await.status, 303, "an app of its own scheme works");
}

#[tokio::test]
async fn a05_only_the_port_on_the_same_machine_is_free() {
    let site = Site::here().await;
    let app = App::register_at(&site, "http://localhost/callback").await;
    for (uri, works) in [
        ("http://localhost:54321/callback", true),
        ("http://localhost:1/callback", true),
        ("http://localhost:0/callback", false),
        ("http://localhost:99999/callback", false),
        ("http://127.0.0.1:54321/callback", false),
        ("http://localhost.evil.com:54321/callback", false),
        ("http://localhost:54321@evil.com/callback", false),
        ("http://localhost:54321/other", false),
        ("https://localhost:54321/callback", false),
        ("http://LOCALHOST:54321/callback", false),
    ] {
        let answer = site.get(&app.request(&[("redirect_uri", uri)]), &[]).await;
        assert_eq!(answer.status == 303, works, "{uri}: {}", answer.status);
    }
    // The same holds when the code is redeemed.
    let elsewhere = App { site: &site, id: app.id.clone(), redirect: "http://localhost:54321/callback".into() };
    let code = Person::owner(&site).await.allow(&elsewhere).await;
    let wrong = elsewhere.redeem(&code, &[("redirect_uri", "http://localhost.evil.com/callback")]).await;
    assert_eq!(wrong.error(), (400, "invalid_grant".into()));
    assert_eq!(elsewhere.redeem(&code, &[]).await.status, 200);
}

#[tokio::test]
async fn a06_without_a_proof_key_of_s256_there_is_no_code() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    for changes in [
        vec![("code_challenge", "")],
        vec![("code_challenge_method", "")],
        vec![("code_challenge_method", "plain")],
        vec![("code_challenge_method", "s256")],
        vec![("code_challenge", "short")],
        vec![("code_challenge", "0123456789012345678901234567890123456789012=")],
        vec![("code_challenge", "01234567890123456789012345678901234567890123")],
        vec![("code_challenge", ""), ("code_challenge_method", "")],
    ] {
        let answer = site.get(&app.request(&changes), &[]).await;
        assert_eq!((answer.status, answer.sent("error").as_deref()), (303, Some("invalid_request")), "{changes:?}");
        assert!(answer.header("location").starts_with("https://app.example/callback?"), "{changes:?}");
    }
    let answer = site.get(&app.request(&[("response_type", "token")]), &[]).await;
    assert_eq!(answer.sent("error").as_deref(), Some("unsupported_response_type"));
}

#[tokio::test]
async fn a07_a_parameter_that_is_given_twice_is_refused() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    for more in ["scope=read", "redirect_uri=https://evil.example/", "client_id=x", "unknown=1&unknown=2"] {
        stays_here(&site.get(&format!("{}&{more}", app.request(&[])), &[]).await);
    }
    let code = Person::owner(&site).await.allow(&app).await;
    let fields =
        [("grant_type", "authorization_code"), ("code", code.as_str()), ("code", "another"), ("client_id", &app.id)];
    assert_eq!(site.post("/oauth/token", &[], &fields).await.error(), (400, "invalid_request".into()));
    assert_eq!(site.post("/oauth/revoke", &[], &fields).await.error(), (400, "invalid_request".into()));
    assert_eq!(app.redeem(&code, &[]).await.status, 200, "the code was not spent");
}

#[tokio::test]
async fn a08_only_our_own_resource_can_be_asked_for() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let own = format!("{}/mcp", site.url);
    for resource in ["https://other.example/mcp", "/mcp", "mcp", &format!("{own}#x"), &format!("{own}/x"), &site.url] {
        let answer = site.get(&app.request(&[("resource", resource)]), &[]).await;
        assert_eq!(answer.sent("error").as_deref(), Some("invalid_target"), "{resource}");
    }
    for resource in [own.as_str(), &format!("{own}/"), &own.replace("http://", "HTTP://")] {
        let answer = site.get(&app.request(&[("resource", resource)]), &[]).await;
        assert!(answer.header("location").starts_with("/oauth/authorize?"), "{resource}");
    }
}

#[tokio::test]
async fn a09_every_answer_names_its_issuer_once_and_keeps_the_state() {
    let site = Site::here().await;
    let app = App::register_at(&site, "https://app.example/callback?kept=1").await;
    let state = "&#\"< %41+\u{e9}=?;";
    let mut person = Person::owner(&site).await;
    let refused = site.get(&app.request(&[("state", state), ("response_type", "token")]), &[]).await;
    let mut answers = vec![refused];
    for decision in ["approve", "deny"] {
        let page = person.consent(&app.request(&[("state", state)])).await;
        answers.push(person.decide(&page, decision, ALL).await);
    }
    for answer in &answers {
        assert_eq!(answer.sent("iss").as_ref(), Some(&site.url));
        assert_eq!(answer.sent("state").as_deref(), Some(state));
        assert_eq!(answer.sent("kept").as_deref(), Some("1"), "what was registered stays");
    }
    assert!(answers[1].sent("code").is_some() && answers[1].sent("error").is_none());
    assert_eq!(answers[2].sent("error").as_deref(), Some("access_denied"));
    assert!(answers[2].sent("code").is_none());
    let without = person.consent(&app.request(&[("state", "")])).await;
    assert_eq!(person.decide(&without, "deny", ALL).await.sent("state"), None);
}

#[tokio::test]
async fn a10_no_line_break_reaches_a_header() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let state = "a\r\nSet-Cookie: x=1\r\n\r\n<script>\0";
    let answer = site.get(&app.request(&[("state", state), ("response_type", "x")]), &[]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.sent("state").as_deref(), Some(state));
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 0);
    assert!(!answer.header("location").contains(['\r', '\n', '\0']));
    let long = "x".repeat(4097);
    let answer = site.get(&app.request(&[("state", &long)]), &[]).await;
    assert_eq!(answer.sent("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn a11_no_code_is_sent_to_our_own_pages() {
    let site = Site::here_with(&[("PUBLIC_URL", "https://it.example")]).await;
    let host = [("host", "it.example")];
    for uri in ["https://it.example/oauth/authorize", "https://IT.example:443/", "https://it.example/login"] {
        let body = json!({"client_name": "x", "redirect_uris": [uri]}).to_string();
        let answer = site.post_json("/oauth/register", &host, &body).await;
        assert_eq!(answer.error(), (400, "invalid_redirect_uri".into()), "{uri}");
    }
}
