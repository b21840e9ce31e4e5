//! What is stored is found, followed, shown small, limited and deleted: on one machine and on many.

use std::{
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use common::{Blobs, Clock, Facts, Format, ImageId, ImageRecord, JobId, Stores, UserId};
use image::{ImageFormat, Rgb, RgbImage};
use reqwest::header;
use serde_json::{Value, json};

use crate::{
    fake_openai::{Dialect, FakeOpenAi, KEY},
    fleet::Fleet,
    harness::{Folder, Server},
    images::{encoded, png},
};

/// Runs `scenario` with a server by itself, and with a web and a worker that meet in Redis.
async fn on_both(settings: &[(&str, &str)], scenario: impl AsyncFn(&Folder, &Server)) {
    let folder = Folder::new();
    let server = Server::start_with(&folder, settings);
    scenario(&folder, &server).await;
    server.assert_idle().await;
    let Some(fleet) = Fleet::start(settings) else { return };
    let (web, _worker) = (fleet.web(), fleet.worker());
    scenario(&fleet.folder, &web).await;
    web.assert_idle().await;
}

async fn made(server: &Server, arguments: Value) -> String {
    server.ok("transform_image", arguments).await["image_id"].as_str().unwrap().to_owned()
}

fn ids(facts: &Value, list: &str) -> Vec<String> {
    let id = |image: &Value| image["image_id"].as_str().unwrap_or_default().to_owned();
    facts[list].as_array().unwrap_or_else(|| panic!("no {list} in {facts}")).iter().map(id).collect()
}

#[tokio::test]
async fn images_are_found_by_what_is_known_of_them() {
    on_both(&[], async |folder, server| {
        folder.put("Sunset Beach.png", &png(64, 48));
        folder.put("cat_100%.png", &png(64, 48));
        let beach = made(server, json!({"image": "Sunset Beach.png", "width": 32, "output_format": "webp"})).await;
        let cat = made(server, json!({"image": "cat_100%.png", "steps": [{"op": "flip"}]})).await;
        let compared = json!({"image_a": beach, "image_b": cat});
        server.ok("compare_images", compared).await;
        let find = async |arguments: Value| ids(&server.ok("list_images", arguments).await, "images");
        for (arguments, wanted) in [
            (json!({"query": "beach SUNSET", "tool": "transform_image"}), vec![&beach]),
            (json!({"query": "100%"}), vec![&cat]),
            (json!({"query": "beach cat"}), vec![]),
            (json!({"tool": "transform_image"}), vec![&cat, &beach]),
            (json!({"tool": "transform_image", "format": "webp"}), vec![&beach]),
            (json!({"tool": "transform_image", "since": "2020-01-01", "limit": 1}), vec![&cat]),
            (json!({"until": "2020-01-01T00:00:00Z"}), vec![]),
        ] {
            assert_eq!(find(arguments.clone()).await.iter().collect::<Vec<_>>(), wanted, "{arguments}");
        }
        // The next page asks the same.
        let page = server.ok("list_images", json!({"tool": "transform_image", "limit": 1})).await;
        let next = page["next"][0]["arguments"].clone();
        assert_eq!(next, json!({"tool": "transform_image", "limit": 1, "before": cat}));
        assert_eq!(find(next).await, [beach]);
        for (arguments, part) in [
            (json!({"tool": "paint"}), "create_image"),
            (json!({"format": "psd"}), "webp"),
            (json!({"since": "yesterday"}), "2026-11-23"),
            (json!({"since": "2026-02-01", "until": "2026-01-01"}), "before since"),
            (json!({"lineage": cat, "limit": 3}), "stands beside"),
        ] {
            let (kind, text) = server.fails("list_images", arguments).await;
            assert_eq!(kind, "invalid_argument", "{text}");
            assert!(text.contains(part), "{part} in {text}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_line_of_images_is_followed_named_and_broken() {
    on_both(&[], async |folder, server| {
        folder.put("a.png", &png(640, 480));
        let first = made(server, json!({"image": "a.png", "width": 300})).await;
        let second = made(server, json!({"image": first, "steps": [{"op": "blur", "sigma": 2}]})).await;
        // "The second one, but in grey", by the beginning of its id.
        let short = &second[..10];
        let grey = server.ok("transform_image", json!({"image": short, "steps": [{"op": "grayscale"}]})).await;
        assert_eq!(grey["parent"], second);
        let grey = grey["image_id"].as_str().unwrap();
        let lineage = server.ok("list_images", json!({"lineage": &second[..12]})).await;
        assert_eq!(
            (ids(&lineage, "ancestors"), ids(&lineage, "children")),
            (vec![first.clone()], vec![grey.to_owned()])
        );
        assert_eq!(
            (&lineage["image"]["recipe"], &lineage["image"]["image_id"]),
            (&json!("blur (sigma 2)"), &json!(second))
        );
        assert!(lineage["ancestors"][0]["recipe"].as_str().unwrap().starts_with("resize ("), "{lineage}");

        let typo = format!("{}0{}", &grey[..8], &grey[9..]);
        let typo = if typo == grey { format!("{}1{}", &grey[..8], &grey[9..]) } else { typo };
        let (kind, text) = server.fails("transform_image", json!({"image": typo, "width": 9})).await;
        assert_eq!(kind, "not_found");
        assert!(text.contains(&format!("Did you mean {grey}?")), "{text}");
        let (kind, text) = server.fails("transform_image", json!({"image": "img_abc", "width": 9})).await;
        assert_eq!(kind, "not_found");
        assert!(text.contains("at least 6 letters"), "{text}");

        let before = server.ok("get_usage", json!({})).await["storage"].clone();
        let files = bytes_of(folder, &second);
        let gone = server.ok("delete_image", json!({"images": [second, "img_0000000000000000"]})).await;
        assert_eq!((&gone["deleted"], &gone["not_found"]), (&json!([second]), &json!(["img_0000000000000000"])));
        let after = server.ok("get_usage", json!({})).await["storage"].clone();
        let count = |storage: &Value, name: &str| storage[name].as_u64().unwrap();
        assert_eq!(count(&before, "images") - count(&after, "images"), 1);
        assert_eq!(count(&before, "used_bytes") - count(&after, "used_bytes"), gone["freed_bytes"].as_u64().unwrap());
        assert!(files.iter().all(|file| !file.exists()) && !files.is_empty(), "the bytes are there: {files:?}");
        let (kind, _) = server.fails("delete_image", json!({"image": second})).await;
        assert_eq!(kind, "not_found", "a second time");
        let lineage = server.ok("list_images", json!({"lineage": grey})).await;
        assert_eq!(lineage["ancestors"], json!([{"id": second, "deleted": true}]));
        assert_eq!(ids(&server.ok("list_images", json!({"parent": second})).await, "images"), [grey]);
        let (kind, _) = server.fails("delete_image", json!({})).await;
        assert_eq!(kind, "invalid_argument");
    })
    .await;
}

/// The files of an image, wherever the store is.
fn bytes_of(folder: &Folder, id: &str) -> Vec<std::path::PathBuf> {
    let below = |store: &str| folder.path(store).join(&id[4..6]);
    let files = [below("data/images"), below("store")].into_iter().filter_map(|folder| std::fs::read_dir(folder).ok());
    let files = files.flatten().map(|entry| entry.unwrap().path());
    files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(id)).collect()
}

/// Numbers without a pattern: what no format makes small.
fn noise(side: u32) -> Vec<u8> {
    let mut seed = 1u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    encoded(&RgbImage::from_fn(side, side, |_, _| Rgb([next(), next(), next()])).into(), ImageFormat::Png)
}

#[tokio::test]
async fn a_full_quota_is_told_before_the_work_and_before_the_money() {
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    let base_url = fake.base_url();
    let settings = [("MAX_STORAGE_MB_PER_USER", "1"), ("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base_url.as_str())];
    on_both(&settings, async |folder, server| {
        folder.put("noise.png", &noise(480));
        let big = |number: u32| json!({"image": "noise.png", "output_format": "png", "steps": [{"op": "rotate", "angle_degrees": 90 * number}]});
        let first = made(server, big(1)).await;
        let used = server.ok("get_usage", json!({})).await["storage"].clone();
        let bytes = used["used_bytes"].as_u64().unwrap();
        assert!((500_000..1_000_000).contains(&bytes), "{used}");
        assert_eq!((&used["quota_bytes"], used["left_bytes"].as_u64()), (&json!(1_000_000), Some(1_000_000 - bytes)));
        // There is room, but not for that: found when it is made, told once, and nothing is left of it.
        let started = Instant::now();
        let (kind, text) = server.fails("transform_image", big(2)).await;
        assert_eq!(kind, "storage_full");
        assert!(started.elapsed() < Duration::from_secs(15), "it was tried again");
        for part in ["1000000 bytes", "MAX_STORAGE_MB_PER_USER", "delete_image", &bytes.to_string()] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(server.ok("get_usage", json!({})).await["storage"]["used_bytes"], bytes);
        // What was paid for is kept, even over the limit; then nothing more is paid for.
        let paid = |fake: &FakeOpenAi| fake.asked().iter().filter(|asked| asked.path.starts_with("/v1/images/")).count();
        let before = paid(&fake);
        for width in [200, 60, 16] {
            let little = json!({"image": first, "width": width, "output_format": "webp", "quality": 100});
            while server.call("transform_image", little.clone()).await.result["isError"] != true {}
        }
        server.ok("create_image", json!({"prompt": "a cat", "size": "1024x1024"})).await;
        let storage = server.ok("get_usage", json!({})).await["storage"].clone();
        assert!(storage["used_bytes"].as_u64() > Some(1_000_000) && storage["left_bytes"] == 0, "{storage}");
        assert_eq!(paid(&fake), before + 1);
        let (kind, _) = server.fails("create_image", json!({"prompt": "a dog", "size": "1024x1024"})).await;
        assert_eq!((kind.as_str(), paid(&fake)), ("storage_full", before + 1));
        server.ok("delete_image", json!({"image": first})).await;
        made(server, json!({"image": "noise.png", "width": 20})).await;
    })
    .await;
}

fn old_record(days: i64) -> ImageRecord {
    let id = ImageId::random().unwrap();
    let now = Clock::default().now_ms();
    ImageRecord {
        blob: format!("{id}.png"),
        owner: UserId::local(),
        tool: "transform_image".into(),
        job: JobId::random().unwrap(),
        parent: None,
        source: None,
        name: "old.png".into(),
        recipe: None,
        by_model: None,
        facts: Facts {
            width: 8,
            height: 8,
            format: Format::Png,
            bytes: 3,
            sha256: "ab".repeat(32),
            alpha: false,
            bit_depth: 8,
        },
        created_at: now - days * 24 * 3600 * 1000,
        id,
    }
}

/// Puts pictures of before into the stores: two whose time is over, one whose time is not, and bytes without a record.
async fn before(stores: &Stores, images: &Path) -> (Vec<String>, String, [std::path::PathBuf; 2]) {
    let mut over = Vec::new();
    for _ in 0..2 {
        let record = old_record(3);
        stores.blobs.put(&record.blob, vec![1, 2, 3]).await.unwrap();
        stores.images.put(&record).await.unwrap();
        over.push(record.id.to_string());
    }
    let kept = old_record(1);
    stores.blobs.put(&kept.blob, vec![1, 2, 3]).await.unwrap();
    stores.images.put(&kept).await.unwrap();
    let orphans = [old_record(0), old_record(0)].map(|record| images.join(&record.id.as_str()[4..6]).join(record.blob));
    for orphan in &orphans {
        std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
        std::fs::write(orphan, b"orphan").unwrap();
    }
    let yesterday = SystemTime::now() - Duration::from_secs(25 * 3600);
    std::fs::File::options().append(true).open(&orphans[0]).unwrap().set_modified(yesterday).unwrap();
    stores.close().await;
    (over, kept.id.to_string(), orphans)
}

async fn removed(server: &Server, over: &[String], kept: &str, orphans: &[std::path::PathBuf; 2]) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while ids(&server.ok("list_images", json!({})).await, "images").len() > 1 || orphans[0].exists() {
        assert!(Instant::now() < deadline, "what is over is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let listed = server.ok("list_images", json!({})).await["images"][0].clone();
    assert_eq!(listed["image_id"], kept);
    assert!(listed["expires_at"].as_str().unwrap() > listed["created_at"].as_str().unwrap(), "{listed}");
    let storage = server.ok("get_usage", json!({})).await["storage"].clone();
    assert_eq!(storage, json!({"images": 1, "used_bytes": 3, "kept_days": 2}));
    let (kind, _) = server.fails("image_metadata", json!({"image": over[0]})).await;
    assert_eq!(kind, "not_found");
    assert!(orphans[1].exists(), "young bytes may be waiting for their record");
}

#[tokio::test]
async fn what_is_over_and_what_nobody_names_goes() {
    let (folder, settings) = (Folder::new(), [("IMAGE_TTL_DAYS", "2")]);
    let images = folder.path("data/images");
    let lease = Duration::from_secs(30);
    let data = folder.path("data");
    let stores = Stores::open(&data, Blobs::folder(images.clone()).unwrap(), lease, Clock::default());
    let (over, kept, orphans) = before(&stores.await.unwrap(), &images).await;
    let server = Server::start_with(&folder, &settings);
    removed(&server, &over, &kept, &orphans).await;

    let Some(fleet) = Fleet::start(&settings) else { return };
    let images = fleet.folder.path("store");
    let blobs = Blobs::folder(images.clone()).unwrap();
    let stores = Stores::connect(&fleet.redis.url, blobs, lease, Clock::default()).await.unwrap();
    let (over, kept, orphans) = before(&stores, &images).await;
    // Both look at once.
    let (web, _one, _other) = (fleet.web(), fleet.worker(), fleet.worker());
    removed(&web, &over, &kept, &orphans).await;
}

#[tokio::test]
async fn small_pictures_are_made_once_and_dead_links_say_what_to_do() {
    on_both(&[], async |folder, server| {
        folder.put("a.png", &png(1600, 1200));
        let id = made(server, json!({"image": "a.png", "width": 1500, "output_format": "tiff"})).await;
        let listed = server.ok("list_images", json!({})).await["images"][0].clone();
        let (url, small) = (listed["url"].as_str().unwrap(), listed["thumbnail_url"].as_str().unwrap());
        let http = reqwest::Client::new();
        let get = async |url: &str, name: header::HeaderName, value: &str| {
            http.get(url).header(name, value).send().await.unwrap()
        };
        let thumbnail = server.get(small).await;
        assert_eq!(thumbnail.status(), 200);
        assert_eq!(thumbnail.headers()["content-type"], "image/jpeg");
        assert_eq!(thumbnail.headers()["x-content-type-options"], "nosniff");
        assert_eq!(thumbnail.headers()["content-disposition"], "inline; filename=\"a-small.jpg\"");
        let tag = thumbnail.headers()["etag"].to_str().unwrap().to_owned();
        let picture = image::load_from_memory(&thumbnail.bytes().await.unwrap()).unwrap();
        assert_eq!((picture.width(), picture.height()), (512, 384));
        let file = bytes_of(folder, &id).into_iter().find(|path| path.ends_with(format!("{id}.thumbnail"))).unwrap();
        let when = file.metadata().unwrap().modified().unwrap();
        assert_eq!(server.get(small).await.status(), 200);
        assert_eq!(file.metadata().unwrap().modified().unwrap(), when, "it was made again");
        assert_eq!(server.get(&small.replace("/thumbnail", "")).await.status(), 403, "each link opens its own");

        let whole = server.get(url).await.headers()["etag"].to_str().unwrap().to_owned();
        for (url, tag) in [(small, &tag), (url, &whole)] {
            for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".into()] {
                let answer = get(url, header::IF_NONE_MATCH, &known).await;
                assert_eq!((answer.status().as_u16(), answer.headers()["etag"].to_str().unwrap()), (304, tag.as_str()));
            }
            assert_eq!(get(url, header::IF_NONE_MATCH, "\"x\"").await.status(), 200);
        }
        assert_eq!(get(url, header::RANGE, "bytes=0-3").await.bytes().await.unwrap(), b"II*\0"[..]);

        server.ok("delete_image", json!({"image": id})).await;
        assert!(bytes_of(folder, &id).is_empty(), "its thumbnail is left");
        for dead in [url, small] {
            let answer = get(dead, header::ACCEPT, "application/json").await;
            assert_eq!(answer.status(), 404);
            assert_eq!(answer.json::<Value>().await.unwrap()["error"]["kind"], "not_found");
            let page = get(dead, header::ACCEPT, "text/html,application/xhtml+xml").await;
            assert_eq!(page.status(), 404);
            assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
            let text = page.text().await.unwrap();
            assert!(text.contains("no longer here") && text.contains("/gallery"), "{text}");
        }
        let forged = get(&format!("{url}A"), header::ACCEPT, "text/html").await;
        assert_eq!(forged.status(), 403);
        assert!(forged.text().await.unwrap().contains("This link does not work"));
    })
    .await;
}

#[tokio::test]
async fn several_images_are_numbered_and_called_by_short_names() {
    let fake = FakeOpenAi::start(Dialect::OpenAi).await;
    let base_url = fake.base_url();
    let folder = Folder::new();
    let server = Server::start_with(&folder, &[("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base_url.as_str())]);
    let reply =
        server.call("create_image", json!({"prompt": "a cat", "n": 3, "size": "1024x1024", "quality": "low"})).await;
    let images = reply.structured()["images"].as_array().unwrap().clone();
    assert_eq!(images.iter().map(|image| &image["number"]).collect::<Vec<_>>(), [1, 2, 3]);
    let second = images[1]["short_id"].as_str().unwrap();
    assert!(images[1]["image_id"].as_str().unwrap().starts_with(second), "{second}");
    assert!(reply.text().contains(&format!("2 {second}")), "{}", reply.text());
    let warmer = json!({"image": second, "prompt": "warmer", "size": "1024x1024", "quality": "low"});
    assert_eq!(server.ok("edit_image", warmer).await["parent"], images[1]["image_id"]);
    // Words of the prompt find it.
    let found = server.ok("list_images", json!({"query": "WARMER"})).await;
    assert_eq!(found["images"].as_array().unwrap().len(), 1);
}
