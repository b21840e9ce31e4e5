//! What is asked back first, what is not paid for twice, and what is not paid for at all.

use serde_json::json;

use super::{CREATED, House, LOOKED, about};
use crate::{fake_openai::Fault, images::png};

#[tokio::test]
async fn what_is_dear_is_quoted_and_runs_once_confirmed() {
    let house = House::open().await;
    let call = json!({"prompt": "five cats", "n": 5, "quality": "low", "size": "1024x1024"});
    let reply = house.server.call("create_image", call.clone()).await;
    let quoted = reply.structured();
    assert!(reply.result["isError"] != true && quoted["image_id"].is_null() && house.fake.asked().is_empty());
    let range = &quoted["quote"];
    assert!(range["low_usd"].as_f64().unwrap() >= 0.03 && range["high_usd"].as_f64().unwrap() < 0.05, "{quoted}");
    assert!(reply.text().contains("Ask the user"), "{}", reply.text());
    assert_eq!(quoted["next"][0]["tool"], "create_image");
    let confirmed = quoted["next"][0]["arguments"].clone();
    assert_eq!(confirmed["confirm_token"], quoted["confirm_token"]);
    about(&json!(house.spent().await), 0.0);

    // Another call, or a made-up token, does not run by it, and does not use it up.
    let mut other = confirmed.clone();
    other["prompt"] = "five dogs".into();
    let mut wrong = confirmed.clone();
    wrong["confirm_token"] = "confirm_aaaaaaaaaaaaaaaaaaaaaaaa".into();
    for call in [other, wrong] {
        let (kind, text) = house.server.fails("create_image", call).await;
        assert!(kind == "invalid_argument" && text.contains("confirm_token"), "{text}");
    }
    let made = house.server.ok("create_image", confirmed.clone()).await;
    assert_eq!(made["images"].as_array().unwrap().len(), 5);
    // Again: the same images, and nothing paid.
    let again = house.server.ok("create_image", confirmed.clone()).await;
    assert_eq!((&again["joined"], &again["images"][0]["image_id"]), (&json!(true), &made["images"][0]["image_id"]));
    // A token works once.
    let mut fresh = confirmed;
    fresh["fresh"] = true.into();
    assert!(house.server.fails("create_image", fresh).await.1.contains("was used"));
    assert_eq!(house.paid().len(), 1);
}

#[tokio::test]
async fn a_high_price_is_confirmed_too() {
    let house = House::with(&[("CONFIRM_ABOVE_USD", "0.05")]).await;
    let call = |quality: &str| json!({"prompt": "a", "quality": quality, "size": "1024x1024"});
    assert!(house.server.ok("create_image", call("high")).await["confirm_token"].is_string());
    assert!(house.server.ok("create_image", call("low")).await["image_id"].is_string());
    assert_eq!(house.paid().len(), 1);
}

#[tokio::test]
async fn the_same_call_within_ten_minutes_is_not_paid_for_twice() {
    let house = House::open().await;
    let call = json!({"prompt": "a cat"});
    // At the same time, as by a double click …
    let (one, other) =
        tokio::join!(house.server.ok("create_image", call.clone()), house.server.ok("create_image", call.clone()),);
    assert_eq!(one["image_id"], other["image_id"]);
    // … and afterwards.
    let again = house.server.ok("create_image", call.clone()).await;
    assert_eq!((&again["joined"], &again["image_id"]), (&json!(true), &one["image_id"]));
    assert_eq!(house.paid().len(), 1);
    about(&json!(house.spent().await), CREATED + LOOKED);
    let fresh = house.server.ok("create_image", json!({"prompt": "a cat", "fresh": true})).await;
    assert_ne!(fresh["image_id"], one["image_id"]);
    assert_eq!((house.paid().len(), &fresh["joined"]), (2, &json!(null)));
}

#[tokio::test]
async fn a_budget_is_never_crossed() {
    // Room for one picture of high quality, not for two.
    let house = House::with(&[("DAILY_BUDGET_USD", "0.35"), ("DESCRIBE_IMAGES", "off")]).await;
    let call = |prompt: &str| json!({"prompt": prompt, "quality": "high", "size": "1024x1024"});
    let calls = (0..6).map(|index| house.server.call("create_image", call(&format!("number {index}"))));
    let replies = futures::future::join_all(calls).await;
    let refused = replies.iter().filter(|reply| reply.structured()["error"]["kind"] == "budget_exceeded").count();
    assert!(refused > 0 && house.paid().len() + refused == 6, "{refused} refused");
    let spent = house.spent().await;
    assert!(spent <= 0.35, "{spent}");
    let usage = house.server.ok("get_usage", json!({})).await;
    about(&usage["today"]["budget_usd"], 0.35);
    about(&usage["today"]["left_usd"], 0.35 - spent);
    assert_eq!(usage["by_tool"][0]["tool"], "create_image");
    let text = replies.iter().find(|reply| reply.structured()["error"].is_object()).unwrap().text();
    assert!(text.contains("budget for the day") && text.contains("quality low"), "{text}");
    // Without a price nobody can keep to a budget.
    let (kind, text) = house.server.fails("create_image", json!({"prompt": "a", "model": "gpt-image-1.5"})).await;
    assert!(kind == "invalid_argument" && text.contains("no price is known"), "{text}");
}

#[tokio::test]
async fn what_was_not_made_costs_nothing_and_what_may_have_been_is_charged() {
    let house = House::open().await;
    for (fault, kind) in [
        (Fault::moderation(), "content_blocked"),
        (Fault::quota(), "budget_exceeded"),
        (Fault::unverified(), "org_not_verified"),
    ] {
        house.fake.fail([fault]);
        assert_eq!(house.server.fails("create_image", json!({"prompt": kind})).await.0, kind);
        about(&json!(house.spent().await), 0.0);
    }
    assert_eq!(house.paid().len(), 3);
    for (fault, prompt) in [(Fault::html(502), "a"), (Fault::Reset, "b"), (Fault::NoData, "c")] {
        let before = house.spent().await;
        house.fake.fail([fault]);
        let (kind, text) = house.server.fails("create_image", json!({"prompt": prompt, "quality": "low"})).await;
        assert_eq!(kind, "outcome_unknown", "{text}");
        assert!(house.spent().await > before + 0.005, "{prompt}: charged at its estimate");
    }
    assert_eq!(house.paid().len(), 6, "nothing was asked for twice");
    // What failed may be tried again at once.
    assert!(house.server.ok("create_image", json!({"prompt": "content_blocked"})).await["image_id"].is_string());
}

#[tokio::test]
async fn looking_is_paid_for_too() {
    let house = House::with(&[("DAILY_BUDGET_USD", "0.0005")]).await;
    house.folder.put("a.png", &png(64, 64));
    let (kind, _) = house.server.fails("prompt_from_image", json!({"image": "a.png"})).await;
    assert_eq!(kind, "budget_exceeded");
    // What nobody asked a model for is told without one.
    let facts = house.server.ok("analyze_image", json!({"image": "a.png"})).await;
    assert_eq!((&facts["model"]["used"], &facts["warnings"][0]["code"]), (&json!(false), &json!("not_described")));
    assert!(house.fake.asked().is_empty());
}
