//! The pages for people, over the real socket.

use std::time::Duration;

use common::UserId;

use super::{House, Visitor, visitor::value_of};
use crate::{Authority, Scopes, oauth::Grant};

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(super) const OTHER: &str = "another horse battery";

pub(super) async fn owned() -> House {
    House::start_with(&[("OWNER_PASSWORD", PASSWORD)]).await
}

/// A member who chose [`PASSWORD`].
async fn member(authority: &Authority, name: &str) -> UserId {
    let user = authority.add_member(name, Scopes::all(), None).await.unwrap();
    authority.set_password(&user.id, &PASSWORD.into()).await.unwrap();
    user.id
}

async fn connect(authority: &Authority, user: &UserId, app: &str) -> String {
    let now = authority.now_ms();
    let grant = Grant {
        user: user.clone(),
        client_id: "client".into(),
        client_name: app.into(),
        scopes: Scopes::parse("read write"),
        generation: 0,
        rotated_at: now,
        created_at: now,
        refresh_until: now + 86_400_000,
    };
    let id = format!("{}~{}", user.0, crate::keys::fingerprint(app));
    authority.grants.put(&id, &grant).await.unwrap();
    id
}

#[tokio::test]
async fn signing_in_makes_a_new_session_and_signing_out_ends_it() {
    let house = owned().await;
    let mut visitor = Visitor::new(&house);
    let page = visitor.get("/login").await;
    assert_eq!(value_of(&page.body, "name").as_deref(), Some("owner"));
    assert!(!visitor.cookies.contains_key("it_session"));
    let wrong = visitor.submit("/login", &[("name", "owner"), ("password", OTHER)]).await;
    let unknown = visitor.submit("/login", &[("name", "nobody"), ("password", OTHER)]).await;
    for answer in [wrong, unknown] {
        assert!(answer.status == 403 && answer.body.contains("Name or password is wrong."), "{}", answer.body);
    }
    let done = visitor.submit("/login", &[("name", "owner"), ("password", PASSWORD)]).await;
    assert_eq!((done.status, done.headers["location"].as_str()), (303, "/account"));
    let first = visitor.cookies["it_session"].clone();
    assert_eq!(visitor.follow(&done).await.status, 200);
    visitor.sign_in("owner", PASSWORD).await;
    let second = visitor.cookies["it_session"].clone();
    assert_ne!(first, second);
    visitor.get("/account").await;
    let out = visitor.submit("/logout", &[]).await;
    assert_eq!((out.status, out.headers["location"].as_str()), (303, "/login"));
    for dead in [first, second, "local~x".into(), "junk".into(), "~".into()] {
        visitor.cookies.insert("it_session".into(), dead);
        assert_eq!(visitor.get("/account").await.headers["location"], "/login");
    }
}

#[tokio::test]
async fn forms_that_are_not_ours_are_refused() {
    let house = owned().await;
    let mut visitor = Visitor::signed_in(&house, "owner", PASSWORD).await;
    let mut stranger = Visitor::new(&house);
    stranger.get("/login").await;
    let foreign = stranger.code.clone().unwrap();
    let own = visitor.code.clone().unwrap();
    for path in [
        "/login",
        "/logout",
        "/account/password",
        "/account/sessions/end",
        "/account/apps/revoke",
        "/setup",
        "/invite/x",
    ] {
        for code in ["", "x", foreign.as_str()] {
            assert_eq!(visitor.submit(path, &[("code", code)]).await.status, 403, "{path} with {code:?}");
        }
        for origin in
            [None, Some("null"), Some("https://evil.example"), Some("https://claude.ai"), Some("http://localhost:1")]
        {
            visitor.origin = origin.map(str::to_owned);
            assert_eq!(visitor.submit(path, &[("code", &own)]).await.status, 403, "{path} from {origin:?}");
        }
        visitor.origin = Some(house.issuer.clone());
    }
    assert_eq!(visitor.submit("/logout", &[("code", &own), ("code", &own)]).await.status, 400);
    assert_eq!(visitor.submit("/logout", &[("x", &"x".repeat(40_000))]).await.status, 413);
    assert_eq!(visitor.get("/logout").await.status, 405);
    // The code of before signing in is worth nothing after it.
    let before = foreign;
    stranger.submit("/login", &[("name", "owner"), ("password", PASSWORD)]).await;
    assert_eq!(stranger.submit("/logout", &[("code", &before)]).await.status, 403);
    assert_eq!(visitor.get("/account").await.status, 200);
}

#[tokio::test]
async fn no_link_to_the_sign_in_page_leads_away() {
    let house = owned().await;
    for (wanted, reached) in [
        ("/oauth/authorize?transaction=abc", "/oauth/authorize?transaction=abc"),
        ("/account", "/account"),
        ("//evil.example", "/account"),
        ("/\\evil.example", "/account"),
        ("https:evil.example", "/account"),
    ] {
        let mut visitor = Visitor::new(&house);
        let page = visitor.get(&format!("/login?return_to={}", wanted.replace('\\', "%5C"))).await;
        assert_eq!(value_of(&page.body, "return_to").as_deref(), Some(reached));
        let fields = [("name", "owner"), ("password", PASSWORD), ("return_to", wanted)];
        assert_eq!(visitor.submit("/login", &fields).await.headers["location"], reached, "{wanted}");
    }
}

#[tokio::test]
async fn apps_are_revoked_by_their_own_user() {
    let house = owned().await;
    let authority = house.authority().await;
    let ann = member(&authority, "ann").await;
    let (mine, hers) = (
        connect(&authority, &UserId::local(), "<b>Claude</b>\u{202e}").await,
        connect(&authority, &ann, "Cursor").await,
    );
    authority.last_uses.put(&mine, &authority.now_ms()).await.unwrap();
    let mut owner = Visitor::signed_in(&house, "owner", PASSWORD).await;
    let page = owner.get("/account").await.body;
    assert!(page.contains("&#60;b&#62;Claude") && !page.contains('\u{202e}') && !page.contains("Cursor"), "{page}");
    assert!(page.contains("used just now") && page.contains("See your images"));
    assert_eq!(owner.submit("/account/apps/revoke", &[("grant", &hers)]).await.status, 303);
    assert!(authority.grants.get(&hers).await.unwrap().is_some());
    let done = owner.submit("/account/apps/revoke", &[("grant", &mine)]).await;
    assert!(authority.grants.get(&mine).await.unwrap().is_none());
    assert!(owner.follow(&done).await.body.contains("The app is disconnected."));
}

#[tokio::test]
async fn sessions_are_ended_one_by_one_and_together() {
    let house = owned().await;
    let mut here = Visitor::signed_in(&house, "owner", PASSWORD).await;
    let mut there = Visitor::signed_in(&house, "owner", PASSWORD).await;
    let page = here.get("/account").await.body;
    let others: Vec<&str> =
        page.split("name=\"session\" value=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect();
    assert_eq!(others.len(), 2);
    here.submit("/account/sessions/end", &[("session", others[1])]).await;
    assert_eq!((there.get("/account").await.status, here.get("/account").await.status), (303, 200));
    there.sign_in("owner", PASSWORD).await;
    here.submit("/account/sessions/end", &[("others", "1")]).await;
    assert_eq!((there.get("/account").await.status, here.get("/account").await.status), (303, 200));
    let out = here.submit("/account/sessions/end", &[("session", others[0])]).await;
    assert_eq!(out.headers["location"], "/login");
    assert_eq!(here.get("/account").await.status, 303);
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_other_sessions() {
    let house = owned().await;
    let mut here = Visitor::signed_in(&house, "owner", PASSWORD).await;
    let mut there = Visitor::signed_in(&house, "owner", PASSWORD).await;
    let wrong = here.submit("/account/password", &[("current", OTHER), ("new", OTHER)]).await;
    assert!(wrong.status == 400 && wrong.body.contains("The current password is wrong."));
    let short = here.submit("/account/password", &[("current", PASSWORD), ("new", "short")]).await;
    assert!(short.status == 400 && short.body.contains("at least 12"));
    assert_eq!(here.submit("/account/password", &[("current", PASSWORD), ("new", OTHER)]).await.status, 303);
    assert_eq!((there.get("/account").await.status, here.get("/account").await.status), (303, 200));
    assert_eq!(there.sign_in("owner", PASSWORD).await.status, 403);
    assert_eq!(there.sign_in("owner", OTHER).await.status, 303);
}

#[tokio::test]
async fn an_invitation_works_once() {
    let house = owned().await;
    let authority = house.authority().await;
    let ann = authority.add_member("Ann", Scopes::all(), None).await.unwrap();
    assert_eq!(Visitor::new(&house).sign_in("ann", PASSWORD).await.status, 403);
    let link = authority.invite(&ann.id).await.unwrap();
    let path = link.strip_prefix(&house.issuer).unwrap();
    let mut visitor = Visitor::new(&house);
    assert!(visitor.get(path).await.body.contains("Welcome, Ann"));
    assert_eq!(visitor.submit(path, &[("password", "short")]).await.status, 400);
    let done = visitor.submit(path, &[("password", PASSWORD)]).await;
    assert!(visitor.follow(&done).await.body.contains("Ann"));
    assert_eq!(visitor.submit(path, &[("password", OTHER)]).await.status, 410);
    assert_eq!(Visitor::new(&house).get(path).await.status, 410);
    Visitor::signed_in(&house, "ANN", PASSWORD).await;
}

#[tokio::test]
async fn who_is_disabled_is_out_at_once() {
    let house = owned().await;
    let authority = house.authority().await;
    let ann = member(&authority, "ann").await;
    let app = connect(&authority, &ann, "Claude").await;
    let mut visitor = Visitor::signed_in(&house, "ann", PASSWORD).await;
    authority.disable(&ann).await.unwrap();
    assert_eq!(visitor.get("/account").await.status, 303);
    assert!(authority.grants.get(&app).await.unwrap().is_none());
    let refused = visitor.sign_in("ann", PASSWORD).await;
    assert!(refused.status == 403 && refused.body.contains("Name or password is wrong."));
    authority.enable(&ann).await.unwrap();
    assert_eq!(visitor.sign_in("ann", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn pages_cannot_be_framed_cached_or_scripted() {
    let house = owned().await;
    let answer = Visitor::new(&house).get("/login").await;
    let policy = &answer.headers["content-security-policy"];
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("form-action") && !policy.contains("unsafe"));
    let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0;
    assert!(answer.body.contains(&format!("<style nonce=\"{nonce}\">")));
    assert_eq!(answer.headers["x-frame-options"], "DENY");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.body.contains("<script") && !answer.body.contains(" style=") && !answer.body.contains("//"));
    assert_eq!(answer.cookies.len(), 1);
    assert!(answer.cookies[0].starts_with("it_browser=") && !answer.cookies[0].contains("Secure"));
}

#[tokio::test]
async fn behind_tls_cookies_are_of_this_host_and_encrypted() {
    let settings = [("PUBLIC_URL", "https://images.example.com"), ("OWNER_PASSWORD", PASSWORD)];
    let house = House::start_with(&settings).await;
    let mut visitor = Visitor::new(&house);
    let first = visitor.get("/login").await;
    let second = visitor.submit("/login", &[("name", "owner"), ("password", PASSWORD)]).await;
    for (answer, name) in [(first, "__Host-it_browser="), (second, "__Host-it_session=")] {
        let cookie = &answer.cookies[0];
        assert!(cookie.starts_with(name), "{cookie}");
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age="] {
            assert!(cookie.contains(part), "{part} is missing in {cookie}");
        }
        assert!(!cookie.contains("Domain"));
    }
    assert_eq!(visitor.get("/account").await.status, 200);
    assert_eq!(house.http("GET", "/login", &[("Host", "evil.example")], "").await.status, 403);
}

#[tokio::test]
async fn another_name_of_this_machine_leads_to_the_right_one() {
    let house = owned().await;
    let local = format!("localhost:{}", house.address.port());
    let answer = house.http("GET", "/login?return_to=/account", &[("Host", &local)], "").await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["location"], format!("{}/login?return_to=/account", house.issuer));
    let twice = house.http("GET", "//evil.example/login", &[("Host", &local)], "").await;
    assert_eq!(twice.status, 404);
}

#[tokio::test]
async fn ten_wrong_passwords_bar_an_address_for_a_while() {
    let house = owned().await;
    let mut visitor = Visitor::signed_in(&house, "owner", PASSWORD).await;
    for _ in 0..5 {
        assert_eq!(visitor.sign_in("owner", OTHER).await.status, 403);
        assert_eq!(visitor.submit("/account/password", &[("current", OTHER), ("new", OTHER)]).await.status, 400);
    }
    visitor.get("/login").await;
    let barred = visitor.submit("/login", &[("name", "owner"), ("password", PASSWORD)]).await;
    assert_eq!(barred.status, 429);
    assert!((1..=900).contains(&barred.headers["retry-after"].parse::<u64>().unwrap()));
    house.stores.clock.advance(Duration::from_secs(901));
    assert_eq!(visitor.sign_in("owner", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn without_passwords_only_the_other_server_signs_in() {
    let oidc =
        [("OIDC_ISSUER", "https://id.example.com"), ("OIDC_CLIENT_ID", "it"), ("OIDC_ALLOWED", "ann@example.com")];
    let house = House::start_with(&oidc).await;
    let both = Visitor::new(&house).get("/login").await.body;
    assert!(both.contains("action=\"/login/oidc\"") && both.contains("type=\"password\"") && both.contains("/setup"));
    let house = House::start_with(&[&oidc[..], &[("PASSWORD_LOGIN", "off")]].concat()).await;
    let mut visitor = Visitor::new(&house);
    let only = visitor.get("/login").await.body;
    assert!(only.contains("Continue with single sign-on") && !only.contains("type=\"password\""));
    assert_eq!(visitor.submit("/login", &[("name", "owner"), ("password", PASSWORD)]).await.status, 403);
    assert_eq!(visitor.get("/setup").await.status, 410);
    assert!(house.authority().await.open_setup().await.is_err());
}

#[tokio::test]
async fn nothing_that_people_type_is_kept_in_the_clear() {
    let house = owned().await;
    let visitor = Visitor::signed_in(&house, "owner", PASSWORD).await;
    let session = visitor.cookies["it_session"].split_once('~').unwrap().1.to_owned();
    let link = house.authority().await.invite(&UserId::local()).await.unwrap();
    let invite = link.rsplit_once('/').unwrap().1.to_owned();
    let folder = house.move_out().await;
    for file in std::fs::read_dir(folder.path().join("data")).unwrap() {
        let Ok(bytes) = std::fs::read(file.unwrap().path()) else { continue };
        for secret in [PASSWORD, &session, &invite] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}
