//! Files that lie, and files that are broken: a clear answer, and the server goes on.

use serde_json::json;

use crate::{
    harness::{Folder, Server},
    images::{bomb, jpeg, png},
};

#[tokio::test]
async fn lying_and_broken_files_are_named_and_nothing_else_suffers() {
    let folder = Folder::new();
    folder.put("bomb.png", &bomb(60_000, 60_000));
    folder.put("nothing.png", &bomb(100, 100));
    folder.put("text.png", b"this is no picture, whatever its name says");
    folder.put("empty.png", b"");
    folder.put("page.png", b"%PDF-1.7 ...");
    folder.put("good.png", &png(64, 64));
    let server = Server::start(&folder);
    for (name, kind) in [
        ("bomb.png", "too_large"),
        ("nothing.png", "image_unreadable"),
        ("text.png", "unsupported_format"),
        ("empty.png", "unsupported_format"),
        ("page.png", "unsupported_format"),
    ] {
        for tool in ["transform_image", "image_metadata"] {
            let arguments =
                if tool == "transform_image" { json!({"image": name, "width": 8}) } else { json!({"image": name}) };
            let (found, text) = server.fails(tool, arguments).await;
            assert_eq!(found, kind, "{tool} {name}: {text}");
        }
    }
    server.ok("transform_image", json!({"image": "good.png", "width": 8})).await;
    server.assert_idle().await;
}

#[tokio::test]
async fn a_truncated_picture_is_read_as_far_as_it_goes_unless_strict() {
    let folder = Folder::new();
    for (name, whole) in [("a.jpg", jpeg(400, 400)), ("a.png", png(400, 400))] {
        folder.put(name, &whole[..whole.len() * 2 / 3]);
    }
    let server = Server::start(&folder);
    for name in ["a.jpg", "a.png"] {
        let made = server.ok("transform_image", json!({"image": name, "width": 100})).await;
        assert_eq!(made["warnings"][0]["code"], "truncated", "{made}");
        assert_eq!(made["height"], 100);
        let (kind, _) = server.fails("transform_image", json!({"image": name, "width": 100, "strict": true})).await;
        assert_eq!(kind, "image_unreadable");
    }
}

#[tokio::test]
async fn limits_are_as_they_are_set() {
    let folder = Folder::new();
    folder.put("a.png", &png(1100, 1000));
    let server = Server::start_with(&folder, &[("MAX_MEGAPIXELS", "1")]);
    let (kind, text) = server.fails("transform_image", json!({"image": "a.png", "width": 8})).await;
    assert_eq!(kind, "too_large");
    assert!(text.contains("MAX_MEGAPIXELS"), "{text}");
}

#[tokio::test]
async fn bad_arguments_name_themselves() {
    let folder = Folder::new();
    folder.put("a.png", &png(8, 8));
    let server = Server::start(&folder);
    for (tool, arguments, named) in [
        ("transform_image", json!({"image": "a.png"}), "steps"),
        ("transform_image", json!({"width": 8}), "image"),
        ("transform_image", json!({"image": "a.png", "width": 0}), "width"),
        (
            "transform_image",
            json!({"image": "a.png", "steps": [{"op": "resize", "width": 8}, {"op": "blur"}]}),
            "steps[1].sigma",
        ),
        ("transform_image", json!({"image": "a.png", "output_format": "heic"}), "output_format"),
        ("transform_image", json!({"image": "http://example.com/a.png", "width": 8}), "image"),
        ("batch_process", json!({"source": {}, "width": 8}), "source"),
        ("batch_process", json!({"source": {"folder": "."}, "width": 8, "name": "../{stem}"}), "name"),
        ("get_job", json!({"job_id": "job_nope"}), "job_id"),
        ("list_images", json!({"limit": 1000}), "limit"),
    ] {
        let (kind, text) = server.fails(tool, arguments.clone()).await;
        assert!(["invalid_argument", "not_found"].contains(&kind.as_str()), "{tool} {arguments}: {text}");
        assert!(text.contains(&format!("Argument: {named}")), "{tool} {arguments}: {text}");
    }
}
