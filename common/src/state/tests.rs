//! What every store must do, whatever it is made of.

use std::time::Duration;

use super::State;
use crate::{Clock, Db};

const MINUTE: Duration = Duration::from_secs(60);

struct Store {
    state: State,
    clock: Clock,
    _folder: tempfile::TempDir,
}

async fn store() -> Store {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let state = State::new(Db::open(folder.path(), clock.clone()).await.unwrap());
    Store { state, clock, _folder: folder }
}

#[tokio::test]
async fn what_is_put_is_there_until_it_expires() {
    let Store { state, clock, .. } = &store().await;
    assert_eq!(state.get("a").await.unwrap(), None);
    state.put("a", b"1", Some(MINUTE)).await.unwrap();
    state.put("b", b"2", None).await.unwrap();
    assert_eq!(state.get("a").await.unwrap().as_deref(), Some(&b"1"[..]));
    clock.advance(MINUTE);
    assert_eq!(state.get("a").await.unwrap(), None);
    assert!(!state.swap("a", b"1", b"3", None).await.unwrap(), "expired is absent");
    assert_eq!(state.take("a").await.unwrap(), None);
    assert_eq!(state.get("b").await.unwrap().as_deref(), Some(&b"2"[..]));
}

#[tokio::test]
async fn the_first_value_stays_while_it_lives() {
    let Store { state, clock, .. } = &store().await;
    assert_eq!(state.get_or_set("secret", b"one", Some(MINUTE)).await.unwrap(), b"one");
    assert_eq!(state.get_or_set("secret", b"two", None).await.unwrap(), b"one");
    clock.advance(MINUTE);
    assert_eq!(state.get_or_set("secret", b"two", None).await.unwrap(), b"two");
}

#[tokio::test]
async fn of_many_who_swap_or_take_one_wins() {
    let Store { state, .. } = &store().await;
    state.put("gen", b"0", None).await.unwrap();
    let swaps = (0..20).map(|n| async move { state.swap("gen", b"0", &[n], None).await.unwrap() });
    let won = futures::future::join_all(swaps).await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    let takes = (0..20).map(|_| state.take("gen"));
    let got = futures::future::join_all(takes).await.into_iter().filter_map(Result::unwrap).count();
    assert_eq!(got, 1);
    assert!(!state.swap("gen", b"0", b"1", None).await.unwrap());
}

#[tokio::test]
async fn a_swap_sets_a_new_expiry() {
    let Store { state, clock, .. } = &store().await;
    state.put("a", b"1", Some(MINUTE)).await.unwrap();
    assert!(state.swap("a", b"1", b"2", Some(2 * MINUTE)).await.unwrap());
    clock.advance(MINUTE);
    assert_eq!(state.get("a").await.unwrap().as_deref(), Some(&b"2"[..]));
}

#[tokio::test]
async fn counters_add_up_within_their_window() {
    let Store { state, clock, .. } = &store().await;
    assert_eq!(state.counted("login").await.unwrap(), None);
    let adds = (0..20).map(|_| state.count("login", 1, MINUTE));
    let mut totals: Vec<u64> =
        futures::future::join_all(adds).await.into_iter().map(|count| count.unwrap().total).collect();
    totals.sort_unstable();
    assert_eq!(totals, (1..=20).collect::<Vec<_>>());
    clock.advance(MINUTE / 2);
    let count = state.count("login", 5, MINUTE).await.unwrap();
    assert_eq!(count.total, 25);
    assert!(count.resets_in <= MINUTE / 2, "a window does not slide: {count:?}");
    assert_eq!(state.counted("login").await.unwrap().unwrap().total, 25);
    clock.advance(MINUTE / 2);
    assert_eq!(state.counted("login").await.unwrap(), None);
    assert_eq!(state.count("login", 1, MINUTE).await.unwrap().total, 1);
}

#[tokio::test]
async fn lists_what_lies_below_in_order() {
    let Store { state, clock, .. } = &store().await;
    for key in ["grant/b", "grant/a", "grant/ä", "grants/x", "grant"] {
        state.put(key, key.as_bytes(), None).await.unwrap();
    }
    state.put("grant/gone", b"", Some(MINUTE)).await.unwrap();
    clock.advance(MINUTE);
    let keys = |pairs: Vec<super::Pair>| pairs.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys(state.list("grant/", 10).await.unwrap()), ["grant/a", "grant/b", "grant/ä"]);
    assert_eq!(keys(state.list("grant/", 2).await.unwrap()), ["grant/a", "grant/b"]);
}

#[tokio::test]
async fn sweeping_removes_what_expired_and_nothing_else() {
    let Store { state, clock, .. } = &store().await;
    state.put("a", b"1", Some(MINUTE)).await.unwrap();
    state.put("b", b"2", None).await.unwrap();
    assert_eq!(state.sweep().await.unwrap(), 0);
    clock.advance(MINUTE);
    assert_eq!(state.sweep().await.unwrap(), 1);
    assert!(state.get("b").await.unwrap().is_some());
}
