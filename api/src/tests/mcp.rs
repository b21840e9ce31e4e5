use std::time::Duration;

use common::{FailureKind, JobId, UserId, jobs::JobState};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::{House, call_of};

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";

fn error(result: &Value) -> (&str, &str) {
    assert_eq!(result["isError"], true, "{result}");
    let error = &result["structuredContent"]["error"];
    (error["kind"].as_str().unwrap(), error["argument"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn both_eras_are_spoken_without_sessions() {
    let house = House::start().await;
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
    let answer = house.post_mcp(&[], &hello.to_string()).await;
    assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25");
    assert!(!answer.headers.contains_key("mcp-session-id"));
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}});
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"_meta": meta}});
    let headers = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list")];
    for path in ["/mcp", "/mcp/"] {
        let usual = [("Accept", "application/json, text/event-stream"), ("Content-Type", "application/json")];
        let answer = house.http("POST", path, &[&usual[..], &headers[..]].concat(), &list.to_string()).await;
        let result = &answer.json()["result"];
        assert_eq!(result["tools"].as_array().unwrap().len(), 16, "{}", answer.body);
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(3_600_000), &json!("public")));
    }
}

#[tokio::test]
async fn wrong_arguments_are_named_and_nothing_is_submitted() {
    let house = House::start().await;
    for (tool, arguments, expected) in [
        ("transform_image", json!({"width": 5}), ("invalid_argument", "image")),
        ("transform_image", json!({"image": "a.png"}), ("invalid_argument", "steps")),
        ("transform_image", json!({"image": "a.png", "width": 0}), ("invalid_argument", "width")),
        ("transform_image", json!({"image": "a.png", "widht": 9}), ("invalid_argument", "widht")),
        (
            "transform_image",
            json!({"image": "a.png", "steps": [{"op": "resize", "width": "x"}]}),
            ("invalid_argument", "steps[0].width"),
        ),
        (
            "transform_image",
            json!({"image": "a.png", "width": 5, "overwrite": true}),
            ("invalid_argument", "overwrite"),
        ),
        ("transform_image", json!({"image": "img_7k2m9w0c4t8x3v5q", "width": 5}), ("not_found", "image")),
        (
            "transform_image",
            json!({"image": "/mnt/user-data/uploads/a.png", "width": 5}),
            ("file_not_reachable", "image"),
        ),
        ("transform_image", json!({"image": "http://example.com/a.png", "width": 5}), ("invalid_argument", "image")),
        ("image_metadata", json!({"image": "a.png", "sections": ["taste"]}), ("invalid_argument", "sections[0]")),
        ("batch_process", json!({"source": {}, "width": 5}), ("invalid_argument", "source")),
        ("batch_process", json!({"source": {"folder": "."}}), ("invalid_argument", "steps")),
        (
            "batch_process",
            json!({"source": {"folder": ".", "images": ["a"]}, "width": 5}),
            ("invalid_argument", "source"),
        ),
        (
            "batch_process",
            json!({"source": {"images": ["a.png", "sandbox:/b.png"]}, "width": 5}),
            ("file_not_reachable", "source.images[1]"),
        ),
        (
            "batch_process",
            json!({"source": {"folder": "."}, "width": 5, "name": "{nmae}"}),
            ("invalid_argument", "name"),
        ),
        (
            "batch_process",
            json!({"source": {"folder": "."}, "width": 5, "wait_seconds": 46}),
            ("invalid_argument", "wait_seconds"),
        ),
        ("get_job", json!({"job_id": "job_7k2m9w0c4t8x3v5q"}), ("not_found", "job_id")),
        ("cancel_job", json!({"job_id": "nonsense"}), ("not_found", "job_id")),
        ("list_images", json!({"before": "nonsense"}), ("invalid_argument", "before")),
        ("list_images", json!({"limit": 51}), ("invalid_argument", "limit")),
    ] {
        let result = house.call(tool, arguments.clone()).await;
        assert_eq!(error(&result), expected, "{tool} {arguments}");
    }
    assert_eq!(house.stores.queue.depth(common::job::Lane::Cpu).await.unwrap().queued, 0);
    assert_eq!(house.stores.queue.depth(common::job::Lane::Remote).await.unwrap().queued, 0);
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error() {
    let house = House::start().await;
    let answer = house.post_mcp(&[], &call_of("make_coffee", json!({})).to_string()).await;
    assert_eq!(answer.json()["error"]["code"], -32602);
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_not_there() {
    let house = House::start().await;
    let record = house.store(&UserId("somebody".into()), b"private").await;
    let result = house.call("image_metadata", json!({"image": record.id})).await;
    assert_eq!(error(&result), ("not_found", "image"));
    assert_eq!(house.call("list_images", json!({})).await["structuredContent"]["images"], json!([]));
    let read = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": format!("image://{}", record.id)}});
    assert!(house.post_mcp(&[], &read.to_string()).await.json()["error"].is_object());
}

async fn only_job(house: &House, lane: common::job::Lane) -> JobId {
    // The call that is being waited for submits it; a worker would poll just so.
    loop {
        if house.stores.queue.depth(lane).await.unwrap().queued > 0 {
            let work = pixel_work();
            return house.stores.jobs.submit(&UserId::local(), work).await.unwrap().id;
        }
        tokio::task::yield_now().await;
    }
}

/// The work of `transform_image {image: PIXEL, width: 2}`: submitting it again joins that call.
fn pixel_work() -> common::job::Work {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(PIXEL).unwrap();
    let id = common::ImageId::of_upload(&UserId::local(), &bytes);
    let resize = common::recipe::Resize { width: Some(2), ..Default::default() };
    common::job::Work::Transform(common::job::Transform {
        source: common::job::Source::Inline(id),
        recipe: common::Recipe { steps: vec![common::Step::Resize(resize)], output: Default::default() },
        others: Vec::new(),
        strict: false,
        show: common::job::Return::Preview,
        save_to: None,
    })
}

#[tokio::test]
async fn a_transform_answers_with_facts_picture_and_links_and_tells_its_progress() {
    let house = House::start().await;
    let mut call = call_of("transform_image", json!({"image": PIXEL, "width": "2"}));
    call["params"]["_meta"] = json!({"progressToken": 7});
    let worker = async {
        let job = only_job(&house, common::job::Lane::Cpu).await;
        let outcome = house.transformed().await;
        house.stores.jobs.finish(&job, &Ok(outcome)).await.unwrap();
    };
    let call = call.to_string();
    let (answer, ()) = tokio::join!(house.post_mcp(&[], &call), worker);
    let events = answer.events();
    assert_eq!(events[0]["params"]["message"], "queued");
    assert_eq!(events[0]["params"]["progressToken"], 7);
    let result = &events.last().unwrap()["result"];
    let facts = &result["structuredContent"];
    assert_eq!((&facts["width"], &facts["format"], &facts["state"]), (&json!(2), &json!("png"), &json!("finished")));
    assert_eq!(facts["before"], json!({"width": 4, "height": 2, "format": "tga", "bytes": 99}));
    assert!(facts.get("saved_to").is_none() && facts.get("path").is_none() && facts.get("error").is_none());
    let content = result["content"].as_array().unwrap();
    let kinds: Vec<_> = content.iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "image", "resource_link"]);
    let text = content[0]["text"].as_str().unwrap();
    for fact in ["image_id: img_", "url: http://127.0.0.1", "2 × 1 png", "applied: resize to 2 × 1", "sha256: abab"] {
        assert!(text.contains(fact), "{fact} is missing in {text}");
    }
    assert_eq!(content[1]["annotations"]["audience"], json!(["user", "assistant"]));
    let read = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": content[2]["uri"]}});
    let read = house.post_mcp(&[], &read.to_string()).await.json();
    assert_eq!(read["result"]["contents"][0]["blob"], "cGljdHVyZQ==");
    // Later the job still knows, picture included.
    let again = house.call("get_job", json!({"job_id": facts["job_id"]})).await;
    assert_eq!(
        (&again["structuredContent"]["image_id"], &again["content"][1]["type"]),
        (&facts["image_id"], &json!("image"))
    );
    // And our own link leads back to the image.
    let by_link = house.call("transform_image", json!({"image": facts["url"]})).await;
    assert_eq!(error(&by_link), ("invalid_argument", "steps"));
}

#[tokio::test]
async fn progress_grows_once_a_second_while_nothing_happens() {
    let house = House::start().await;
    let job = house.stores.jobs.submit(&UserId::local(), pixel_work()).await.unwrap().id;
    let mut call = call_of("get_job", json!({"job_id": job, "wait_seconds": 2}));
    call["params"]["_meta"] = json!({"progressToken": "p"});
    let events = house.post_mcp(&[], &call.to_string()).await.events();
    let progress: Vec<f64> = events.iter().filter_map(|event| event["params"]["progress"].as_f64()).collect();
    assert!((2..=3).contains(&progress.len()), "{events:?}");
    assert!(progress.windows(2).all(|pair| pair[0] < pair[1]), "{progress:?}");
    let facts = &events.last().unwrap()["result"]["structuredContent"];
    assert_eq!(facts["state"], "queued");
    assert_eq!(facts["next"][0], json!({"tool": "get_job", "arguments": {"job_id": job, "wait_seconds": 45}}));
}

#[tokio::test]
async fn a_batch_that_takes_long_hands_back_its_id_and_can_be_cancelled() {
    let house = House::start().await;
    let arguments = json!({"source": {"folder": "."}, "width": 5, "wait_seconds": 0});
    let result = house.call("batch_process", arguments.clone()).await;
    let facts = &result["structuredContent"];
    assert_eq!((result["isError"].as_bool(), facts["state"].as_str()), (Some(false), Some("queued")));
    let again = house.call("batch_process", arguments).await;
    assert_eq!(again["structuredContent"]["joined"], true);
    assert_eq!(again["structuredContent"]["job_id"], facts["job_id"]);
    let job = json!({"job_id": facts["job_id"]});
    for _ in 0..2 {
        let cancelled = house.call("cancel_job", job.clone()).await;
        assert_eq!(
            (cancelled["isError"].as_bool(), &cancelled["structuredContent"]["state"]),
            (Some(false), &json!("cancelled"))
        );
    }
    assert_eq!(house.call("get_job", job).await["structuredContent"]["state"], "cancelled");
}

#[tokio::test]
async fn a_failed_job_is_a_failed_call() {
    let house = House::start().await;
    let job = house.stores.jobs.submit(&UserId::local(), pixel_work()).await.unwrap().id;
    let failure = common::Failure::new(FailureKind::ImageUnreadable, "No picture in it.");
    house.stores.jobs.finish(&job, &Err(failure)).await.unwrap();
    let result = house.call("get_job", json!({"job_id": job})).await;
    assert_eq!(error(&result), ("image_unreadable", ""));
    assert_eq!(result["structuredContent"]["state"], "failed");
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_own_call_only() {
    let house = House::start().await;
    for joined in [false, true] {
        let before = if joined {
            Some(house.stores.jobs.submit(&UserId::local(), pixel_work()).await.unwrap().id)
        } else {
            None
        };
        let mut call = call_of("transform_image", json!({"image": PIXEL, "width": 2}));
        call["params"]["_meta"] = json!({"progressToken": 7});
        let headers = [("Accept", "application/json, text/event-stream"), ("Content-Type", "application/json")];
        let mut stream = house.send("POST", "/mcp", &headers, &call.to_string()).await;
        let job = only_job(&house, common::job::Lane::Cpu).await;
        let mut some = [0; 64];
        stream.read_exact(&mut some).await.unwrap();
        drop(stream);
        // Looked at from aside: whoever waits for a job keeps it alive.
        let end = tokio::time::Instant::now() + Duration::from_secs(if joined { 2 } else { 20 });
        let state = loop {
            let state = house.stores.jobs.any(&job).await.unwrap().unwrap().state;
            if state.is_final() || tokio::time::Instant::now() >= end {
                break state;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert_eq!(state, if joined { JobState::Queued } else { JobState::Cancelled });
        assert_eq!(before.is_some(), joined);
    }
}

#[tokio::test]
async fn a_stopping_server_hands_back_what_it_waits_for() {
    let house = House::start().await;
    let call = call_of("transform_image", json!({"image": PIXEL, "width": 2})).to_string();
    let stop = async {
        only_job(&house, common::job::Lane::Cpu).await;
        house.shutdown.cancel();
    };
    let (answer, ()) = tokio::join!(house.post_mcp(&[], &call), stop);
    assert_eq!(answer.json()["result"]["structuredContent"]["state"], "queued");
    house.stop().await;
}

#[tokio::test]
async fn pages_of_images_lead_to_the_next() {
    let house = House::start().await;
    for _ in 0..3 {
        house.store(&UserId::local(), b"picture").await;
    }
    let first = house.call("list_images", json!({"limit": 2})).await["structuredContent"].clone();
    assert_eq!(first["images"].as_array().unwrap().len(), 2);
    let next = &first["next"][0]["arguments"];
    let second = house.call("list_images", next.clone()).await["structuredContent"].clone();
    assert_eq!(second["images"].as_array().unwrap().len(), 1);
    assert!(second.get("next").is_none());
}
