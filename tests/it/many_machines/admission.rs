//! What is let in: nothing grows without bound, and nobody is kept waiting by another's batch.

use serde_json::{Value, json};

use crate::{
    fleet::{Fleet, RoundRobin, through},
    images::jpeg,
    site::{App, PASSWORD, Site},
};

/// Status, `Retry-After` and body of a call of `batch_process` that does not wait; every `width` is another call.
async fn batch(url: &str, token: Option<&str>, width: u32) -> (u16, Option<u64>, Value) {
    let arguments = json!({"source": {"folder": "in"}, "width": width, "wait_seconds": 0});
    call(url, token, "batch_process", arguments).await
}

async fn call(url: &str, token: Option<&str>, tool: &str, arguments: Value) -> (u16, Option<u64>, Value) {
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
    let mut request = reqwest::Client::new()
        .post(format!("{url}/mcp"))
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "2025-11-25")
        .json(&body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    let retry_after = answer.headers().get("retry-after").map(|seconds| seconds.to_str().unwrap().parse().unwrap());
    (answer.status().as_u16(), retry_after, answer.json().await.unwrap())
}

#[tokio::test]
async fn when_too_much_waits_new_work_is_refused() {
    let Some(fleet) = Fleet::start(&[("MAX_WAITING_JOBS", "3")]) else { return };
    fleet.folder.put("in/a.jpg", &jpeg(40, 30));
    // There is no worker yet.
    let (a, b) = (fleet.web(), fleet.web());
    for (web, width) in [(&a, 1), (&b, 2), (&a, 3)] {
        assert_eq!(batch(&web.url, None, width).await.0, 200);
    }
    for web in [&a, &b] {
        let (status, retry_after, body) = batch(&web.url, None, 4).await;
        assert_eq!((status, &body["error"]["kind"]), (503, &json!("unavailable")), "{body}");
        assert!(retry_after.is_some_and(|seconds| seconds > 0));
    }
    // What needs no worker is still answered.
    a.ok("list_images", json!({})).await;
    let _worker = fleet.worker();
    while batch(&b.url, None, 4).await.0 == 503 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn limits_count_over_all_web_processes() {
    let mut proxy = RoundRobin::bind().await;
    let url = proxy.url.clone();
    let settings = [
        ("AUTH", "on"),
        ("OWNER_PASSWORD", PASSWORD),
        ("HOST", "127.0.0.1"),
        ("PUBLIC_URL", &url),
        ("MAX_JOBS_PER_USER", "3"),
        ("MAX_REQUESTS_PER_MINUTE", "10"),
    ];
    let Some(fleet) = Fleet::start(&settings) else { return };
    fleet.folder.put("in/a.jpg", &jpeg(40, 30));
    let (a, b) = (fleet.web(), fleet.web());
    proxy.lead_to(&[&a.url, &b.url]);
    let site = Site::at(&url);
    let token = App::register(&site).await.connect().await.access;
    for width in 1..4 {
        let (status, _, body) = batch(&url, Some(&token), width).await;
        assert_eq!(status, 200, "{body}");
    }
    let (status, retry_after, body) = batch(&url, Some(&token), 4).await;
    assert_eq!((status, retry_after), (429, Some(5)), "{body}");
    assert!(body.to_string().contains("3 jobs that are not over"), "{body}");
    // That was the fourth of ten calls in this minute.
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(call(&url, Some(&token), "list_images", json!({})).await.0);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 429, 429]);
}

#[tokio::test]
async fn a_batch_keeps_nobody_waiting() {
    let Some(fleet) = Fleet::start(&[("WORKER_CONCURRENCY", "1")]) else { return };
    let web = fleet.web();
    let _worker = fleet.worker();
    fleet.folder.put("single.jpg", &jpeg(40, 30));
    let job = fleet.batch(&web, 400).await;
    let before = through(&web, &job, 10).await["ok"].as_u64().unwrap();
    web.ok("transform_image", json!({"image": "single.jpg", "width": 8})).await;
    let after = web.ok("get_job", json!({"job_id": job})).await["ok"].as_u64().unwrap();
    // A chunk is four pictures a slot; what is being worked on comes to its end, and the questions take time too.
    assert!(after - before <= 4 + 4, "{} pictures went before a call", after - before);
    assert!(after < 400);
    web.ok("cancel_job", json!({"job_id": job})).await;
    web.finished(&job).await;
}
