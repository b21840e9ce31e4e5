//! The first owner, over the real socket.

use std::time::Duration;

use super::{
    House, Visitor,
    pages::{OTHER, PASSWORD, owned},
};

#[tokio::test]
async fn setting_up_makes_the_owner_once() {
    let house = House::start().await;
    let authority = house.authority().await;
    let mut visitor = Visitor::new(&house);
    for path in ["/login", "/account"] {
        let answer = visitor.get(path).await;
        assert_eq!((answer.status, answer.headers["location"].as_str()), (303, "/setup"), "{path}");
    }
    assert!(authority.setup_required().await.unwrap());
    assert_eq!(visitor.get("/setup").await.status, 200);
    let code = authority.code_in_the_log().await;
    let short = visitor.submit("/setup", &[("setup_code", &code), ("password", "short")]).await;
    assert!(short.status == 400 && short.body.contains("at least 12") && short.body.contains("role=\"alert\""));
    // As people type it.
    let typed = code.to_lowercase().replace('-', " ");
    let done = visitor.submit("/setup", &[("setup_code", &typed), ("password", PASSWORD)]).await;
    assert_eq!(done.headers["location"], "/account");
    let account = visitor.follow(&done).await;
    assert!(account.status == 200 && account.body.contains("owner") && account.body.contains("this one"));
    assert!(!authority.setup_required().await.unwrap());
    let again = visitor.submit("/setup", &[("setup_code", &code), ("password", OTHER)]).await;
    for closed in [again, visitor.get("/setup").await] {
        assert!(closed.status == 410 && closed.body.contains("Already set up") && closed.body.contains("/account"));
    }
    Visitor::signed_in(&house, "Owner", PASSWORD).await;
}

#[tokio::test]
async fn two_who_set_up_at_once_make_one_owner() {
    let house = House::start().await;
    let code = house.authority().await.code_in_the_log().await;
    let (mut one, mut other) = (Visitor::new(&house), Visitor::new(&house));
    one.get("/setup").await;
    other.get("/setup").await;
    let (first, second) =
        ([("setup_code", code.as_str()), ("password", PASSWORD)], [("setup_code", code.as_str()), ("password", OTHER)]);
    let (first, second) = tokio::join!(one.submit("/setup", &first), other.submit("/setup", &second));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410]);
}

#[tokio::test]
async fn five_wrong_codes_make_a_new_one() {
    let house = House::start().await;
    let authority = house.authority().await;
    let code = authority.code_in_the_log().await;
    let mut visitor = Visitor::new(&house);
    visitor.get("/setup").await;
    for _ in 0..5 {
        assert_eq!(authority.code_in_the_log().await, code);
        let wrong = visitor.submit("/setup", &[("setup_code", "BBBB-BBBB-BBBB"), ("password", PASSWORD)]).await;
        assert!(wrong.status == 403 && wrong.body.contains("wrong or too old"), "{}", wrong.body);
    }
    let new = authority.code_in_the_log().await;
    assert_ne!(new, code);
    assert_eq!(visitor.submit("/setup", &[("setup_code", &code), ("password", PASSWORD)]).await.status, 403);
    assert_eq!(visitor.submit("/setup", &[("setup_code", &new), ("password", PASSWORD)]).await.status, 303);
}

#[tokio::test]
async fn a_code_ends_after_an_hour_and_an_address_after_ten_tries() {
    let house = House::start().await;
    let authority = house.authority().await;
    let code = authority.code_in_the_log().await;
    house.stores.clock.advance(Duration::from_secs(3601));
    let mut visitor = Visitor::new(&house);
    visitor.get("/setup").await;
    let new = authority.code_in_the_log().await;
    assert_ne!(new, code);
    for _ in 0..10 {
        assert_eq!(visitor.submit("/setup", &[("setup_code", &code), ("password", PASSWORD)]).await.status, 403);
    }
    let right = authority.code_in_the_log().await;
    let barred = visitor.submit("/setup", &[("setup_code", &right), ("password", PASSWORD)]).await;
    assert!(barred.status == 429 && barred.headers["retry-after"].parse::<u64>().unwrap() <= 900);
}

#[tokio::test]
async fn a_reset_gives_the_owner_a_new_password_and_ends_sessions() {
    let house = owned().await;
    let authority = house.authority().await;
    let mut owner = Visitor::signed_in(&house, "owner", PASSWORD).await;
    let printed = authority.open_setup().await.unwrap();
    assert!(printed.starts_with(&format!("Set up at {}/setup — code ", house.issuer)), "{printed}");
    let code = printed.rsplit_once(' ').unwrap().1.to_owned();
    let mut visitor = Visitor::new(&house);
    assert_eq!(visitor.get("/setup").await.status, 200);
    assert_eq!(visitor.submit("/setup", &[("setup_code", &code), ("password", OTHER)]).await.status, 303);
    assert_eq!(owner.get("/account").await.headers["location"], "/login");
    assert_eq!(visitor.get("/account").await.status, 200);
    assert_eq!(Visitor::new(&house).sign_in("owner", PASSWORD).await.status, 403);
    assert_eq!(Visitor::new(&house).get("/setup").await.status, 410);
}

#[tokio::test]
async fn a_shell_with_another_secret_prints_no_code() {
    let secret = |letter: &str| format!("{letter}bcdefghijklmnopqrstuvwxyz0123456789");
    let mut house = House::start_with(&[("JWT_SECRET", &secret("a"))]).await;
    house.get("/health").await;
    assert!(house.authority().await.open_setup().await.is_ok());
    house.config.sign_in.jwt_secret = Some(secret("b").into());
    assert!(house.authority().await.open_setup().await.unwrap_err().message.contains("JWT_SECRET"));
}

#[tokio::test]
async fn the_password_from_outside_is_applied_when_it_changes() {
    let house = owned().await;
    let mut visitor = Visitor::signed_in(&house, "owner", PASSWORD).await;
    visitor.get("/account").await;
    let changed = visitor.submit("/account/password", &[("current", PASSWORD), ("new", OTHER)]).await;
    assert_eq!(changed.status, 303);
    // Unchanged: the owner's own choice stays.
    let house = House::start_in(house.move_out().await, &[("OWNER_PASSWORD", PASSWORD)]).await;
    assert_eq!(Visitor::new(&house).sign_in("owner", PASSWORD).await.status, 403);
    Visitor::signed_in(&house, "owner", OTHER).await;
    let house = House::start_in(house.move_out().await, &[("OWNER_PASSWORD", "a third horse battery")]).await;
    Visitor::signed_in(&house, "owner", "a third horse battery").await;
    // A hash does as well.
    let hash = house.authority().await.passwords.hash(&PASSWORD.into()).await.unwrap();
    let house = House::start_in(house.move_out().await, &[("OWNER_PASSWORD_HASH", &hash)]).await;
    Visitor::signed_in(&house, "owner", PASSWORD).await;
    let house = House::start_in(house.move_out().await, &[("OWNER_PASSWORD_HASH", "$argon2id$v=19$half")]).await;
    assert!(house.start_error().await.contains("OWNER_PASSWORD_HASH"));
}
