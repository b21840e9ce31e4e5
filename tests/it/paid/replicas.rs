//! Many programs, one purse.

use serde_json::json;

use crate::{
    fake_openai::{Dialect, FakeOpenAi, Fault, KEY},
    fleet::Fleet,
};

#[tokio::test]
async fn replicas_that_race_spend_no_more_than_the_budget() {
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    let base_url = fake.base_url();
    let settings = [
        ("OPENAI_API_KEY", KEY),
        ("OPENAI_BASE_URL", base_url.as_str()),
        ("DAILY_BUDGET_USD", "0.5"),
        ("DESCRIBE_IMAGES", "off"),
        ("QUEUE_LEASE_SECS", "2"),
    ];
    let Some(fleet) = Fleet::start(&settings) else { return };
    let (a, b, one, _other) = (fleet.web(), fleet.web(), fleet.worker(), fleet.worker());
    let call = |index: usize| json!({"prompt": format!("number {index}"), "quality": "high", "size": "1024x1024"});
    let calls = (0..8).map(|index| if index % 2 == 0 { &a } else { &b }.call("create_image", call(index)));
    let replies = futures::future::join_all(calls).await;
    let refused = replies.iter().filter(|reply| reply.structured()["error"]["kind"] == "budget_exceeded").count();
    assert!(refused > 0 && fake.asked().len() + refused == 8, "{refused} refused, {} made", fake.asked().len());
    let spent = b.ok("get_usage", json!({})).await["today"]["spent_usd"].as_f64().unwrap();
    assert!((0.03..=0.5).contains(&spent), "{spent}");

    // A worker that dies in the middle: another takes the job up and does not pay again.
    let before = fake.asked().len();
    fake.fail([Fault::Hang]);
    let dying = json!({"prompt": "the last", "quality": "low", "size": "1024x1024"});
    let killed = async {
        while fake.asked().len() == before {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        one.kill();
        _other.kill();
        fleet.worker()
    };
    let (reply, _third) = tokio::join!(a.call("create_image", dying), killed);
    assert_eq!(reply.structured()["error"]["kind"], "outcome_unknown", "{}", reply.text());
    assert_eq!(fake.asked().len(), before + 1);
}
