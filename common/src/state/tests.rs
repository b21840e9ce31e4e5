//! What every store must do, whatever it is made of.

use std::time::Duration;

use futures::future::join_all;

use super::State;
use crate::test_store::{TestStore, on_every_store};

const MINUTE: Duration = Duration::from_secs(60);

on_every_store!(
    what_is_put_is_there_until_it_expires,
    the_first_value_stays_while_it_lives,
    of_many_who_swap_or_take_one_wins,
    a_swap_sets_a_new_expiry,
    counters_add_up_within_their_window,
    lists_what_lies_below_in_order,
    sweeping_removes_what_expired_and_nothing_else,
    bytes_and_keys_are_anything,
    a_value_put_anew_has_a_new_expiry,
    long_lists_come_whole,
    forever_is_no_number,
    many_who_set_agree,
);

fn state(store: &TestStore) -> (State, &crate::Clock) {
    (State::new(store.store.clone()), &store.clock)
}

async fn what_is_put_is_there_until_it_expires(store: &TestStore) {
    let (state, clock) = &state(store);
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

async fn the_first_value_stays_while_it_lives(store: &TestStore) {
    let (state, clock) = &state(store);
    assert_eq!(state.get_or_set("secret", b"one", Some(MINUTE)).await.unwrap(), b"one");
    assert_eq!(state.get_or_set("secret", b"two", None).await.unwrap(), b"one");
    clock.advance(MINUTE);
    assert_eq!(state.get_or_set("secret", b"two", None).await.unwrap(), b"two");
}

async fn of_many_who_swap_or_take_one_wins(store: &TestStore) {
    let (state, _) = &state(store);
    state.put("gen", b"0", None).await.unwrap();
    let swaps = (0..20).map(|n| async move { state.swap("gen", b"0", &[n], None).await.unwrap() });
    let won = join_all(swaps).await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    let takes = (0..20).map(|_| state.take("gen"));
    let got = join_all(takes).await.into_iter().filter_map(Result::unwrap).count();
    assert_eq!(got, 1);
    assert!(!state.swap("gen", b"0", b"1", None).await.unwrap());
}

async fn a_swap_sets_a_new_expiry(store: &TestStore) {
    let (state, clock) = &state(store);
    state.put("a", b"1", Some(MINUTE)).await.unwrap();
    assert!(state.swap("a", b"1", b"2", Some(2 * MINUTE)).await.unwrap());
    clock.advance(MINUTE);
    assert_eq!(state.get("a").await.unwrap().as_deref(), Some(&b"2"[..]));
}

async fn counters_add_up_within_their_window(store: &TestStore) {
    let (state, clock) = &state(store);
    assert_eq!(state.counted("login").await.unwrap(), None);
    let adds = (0..20).map(|_| state.count("login", 1, MINUTE));
    let mut totals: Vec<u64> = join_all(adds).await.into_iter().map(|count| count.unwrap().total).collect();
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

async fn lists_what_lies_below_in_order(store: &TestStore) {
    let (state, clock) = &state(store);
    for key in ["grant/b", "grant/a", "grant/ä", "grants/x", "grant"] {
        state.put(key, key.as_bytes(), None).await.unwrap();
    }
    state.put("grant/gone", b"", Some(MINUTE)).await.unwrap();
    clock.advance(MINUTE);
    let keys = |pairs: Vec<super::Pair>| pairs.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys(state.list("grant/", 10).await.unwrap()), ["grant/a", "grant/b", "grant/ä"]);
    assert_eq!(keys(state.list("grant/", 2).await.unwrap()), ["grant/a", "grant/b"]);
}

async fn sweeping_removes_what_expired_and_nothing_else(store: &TestStore) {
    let (state, clock) = &state(store);
    state.put("a", b"1", Some(MINUTE)).await.unwrap();
    state.put("b", b"2", None).await.unwrap();
    assert_eq!(state.sweep().await.unwrap(), 0);
    clock.advance(MINUTE);
    assert_eq!(state.sweep().await.unwrap(), 1);
    assert!(state.get("b").await.unwrap().is_some());
}

async fn bytes_and_keys_are_anything(store: &TestStore) {
    let (state, _) = &state(store);
    let every: Vec<u8> = (0..=255).collect();
    for (key, value) in [("a", &every[..]), ("b c/{x}*\n", b"\0"), ("empty", b""), ("ö", b"1e5")] {
        state.put(key, value, None).await.unwrap();
        assert_eq!(state.get(key).await.unwrap().as_deref(), Some(value), "{key}");
        assert_eq!(state.get_or_set(key, b"other", None).await.unwrap(), value, "{key}");
        assert!(!state.swap(key, b"\0\0", b"", None).await.unwrap(), "{key}");
        assert!(state.swap(key, value, b"new\r\n", None).await.unwrap(), "{key}");
        assert_eq!(state.take(key).await.unwrap().as_deref(), Some(&b"new\r\n"[..]), "{key}");
    }
    assert!(state.list("", 10).await.unwrap().is_empty());
}

async fn a_value_put_anew_has_a_new_expiry(store: &TestStore) {
    let (state, clock) = &state(store);
    state.put("a", b"1", Some(MINUTE)).await.unwrap();
    state.put("a", b"2", None).await.unwrap();
    state.put("b", b"1", None).await.unwrap();
    state.put("b", b"2", Some(MINUTE)).await.unwrap();
    state.put("now", b"1", Some(Duration::ZERO)).await.unwrap();
    assert_eq!(state.get("now").await.unwrap(), None);
    clock.advance(MINUTE);
    assert_eq!(state.sweep().await.unwrap(), 2);
    assert_eq!(state.list("", 10).await.unwrap(), [("a".to_owned(), b"2".to_vec())]);
}

async fn long_lists_come_whole(store: &TestStore) {
    let (state, clock) = &state(store);
    for n in 0..1300 {
        let ttl = (n % 2 == 0).then_some(MINUTE);
        state.put(&format!("n/{n:04}"), n.to_string().as_bytes(), ttl).await.unwrap();
    }
    assert_eq!(state.list("n/", 2000).await.unwrap().len(), 1300);
    clock.advance(MINUTE);
    assert_eq!(state.list("n/", 600).await.unwrap().len(), 600, "what has expired takes nobody's place");
    let all = state.list("n/", 2000).await.unwrap();
    assert_eq!(all.len(), 650);
    assert!(all.is_sorted() && all.iter().all(|(key, value)| key[2..].parse().ok() == text(value).parse::<u32>().ok()));
    state.sweep().await.unwrap();
    assert_eq!(state.list("", 2000).await.unwrap().len(), 650);
    assert!(state.list("n/", 0).await.unwrap().is_empty());
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

async fn forever_is_no_number(store: &TestStore) {
    let (state, clock) = &state(store);
    state.put("a", b"1", Some(Duration::MAX)).await.unwrap();
    assert_eq!(state.count("n", 3, Duration::MAX).await.unwrap().total, 3);
    clock.advance(MINUTE);
    assert!(state.get("a").await.unwrap().is_some());
    assert_eq!(state.count("n", 4_000_000_000_000, MINUTE).await.unwrap().total, 4_000_000_000_003);
    assert_eq!(state.counted("n").await.unwrap().unwrap().total, 4_000_000_000_003);
}

async fn many_who_set_agree(store: &TestStore) {
    let (state, _) = &state(store);
    let sets = (0..20).map(|n| async move { state.get_or_set("secret", &[n], None).await.unwrap() });
    let values = join_all(sets).await;
    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
}
