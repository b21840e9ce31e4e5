//! Authorization codes that somebody else got hold of.

use serde_json::json;

use crate::site::{ALL, App, Person, Site, Tokens, VERIFIER};

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".into())
}

#[tokio::test]
async fn a24_a_code_used_twice_ends_everything_it_gave() {
    for site in Site::both(&[]).await {
        let app = App::register(&site).await;
        let code = Person::owner(&site).await.allow(&app).await;
        let tokens = Tokens::of(&app.redeem(&code, &[]).await);
        assert!(site.lets_in(&tokens.access).await);
        assert_eq!(app.redeem(&code, &[]).await.error(), invalid_grant());
        assert!(!site.lets_in(&tokens.access).await, "the access token is dead");
        assert_eq!(app.refresh(&tokens.refresh, &[]).await.error(), invalid_grant(), "and so is the refresh token");
        site.stop().await;
    }
}

#[tokio::test]
async fn a25_a_stranger_cannot_end_a_grant() {
    let site = Site::here().await;
    let (app, other) = (App::register(&site).await, App::register(&site).await);
    let code = Person::owner(&site).await.allow(&app).await;
    let tokens = Tokens::of(&app.redeem(&code, &[]).await);
    assert_eq!(other.redeem(&code, &[]).await.error(), invalid_grant());
    assert_eq!(app.redeem("no-such-code", &[]).await.error(), invalid_grant());
    assert!(site.lets_in(&tokens.access).await);
    assert_eq!(app.refresh(&tokens.refresh, &[]).await.status, 200);
}

#[tokio::test]
async fn a26_of_many_redemptions_at_once_one_succeeds() {
    for site in Site::both(&[]).await {
        let app = App::register(&site).await;
        let code = Person::owner(&site).await.allow(&app).await;
        let all = futures::future::join_all((0..20).map(|_| app.redeem(&code, &[]))).await;
        let good: Vec<_> = all.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(good.len(), 1);
        assert!(all.iter().filter(|answer| answer.status != 200).all(|answer| answer.error() == invalid_grant()));
        assert!(!site.lets_in(&Tokens::of(good[0]).access).await, "nineteen replays ended it");
        site.stop().await;
    }
}

#[tokio::test]
async fn a27_a_failed_redemption_does_not_spend_the_code() {
    let site = Site::here().await;
    let (app, other) = (App::register(&site).await, App::register(&site).await);
    let code = Person::owner(&site).await.allow(&app).await;
    let wrong_verifier = VERIFIER.replace('0', "1");
    let too_long = "v".repeat(129);
    for changes in [
        ("code_verifier", wrong_verifier.as_str()),
        ("code_verifier", "short"),
        ("code_verifier", &too_long),
        ("redirect_uri", "https://app.example/other"),
        ("client_id", &other.id),
    ] {
        assert_eq!(app.redeem(&code, &[changes]).await.error(), invalid_grant(), "{changes:?}");
    }
    for missing in ["code_verifier", "redirect_uri", "code"] {
        assert_eq!(app.redeem(&code, &[(missing, "")]).await.error(), (400, "invalid_request".into()), "{missing}");
    }
    let foreign = app.redeem(&code, &[("resource", "https://other.example/mcp")]).await;
    assert_eq!(foreign.error(), (400, "invalid_target".into()));
    assert_eq!(app.redeem(&code, &[]).await.status, 200, "its owner can still use it");
}

#[tokio::test]
async fn a28_a_code_works_for_a_minute() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let mut person = Person::owner(&site).await;
    let code = person.allow(&app).await;
    site.later(59);
    let tokens = Tokens::of(&app.redeem(&code, &[]).await);
    assert_eq!(tokens.scope, ALL);
    let code = person.allow(&app).await;
    site.later(61);
    assert_eq!(app.redeem(&code, &[]).await.error(), invalid_grant());
}

#[tokio::test]
async fn a29_a_code_gives_the_one_who_consented_and_nobody_if_they_may_no_longer_come() {
    let site = Site::program().await;
    let app = App::register(&site).await;
    let invite = site.command(&["user", "add", "bob", "--scopes", "read"]);
    let path = invite.lines().find_map(|line| line.split_once("/invite/")).unwrap().1.trim().to_owned();
    let mut bob = Person::new(&site);
    let page = bob.get(&format!("/invite/{path}")).await;
    let code = crate::site::hidden(&page.body, "code");
    let joined = bob.submit(&format!("/invite/{path}"), &[("code", &code), ("password", "bobs long password")]).await;
    assert_eq!(joined.status, 303, "{}", joined.body);
    let code = bob.allow(&app).await;
    let tokens = Tokens::of(&app.redeem(&code, &[]).await);
    assert_eq!(tokens.scope, "read", "the ceiling of the member holds");
    let who = site.get("/oauth/userinfo", &[("authorization", &format!("Bearer {}", tokens.access))]).await;
    assert_eq!(who.json()["name"], "bob");
    // The owner's files are not bob's, whatever his token allows.
    let call = json!({"name": "image_metadata", "arguments": {"image": "a.jpg"}});
    let answer = site.mcp_call(Some(&tokens.access), "tools/call", call).await.json();
    assert_eq!(answer["result"]["structuredContent"]["error"]["kind"], "file_not_reachable", "{answer}");
    let waiting = bob.allow(&app).await;
    site.command(&["user", "disable", "bob"]);
    assert_eq!(app.redeem(&waiting, &[]).await.error(), invalid_grant());
    assert!(!site.lets_in(&tokens.access).await);
    assert_eq!(app.refresh(&tokens.refresh, &[]).await.error(), invalid_grant());
}
