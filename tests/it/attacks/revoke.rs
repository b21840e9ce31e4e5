//! Revocation, and what the endpoints about tokens tell to those who have none.

use crate::site::{App, Site, Tokens};

#[tokio::test]
async fn a44_a_stranger_can_revoke_nothing_and_learns_nothing() {
    let site = Site::here().await;
    let (app, other) = (App::register(&site).await, App::register(&site).await);
    let tokens = app.connect().await;
    for token in [&tokens.access, &tokens.refresh, "nonsense", "itr_a.1.b"] {
        let answer = other.revoke(token, &[]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{token}");
    }
    assert!(site.lets_in(&tokens.access).await);
    assert_eq!(app.revoke("", &[]).await.error(), (400, "invalid_request".into()));
    let unknown = app.revoke(&tokens.access, &[("client_secret", "x")]).await;
    assert_eq!(unknown.status, 200, "a public client has no secret to get wrong");
    let tokens = app.connect().await;
    let hint = app.revoke(&tokens.refresh, &[("token_type_hint", "access_token")]).await;
    assert_eq!(hint.status, 200);
    assert!(!site.lets_in(&tokens.access).await, "a wrong hint does no harm");
}

#[tokio::test]
async fn a45_a_refresh_token_takes_its_family_along_and_an_access_token_itself() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let first = app.connect().await;
    let second = Tokens::of(&app.refresh(&first.refresh, &[]).await);
    assert_eq!(app.revoke(&first.access, &[]).await.status, 200);
    assert!(!site.lets_in(&first.access).await && site.lets_in(&second.access).await);
    // An older generation is a token of the family too.
    assert_eq!(app.revoke(&first.refresh, &[]).await.status, 200);
    assert!(!site.lets_in(&second.access).await);
    assert_eq!(app.refresh(&second.refresh, &[]).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn a46_without_a_live_token_nothing_is_told() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let tokens = app.connect().await;
    let bearer = format!("Bearer {}", tokens.access);
    let live = [("authorization", bearer.as_str())];
    let info = site.get("/oauth/userinfo", &live).await.json();
    assert_eq!((info["sub"].as_str(), info["preferred_username"].as_str()), (Some("local"), Some("owner")));
    assert_eq!(site.post("/oauth/userinfo", &live, &[]).await.status, 200);
    assert_eq!(site.get("/oauth/test", &live).await.json()["message"], "token works");
    assert_eq!(site.get("/oauth/status", &live).await.json()["authenticated"], true);
    app.revoke(&tokens.refresh, &[]).await;
    for path in ["/oauth/userinfo", "/oauth/test"] {
        for headers in [&live[..], &[]] {
            let answer = site.get(path, headers).await;
            assert_eq!(answer.status, 401, "{path}");
            assert!(answer.header("www-authenticate").contains("resource_metadata="));
        }
    }
    assert_eq!(site.get("/oauth/status", &live).await.status, 401);
    let status = site.get("/oauth/status", &[]).await.json();
    let fields: Vec<&String> = status.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["issuer", "version", "resource", "registration", "setup_required", "authenticated"]);
}
