//! Killed in the middle, started again: everything is done, once, and nothing is half-written.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use crate::{
    harness::{Folder, Server},
    images::jpeg,
};

const PICTURES: usize = 200;
const SLOTS: usize = 2;

fn written(folder: &Path) -> BTreeMap<String, SystemTime> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.metadata().unwrap().modified().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_batch_survives_kill_9() {
    let folder = Folder::new();
    let picture = jpeg(640, 480);
    for index in 0..PICTURES {
        folder.put(&format!("in/{index:03}.jpg"), &picture);
    }
    let settings = [("WORKER_CONCURRENCY", "2"), ("QUEUE_LEASE_SECS", "60")];
    let server = Server::start_with(&folder, &settings);
    let steps = json!([{"op": "blur", "sigma": 4}, {"op": "resize", "width": 320}]);
    let arguments = json!({"source": {"folder": "in"}, "steps": steps, "save_to": "out", "wait_seconds": 0});
    let job = server.ok("batch_process", arguments).await["job_id"].as_str().unwrap().to_owned();
    while server.ok("get_job", json!({"job_id": job})).await["ok"].as_u64().unwrap_or_default() < 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.kill();
    let before = written(&folder.picture("out"));
    assert!(before.len() < PICTURES, "the batch was through before the kill");

    // The lease is longer than the test: the new process must find its dead predecessor's work by itself.
    let server = Server::start_with(&folder, &settings);
    let facts = server.finished(&job).await;
    assert_eq!((&facts["state"], &facts["ok"], &facts["failed"]), (&json!("finished"), &json!(PICTURES), &json!(0)));

    let text = server.get(facts["url"].as_str().unwrap()).await.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: HashSet<&str> = lines.iter().map(|line| line["image_id"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), ids.len()), (PICTURES, PICTURES));

    let after = written(&folder.picture("out"));
    let names: Vec<&String> = after.keys().filter(|name| !name.contains("-job_")).collect();
    let expected: Vec<String> = (0..PICTURES).map(|index| format!("{index:03}.jpg")).collect();
    assert_eq!(names, expected.iter().collect::<Vec<_>>(), "every picture once, under its own name, and nothing else");
    for name in names {
        assert_eq!(image::open(folder.picture("out").join(name)).unwrap().width(), 320, "{name}");
    }
    let again = before.iter().filter(|(name, time)| after.get(*name).is_some_and(|now| now != *time)).count();
    assert!(again <= SLOTS, "{again} finished pictures were done again");
    let temporary = std::fs::read_dir(folder.path("data/images/tmp")).unwrap().count();
    assert!(temporary <= SLOTS, "{temporary} half-written blobs");
    server.assert_idle().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_that_is_told_to_stop_gives_back_what_it_has_not_done() {
    let folder = Folder::new();
    let picture = jpeg(640, 480);
    for index in 0..50 {
        folder.put(&format!("in/{index}.jpg"), &picture);
    }
    let server = Server::start(&folder);
    let arguments = json!({"source": {"folder": "in"}, "steps": [{"op": "blur", "sigma": 6}], "wait_seconds": 0});
    let job = server.ok("batch_process", arguments).await["job_id"].as_str().unwrap().to_owned();
    assert!(server.terminate().success());
    let server = Server::start(&folder);
    assert_eq!(server.finished(&job).await["ok"], 50);
    server.assert_idle().await;
}

#[tokio::test]
async fn results_and_links_outlive_the_process() {
    let folder = Folder::new();
    folder.put("a.jpg", &jpeg(64, 64));
    let server = Server::start(&folder);
    let made = server.ok("transform_image", json!({"image": "a.jpg", "width": 8})).await;
    server.kill();
    let server = Server::start(&folder);
    let url = made["url"].as_str().unwrap();
    let path = &url[url.find("/images/").unwrap()..];
    assert_eq!(server.get(path).await.status(), 200);
    assert_eq!(server.ok("list_images", json!({})).await["images"][0]["image_id"], made["image_id"]);
}
