//! `transform_image` and `image_metadata` through the whole way: tool, record, queue, worker, engine, store, reply.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::{
    harness::{Folder, Server},
    images::{disc, gradient, jpeg, png},
};

#[tokio::test]
async fn a_picture_comes_back_as_facts_text_preview_and_link() {
    let folder = Folder::new();
    folder.put("a.png", &png(400, 300));
    let server = Server::start(&folder);
    let reply = server.call("transform_image", json!({"image": "a.png", "width": 200, "output_format": "webp"})).await;
    let facts = reply.structured();
    assert_eq!((&facts["width"], &facts["height"], &facts["format"]), (&json!(200), &json!(150), &json!("webp")));
    let text = reply.text();
    for part in [facts["image_id"].as_str().unwrap(), facts["url"].as_str().unwrap(), "200 × 150"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let preview = &reply.blocks("image")[0];
    let preview = BASE64_STANDARD.decode(preview["data"].as_str().unwrap()).unwrap();
    assert_eq!(image::load_from_memory(&preview).unwrap().width(), 200);
    assert_eq!(reply.blocks("resource_link").len(), 1);

    let answer = server.get(facts["url"].as_str().unwrap()).await;
    assert_eq!(answer.headers()["content-type"], "image/webp");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    let bytes = answer.bytes().await.unwrap();
    assert_eq!(facts["bytes"], bytes.len());
    let made = image::load_from_memory(&bytes).unwrap().to_rgb8();
    let expected = gradient(200, 150).to_rgb8();
    let worst = made.iter().zip(expected.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(worst < 16, "a pixel is off by {worst}");
    server.assert_idle().await;
}

#[tokio::test]
async fn every_way_to_give_a_picture_gives_the_same() {
    let folder = Folder::new();
    let bytes = png(64, 48);
    let path = folder.put("a.png", &bytes);
    let server = Server::start(&folder);
    let base64 = BASE64_STANDARD.encode(&bytes);
    let first = server.ok("transform_image", json!({"image": "a.png", "output_format": "png"})).await;
    let inputs = [
        path.to_str().unwrap().to_owned(),
        first["image_id"].as_str().unwrap().to_owned(),
        base64.clone(),
        format!("data:image/png;base64,{base64}"),
    ];
    for input in inputs {
        let made = server
            .ok("transform_image", json!({"image": input, "steps": [{"op": "flip"}], "output_format": "png"}))
            .await;
        let bytes = server.get(made["url"].as_str().unwrap()).await.bytes().await.unwrap();
        let flipped = gradient(64, 48).flipv().to_rgb8();
        assert_eq!(image::load_from_memory(&bytes).unwrap().to_rgb8(), flipped, "{input:.40}");
    }
    server.assert_idle().await;
}

#[tokio::test]
async fn a_result_knows_what_it_was_made_from() {
    let folder = Folder::new();
    folder.put("a.png", &png(64, 48));
    let server = Server::start(&folder);
    let first = server.ok("transform_image", json!({"image": "a.png", "width": 32})).await;
    let parent = first["image_id"].as_str().unwrap();
    let second = server.ok("transform_image", json!({"image": parent, "steps": [{"op": "grayscale"}]})).await;
    assert_eq!(second["parent"], parent);
    let children = server.ok("list_images", json!({"parent": parent})).await;
    assert_eq!(children["images"][0]["image_id"], second["image_id"]);
    assert_eq!(children["images"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn steps_run_in_order_and_transparency_is_laid_on_the_background() {
    let folder = Folder::new();
    folder.put("disc.png", &disc(100));
    let server = Server::start(&folder);
    let steps =
        json!([{"op": "resize", "width": 50}, {"op": "rotate", "angle_degrees": 45}, {"op": "crop", "aspect": "1:1"}]);
    let arguments =
        json!({"image": "disc.png", "steps": steps, "output_format": "jpeg", "background": "#0000ff", "quality": 95});
    let made = server.ok("transform_image", arguments).await;
    let bytes = server.get(made["url"].as_str().unwrap()).await.bytes().await.unwrap();
    let picture = image::load_from_memory(&bytes).unwrap().to_rgb8();
    let middle = picture.get_pixel(picture.width() / 2, picture.height() / 2);
    let corner = picture.get_pixel(0, 0);
    assert!(middle[0] > 240 && middle[2] < 16, "{middle:?}");
    assert!(corner[2] > 240 && corner[0] < 16, "{corner:?}");
    assert_eq!(picture.width(), picture.height());
}

#[tokio::test]
async fn a_result_is_saved_where_asked_and_nothing_is_replaced_unasked() {
    let folder = Folder::new();
    let original = png(64, 48);
    folder.put("a.png", &original);
    let server = Server::start(&folder);
    let save =
        |path: &str, overwrite: bool| json!({"image": "a.png", "width": 32, "save_to": path, "overwrite": overwrite});
    let made = server.ok("transform_image", save("out.png", false)).await;
    let saved = made["saved_to"].as_str().unwrap();
    assert_eq!(image::open(saved).unwrap().width(), 32);
    assert_eq!(server.fails("transform_image", save("out.png", false)).await.0, "invalid_argument");
    server.ok("transform_image", save("out.png", true)).await;
    assert_eq!(server.fails("transform_image", save("a.png", true)).await.0, "invalid_argument");
    assert_eq!(std::fs::read(folder.picture("a.png")).unwrap(), original, "originals are never altered");
    server.ok("transform_image", save("new/folder/out.png", false)).await;
    assert!(folder.picture("new/folder/out.png").exists(), "missing folders are made");
    for outside in ["../out.png", "/etc/out.png", ".hidden.png", ".hidden/out.png"] {
        assert_eq!(server.fails("transform_image", save(outside, true)).await.0, "file_not_reachable", "{outside}");
    }
}

#[tokio::test]
async fn the_ending_of_save_to_gives_the_format() {
    let folder = Folder::new();
    folder.put("a.png", &png(64, 48));
    let server = Server::start(&folder);
    let made = server.ok("transform_image", json!({"image": "a.png", "width": 32, "save_to": "out.webp"})).await;
    assert_eq!(made["format"], "webp");
    let both = json!({"image": "a.png", "width": 32, "save_to": "out.webp", "output_format": "jpeg"});
    assert_eq!(server.fails("transform_image", both).await.0, "invalid_argument");
}

#[tokio::test]
async fn metadata_tells_what_is_in_the_file() {
    let folder = Folder::new();
    folder.put("a.jpg", &jpeg(80, 40));
    let server = Server::start(&folder);
    let facts = server.ok("image_metadata", json!({"image": "a.jpg"})).await;
    assert_eq!(facts["report"]["basic"]["format"], "jpeg");
    assert_eq!((&facts["width"], &facts["height"]), (&json!(80), &json!(40)));
    assert_eq!(facts["report"]["hashes"]["sha256"].as_str().unwrap().len(), 64);
    let some = server.ok("image_metadata", json!({"image": "a.jpg", "sections": ["basic"]})).await;
    assert!(some["report"].get("hashes").is_none(), "{some}");
    server.assert_idle().await;
}

#[tokio::test]
async fn identical_calls_at_once_are_one_job() {
    let folder = Folder::new();
    folder.put("a.jpg", &jpeg(3000, 2000));
    let server = Server::start(&folder);
    let call = || server.ok("transform_image", json!({"image": "a.jpg", "steps": [{"op": "blur", "sigma": 15}]}));
    let (a, b) = tokio::join!(call(), call());
    assert_eq!(a["image_id"], b["image_id"]);
    assert_eq!(server.ok("list_images", json!({})).await["images"].as_array().unwrap().len(), 1);
}
