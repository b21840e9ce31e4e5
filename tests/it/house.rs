//! The rules of the house that no compiler knows: who may use whom, and what no file may hold. See
//! `docs/architecture.md`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The longest file, its tests not counted.
const LONGEST_FILE: usize = 400;

#[test]
fn packages_depend_on_what_their_room_allows() {
    /// What a room must never depend on, whatever else it needs. Tests of a room may.
    const NEVER: [(&str, &[&str], &str); 3] = [
        (
            "common",
            &["api", "axum", "image", "rayon", "reqwest", "rmcp", "worker"],
            "both programs say it, so it serves no HTTP and pushes no pixels; move the code to api or worker",
        ),
        (
            "worker",
            &["api", "axum", "rmcp", "tower-http"],
            "work is done here and nobody listens; what the world sees belongs to api",
        ),
        (
            "api",
            &[
                "fast_image_resize",
                "gif",
                "image",
                "image_hasher",
                "jpeg-encoder",
                "libwebp-sys",
                "png",
                "rav1d",
                "ravif",
                "resvg",
                "rqrr",
                "rten",
                "zune-jpeg",
            ],
            "the process that holds keys decodes nothing; pixels belong to worker/src/engine",
        ),
    ];
    const LEAF: [&str; 3] = ["secrecy", "strsim", "url"];
    for (package, dependency) in dependencies() {
        if package == "config" {
            assert!(
                LEAF.contains(&dependency.as_str()),
                "config depends on {dependency}: it is a leaf without I/O that needs {LEAF:?} only; do the work in its caller, or \
                 extend the list in tests/it/house.rs in a commit that says why"
            );
        }
        assert_ne!(dependency, "tests", "{package} depends on tests: nothing does; move what it needs to a room");
        for (room, never, why) in NEVER {
            assert!(
                room != package || !never.contains(&dependency.as_str()),
                "{package} depends on {dependency}: {why}"
            );
        }
    }
}

#[test]
fn the_web_by_itself_decodes_no_pictures() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "api",
            "--no-default-features",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--locked",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.starts_with("api "), "{}", String::from_utf8_lossy(&output.stderr));
    for line in tree.lines() {
        let package = line.split(' ').next().unwrap();
        for never in [
            "worker",
            "image",
            "rayon",
            "libwebp-sys",
            "png",
            "zune-jpeg",
            "kamadak-exif",
            "moxcms",
            "rav1d",
            "ravif",
            "resvg",
            "rten",
        ] {
            assert_ne!(package, never, "api depends on {never} without its feature embedded: send a job instead");
        }
    }
}

#[test]
fn rooms_use_what_they_may() {
    for file in sources() {
        let uses = |path: &str| file.uses(path);
        if file.below("api/src") && !file.below("api/src/cli") && file.path != "api/src/embedded.rs" {
            for room in ["worker", "image", "rayon"] {
                assert!(
                    !uses(room),
                    "{file} uses {room}: in api only embedded.rs and cli/ may; send a job through common instead"
                );
            }
        }
        if file.below("api/src/mcp") {
            assert!(!uses("crate::pages"), "{file} uses crate::pages: tools know no pages; pass what is needed");
            for path in file.imports().0.iter().filter(|path| path.starts_with("crate::oauth")) {
                assert_eq!(
                    path, "crate::oauth::Caller",
                    "{file} uses {path}: of oauth, tools know the Caller and nothing else"
                );
            }
        }
        if file.below("api/src/oauth") {
            assert!(
                !uses("crate::mcp"),
                "{file} uses crate::mcp: sign-in knows no tool; put what both need beside them"
            );
        }
        if file.below("worker/src") && !file.below("worker/src/provider") && !file.below("worker/src/fetch") {
            assert!(!uses("reqwest"), "{file} uses reqwest: the ways out of the worker are its provider and its fetch");
        }
        if file.below("worker/src/provider") {
            for room in ["crate::files", "crate::job", "common::Stores", "common::Jobs", "common::Blobs"] {
                assert!(
                    !uses(room),
                    "{file} uses {room}: the provider is given bytes and gives bytes; store in worker/src/job"
                );
            }
        }
        if file.below("worker/src/engine") {
            assert!(!uses("crate::provider"), "{file} uses crate::provider: the engine asks nobody");
        }
        if file.below("worker/src/engine") && file.path != "worker/src/engine/bridge.rs" {
            engine_is_plain(&file);
        }
    }
}

/// The engine is a library of pure functions on a pool: what crosses into async is bridge.rs.
fn engine_is_plain(file: &Source) {
    assert!(!file.uses("tokio"), "{file} uses tokio: the engine knows no async; the one way in is engine/bridge.rs");
    for word in ["async", "await"] {
        assert!(
            !file.has_word(word),
            "{file} is {word}: the engine knows no async; the one way in is engine/bridge.rs"
        );
    }
    for store in ["jobs", "queue", "stores", "Blobs", "Db", "Images", "Jobs", "Queue", "State", "Stores"] {
        assert!(
            !file.uses(&format!("common::{store}")),
            "{file} uses common::{store}: the engine is given bytes and gives bytes; fetch and store in worker/src/job"
        );
    }
}

#[test]
fn exceptions_to_the_lints_are_few_and_explained() {
    // webp, libaom: C libraries. planes: a Rust library with the surface of a C one. level: compiles hot
    // loops once more for AVX2, and asks the machine before.
    const UNSAFE: [&str; 4] = [
        "worker/src/engine/codec/avif/by_libaom.rs",
        "worker/src/engine/codec/avif/planes.rs",
        "worker/src/engine/codec/webp.rs",
        "worker/src/engine/level.rs",
    ];
    for file in sources() {
        // Written in two parts, so that this file does not find itself.
        let allow = concat!("[", "allow(");
        assert!(
            !file.code().contains(allow),
            "{file} has an #{allow}…)]: write #[expect(…, reason = \"…\")], which goes away when it is no longer needed"
        );
        let unsafe_code = concat!("expect(", "unsafe_code");
        assert!(
            !file.code().contains(unsafe_code) || UNSAFE.contains(&file.path.as_str()),
            "{file} uses unsafe code: only {UNSAFE:?} may; find a safe crate, or add the file to the list in \
             tests/it/house.rs in a commit that argues its safety"
        );
    }
}

#[test]
fn files_are_short_and_named_for_what_they_hold() {
    const NO_NAMES: [&str; 6] = ["helper", "helpers", "misc", "util", "utils", "utility"];
    for file in sources() {
        let length = file.length();
        assert!(
            length <= LONGEST_FILE || file.is_test(),
            "{file} has {length} lines without its tests: split it by what its parts are about; {LONGEST_FILE} is the most"
        );
        let steps = file.path.trim_end_matches(".rs").split('/');
        for name in steps.chain(file.modules()) {
            assert!(
                !NO_NAMES.contains(&name),
                "{file}: \"{name}\" says nothing; name the module for what it holds, or move its parts to where they are used"
            );
        }
    }
}

#[test]
fn snapshots_are_accepted_and_committed() {
    let pending = files_ending(".snap.new");
    assert!(pending.is_empty(), "{pending:?} wait for a decision: rename each to .snap if it is right, else delete it");
    for snapshot in files_ending(".snap") {
        let text = fs::read_to_string(root().join(&snapshot)).unwrap();
        let source = text.lines().find_map(|line| line.strip_prefix("source: ")).unwrap_or_default();
        assert!(root().join(source).is_file(), "{snapshot} belongs to \"{source}\", which is not there: delete it");
    }
    // A copy of the sources without their history has nothing to compare with.
    let Some(untracked) = git(&["ls-files", "--others", "--exclude-standard", "*.snap"]) else { return };
    assert!(untracked.is_empty(), "git does not know these snapshots, so others cannot pass: git add {untracked}");
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    for document in files_ending(".md") {
        let text = fs::read_to_string(root().join(&document)).unwrap();
        let folder = Path::new(&document).parent().unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            if path.contains(':') {
                continue;
            }
            let target = if path.is_empty() { root().join(&document) } else { root().join(folder).join(path) };
            assert!(target.exists(), "{document} links to {link}, which is not there: correct the link");
            if !anchor.is_empty() {
                let headings = headings(&fs::read_to_string(&target).unwrap());
                assert!(
                    headings.contains(&anchor.to_owned()),
                    "{document} links to {link}, but the headings there are {headings:?}"
                );
            }
        }
    }
}

#[test]
fn the_readme_stays_a_landing_page() {
    let lines = fs::read_to_string(root().join("README.md")).unwrap().lines().count();
    assert!(lines <= 200, "README.md has {lines} lines, the most is 200: move what not everyone needs to docs/");
}

/// The anchors of a document's headings, as the usual renderers make them.
fn headings(text: &str) -> Vec<String> {
    let anchor = |title: &str| {
        let kept =
            title.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
        kept.replace(' ', "-")
    };
    text.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

/// A source file of the workspace.
struct Source {
    /// Its path below the root, with `/` between folders.
    path: String,
    text: String,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)
    }
}

impl Source {
    fn below(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(['/', '.']))
    }

    /// Whether there is nothing but tests in it.
    fn is_test(&self) -> bool {
        self.below("tests")
            || self.path.contains("/benches/")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
    }

    /// The text without comments. Takes a `//` within a string for one too, which hides no import.
    fn code(&self) -> String {
        self.text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    }

    /// Lines up to the module of tests.
    fn length(&self) -> usize {
        let lines: Vec<&str> = self.text.lines().collect();
        let module = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
        lines.windows(2).position(module).unwrap_or(lines.len())
    }

    fn has_word(&self, word: &str) -> bool {
        self.code().split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
    }

    /// The names of the modules it declares.
    fn modules(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter_map(|line| {
            let (_, name) = line.trim_start().split_once("mod ")?;
            name.strip_suffix(';').or_else(|| name.strip_suffix(" {"))
        })
    }

    /// Every path that is imported, written out, and the code without its imports: `use a::{b, c::d};` is `a::b` and
    /// `a::c::d`.
    fn imports(&self) -> (Vec<String>, String) {
        let (mut paths, mut rest, mut open) = (Vec::new(), String::new(), None);
        for line in self.code().lines() {
            let words = line.trim_start();
            let words =
                words.strip_prefix("pub").map_or(words, |after| after.trim_start_matches("(crate)").trim_start());
            if open.is_none()
                && let Some(tree) = words.strip_prefix("use ")
            {
                open = Some(tree.to_owned());
            } else if let Some(tree) = &mut open {
                *tree += line;
            } else {
                rest += line;
                rest.push('\n');
            }
            if let Some(tree) = open.take_if(|tree| tree.contains(';')) {
                write_out("", tree.trim_end().trim_end_matches(';'), &mut paths);
            }
        }
        (paths, rest)
    }

    /// Whether it imports `path` or something below it, or names something below it.
    fn uses(&self, path: &str) -> bool {
        let (imports, rest) = self.imports();
        let below = format!("{path}::");
        if imports.iter().any(|import| import == path || import.starts_with(&below)) {
            return true;
        }
        // Where a module of its own has the name, the name means that one.
        let own = imports.iter().any(|import| import.ends_with(&format!("::{path}")))
            || self.modules().any(|name| name == path);
        // Not the end of a longer path, such as crate::image::… or my_worker::….
        let whole = |start: usize| {
            let before = rest[..start].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
        };
        !own && rest.match_indices(&below).any(|(start, _)| whole(start))
    }
}

/// Adds every path that the use tree `tree` below `prefix` names.
fn write_out(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, branches)) = tree.split_once('{') else {
        let path = format!("{prefix}{}", tree.split(" as ").next().unwrap_or(tree));
        paths.push(path.trim_end_matches("::*").trim_end_matches("::self").to_owned());
        return;
    };
    let prefix = format!("{prefix}{head}");
    let (mut depth, mut branch) = (0, String::new());
    for c in branches.strip_suffix('}').unwrap_or(branches).chars().chain([',']) {
        match c {
            ',' if depth == 0 => {
                if !branch.trim().is_empty() {
                    write_out(&prefix, &branch, paths);
                }
                branch.clear();
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        branch.push(c);
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn sources() -> Vec<Source> {
    let read = |path: String| Source { text: fs::read_to_string(root().join(&path)).unwrap(), path };
    files_ending(".rs").into_iter().map(read).collect()
}

/// The files of the packages and documents, hidden folders and artifacts left out.
fn files_ending(ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && !["target", "data", "node_modules"].contains(&name.as_str()) {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty() || ending == ".snap.new", "no file ends in {ending}: look in another place");
    found
}

/// Package and dependency, dependencies of tests and build scripts left out.
fn dependencies() -> Vec<(String, String)> {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut pairs = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        for dependency in package["dependencies"].as_array().unwrap() {
            if dependency["kind"].is_null() {
                pairs.push((text(&package["name"]), text(&dependency["name"])));
            }
        }
    }
    assert!(pairs.contains(&("api".into(), "common".into())), "the metadata is not read right: {pairs:?}");
    pairs
}

/// What git says; `None` where there is no git or no repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).current_dir(root()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().replace('\n', " "))
}

#[test]
fn imports_are_read_as_the_compiler_reads_them() {
    let source = |text: &str| Source { path: "api/src/x.rs".into(), text: text.into() };
    let file = source(
        "pub(crate) use a::{\n    b,\n    c::{self, class as e},\n};\n    use std::fmt; // use x::y;\nuse f::*;",
    );
    assert_eq!(file.imports().0, ["a::b", "a::c", "a::c::class", "std::fmt", "f"]);
    assert!(file.uses("a::c") && file.uses("std") && !file.uses("x") && !file.uses("a::c::class::e"));
    let file = source("let a = worker::start(my_image::x(), crate::rayon::y());");
    assert!(file.uses("worker") && !file.uses("image") && !file.uses("rayon"));
    assert!(!source("mod image;\nlet a = image::x();").uses("image"));
}
