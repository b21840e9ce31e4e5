//! What every ledger must do, whatever it is made of.

use std::time::Duration;

use futures::future::join_all;

use super::{Budget, Call, Ledger, Period, Reserved, Spent};
use crate::{
    JobId, Usd, UserId,
    test_store::{TestStore, on_every_store},
};

on_every_store!(
    many_who_race_get_no_more_than_the_budget,
    a_refusal_says_what_is_left_and_until_when,
    what_was_sent_stays_charged_and_what_was_not_is_released,
    a_call_is_sent_once,
    usage_settles_once,
    a_new_day_begins_at_nothing_and_the_month_goes_on,
    users_pay_for_themselves,
    what_surely_made_nothing_costs_nothing_and_may_be_tried_again,
    each_tool_and_model_has_its_line,
);

const DAY: Duration = Duration::from_secs(24 * 3600);

fn call(owner: &str, cents: u64) -> Call {
    Call {
        job: JobId::random().unwrap(),
        owner: UserId(owner.into()),
        tool: "create_image".into(),
        model: "m".into(),
        estimate: Usd::from_nanos(cents * 10_000_000),
    }
}

fn cents(cents: u64) -> Usd {
    Usd::from_nanos(cents * 10_000_000)
}

fn daily(most: u64) -> Budget {
    Budget { daily: Some(cents(most)), monthly: None }
}

fn same(sum: u64) -> Spent {
    Spent { day: cents(sum), month: cents(sum) }
}

async fn many_who_race_get_no_more_than_the_budget(store: &TestStore) {
    let ledger = &Ledger::new(store.store.clone());
    let tries = (0..20).map(|_| async move { ledger.reserve(&call("a", 10), daily(50)).await.unwrap() });
    let granted = join_all(tries).await.into_iter().filter(|answer| *answer == Reserved::Granted).count();
    assert_eq!(granted, 5);
    assert_eq!(ledger.spent(&UserId("a".into())).await.unwrap(), same(50));
}

async fn a_refusal_says_what_is_left_and_until_when(store: &TestStore) {
    let ledger = Ledger::new(store.store.clone());
    let budget = Budget { daily: Some(cents(50)), monthly: Some(cents(60)) };
    assert_eq!(ledger.reserve(&call("a", 30), budget).await.unwrap(), Reserved::Granted);
    let now = store.clock.now_ms();
    for (more, refused, remains) in [(25, Period::Day, 20), (40, Period::Month, 30)] {
        let answer = ledger.reserve(&call("a", more), budget).await.unwrap();
        let Reserved::Refused { period, left, resets_at } = answer else { panic!("{answer:?}") };
        assert_eq!((period, left), (refused, cents(remains)));
        assert!(resets_at > now && resets_at % 86_400_000 == 0);
    }
    assert_eq!(ledger.spent(&UserId("a".into())).await.unwrap(), same(30), "a refusal costs nothing");
}

async fn what_was_sent_stays_charged_and_what_was_not_is_released(store: &TestStore) {
    let ledger = Ledger::new(store.store.clone());
    let (sent, unsent) = (call("a", 10), call("a", 20));
    for call in [&sent, &unsent] {
        assert_eq!(ledger.reserve(call, daily(30)).await.unwrap(), Reserved::Granted);
    }
    assert!(ledger.submit(&sent.job).await.unwrap());
    for call in [&sent, &unsent, &unsent] {
        ledger.abandon(&call.job).await.unwrap();
    }
    assert_eq!(ledger.spent(&sent.owner).await.unwrap(), same(10));
    assert!(!ledger.submit(&unsent.job).await.unwrap(), "what was released is not sent");
    assert_eq!(ledger.reserve(&unsent, daily(30)).await.unwrap(), Reserved::Granted);
    assert_eq!(ledger.spent(&sent.owner).await.unwrap(), same(30));
}

async fn a_call_is_sent_once(store: &TestStore) {
    let ledger = &Ledger::new(store.store.clone());
    let call = &call("a", 10);
    for _ in 0..2 {
        assert_eq!(ledger.reserve(call, daily(10)).await.unwrap(), Reserved::Granted);
    }
    let tries = (0..20).map(|_| async move { ledger.submit(&call.job).await.unwrap() });
    assert_eq!(join_all(tries).await.into_iter().filter(|sent| *sent).count(), 1);
    assert_eq!(ledger.reserve(call, daily(10)).await.unwrap(), Reserved::Submitted);
    assert_eq!(ledger.spent(&call.owner).await.unwrap(), same(10));
}

async fn usage_settles_once(store: &TestStore) {
    let ledger = Ledger::new(store.store.clone());
    let call = call("a", 10);
    ledger.reserve(&call, daily(10)).await.unwrap();
    ledger.submit(&call.job).await.unwrap();
    for cost in [cents(4), cents(9)] {
        ledger.settle(&call.job, cost).await.unwrap();
    }
    ledger.abandon(&call.job).await.unwrap();
    assert_eq!(ledger.spent(&call.owner).await.unwrap(), same(4));
    ledger.settle(&JobId::random().unwrap(), cents(9)).await.unwrap();
    assert_eq!(ledger.spent(&call.owner).await.unwrap(), same(4), "a job without a row costs nothing");
}

async fn a_new_day_begins_at_nothing_and_the_month_goes_on(store: &TestStore) {
    let ledger = Ledger::new(store.store.clone());
    // The first of a month, so that the day after is in the same one.
    let today = super::today(&store.clock);
    let wait = today.end(Period::Month) - store.clock.now_ms();
    store.clock.advance(Duration::from_millis(u64::try_from(wait).unwrap()) + Duration::from_secs(60));
    let (first, second) = (call("a", 10), call("a", 7));
    ledger.reserve(&first, daily(10)).await.unwrap();
    store.clock.advance(DAY);
    assert_eq!(ledger.reserve(&second, daily(10)).await.unwrap(), Reserved::Granted);
    assert_eq!(ledger.spent(&first.owner).await.unwrap(), Spent { day: cents(7), month: cents(17) });
    ledger.settle(&first.job, cents(3)).await.unwrap();
    let spent = ledger.spent(&first.owner).await.unwrap();
    assert_eq!(spent, Spent { day: cents(7), month: cents(10) }, "settled in the day it was set aside");
    store.clock.advance(31 * DAY);
    assert_eq!(ledger.spent(&first.owner).await.unwrap(), same(0));
}

async fn users_pay_for_themselves(store: &TestStore) {
    let ledger = Ledger::new(store.store.clone());
    assert_eq!(ledger.reserve(&call("a", 10), daily(10)).await.unwrap(), Reserved::Granted);
    assert_eq!(ledger.reserve(&call("b", 10), daily(10)).await.unwrap(), Reserved::Granted);
    assert_ne!(ledger.reserve(&call("a", 1), daily(10)).await.unwrap(), Reserved::Granted);
}

async fn what_surely_made_nothing_costs_nothing_and_may_be_tried_again(store: &TestStore) {
    let ledger = Ledger::new(store.store.clone());
    let call = call("a", 10);
    for _ in 0..2 {
        assert_eq!(ledger.reserve(&call, daily(10)).await.unwrap(), Reserved::Granted);
        assert!(ledger.submit(&call.job).await.unwrap());
        ledger.release(&call.job).await.unwrap();
        assert_eq!(ledger.spent(&call.owner).await.unwrap(), same(0));
    }
    ledger.reserve(&call, daily(10)).await.unwrap();
    ledger.settle(&call.job, cents(4)).await.unwrap();
    ledger.release(&call.job).await.unwrap();
    assert_eq!(ledger.spent(&call.owner).await.unwrap(), same(4), "what is settled stays");
}

async fn each_tool_and_model_has_its_line(store: &TestStore) {
    let ledger = Ledger::new(store.store.clone());
    let other = Call { tool: "edit_image".into(), model: "a|b".into(), ..call("a", 5) };
    let calls = [call("a", 10), call("a", 20), other, call("b", 1)];
    for call in &calls {
        assert_eq!(ledger.reserve(call, Budget::default()).await.unwrap(), Reserved::Granted);
    }
    ledger.settle(&calls[0].job, cents(1)).await.unwrap();
    let lines = async || {
        let lines = ledger.this_month(&UserId("a".into())).await.unwrap();
        lines.into_iter().map(|line| (line.tool, line.model, line.calls, line.cost)).collect::<Vec<_>>()
    };
    let own = |calls, sum| ("create_image".to_owned(), "m".to_owned(), calls, cents(sum));
    let edits = ("edit_image".to_owned(), "a|b".to_owned(), 1, cents(5));
    assert_eq!(lines().await, [own(2, 21), edits.clone()]);
    ledger.release(&calls[1].job).await.unwrap();
    assert_eq!(lines().await, [edits.clone(), own(1, 1)], "what was released is no call");
    assert_eq!(ledger.reserve(&calls[1], Budget::default()).await.unwrap(), Reserved::Granted);
    assert_eq!(lines().await, [own(2, 21), edits]);
    store.clock.advance(31 * DAY);
    assert!(lines().await.is_empty());
}
