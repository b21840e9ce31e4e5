//! `batch_process`, `get_job` and `cancel_job` through the whole way.

use serde_json::{Value, json};

use crate::{
    harness::{Folder, Server},
    images::{jpeg, png},
};

fn manifest(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn one_bad_picture_fails_alone() {
    let folder = Folder::new();
    for index in 0..5 {
        folder.put(&format!("in/{index}.png"), &png(64, 48));
    }
    folder.put("in/deep/6.jpg", &jpeg(64, 48));
    folder.put("in/broken.png", b"\x89PNG\r\n\x1a\nbroken");
    folder.put("in/notes.txt", b"no picture");
    folder.put("in/.hidden.png", &png(8, 8));
    let server = Server::start(&folder);
    let arguments = json!({"source": {"folder": "in", "recursive": true}, "width": 16, "output_format": "webp", "save_to": "out", "wait_seconds": 45});
    let facts = server.ok("batch_process", arguments).await;
    assert_eq!(
        (&facts["state"], &facts["total"], &facts["ok"], &facts["failed"]),
        (&json!("finished"), &json!(7), &json!(6), &json!(1))
    );
    assert_eq!(facts["errors"][0]["error"]["code"], "image_unreadable", "{facts}");
    assert!(folder.picture("out/deep/6.webp").exists(), "the tree is kept");
    assert_eq!(image::open(folder.picture("out/0.webp")).unwrap().width(), 16);

    let lines = manifest(&server.get(facts["url"].as_str().unwrap()).await.text().await.unwrap());
    assert_eq!(lines.len(), 7);
    assert_eq!(lines.iter().filter(|line| line["status"] == "ok").count(), 6);
    let saved = std::fs::read_to_string(facts["path"].as_str().unwrap()).unwrap();
    assert_eq!(manifest(&saved), lines);
    let notes = facts["notes"].to_string();
    assert!(notes.contains("1 hidden") && notes.contains("1 not an image"), "{notes}");
    server.assert_idle().await;
}

#[tokio::test]
async fn names_follow_the_template_and_conflicts_their_policy() {
    let folder = Folder::new();
    folder.put("in/a.png", &png(40, 20));
    folder.put("in/a.jpg", &jpeg(40, 20));
    folder.put("out/a.webp", b"somebody's");
    let server = Server::start(&folder);
    let batch = |more: Value| {
        let mut arguments =
            json!({"source": {"folder": "in"}, "output_format": "webp", "save_to": "out", "wait_seconds": 45});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.ok("batch_process", arguments)
    };
    let suffixed = batch(json!({})).await;
    let mut outputs: Vec<_> =
        suffixed["items"].as_array().unwrap().iter().map(|item| item["output"].as_str().unwrap().to_owned()).collect();
    outputs.sort();
    assert_eq!(outputs, ["a-1.webp", "a-2.webp"]);
    assert_eq!(std::fs::read(folder.picture("out/a.webp")).unwrap(), b"somebody's");
    assert_eq!(batch(json!({"on_conflict": "skip"})).await["skipped"], 2);
    assert_eq!(batch(json!({"on_conflict": "error"})).await["failed"], 2);
    let named = batch(json!({"name": "{index:03}-{width}x{height}.{ext}"})).await;
    assert_eq!(named["ok"], 2);
    assert!(folder.picture("out/001-40x20.webp").exists() && folder.picture("out/002-40x20.webp").exists());
}

#[tokio::test]
async fn originals_are_never_replaced() {
    let folder = Folder::new();
    let original = png(40, 20);
    folder.put("in/a.png", &original);
    let server = Server::start(&folder);
    let arguments = json!({"source": {"folder": "in"}, "width": 10, "save_to": "in", "on_conflict": "overwrite", "wait_seconds": 45});
    let facts = server.ok("batch_process", arguments).await;
    assert_eq!(facts["ok"], 1);
    assert_eq!(std::fs::read(folder.picture("in/a.png")).unwrap(), original);
    assert_eq!(image::open(folder.picture("in/a-1.png")).unwrap().width(), 10);
}

#[tokio::test]
async fn a_list_of_pictures_may_mix_ids_and_paths() {
    let folder = Folder::new();
    folder.put("a.png", &png(40, 20));
    let server = Server::start(&folder);
    let first = server.ok("transform_image", json!({"image": "a.png", "width": 20})).await;
    let batch = |images| json!({"source": {"images": images}, "steps": [{"op": "flop"}], "wait_seconds": 45});
    let facts = server.ok("batch_process", batch(json!([first["image_id"], "a.png", "missing.png"]))).await;
    assert_eq!((&facts["ok"], &facts["failed"]), (&json!(2), &json!(1)), "{facts}");
    let failed = server.ok("get_job", json!({"job_id": facts["job_id"], "status": "failed"})).await;
    let kinds: Vec<_> = failed["items"].as_array().unwrap().iter().map(|item| item["error"]["code"].clone()).collect();
    assert_eq!(kinds, ["file_not_reachable"]);
    // An id can be checked before any work begins.
    let (kind, text) = server.fails("batch_process", batch(json!(["a.png", "img_0000000000000000"]))).await;
    assert_eq!(kind, "not_found");
    assert!(text.contains("source.images[1]"), "{text}");
}

#[tokio::test]
async fn a_cancelled_batch_counts_both_and_keeps_what_is_done() {
    let folder = Folder::new();
    let picture = jpeg(1500, 1000);
    for index in 0..60 {
        folder.put(&format!("in/{index}.jpg"), &picture);
    }
    let server = Server::start_with(&folder, &[("WORKER_CONCURRENCY", "1")]);
    let started = server
        .ok(
            "batch_process",
            json!({"source": {"folder": "in"}, "steps": [{"op": "blur", "sigma": 8}], "wait_seconds": 0}),
        )
        .await;
    assert!(["queued", "running"].contains(&started["state"].as_str().unwrap()));
    let job = started["job_id"].as_str().unwrap();
    while server.ok("get_job", json!({"job_id": job})).await["ok"] == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let cancelled = server.ok("cancel_job", json!({"job_id": job})).await;
    assert_eq!(cancelled["state"], "cancelled");
    // What ran when it was cancelled still comes through.
    let mut ended = server.finished(job).await;
    while ended["running"] != 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        ended = server.ok("get_job", json!({"job_id": job})).await;
    }
    let count = |name: &str| ended[name].as_u64().unwrap_or_default();
    assert!(count("ok") >= 1 && count("cancelled") >= 1, "{ended}");
    assert_eq!(
        server.ok("list_images", json!({"job": job, "limit": 50})).await["images"].as_array().unwrap().len() as u64,
        count("ok").min(50)
    );
}
