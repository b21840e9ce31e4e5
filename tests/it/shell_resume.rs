//! `image-tool batch` that is interrupted, and goes on.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Child, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    harness::Folder,
    images::{jpeg, png},
};

const SLOW: [&str; 9] =
    ["batch", "in", "--out", "out", "--steps", r#"[{"op":"blur","sigma":6}]"#, "--jobs", "1", "--json"];

fn run(folder: &Folder, arguments: &[&str]) -> (i32, Value) {
    summary(&folder.command().args(arguments).output().unwrap())
}

fn summary(output: &Output) -> (i32, Value) {
    let summary = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no summary: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), summary)
}

/// The lines of the manifest that were written to their ends.
fn lines(folder: &Folder) -> Vec<Value> {
    let manifest = std::fs::read_to_string(folder.picture("out/manifest.jsonl")).unwrap_or_default();
    manifest.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Every file of a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

/// Starts a batch that takes its time, until some of it is done.
fn begun(folder: &Folder, more: &[&str], done: usize) -> Child {
    for index in 0..30 {
        folder.put(&format!("in/{index:02}.jpg"), &jpeg(1200 + index, 800));
    }
    let mut command = folder.command();
    let child = command.args(SLOW).args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let written = || std::fs::read_to_string(folder.picture("out/manifest.jsonl")).unwrap_or_default();
    while written().matches('\n').count() < done {
        assert!(Instant::now() < deadline, "nothing was written down");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let folder = Folder::new();
    let mut child = begun(&folder, &["--manifest"], 3);
    child.kill().unwrap();
    child.wait().unwrap();
    let manifest = folder.picture("out/manifest.jsonl");
    let whole = lines(&folder).len();
    assert!((3..30).contains(&whole), "{whole}");
    // A result whose line the run did not come to write, and a torn one.
    let before = lines(&folder);
    let (lost, kept) = before.split_last().unwrap();
    let kept: String = kept.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(&manifest, kept + "{\"index\":29,\"sour").unwrap();
    let first = folder.picture("out").join(lines(&folder)[0]["output"].as_str().unwrap());
    let written = std::fs::metadata(&first).unwrap().modified().unwrap();

    let (code, facts) = run(&folder, &[&SLOW[..], &["--resume"]].concat());
    assert_eq!((code, &facts["total"], &facts["before"]), (0, &30.into(), &(whole - 1).into()), "{facts}");
    assert_eq!(facts["ok"], 30 - (whole - 1));
    assert_eq!(std::fs::metadata(&first).unwrap().modified().unwrap(), written, "what was done is not done again");
    let (resumed, clean) = (files(&folder.picture("out")), {
        let (code, _) = run(&folder, &[&["batch", "in", "--out", "clean"], &SLOW[4..]].concat());
        assert_eq!(code, 0);
        files(&folder.picture("clean"))
    });
    assert!(resumed.contains_key(lost["output"].as_str().unwrap()));
    let names: Vec<&String> = resumed.keys().filter(|name| name.ends_with(".jpg") || name.starts_with('.')).collect();
    assert_eq!(names, clean.keys().collect::<Vec<_>>(), "each once, and nothing half-written");
    assert!(clean.iter().all(|(name, bytes)| resumed[name] == *bytes));
    assert_eq!(lines(&folder).len(), 30);
    assert_eq!(String::from_utf8_lossy(&resumed["report.csv"]).lines().count(), 31);

    // What has changed since is done again, and so is everything with another recipe.
    folder.put("in/00.jpg", &jpeg(300, 200));
    std::fs::remove_file(folder.picture("out/01.jpg")).unwrap();
    let (_, facts) = run(&folder, &[&SLOW[..], &["--resume"]].concat());
    assert_eq!((&facts["before"], &facts["ok"]), (&28.into(), &2.into()));
    assert!(folder.picture("out/01.jpg").exists());
    let (_, facts) = run(&folder, &["batch", "in", "--out", "out", "--resize", "9x9", "--resume", "--json"]);
    assert_eq!((&facts["before"], &facts["ok"]), (&0.into(), &30.into()));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_cleanly_and_the_run_goes_on() {
    let folder = Folder::new();
    let child = begun(&folder, &["--resume"], 2);
    let told = std::process::Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(told.success());
    let (code, facts) = summary(&child.wait_with_output().unwrap());
    let (ok, left) = (facts["ok"].as_u64().unwrap(), facts["left"].as_u64().unwrap());
    assert_eq!((code, ok + left), (130, 30), "{facts}");
    assert!(left > 0 && lines(&folder).len() as u64 == ok, "{facts}");
    let (code, facts) = run(&folder, &[&SLOW[..], &["--resume"]].concat());
    assert_eq!((code, &facts["before"], &facts["ok"]), (0, &ok.into(), &left.into()));
}

#[test]
fn a_manifest_is_gone_on_with_only_when_asked_to() {
    let folder = Folder::new();
    folder.put("in/a.png", &png(40, 20));
    let batch = |more: &[&str]| {
        let arguments = [&["batch", "in", "--out", "out", "--resize", "8x8", "--json"], more].concat();
        folder.command().args(arguments).output().unwrap()
    };
    assert!(batch(&[]).status.success());
    assert_eq!(files(&folder.picture("out")).len(), 1, "no litter unless asked for");
    assert!(batch(&["--manifest"]).status.success());
    let again = batch(&["--manifest"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--resume"));
    // Results in the folder of the originals are no originals.
    let there = |out: &str| run(&folder, &["batch", "in", "--out", out, "--resize", "8x8", "--resume", "--json"]).1;
    assert_eq!(there("in")["ok"], 1);
    let second = there("in");
    assert_eq!((&second["total"], &second["before"]), (&1.into(), &1.into()));
}

#[test]
fn contact_sheets_show_all_and_replace_nothing() {
    let folder = Folder::new();
    for index in 0..49 {
        folder.put(&format!("in/{index:02}.png"), &png(64, 48));
    }
    folder.put("in/contact-001.jpg", &jpeg(64, 48));
    folder.put("in/broken.jpg", b"\xff\xd8\xff\xe0 broken");
    let (code, facts) = run(&folder, &["batch", "in", "--out", "out", "--resize", "32x", "--contact-sheet", "--json"]);
    assert_eq!((code, &facts["ok"]), (2, &50.into()));
    assert_eq!(facts["contact_sheets"], serde_json::json!(["contact-001-1.jpg", "contact-002.jpg"]));
    let size = |name: &str| image::open(folder.picture("out").join(name)).unwrap().width();
    assert_eq!((size("contact-001.jpg"), size("contact-001-1.jpg"), size("contact-002.jpg")), (32, 1416, 992));
}
