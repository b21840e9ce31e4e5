//! What comes out of a batch: report, contact sheets, and the zip.

use std::{collections::BTreeMap, process::Command};

use rmcp::{ServiceExt, model::CallToolRequestParams, transport::TokioChildProcess};
use serde_json::{Value, json};

use crate::{
    harness::{Folder, Server},
    images::{jpeg, png},
};

fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    bytes[at..at + length].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// The files of an archive: found by its directory, held against what stands before each of them, and summed.
fn unzipped(zip: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let end = zip.len() - 22;
    assert_eq!(&zip[end..end + 4], b"PK\x05\x06");
    let (count, mut at) = (number(zip, end + 10, 2), number(zip, end + 16, 4));
    assert_eq!(at + number(zip, end + 12, 4), end);
    let mut files = BTreeMap::new();
    for _ in 0..count {
        assert_eq!(&zip[at..at + 4], b"PK\x01\x02");
        let (name_length, extra) = (number(zip, at + 28, 2), number(zip, at + 30, 2));
        let name = String::from_utf8(zip[at + 46..at + 46 + name_length].to_vec()).unwrap();
        let local = number(zip, at + 42, 4);
        assert_eq!(&zip[local..local + 4], b"PK\x03\x04");
        assert_eq!(zip[local + 6..local + 28], zip[at + 8..at + 30], "{name}: both records say the same");
        let start = local + 30 + number(zip, local + 26, 2) + number(zip, local + 28, 2);
        let bytes = zip[start..start + number(zip, at + 24, 4)].to_vec();
        assert_eq!(crc32fast::hash(&bytes) as usize, number(zip, at + 16, 4), "{name}");
        assert!(files.insert(name, bytes).is_none());
        at += 46 + name_length + extra;
    }
    assert_eq!(at, end);
    files
}

#[tokio::test]
async fn everything_that_comes_out_is_linked_and_stands_in_the_zip() {
    let folder = Folder::new();
    for index in 0..50 {
        folder.put(&format!("in/{index:02}.png"), &png(64, 48));
    }
    folder.put("in/deep/ä=1.jpg", &jpeg(400, 300));
    folder.put("in/=broken.png", b"\x89PNG\r\n\x1a\nbroken");
    let server = Server::start(&folder);
    let arguments =
        json!({"source": {"folder": "in", "recursive": true}, "width": 40, "save_to": "out", "wait_seconds": 45});
    let reply = server.call("batch_process", arguments).await;
    let facts = reply.structured();
    assert_eq!((&facts["ok"], &facts["failed"], &facts["sheets"]), (&json!(51), &json!(1), &json!(2)), "{facts}");
    let shown = reply.blocks("image");
    assert_eq!(shown.len(), 1, "the first contact sheet is shown");
    assert!(shown[0]["data"].as_str().unwrap().len() <= 100_000);

    let get = async |name: &Value| server.get(name.as_str().unwrap()).await.bytes().await.unwrap().to_vec();
    let report = String::from_utf8(get(&facts["report_url"]).await).unwrap();
    assert_eq!(report.matches("\r\n").count(), 53, "a row for each and the header");
    assert!(report.starts_with("index,source,status,output,"), "{report}");
    assert!(report.contains(",failed,,,image_unreadable,"), "{report}");
    let sheets = facts["sheet_urls"].as_array().unwrap();
    assert_eq!(sheets.len(), 2);
    let (first, second) = (get(&sheets[0]).await, get(&sheets[1]).await);
    for (sheet, size) in [(&first, (1416, 1052)), (&second, (1320, 296))] {
        let sheet = image::load_from_memory(sheet).unwrap();
        assert_eq!((sheet.width(), sheet.height()), size);
    }
    let saved = |name: &Value| std::fs::read(name.as_str().unwrap()).unwrap();
    assert_eq!(saved(&facts["report_path"]), report.as_bytes());
    assert_eq!(saved(&facts["sheet_paths"][1]), second);

    let zip = get(&facts["zip_url"]).await;
    let files = unzipped(&zip);
    assert_eq!(files.len(), 51 + 4);
    assert_eq!(files["manifest.jsonl"], get(&facts["url"]).await);
    assert_eq!((&files["report.csv"], &files["contact-001.jpg"]), (&report.into_bytes(), &first));
    assert_eq!(files["deep/ä=1.jpg"], std::fs::read(folder.picture("out/deep/ä=1.jpg")).unwrap());
    let path = folder.path("results.zip");
    std::fs::write(&path, &zip).unwrap();
    // A reader that others have written, where there is one.
    if let Ok(tested) = Command::new("unzip").arg("-tq").arg(&path).output() {
        assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
    }
}

#[tokio::test]
async fn a_zip_comes_in_parts() {
    let folder = Folder::new();
    folder.put("manifest.png", &png(64, 48));
    folder.put("b.png", &png(32, 48));
    let server = Server::start(&folder);
    let images = json!({"images": ["manifest.png", "b.png"]});
    // One result has the name of a file beside it: the result keeps it.
    let arguments = json!({"source": images, "width": 20, "name": "report.csv", "return": "none", "wait_seconds": 45});
    let reply = server.call("batch_process", arguments).await;
    assert!(reply.blocks("image").is_empty());
    let url = reply.structured()["zip_url"].as_str().unwrap().to_owned();
    let whole = server.get(&url).await;
    let length = whole.content_length().unwrap() as usize;
    let tag = whole.headers()["etag"].clone();
    assert_eq!(whole.headers()["content-type"], "application/zip");
    let whole = whole.bytes().await.unwrap();
    assert_eq!(whole.len(), length);
    let names: Vec<String> = unzipped(&whole).into_keys().collect();
    assert_eq!(names, ["contact-001.jpg", "manifest.jsonl", "report-1.csv", "report-2.csv", "report.csv"]);
    let part = async |range: String| {
        let asked = reqwest::Client::new().get(&url).header("Range", range).header("If-Range", tag.clone());
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 206);
        answer.bytes().await.unwrap()
    };
    let (half, rest) =
        (part(format!("bytes=0-{}", length / 2)).await, part(format!("bytes={}-", length / 2 + 1)).await);
    assert_eq!([&half[..], &rest[..]].concat(), whole);
    assert_eq!(part("bytes=-22".into()).await, whole[length - 22..]);
    let forged = url.replace("results.zip", "contact-001.jpg");
    assert_eq!(server.get(&forged).await.status(), 403, "a link opens its own file");
}

#[tokio::test]
async fn a_local_client_gets_files() {
    let folder = Folder::new();
    folder.put("in/a.png", &png(40, 20));
    let mut command = tokio::process::Command::from(folder.command());
    command.arg("stdio");
    let client = ().serve(TokioChildProcess::new(command).unwrap()).await.unwrap();
    let arguments = json!({"source": {"folder": "in"}, "width": 10, "wait_seconds": 45});
    let call = CallToolRequestParams::new("batch_process").with_arguments(arguments.as_object().unwrap().clone());
    let facts = client.call_tool(call).await.unwrap().structured_content.unwrap();
    assert!(facts.get("zip_url").is_none() && facts.get("sheet_urls").is_none(), "{facts}");
    let report = std::fs::read_to_string(facts["report_path"].as_str().unwrap()).unwrap();
    assert_eq!(report.lines().count(), 2);
    let sheet = facts["sheet_paths"][0].as_str().unwrap();
    assert_eq!(image::open(sheet).unwrap().width(), 336);
    client.cancel().await.unwrap();
}
