//! The shell commands: exit codes, summaries, and what they leave on the disk.

use std::process::Output;

use serde_json::Value;

use crate::{
    harness::Folder,
    images::{jpeg, png},
};

fn run(folder: &Folder, arguments: &[&str]) -> Output {
    folder.command().args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn one_picture() {
    let folder = Folder::new();
    folder.put("a.png", &png(400, 300));
    let done =
        run(&folder, &["transform", "a.png", "b.jpg", "--resize", "100x100", "--fit", "cover", "--rotate", "90"]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
    let made = image::open(folder.picture("b.jpg")).unwrap();
    assert_eq!((made.width(), made.height()), (100, 100));
    assert!(!folder.path("data").exists(), "the shell needs no store");
}

#[test]
fn mistakes_are_1_and_name_themselves() {
    let folder = Folder::new();
    let original = png(8, 8);
    folder.put("a.png", &original);
    for (arguments, named) in [
        (&["transform", "a.png", "b.xyz"][..], ".xyz"),
        (&["transform", "missing.png", "b.png"], "missing.png"),
        (&["transform", "a.png", "a.png"], "same file"),
        (&["transform", "a.png", "b.png", "--resize", "big"], "--resize"),
        (&["transform", "a.png", "b.png", "--steps", "[{\"op\":\"nope\"}]"], "steps[0].op"),
        (&["batch", ".", "--out", "out", "--format", "heic"], "heic"),
        (&["batch", ".", "--out", "out", "--name", "../x"], "--name"),
        (&["batch", "missing", "--out", "out"], "missing"),
        (&["batch", ".", "--out", "out", "--glob", "*.gif"], "No image"),
        (&["nonsense"], "nonsense"),
    ] {
        let output = run(&folder, arguments);
        assert_eq!(code(&output), 1, "{arguments:?}");
        assert!(text(&output.stderr).contains(named), "{arguments:?}: {}", text(&output.stderr));
    }
    assert_eq!(std::fs::read(folder.picture("a.png")).unwrap(), original);
}

#[test]
fn settings_that_are_wrong_refuse_to_start() {
    let folder = Folder::new();
    let output = folder.command().env("PORT", "x").env("HOST", "0.0.0.0").output().unwrap();
    assert_eq!(code(&output), 1);
    let error = text(&output.stderr);
    assert!(error.contains("PORT") && error.contains("HOST"), "{error}");
}

#[test]
fn a_batch_sums_up_and_says_2_if_some_failed() {
    let folder = Folder::new();
    for index in 0..6 {
        folder.put(&format!("in/{index}.jpg"), &jpeg(200, 100));
    }
    folder.put("in/deep/7.png", &png(20, 10));
    let arguments = ["batch", "in", "--out", "out", "--resize", "50x", "--format", "webp", "--recursive", "--json"];
    let done = run(&folder, &arguments);
    assert_eq!((code(&done), text(&done.stderr)), (0, String::new()));
    let summary: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&summary["total"], &summary["ok"], &summary["failed"]), (&7.into(), &7.into(), &0.into()));
    assert_eq!(image::open(folder.picture("out/3.webp")).unwrap().width(), 50);
    assert!(folder.picture("out/deep/7.webp").exists());

    folder.put("in/broken.jpg", b"\xff\xd8\xff\xe0 broken");
    let some = run(&folder, &["batch", "in", "--out", "out2", "--resize", "50x", "--json"]);
    assert_eq!(code(&some), 2);
    let summary: Value = serde_json::from_slice(&some.stdout).unwrap();
    assert_eq!((&summary["ok"], &summary["failed"]), (&6.into(), &1.into()));
    assert_eq!(summary["errors"].as_array().unwrap().len(), 1);
}

#[test]
fn conflicts_follow_their_policy_and_originals_stay() {
    let folder = Folder::new();
    let original = jpeg(64, 64);
    folder.put("in/a.jpg", &original);
    let batch = |out: &str, policy: &str| {
        let output = run(&folder, &["batch", "in", "--out", out, "--resize", "8x8", "--on-conflict", policy, "--json"]);
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        (code(&output), summary["ok"].as_u64().unwrap(), summary["skipped"].as_u64().unwrap())
    };
    assert_eq!(batch("out", "suffix"), (0, 1, 0));
    assert_eq!(batch("out", "suffix"), (0, 1, 0));
    assert!(folder.picture("out/a-1.jpg").exists());
    assert_eq!(batch("out", "skip"), (0, 0, 1));
    assert_eq!(batch("out", "error"), (2, 0, 0));
    assert_eq!(batch("out", "overwrite"), (0, 1, 0));
    assert_eq!(batch("in", "overwrite"), (0, 1, 0));
    assert_eq!(std::fs::read(folder.picture("in/a.jpg")).unwrap(), original);
    assert_eq!(std::fs::read_dir(folder.picture("out")).unwrap().count(), 2);
}

#[test]
fn a_dry_run_writes_nothing() {
    let folder = Folder::new();
    folder.put("in/a.jpg", &jpeg(64, 64));
    let output = run(&folder, &["batch", "in", "--out", "out", "--dry-run"]);
    assert_eq!(code(&output), 0);
    assert!(text(&output.stdout).contains("a.jpg"));
    assert!(!folder.picture("out").exists());
}
