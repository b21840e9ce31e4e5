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
async fn a_link_fetches_a_part_of_the_bytes() {
    let house = House::start().await;
    house.store(&UserId::local(), b"picture").await;
    let link = link(&house).await;
    let tag = house.get(&link).await.headers["etag"].clone();
    let ask = async |method: &str, range: &str, version: &str| {
        house.http(method, &link, &[("Range", range), ("If-Range", version)], "").await
    };
    for (range, of, bytes) in [
        ("bytes=0-2", "0-2", "pic"),
        ("bytes=4-", "4-6", "ure"),
        ("bytes=-3", "4-6", "ure"),
        ("bytes=0-99", "0-6", "picture"),
    ] {
        let answer = ask("GET", range, &tag).await;
        assert_eq!((answer.status, answer.body.as_str()), (206, bytes), "{range}");
        assert_eq!(answer.headers["content-range"], format!("bytes {of}/7"), "{range}");
        assert_eq!(answer.headers["content-length"], bytes.len().to_string(), "{range}");
        assert_eq!((&answer.headers["etag"], answer.headers["content-type"].as_str()), (&tag, "image/png"));
    }
    let beyond = ask("GET", "bytes=7-", &tag).await;
    assert_eq!((beyond.status, beyond.headers["content-range"].as_str()), (416, "bytes */7"));
    // Several parts, another version, or another method get the whole.
    for (method, range, version) in
        [("GET", "bytes=0-1,3-4", tag.as_str()), ("GET", "bytes=0-1", "\"other\""), ("HEAD", "bytes=0-1", &tag)]
    {
        let answer = ask(method, range, version).await;
        assert_eq!((answer.status, answer.headers["content-length"].as_str()), (200, "7"), "{method} {range}");
        assert_eq!(answer.headers["accept-ranges"], "bytes");
    }
}

#[tokio::test]
async fn a_link_leads_on_to_the_object_store_where_that_is_wanted() {
    // Nobody listens there: a URL is signed without asking.
    let house = House::start_with(&[
        ("AUTH", "off"),
        ("STORAGE_URL", "s3://pictures/here"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", "me"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("PRESIGNED_DOWNLOADS", "on"),
    ])
    .await;
    let record = house.record(&UserId::local(), 7);
    house.stores.images.put(&record).await.unwrap();
    let link = link(&house).await;
    let answer = house.http("GET", &link, &[("Range", "bytes=0-1")], "").await;
    assert_eq!((answer.status, answer.headers["cache-control"].as_str()), (307, "private, no-store"));
    let place = &answer.headers["location"];
    assert!(place.starts_with(&format!("http://127.0.0.1:9/pictures/here/{}?", record.blob)), "{place}");
    for part in ["X-Amz-Expires=300", "response-content-type=image%2Fpng", "k%25C3%25A4tzchen.png"] {
        assert!(place.contains(part), "{part} in {place}");
    }
    assert!(!place.contains("hunter2"));
    assert_eq!(house.get(&format!("{link}A")).await.status, 403);
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
        others: Vec::new(),
        name: "{stem}.{ext}".into(),
        on_conflict: common::job::OnConflict::Suffix,
        save_to: None,
        strict: false,
        max_failures: None,
        show: Default::default(),
    });
    let job = house.stores.jobs.submit(&UserId::local(), work).await.unwrap().id;
    let blob = format!("{job}.jsonl");
    house.stores.blobs.put(&blob, b"{}\n".to_vec()).await.unwrap();
    let done = BatchDone { manifest: blob, notes: vec!["1 hidden file".into()], ..BatchDone::default() };
    house.stores.jobs.finish(&job, &Ok(Outcome::Batch(done))).await.unwrap();
    let result = house.call("get_job", json!({"job_id": job})).await;
    let facts = &result["structuredContent"];
    assert_eq!((&facts["state"], &facts["notes"]), (&json!("finished"), &json!(["1 hidden file"])));
    let path = facts["url"].as_str().unwrap().strip_prefix(&format!("http://{}", house.address)).unwrap();
    let answer = house.get(path).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}\n"));
}

#[tokio::test]
async fn a_zip_leaves_out_what_was_deleted_since() {
    let house = House::start().await;
    let work = Work::BatchPlan(Batch {
        source: BatchSource::Images(vec![]),
        recipe: common::Recipe::default(),
        others: Vec::new(),
        name: "{stem}.{ext}".into(),
        on_conflict: common::job::OnConflict::Suffix,
        save_to: None,
        strict: false,
        max_failures: None,
        show: Default::default(),
    });
    let job = house.stores.jobs.submit(&UserId::local(), work).await.unwrap().id;
    let entry = |name: &str, image| common::kept::Entry {
        name: name.into(),
        blob: format!("{job}.report.csv"),
        image,
        length: 5,
        crc32: 0x3610_a686,
    };
    let gone = common::ImageId::random().unwrap();
    let contents: String = [entry("report.csv", None), entry("gone.png", Some(gone))]
        .iter()
        .map(|entry| serde_json::to_string(entry).unwrap() + "\n")
        .collect();
    house.stores.blobs.put(&common::kept::contents(&job), contents.into_bytes()).await.unwrap();
    house.stores.blobs.put(&common::kept::report(&job), b"hello".to_vec()).await.unwrap();
    let done = BatchDone { manifest: common::kept::manifest(&job), ..BatchDone::default() };
    house.stores.jobs.finish(&job, &Ok(Outcome::Batch(done))).await.unwrap();
    let result = house.call("get_job", json!({"job_id": job})).await;
    let url = result["structuredContent"]["zip_url"].as_str().unwrap();
    let zip = reqwest::get(url).await.unwrap();
    assert_eq!((zip.status().as_u16(), zip.content_length()), (200, Some(30 + 46 + 2 * 10 + 5 + 22)));
    let zip = zip.bytes().await.unwrap();
    assert_eq!(&zip[30..45], b"report.csvhello");
}
