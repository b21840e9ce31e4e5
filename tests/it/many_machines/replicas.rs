//! Any web program answers for any other.

use serde_json::json;

use super::all_there;
use crate::{
    fleet::{Fleet, RoundRobin},
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
        let answer = site.mcp_call(Some(&tokens.access), "tools/call", json!({"name": tool, "arguments": arguments})).await;
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
