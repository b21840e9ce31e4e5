use std::{fs, os::unix::fs::symlink, path::PathBuf};

use super::*;

struct Bench {
    _folder: tempfile::TempDir,
    base: PathBuf,
    files: Files,
}

/// `base/root` is allowed, holds the data folder `data`; `base/outside` is not allowed.
fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().canonicalize().unwrap();
    for dir in ["root/sub/deep", "root/.hidden", "root/data", "root/stored", "outside"] {
        fs::create_dir_all(base.join(dir)).unwrap();
    }
    for file in [
        "root/a.png",
        "root/sub/b.PNG",
        "root/sub/deep/c.png",
        "root/.hidden/h.png",
        "root/.dot.png",
        "root/data/d.png",
        "root/stored/s.png",
        "outside/secret.png",
        "root/notes.txt",
    ] {
        fs::write(base.join(file), file).unwrap();
    }
    symlink(base.join("outside/secret.png"), base.join("root/link-out.png")).unwrap();
    symlink("../outside", base.join("root/dir-out")).unwrap();
    symlink("sub/b.PNG", base.join("root/link-in.png")).unwrap();
    symlink(".dot.png", base.join("root/link-dot.png")).unwrap();
    symlink("data/d.png", base.join("root/link-data.png")).unwrap();
    let files =
        Files::open(&[base.join("root")], &[base.join("root/data"), base.join("root/stored")], 1 << 20).unwrap();
    Bench { _folder: folder, base, files }
}

fn writing(overwrite: bool) -> Writing<'static> {
    Writing { overwrite, tag: "job_x", argument: "save_to", still_wanted: &|| Ok(()) }
}

#[test]
fn what_is_inside_can_be_read_by_either_spelling() {
    let bench = bench();
    let inside = bench.base.join("root/a.png");
    for path in ["a.png", "./a.png", "sub/../a.png", inside.to_str().unwrap()] {
        let read = bench.files.read(path, "image");
        if path.contains("..") {
            assert_eq!(read.unwrap_err().kind, FailureKind::FileNotReachable);
        } else {
            assert_eq!(read.unwrap(), (b"root/a.png".to_vec(), inside.clone()), "{path}");
        }
    }
    assert_eq!(bench.files.read("link-in.png", "image").unwrap().0, b"root/sub/b.PNG");
}

#[test]
fn nothing_else_can() {
    let bench = bench();
    let outside = bench.base.join("outside/secret.png");
    let twisted = format!("{}/root/../outside/secret.png", bench.base.display());
    for path in [
        "",
        ".",
        "/",
        "missing.png",
        "sub",
        "../outside/secret.png",
        "sub/../../outside/secret.png",
        &twisted,
        outside.to_str().unwrap(),
        "link-out.png",
        "dir-out/secret.png",
        "link-dot.png",
        "link-data.png",
        ".dot.png",
        ".hidden/h.png",
        "data/d.png",
        "stored/s.png",
        "a.png\0.txt",
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        "a.png/x",
        "//a.png",
        "/proc/self/root/etc/passwd",
    ] {
        let failure = bench.files.read(path, "image").unwrap_err();
        assert_eq!(failure.kind, FailureKind::FileNotReachable, "{path}");
        assert_eq!(failure.argument.as_deref(), Some("image"), "{path}");
        assert!(!failure.message.contains("secret"), "{failure}");
    }
}

#[test]
fn pipes_and_devices_are_refused_at_once() {
    let bench = bench();
    let pipe = bench.base.join("root/pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink("/dev/zero", bench.base.join("root/zero.png")).unwrap();
    for path in ["pipe.png", "zero.png"] {
        assert_eq!(bench.files.read(path, "image").unwrap_err().kind, FailureKind::FileNotReachable, "{path}");
    }
    assert_eq!(bench.files.list(".", "*", false, &|_| true).unwrap().skipped["unreadable"], 1);
}

#[test]
fn a_link_swapped_in_after_the_check_is_not_followed() {
    let bench = bench();
    let place = bench.files.place("sub/deep/c.png", "image").unwrap();
    fs::remove_dir_all(bench.base.join("root/sub/deep")).unwrap();
    symlink("../../outside", bench.base.join("root/sub/deep")).unwrap();
    fs::write(bench.base.join("outside/c.png"), "stolen").unwrap();
    assert!(place.parent().is_err());
    let place = bench.files.place("a.png", "image").unwrap();
    fs::remove_file(bench.base.join("root/a.png")).unwrap();
    symlink("../outside/c.png", bench.base.join("root/a.png")).unwrap();
    let (dir, name) = place.parent().unwrap();
    assert!(read::open_in(&dir, name).is_err());
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let bench = bench();
    fs::write(bench.base.join("root/big.png"), vec![0; (1 << 20) + 1]).unwrap();
    assert_eq!(bench.files.read("big.png", "image").unwrap_err().kind, FailureKind::TooLarge);
}

#[test]
fn a_listing_counts_what_it_leaves_out() {
    let bench = bench();
    let listing = bench.files.list(".", "*", true, &|head| !head.starts_with(b"root/notes")).unwrap();
    assert_eq!(listing.files, ["a.png", "sub/b.PNG", "sub/deep/c.png"].map(PathBuf::from));
    assert_eq!(listing.folder, bench.base.join("root"));
    let skipped: Vec<_> = listing.skipped.into_iter().collect();
    assert_eq!(skipped, [("hidden", 4), ("link", 5), ("not an image", 1)]);
    for (glob, recursive, count) in
        [("*.png", false, 1), ("*.png", true, 3), ("sub/*.png", true, 1), ("**/*.png", false, 3), ("*.jpg", true, 0)]
    {
        assert_eq!(bench.files.list(".", glob, recursive, &|_| true).unwrap().files.len(), count, "{glob}");
    }
    assert_eq!(bench.files.list(".", "[", false, &|_| true).unwrap_err().argument.as_deref(), Some("source.glob"));
    for folder in ["..", "/", "/etc", "dir-out", "data", ".hidden", "a.png"] {
        assert_eq!(
            bench.files.list(folder, "*", false, &|_| true).unwrap_err().kind,
            FailureKind::FileNotReachable,
            "{folder}"
        );
    }
}

#[test]
fn writing_stays_inside_and_never_replaces_unasked() {
    let bench = bench();
    assert_eq!(bench.files.write("new.png", b"1", &writing(false)).unwrap().0, Taken::No);
    assert_eq!(bench.files.write("new.png", b"2", &writing(false)).unwrap().0, Taken::Yes);
    assert_eq!(fs::read(bench.base.join("root/new.png")).unwrap(), b"1");
    assert_eq!(bench.files.write("new.png", b"2", &writing(true)).unwrap().0, Taken::No);
    assert_eq!(fs::read(bench.base.join("root/new.png")).unwrap(), b"2");
    // A link is replaced itself; what it leads to stays. So it is refused.
    for path in [
        "link-out.png",
        "dir-out/x.png",
        "../x.png",
        "/etc/x.png",
        ".x.png",
        "data/x.png",
        "missing/x.png",
        "sub",
        "sub/",
        ".hidden/x.png",
    ] {
        assert!(bench.files.write(path, b"x", &writing(true)).is_err(), "{path}");
    }
    assert_eq!(fs::read(bench.base.join("outside/secret.png")).unwrap(), b"outside/secret.png");
    let left_over = fs::read_dir(bench.base.join("root"))
        .unwrap()
        .filter(|f| f.as_ref().unwrap().file_name().to_string_lossy().ends_with(".part"));
    assert_eq!(left_over.count(), 0);
}

#[test]
fn folders_are_made_inside_only() {
    let bench = bench();
    assert_eq!(bench.files.make_folder("out/2026", "save_to").unwrap(), bench.base.join("root/out/2026"));
    for path in ["../out", "dir-out/new", ".out", "data/out", "/etc/out", "a.png/x"] {
        assert!(bench.files.make_folder(path, "save_to").is_err(), "{path}");
    }
    assert!(!bench.base.join("outside/new").exists());
}

#[test]
fn a_sweep_takes_only_what_its_own_tag_left() {
    let bench = bench();
    for name in [".image-tool-job_x-0.part", ".image-tool-job_y-0.part", ".image-tool-job_x-0.png"] {
        fs::write(bench.base.join("root/sub").join(name), "half").unwrap();
    }
    bench.files.sweep("sub", "job_x");
    let mut left: Vec<_> = fs::read_dir(bench.base.join("root/sub")).unwrap().map(|f| f.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".image-tool-job_x-0.png", ".image-tool-job_y-0.part", "b.PNG", "deep"]);
}
