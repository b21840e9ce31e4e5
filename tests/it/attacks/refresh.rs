//! Refresh tokens that were copied, and clients that use them clumsily.

use crate::site::{App, Site, Tokens};

const DAY: u64 = 24 * 3600;

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".into())
}

#[tokio::test]
async fn a30_an_old_token_used_again_ends_the_family() {
    // Without a grace, so that nothing has to wait.
    for site in Site::both(&[("REFRESH_REUSE_GRACE_SECS", "0")]).await {
        let app = App::register(&site).await;
        let first = app.connect().await;
        let second = Tokens::of(&app.refresh(&first.refresh, &[]).await);
        assert!(site.lets_in(&second.access).await);
        assert_eq!(app.refresh(&first.refresh, &[]).await.error(), invalid_grant());
        assert!(!site.lets_in(&first.access).await && !site.lets_in(&second.access).await);
        assert_eq!(app.refresh(&second.refresh, &[]).await.error(), invalid_grant());
        site.stop().await;
    }
    // With one, once it is over.
    let site = Site::here().await;
    let app = App::register(&site).await;
    let first = app.connect().await;
    let second = Tokens::of(&app.refresh(&first.refresh, &[]).await);
    site.later(61);
    assert_eq!(app.refresh(&first.refresh, &[]).await.error(), invalid_grant());
    assert!(!site.lets_in(&second.access).await);
}

#[tokio::test]
async fn a31_a_token_used_in_parallel_gives_one_and_the_same_successor() {
    for site in Site::both(&[]).await {
        let app = App::register(&site).await;
        let first = app.connect().await;
        let all = futures::future::join_all((0..5).map(|_| app.refresh(&first.refresh, &[]))).await;
        let successors: Vec<String> = all.iter().map(|answer| Tokens::of(answer).refresh).collect();
        assert!(successors.iter().all(|token| *token == successors[0] && *token != first.refresh));
        let next = Tokens::of(&app.refresh(&successors[0], &[]).await);
        assert!(site.lets_in(&next.access).await);
        // Two steps back is no clumsiness.
        assert_eq!(app.refresh(&first.refresh, &[]).await.error(), invalid_grant());
        site.stop().await;
    }
}

#[tokio::test]
async fn a32_another_client_cannot_use_a_token_nor_wear_it_out() {
    let site = Site::here().await;
    let (app, other) = (App::register(&site).await, App::register(&site).await);
    let tokens = app.connect().await;
    assert_eq!(other.refresh(&tokens.refresh, &[]).await.error(), invalid_grant());
    let unknown = app.refresh(&tokens.refresh, &[("client_id", "itc_nobody")]).await;
    assert_eq!(unknown.error(), (401, "invalid_client".into()));
    for forged in
        ["itr_x.1.y", "itr_", "", "itr_a.b.c.d", &tokens.refresh.replace(".1.", ".2."), &format!("{}x", tokens.refresh)]
    {
        let answer = app.refresh(forged, &[]).await;
        assert_eq!(answer.status, 400, "{forged}");
    }
    assert_eq!(app.refresh(&tokens.refresh, &[]).await.status, 200, "it was not rotated");
}

#[tokio::test]
async fn a33_scopes_can_shrink_and_never_grow() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let mut person = crate::site::Person::owner(&site).await;
    let page = person.consent(&app.request(&[("scope", "read write")])).await;
    let answer = person.decide(&page, "approve", "read write").await;
    let tokens = Tokens::of(&app.redeem(&answer.sent("code").unwrap(), &[]).await);
    assert_eq!(tokens.scope, "read write");
    let less = Tokens::of(&app.refresh(&tokens.refresh, &[("scope", "read")]).await);
    assert_eq!(less.scope, "read");
    let more = app.refresh(&less.refresh, &[("scope", "read image_processing")]).await;
    assert_eq!(more.error(), (400, "invalid_scope".into()));
    // Words of other servers, and nothing at all, mean what was granted.
    for scope in ["claudeai", " offline_access", ""] {
        let again = Tokens::of(&app.refresh(&less.refresh, &[("scope", scope)]).await);
        assert_eq!(again.scope, "read write", "{scope:?}");
    }
}

#[tokio::test]
async fn a34_a_token_lives_thirty_days_after_its_last_use_and_ninety_in_all() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let mut tokens = app.connect().await;
    for _ in 0..4 {
        site.later(20 * DAY);
        tokens = Tokens::of(&app.refresh(&tokens.refresh, &[]).await);
    }
    site.later(11 * DAY);
    assert_eq!(app.refresh(&tokens.refresh, &[]).await.error(), invalid_grant(), "ninety days are over");
    let tokens = app.connect().await;
    site.later(30 * DAY + 1);
    let late = app.refresh(&tokens.refresh, &[]).await;
    assert_eq!(late.error(), invalid_grant(), "nobody used it for thirty days");
}

#[tokio::test]
async fn a35_a_store_that_was_rolled_back_lets_nobody_in() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let first = app.connect().await;
    let state = &site.stores().state;
    let (key, saved) = state.list("grant/", 10).await.unwrap().pop().unwrap();
    let second = Tokens::of(&app.refresh(&first.refresh, &[]).await);
    let third = Tokens::of(&app.refresh(&second.refresh, &[]).await);
    state.put(&key, &saved, None).await.unwrap();
    assert_eq!(app.refresh(&third.refresh, &[]).await.error(), invalid_grant(), "a token of the future");
    assert!(!site.lets_in(&third.access).await);
}

#[tokio::test]
async fn a36_a_store_that_is_down_costs_nobody_their_token() {
    let site = Site::here().await;
    let app = App::register(&site).await;
    let tokens = app.connect().await;
    site.break_store(true).await;
    let answer = app.refresh(&tokens.refresh, &[]).await;
    assert_eq!(answer.error(), (503, "temporarily_unavailable".into()));
    assert!(!answer.header("retry-after").is_empty());
    site.break_store(false).await;
    assert_eq!(app.refresh(&tokens.refresh, &[]).await.status, 200, "the same token still works");
}
