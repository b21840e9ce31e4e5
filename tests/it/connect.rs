//! Real clients get connected: the protocol's own, the conformance suite, and our own check.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use rmcp::{
    ServiceExt,
    model::CallToolRequestParams,
    transport::{
        StreamableHttpClientTransport,
        auth::{AuthClient, AuthorizationRequest, OAuthState},
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::json;

use crate::{
    images::png,
    site::{ALL, App, PASSWORD, Person, Site, Tokens},
};

#[tokio::test]
async fn the_protocols_own_client_finds_signs_in_refreshes_and_calls_a_tool() {
    let site = Site::program().await;
    let mut state = OAuthState::new(format!("{}/mcp", site.url), None).await.unwrap();
    let request = AuthorizationRequest::new("http://127.0.0.1:9/callback").with_client_name("rmcp");
    state.start_authorization(request).await.unwrap();
    let url = state.get_authorization_url().await.unwrap();
    let mut owner = Person::owner(&site).await;
    let page = owner.consent(url.strip_prefix(&site.url).unwrap()).await;
    assert!(page.body.contains("rmcp"));
    let back = owner.decide(&page, "approve", ALL).await.header("location").to_owned();
    state.handle_callback_url(&back).await.unwrap();
    state.refresh_token().await.unwrap();
    let manager = state.into_authorization_manager().unwrap();
    let http = AuthClient::new(reqwest::Client::new(), manager);
    let settings = StreamableHttpClientTransportConfig::with_uri(format!("{}/mcp", site.url));
    let client = ().serve(StreamableHttpClientTransport::with_client(http, settings)).await.unwrap();
    let picture =
        format!("data:image/png;base64,{}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, png(40, 20)));
    let arguments = json!({"image": picture, "width": 10}).as_object().unwrap().clone();
    let result =
        client.call_tool(CallToolRequestParams::new("transform_image").with_arguments(arguments)).await.unwrap();
    assert_eq!(result.structured_content.unwrap()["width"], 10);
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn our_own_check_passes_and_says_what_fails() {
    let site = Site::program().await;
    let table = site.command(&["oauth-check", &site.url]);
    assert!(table.contains("All 11 checks passed."), "{table}");
    assert_eq!(table.lines().filter(|line| line.starts_with("pass  ")).count(), 11, "{table}");
    let mut wrong = Command::new(crate::harness::binary());
    let output = wrong.args(["oauth-check", &site.url]).env("OWNER_PASSWORD", "not the password").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("FAIL  sign-in and consent give a token"), "{text}");
}

#[tokio::test]
async fn a_user_who_calls_too_often_has_to_wait() {
    let site = Site::here_with(&[("MAX_REQUESTS_PER_MINUTE", "3")]).await;
    let app = App::register(&site).await;
    let tokens = app.connect().await;
    let call = || site.mcp_call(Some(&tokens.access), "tools/call", json!({"name": "list_images", "arguments": {}}));
    for left in ["2", "1", "0"] {
        let answer = call().await;
        assert_eq!((answer.status, answer.header("ratelimit-remaining")), (200, left));
        assert_eq!(answer.header("ratelimit-limit"), "3");
    }
    let stopped = call().await;
    assert_eq!(stopped.status, 429, "{}", stopped.body);
    assert!((1..=60).contains(&stopped.header("retry-after").parse::<u64>().unwrap()));
    let read = json!({"uri": "image://img_0000000000000000"});
    let fetched = site.mcp_call(Some(&tokens.access), "resources/read", read).await;
    assert_eq!(fetched.status, 429, "fetching images counts as calls do: {}", fetched.body);
    assert!(site.lets_in(&tokens.access).await, "hosts list tools all the time; that is not counted");
    site.later(60);
    assert_eq!(call().await.status, 200);
}

#[tokio::test]
async fn others_can_check_tokens_that_are_signed_with_es256() {
    let site = Site::here_with(&[("JWT_ALG", "ES256")]).await;
    let app = App::register(&site).await;
    let tokens = app.connect().await;
    assert!(site.lets_in(&tokens.access).await);
    let set: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(site.get("/.well-known/jwks.json", &[]).await.json()).unwrap();
    let header = jsonwebtoken::decode_header(&tokens.access).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut checks = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    checks.set_audience(&[format!("{}/mcp", site.url)]);
    jsonwebtoken::decode::<serde_json::Value>(&tokens.access, &key, &checks).unwrap();
    let symmetric = Site::here().await;
    assert_eq!(symmetric.get("/.well-known/jwks.json", &[]).await.json(), json!({"keys": []}));
}

#[tokio::test]
async fn a_client_that_the_owner_added_has_a_secret_and_uses_it() {
    let site = Site::program_with(&[("OAUTH_REGISTRATION", "closed")]).await;
    let printed = site.command(&["client", "add", "My app", "--redirect-uri", "https://app.example/callback"]);
    let value = |name: &str| {
        let line =
            printed.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or_else(|| panic!("{printed}"));
        line.trim().to_owned()
    };
    let (id, secret) = (value("client id"), value("client secret"));
    let app = App { site: &site, id: id.clone(), redirect: "https://app.example/callback".into() };
    let code = Person::owner(&site).await.allow(&app).await;
    assert_eq!(app.redeem(&code, &[]).await.error(), (401, "invalid_client".into()), "without its secret");
    assert_eq!(app.redeem(&code, &[("client_secret", "wrong")]).await.error(), (401, "invalid_client".into()));
    let tokens = Tokens::of(&app.redeem(&code, &[("client_secret", &secret)]).await);
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("{id}:{secret}"));
    let header = format!("Basic {basic}");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    assert_eq!(site.post("/oauth/token", &[("authorization", &header)], &fields).await.status, 200);
    let wrong = site.post("/oauth/token", &[("authorization", "Basic eDp5")], &fields).await;
    assert_eq!((wrong.status, wrong.header("www-authenticate")), (401, "Basic realm=\"clients\""));
    assert!(site.command(&["client", "list"]).contains("My app"));
    site.command(&["client", "remove", &id]);
    assert!(!site.lets_in(&tokens.access).await);
}

/// `tests/conformance` brings Node and the suite, and says in `CONFORMANCE` how to call it.
#[tokio::test]
#[ignore = "needs Node and the conformance suite: tests/conformance runs it"]
async fn the_conformance_suite_passes() {
    let command = std::env::var("CONFORMANCE").expect("tests/conformance sets it");
    let mut words = command.split(' ');
    let site = Site::program().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let app = App::register_at(&site, &format!("http://127.0.0.1:{free}/callback")).await;
    let mut suite = Command::new(words.next().unwrap())
        .args(words)
        .args(["authorization", "--url", &site.url, "--client-id", &app.id])
        .args(["--resource", &format!("{}/mcp", site.url), "--port", &free.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut owner = Person::new(&site);
    owner.sign_in("owner", PASSWORD).await;
    let mut report = String::new();
    for line in BufReader::new(suite.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        println!("{line}");
        // The suite prints where a person would have to go, and waits for them at its callback.
        if let Some((_, rest)) = line.split_once(&format!("{}/oauth/authorize", site.url)) {
            let page = owner.consent(&format!("/oauth/authorize{}", rest.trim())).await;
            let answer = owner.decide(&page, "approve", ALL).await;
            reqwest::get(answer.header("location")).await.unwrap();
        }
        report += &line;
        report.push('\n');
    }
    let ended = suite.wait().unwrap();
    assert!(ended.success(), "{report}");
    assert!(report.contains("authorization-code-grant"), "the suite did not get that far: {report}");
}
