//! Web and worker programs that share a Redis server: whatever is killed, nothing is lost and nothing is done twice.

mod admission;
mod faults;
mod replicas;
mod workers;

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{fleet::Fleet, harness::Server};

/// Every picture of a batch of [`Fleet::batch`] is there once, and the manifest knows it.
async fn all_there(fleet: &Fleet, web: &Server, job: &str, count: usize) {
    let facts = web.finished(job).await;
    assert_eq!(
        (&facts["state"], &facts["ok"], &facts["failed"]),
        (&json!("finished"), &json!(count), &json!(0)),
        "{facts}"
    );
    let manifest = web.get(facts["url"].as_str().unwrap()).await.text().await.unwrap();
    let lines: Vec<Value> = manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: HashSet<&str> = lines.iter().map(|line| line["image_id"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), ids.len()), (count, count));
    let names = std::fs::read_dir(fleet.folder.picture("out")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.contains("-job_"));
    names.sort();
    let expected: Vec<String> = (0..count).map(|index| format!("{index:05}.jpg")).collect();
    assert_eq!(names, expected, "every picture once, under its own name, and nothing else");
    web.assert_idle().await;
}
