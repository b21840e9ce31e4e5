//! Clients that register too often, too large, or too cleverly.

use serde_json::{Value, json};

use crate::site::{App, Site};

#[tokio::test]
async fn a47_a_flood_of_registrations_is_stopped_and_what_was_there_stays() {
    for site in Site::both(&[]).await {
        let app = App::register(&site).await;
        let tokens = app.connect().await;
        let body = json!({"client_name": "x", "redirect_uris": ["https://a.example/"]}).to_string();
        let mut last = None;
        for _ in 0..40 {
            last = Some(site.post_json("/oauth/register", &[], &body).await);
        }
        let last = last.unwrap();
        assert_eq!(last.status, 429, "{}", last.body);
        assert!(last.header("retry-after").parse::<u64>().unwrap() <= 60);
        assert_eq!(last.header("ratelimit-remaining"), "0");
        // A proxy that nobody configured cannot lend another address.
        let spoofed = site.post_json("/oauth/register", &[("x-forwarded-for", "203.0.113.9")], &body).await;
        assert_eq!(spoofed.status, 429);
        assert!(site.lets_in(&tokens.access).await);
        site.stop().await;
    }
    // From many addresses, the unused ones have a cap; a day later they are forgotten.
    let site = Site::here_with(&[("TRUSTED_PROXY_HOPS", "1")]).await;
    let app = App::register(&site).await;
    let body = json!({"client_name": "x", "redirect_uris": ["https://a.example/"]}).to_string();
    let used = App::register(&site).await;
    let tokens = used.connect().await;
    for n in 0..550 {
        let from = format!("192.0.2.{}", n % 250);
        let answer = site.post_json("/oauth/register", &[("x-forwarded-for", &from)], &body).await;
        assert_eq!(answer.status, 201, "nobody is kept out: {}", answer.body);
        // Three hundred a minute are the most.
        if n % 250 == 249 {
            site.later(61);
        }
    }
    let kept = site.stores().state.list("client/", 1000).await.unwrap().len();
    assert_eq!(kept, 501, "five hundred unused ones and the used one");
    assert!(site.lets_in(&tokens.access).await);
    assert_eq!(site.get(&app.request(&[]), &[]).await.status, 400, "the oldest that was never used made room");
    let late = App::register(&site).await;
    site.later(24 * 3600 + 1);
    assert_eq!(site.get(&late.request(&[]), &[]).await.status, 400, "a day later they are all forgotten");
    assert_eq!(used.refresh(&tokens.refresh, &[]).await.status, 200);
}

#[tokio::test]
async fn a48_registrations_have_bounds() {
    let site = Site::here().await;
    let uris = |count: usize| (0..count).map(|n| format!("https://a.example/{n}")).collect::<Vec<_>>();
    let long = format!("https://a.example/{}", "x".repeat(2049 - 18));
    assert_eq!(long.len(), 2049);
    let nested = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for (body, code) in [
        (json!({"redirect_uris": uris(11)}).to_string(), "invalid_redirect_uri"),
        (json!({"redirect_uris": [long]}).to_string(), "invalid_redirect_uri"),
        (json!({"redirect_uris": []}).to_string(), "invalid_redirect_uri"),
        (json!({"redirect_uris": "https://a.example/"}).to_string(), "invalid_redirect_uri"),
        (json!({"redirect_uris": [7]}).to_string(), "invalid_redirect_uri"),
        (json!({}).to_string(), "invalid_redirect_uri"),
        (json!({"redirect_uris": uris(1), "client_name": "x".repeat(201)}).to_string(), "invalid_client_metadata"),
        (json!({"redirect_uris": uris(1), "x": "y".repeat(17_000)}).to_string(), "invalid_client_metadata"),
        (nested, "invalid_client_metadata"),
        ("not json".into(), "invalid_client_metadata"),
        ("[]".into(), "invalid_client_metadata"),
    ] {
        assert_eq!(site.post_json("/oauth/register", &[], &body).await.error(), (400, code.into()), "{body:.80}");
    }
    let huge = "x".repeat(100_000);
    assert_eq!(site.post_json("/oauth/register", &[], &huge).await.status, 413);
    assert_eq!(
        site.post_json("/oauth/register", &[], &json!({"redirect_uris": uris(10)}).to_string()).await.status,
        201
    );
}

#[tokio::test]
async fn a49_no_shape_of_a_registration_gives_more_power() {
    let site = Site::here().await;
    let body = json!({
        "client_name": "x",
        "redirect_uris": ["https://a.example/"],
        "client_id": "itc_mine",
        "client_secret": "mine",
        "added": true,
        "scope": "read write image_processing admin",
        "grant_types": ["client_credentials", "implicit", "password"],
        "response_types": ["token"],
        "token_endpoint_auth_method": "client_secret_basic",
        "software_statement": "x.y.z",
        "jwks_uri": "http://127.0.0.1/",
    });
    let answer = site.post_json("/oauth/register", &[], &body.to_string()).await;
    let client = answer.json();
    assert_ne!(client["client_id"], "itc_mine");
    assert_eq!(client["token_endpoint_auth_method"], "none");
    assert_eq!(client["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert!(client.get("client_secret").is_none());
    assert!(!client.as_object().unwrap().values().any(Value::is_null), "clients choke on null");
    assert!(client["client_id_issued_at"].is_i64());
    for grant in ["client_credentials", "password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"] {
        let fields = [("grant_type", grant), ("client_id", client["client_id"].as_str().unwrap())];
        assert_eq!(site.post("/oauth/token", &[], &fields).await.error(), (400, "unsupported_grant_type".into()));
    }
    let closed = Site::here_with(&[("OAUTH_REGISTRATION", "closed")]).await;
    assert_eq!(closed.post_json("/oauth/register", &[], &body.to_string()).await.status, 400);
    let metadata = closed.get("/.well-known/oauth-authorization-server", &[]).await.json();
    assert!(metadata.get("registration_endpoint").is_none());
}
