//! What callers may name, asked of the real server.

use serde_json::json;

use crate::{
    harness::{Folder, Server},
    images::png,
};

#[cfg(unix)]
#[tokio::test]
async fn only_what_is_allowed_can_be_read() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    let bytes = png(8, 8);
    folder.put("sub/a.png", &bytes);
    folder.put(".hidden/a.png", &bytes);
    let outside = folder.path("outside.png");
    std::fs::write(&outside, &bytes).unwrap();
    symlink(&outside, folder.picture("link.png")).unwrap();
    symlink("sub/a.png", folder.picture("inside.png")).unwrap();
    symlink("/proc/self", folder.picture("proc")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.picture("pipe.png")).status().unwrap().success());
    let server = Server::start(&folder);
    for inside in ["sub/a.png", "inside.png", "./sub/a.png"] {
        server.ok("image_metadata", json!({"image": inside})).await;
    }
    let outside = outside.to_str().unwrap();
    for path in [
        outside,
        "../outside.png",
        "sub/../../outside.png",
        "link.png",
        ".hidden/a.png",
        "pipe.png",
        "sub",
        "missing.png",
        "/etc/passwd",
        "/proc/self/environ",
        "proc/environ",
        "/dev/zero",
        "/mnt/user-data/uploads/a.png",
        "a\u{0}.png",
        "file:///etc/passwd",
        "/home/claude/a.png",
        "sandbox:/mnt/data/a.png",
    ] {
        let (kind, text) = server.fails("image_metadata", json!({"image": path})).await;
        assert_eq!(kind, "file_not_reachable", "{path}: {text}");
        assert!(text.contains("Next:"), "{text}");
    }
    server.assert_idle().await;
}

#[tokio::test]
async fn the_servers_own_data_cannot_be_read_even_inside_an_allowed_folder() {
    let folder = Folder::new();
    folder.put("a.png", &png(8, 8));
    let data = folder.picture("data");
    let server = Server::start_with(&folder, &[("DATA_DIR", data.to_str().unwrap())]);
    let made = server.ok("transform_image", json!({"image": "a.png", "width": 4})).await;
    let id = made["image_id"].as_str().unwrap();
    for path in ["data/image-tool.sqlite3".to_owned(), format!("data/images/{}/{id}.png", &id[4..6])] {
        assert!(folder.picture(&path).exists());
        assert_eq!(server.fails("image_metadata", json!({"image": path})).await.0, "file_not_reachable", "{path}");
    }
    let (kind, _) = server.fails("batch_process", json!({"source": {"folder": "data"}, "width": 4})).await;
    assert_eq!(kind, "file_not_reachable");
}

#[tokio::test]
async fn a_forged_link_opens_nothing() {
    let folder = Folder::new();
    folder.put("a.png", &png(8, 8));
    let server = Server::start(&folder);
    let made = server.ok("transform_image", json!({"image": "a.png", "width": 4})).await;
    let url = made["url"].as_str().unwrap();
    assert_eq!(server.get(url).await.status(), 200);
    let bare = url.split('?').next().unwrap();
    for forged in
        [bare.to_owned(), format!("{url}A"), url.replace("expires=", "expires=9"), url.replace("img_", "img_0")]
    {
        let status = server.get(&forged).await.status().as_u16();
        assert!([400, 403, 404].contains(&status), "{forged}: {status}");
    }
}
