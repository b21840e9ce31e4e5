use std::time::Duration;

use common::{
    UserId,
    job::{Batch, BatchSource, Work},
    outcome::{BatchDone, Outcome},
};
use serde_json::json;

use super::House;

async fn link(house: &House) -> String {
    let listed = house.call("list_images", json!({})).await;
    let url = listed["structuredContent"]["images"][0]["url"].as_str().unwrap().to_owned();
    url.strip_prefix(&format!("http://{}", house.address)).unwrap().to_owned()
}

#[tokio::test]
async fn a_signed_link_fetches_the_bytes_until_it_expires() {
    let house = House::start().await;
    house.store(&UserId::local(), b"picture").await;
    let link = link(&house).await;
    let answer = house.get(&link).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "picture"));
    assert_eq!(answer.headers["content-type"], "image/png");
    assert_eq!(answer.headers["content-length"], "7");
    assert_eq!(
        answer.headers["content-disposition"],
        "inline; filename=\"k_tzchen.png\"; filename*=UTF-8''k%C3%A4tzchen.png"
    );
    assert_eq!(house.http("HEAD", &link, &[], "").await.headers["content-length"], "7");
    let tag = answer.headers["etag"].clone();
    assert_eq!(house.http("GET", &link, &[("If-None-Match", &tag)], "").await.status, 304);

    let (path, _) = link.split_once('?').unwrap();
    for forged in [path.to_owned(), format!("{link}A"), link.replace("expires=1", "expires=2")] {
        let answer = house.get(&forged).await;
        assert_eq!((answer.status, answer.json()["error"]["kind"].as_str()), (403, Some("link_invalid")), "{forged}");
    }
    house.stores.clock.advance(Duration::from_secs(24 * 3600 + 1));
    let answer = house.get(&link).await;
    assert_eq!((answer.status, answer.json()["error"]["kind"].as_str()), (410, Some("link_expired")));
    assert!(answer.json()["error"]["next"].as_str().unwrap().contains("list_images"));
}

#[tokio::test]
async fn a_link_to_bytes_that_are_gone_says_so() {
    let house = House::start().await;
    let record = house.store(&UserId::local(), b"picture").await;
    let link = link(&house).await;
    house.stores.blobs.delete(&record.blob).await.unwrap();
    assert_eq!(house.get(&link).await.status, 404);
}

#[tokio::test]
async fn the_manifest_of_a_finished_batch_has_a_link() {
    let house = House::start().await;
    let work = Work::BatchPlan(Batch {
        source: BatchSource::Images(vec![]),
        recipe: common::Recipe::default(),
        name: "{stem}.{ext}".into(),
        on_conflict: common::job::OnConflict::Suffix,
        save_to: None,
        strict: false,
        max_failures: None,
    });
    let job = house.stores.jobs.submit(&UserId::local(), work).await.unwrap().id;
    let blob = format!("{job}.jsonl");
    house.stores.blobs.put(&blob, b"{}\n".to_vec()).await.unwrap();
    let done = BatchDone { manifest: blob, saved_manifest: None, saved_to: None, notes: vec!["1 hidden file".into()] };
    house.stores.jobs.finish(&job, &Ok(Outcome::Batch(done))).await.unwrap();
    let result = house.call("get_job", json!({"job_id": job})).await;
    let facts = &result["structuredContent"];
    assert_eq!((&facts["state"], &facts["notes"]), (&json!("finished"), &json!(["1 hidden file"])));
    let path = facts["url"].as_str().unwrap().strip_prefix(&format!("http://{}", house.address)).unwrap();
    let answer = house.get(path).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}\n"));
}
