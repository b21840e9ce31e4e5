//! The worker program by itself.

use std::time::Duration;

use serde_json::{Value, json};

use super::all_there;
use crate::{
    fleet::{Fleet, worker_binary},
    images::jpeg,
};

#[tokio::test]
async fn it_tells_how_it_is_and_lives_without_redis() {
    let Some(mut fleet) = Fleet::start(&[]) else { return };
    let (web, worker) = (fleet.web(), fleet.worker());
    fleet.folder.put("a.jpg", &jpeg(32, 32));
    web.ok("transform_image", json!({"image": "a.jpg", "width": 8})).await;
    let health: Value = worker.get("/health").await.json().await.unwrap();
    assert_eq!(health["status"], "ok");
    let response = worker.get("/metrics").await;
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let metrics = response.text().await.unwrap();
    assert!(metrics.contains("image_tool_jobs_total{kind=\"transform\",outcome=\"ok\"} 1"), "{metrics}");
    assert!(metrics.contains("image_tool_queue{lane=") && metrics.ends_with("# EOF\n"), "{metrics}");
    assert_eq!(worker.get("/elsewhere").await.status(), 404);

    fleet.redis.kill();
    while worker.get("/health").await.status() == 200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(worker.get("/health").await.status(), 503, "it is not ready for work");
    assert_eq!(worker.get("/live").await.status(), 200, "but there is no reason to restart it");
    let metrics = worker.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("image_tool_jobs_total") && !metrics.contains("image_tool_queue{lane="), "{metrics}");
    fleet.redis.start_again();
    while worker.get("/health").await.status() != 200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_web_program_may_work_itself() {
    let Some(fleet) = Fleet::start(&[("EMBEDDED_WORKER", "on")]) else { return };
    let web = fleet.web();
    let job = fleet.batch(&web, 20).await;
    all_there(&fleet, &web, &job, 20).await;
}

#[test]
fn what_it_lacks_is_named() {
    let output = std::process::Command::new(worker_binary()).env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("REDIS_URL"), "{text}");
    let nobody = [("REDIS_URL", "redis+unix:///nowhere/redis.sock"), ("STORAGE_URL", "file:///nowhere/else")];
    let output = std::process::Command::new(worker_binary()).env_clear().envs(nobody).env("METRICS_PORT", "0").output();
    let text = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(text.contains("waiting for it") && text.contains("error: cannot use REDIS_URL or STORAGE_URL"), "{text}");
}

#[tokio::test]
async fn a_process_with_another_storage_does_not_start() {
    let Some(fleet) = Fleet::start(&[]) else { return };
    let _web = fleet.web();
    let other = format!("file://{}", fleet.folder.path("other").display());
    let mut worker = tokio::process::Command::new(worker_binary());
    worker.env_clear().envs(fleet.settings()).env("STORAGE_URL", other).env("METRICS_PORT", "0").kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(30), worker.output()).await.unwrap().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("STORAGE_URL: this is not the storage that goes with REDIS_URL"), "{text}");
    assert!(text.contains("delete the key {image-tool}:state:storage/mark"), "{text}");
}

/// Four slots that want 200 MB each, and 300 MB in all: they take turns.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_burst_of_large_pictures_waits_for_memory() {
    let Some(fleet) = Fleet::start(&[("WORKER_CONCURRENCY", "4"), ("MAX_MEMORY_MB", "400")]) else { return };
    let (web, worker) = (fleet.web(), fleet.worker());
    let picture = jpeg(8192, 6144);
    for index in 0..8 {
        fleet.folder.put(&format!("in/{index}.jpg"), &picture);
    }
    let arguments = json!({"source": {"folder": "in"}, "width": 400, "wait_seconds": 0});
    let job = web.ok("batch_process", arguments).await["job_id"].as_str().unwrap().to_owned();
    let facts = web.finished(&job).await;
    assert_eq!((&facts["ok"], &facts["failed"]), (&json!(8), &json!(0)), "{facts}");
    let peak = worker.peak_memory_mb();
    assert!(peak < 400 + 150, "{peak} MB at the most");
}
