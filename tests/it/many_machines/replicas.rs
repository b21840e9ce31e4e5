//! Any web program answers for any other.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::all_there;
use crate::{
    fleet::{Bucket, Fleet, RoundRobin},
    images::jpeg,
    site::{App, PASSWORD, Person, Site, Tokens},
};

#[tokio::test]
async fn images_jobs_and_links_of_one_are_those_of_all() {
    let Some(fleet) = Fleet::start(&[]) else { return };
    let (a, b, _worker) = (fleet.web(), fleet.web(), fleet.worker());
    fleet.folder.put("a.jpg", &jpeg(320, 240));
    let made = a.ok("transform_image", json!({"image": "a.jpg", "width": 80})).await;
    assert_eq!(b.ok("image_metadata", json!({"image": made["image_id"]})).await["width"], 80);
    assert_eq!(b.ok("list_images", json!({})).await["images"][0]["image_id"], made["image_id"]);
    let url = made["url"].as_str().unwrap();
    let path = &url[url.find("/images/").unwrap()..];
    assert_eq!(b.get(path).await.bytes().await.unwrap().len(), made["bytes"].as_u64().unwrap() as usize);
    let job = fleet.batch(&a, 20).await;
    all_there(&fleet, &b, &job, 20).await;
}

#[tokio::test]
async fn signing_in_and_calling_need_not_meet_the_same_one() {
    let mut proxy = RoundRobin::bind().await;
    let url = proxy.url.clone();
    let settings = [("AUTH", "on"), ("OWNER_PASSWORD", PASSWORD), ("HOST", "127.0.0.1"), ("PUBLIC_URL", &url)];
    let Some(fleet) = Fleet::start(&settings) else { return };
    let webs = [fleet.web(), fleet.web(), fleet.web(), fleet.web()];
    let _worker = fleet.worker();
    proxy.lead_to(&webs.iter().map(|web| web.url.as_str()).collect::<Vec<_>>());
    // Each request makes a connection, and each connection goes to the next.
    let site = Site::at(&url);
    let app = App::register(&site).await;
    let code = Person::owner(&site).await.allow(&app).await;
    let tokens = Tokens::of(&app.redeem(&code, &[]).await);
    fleet.folder.put("in/a.jpg", &jpeg(64, 48));
    let call = async |tool: &str, arguments| {
        let answer =
            site.mcp_call(Some(&tokens.access), "tools/call", json!({"name": tool, "arguments": arguments})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["result"]["structuredContent"].clone()
    };
    let begun = call("batch_process", json!({"source": {"folder": "in"}, "width": 8, "wait_seconds": 0})).await;
    let done = call("get_job", json!({"job_id": begun["job_id"], "wait_seconds": 30})).await;
    assert_eq!((&done["state"], &done["ok"]), (&json!("finished"), &json!(1)), "{done}");
    let refreshed = Tokens::of(&app.refresh(&tokens.refresh, &[]).await);
    assert_eq!(app.revoke(&refreshed.access, &[]).await.status, 200);
    for _ in 0..4 {
        assert!(!site.lets_in(&refreshed.access).await, "one of four still lets it in");
    }
}

/// Web and worker share nothing but Redis and the bucket: each has a folder of its own.
// More than one thread: the bucket must answer while this one waits for a program to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_all_the_storage_there_is() {
    let bucket = Bucket::start().await;
    for presigned in ["off", "on"] {
        let settings: Vec<_> = bucket.settings().into_iter().chain([("PRESIGNED_DOWNLOADS", presigned)]).collect();
        let Some(fleet) = Fleet::start(&settings) else { return };
        let (web, other) = (fleet.web(), fleet.web());
        let elsewhere = fleet.folder.path("data-of-the-worker");
        let _worker = fleet.worker_with(&[("DATA_DIR", elsewhere.to_str().unwrap())]);
        fleet.folder.put("a.jpg", &jpeg(640, 480));
        let before = bucket.objects();
        let made = web.ok("transform_image", json!({"image": "a.jpg", "width": 320})).await;
        assert!(bucket.objects() > before);
        let again = other.ok("transform_image", json!({"image": made["image_id"], "width": 80})).await;
        assert_eq!(again["width"], 80, "an earlier result is read from the bucket");
        let inline = format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg(16, 16)));
        assert_eq!(
            web.ok("image_metadata", json!({"image": inline})).await["width"],
            16,
            "so is what came with a call"
        );
        let url = made["url"].as_str().unwrap();
        let path = &url[url.find("/images/").unwrap()..];
        let answer = other.get(path).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"image/jpeg".parse().unwrap())
        );
        assert_eq!(answer.url().as_str().contains("X-Amz-Signature"), presigned == "on", "{}", answer.url());
        assert_eq!(answer.bytes().await.unwrap().len(), made["bytes"].as_u64().unwrap() as usize);
        let job = fleet.batch(&web, 20).await;
        all_there(&fleet, &other, &job, 20).await;
        let health: serde_json::Value = web.get("/health").await.json().await.unwrap();
        assert_eq!(health["storage"], "writable");
        assert!(!fleet.folder.path("data/images").exists(), "nothing is kept here");
    }
}
