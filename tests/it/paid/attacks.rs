//! Programs that die, and calls that are cancelled, while a model is at work.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{House, start};
use crate::{
    fake_openai::{Dialect, FakeOpenAi, Fault},
    harness::{Folder, Server},
};

const FAST: [(&str, &str); 1] = [("QUEUE_LEASE_SECS", "1")];

async fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A call with progress whose answer is not waited for: what it streams so far.
async fn began(server: &Server, arguments: Value) -> reqwest::Response {
    let params = json!({"name": "create_image", "arguments": arguments, "_meta": {"progressToken": 1}});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let call = reqwest::Client::new().post(format!("{}/mcp", server.url)).json(&request);
    let call =
        call.header("Accept", "application/json, text/event-stream").header("MCP-Protocol-Version", "2025-11-25");
    call.send().await.unwrap()
}

/// Reads on until `mark` has come; the rest of its line.
async fn told(stream: &mut reqwest::Response, mark: &str) -> String {
    let mut text = String::new();
    loop {
        let chunk = tokio::time::timeout(Duration::from_secs(30), stream.chunk()).await.expect(mark).unwrap();
        text.push_str(std::str::from_utf8(&chunk.unwrap_or_else(|| panic!("{mark} is missing in {text}"))).unwrap());
        if let Some((_, rest)) = text.split_once(mark)
            && let Some((line, _)) = rest.split_once('\n')
        {
            return line.to_owned();
        }
    }
}

#[tokio::test]
async fn a_call_that_dies_with_its_worker_is_not_paid_for_again() {
    let (folder, fake) = (Folder::new(), FakeOpenAi::start(Dialect::OpenAi).await);
    fake.fail([Fault::Hang]);
    let server = start(&folder, &fake, &FAST);
    let call = json!({"prompt": "a cat", "quality": "low"});
    let mut stream = began(&server, call.clone()).await;
    told(&mut stream, "asking for 1 image (job_").await;
    until("the request", || !fake.asked().is_empty()).await;
    let usage = server.ok("get_usage", json!({})).await;
    assert_eq!(usage["by_tool"][0]["calls"], 1, "it is written before it is sent");
    server.kill();
    let server = start(&folder, &fake, &FAST);
    // The same call waits for the job that was taken up again, or comes after its end and is a new one.
    let job = {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let usage = server.ok("get_usage", json!({})).await;
            let idle: Value = server.get("/health").await.json().await.unwrap();
            if idle["queue"]["remote"] == json!({"queued": 0, "running": 0, "dead": 0}) {
                break usage;
            }
            assert!(Instant::now() < deadline, "{idle}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert_eq!(fake.asked().len(), 1, "one request, whatever happens");
    assert!(job["month"]["spent_usd"].as_f64().unwrap() > 0.005, "it stays charged: {job}");
}

#[tokio::test]
async fn a_client_that_leaves_finds_what_it_paid_for() {
    let house = House::open().await;
    let call = json!({"prompt": "a cat"});
    let mut stream = began(&house.server, call.clone()).await;
    told(&mut stream, "\"message\":\"queued\"").await;
    until("the request", || !house.paid().is_empty()).await;
    drop(stream);
    let facts = house.server.ok("create_image", call).await;
    assert!(facts["image_id"].is_string() && house.paid().len() == 1, "{facts}");
}

#[tokio::test]
async fn a_cancelled_call_is_dropped_and_stays_charged() {
    let house = House::open().await;
    house.fake.fail([Fault::Hang]);
    let mut stream = began(&house.server, json!({"prompt": "a cat", "quality": "low"})).await;
    let rest = told(&mut stream, "asking for 1 image (").await;
    let job = rest.split_once(')').unwrap().0.to_owned();
    assert_eq!(house.fake.open_connections(), 1);
    let cancelled = house.server.ok("cancel_job", json!({"job_id": job})).await;
    assert_eq!(cancelled["state"], "cancelled");
    until("the end of the request", || house.fake.open_connections() == 0).await;
    assert!(house.spent().await > 0.005, "it may have been made");
    assert_eq!(house.paid().len(), 1);
    house.server.assert_idle().await;
}

#[tokio::test]
async fn unfinished_images_come_as_links() {
    let house = House::open().await;
    house.fake.fail([Fault::StalledStream]);
    let mut stream = began(&house.server, json!({"prompt": "a cat", "partial_images": 2})).await;
    let rest = told(&mut stream, "unfinished image 2 (").await;
    let (job, rest) = rest.split_once("): ").unwrap();
    let link = rest.split_once('"').unwrap().0;
    let seen = house.server.get(link).await;
    assert_eq!((seen.status().as_u16(), seen.headers()["content-type"].to_str().unwrap()), (200, "image/png"));
    assert_eq!(image::load_from_memory(&seen.bytes().await.unwrap()).unwrap().width(), 1024);
    let forged = link.replace("/unfinished/2", "/unfinished/1");
    assert_eq!(house.server.get(&forged).await.status(), 403);
    house.server.ok("cancel_job", json!({"job_id": job})).await;
    until("the end of the request", || house.fake.open_connections() == 0).await;
    house.server.assert_idle().await;
    assert_eq!(house.server.get(link).await.status(), 404, "it goes with its job");
}
