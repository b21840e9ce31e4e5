//! The files that deploy the programs say what the programs are: docker cannot be run everywhere, but every name, path,
//! port, variable and command in them can be looked at, and the commands run.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use config::{Config, Surroundings, Way};
use serde_json::Value;

use crate::{
    fleet::{Fleet, wait_until, worker_binary},
    harness::{Folder, Server, binary},
};

fn file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(name)).unwrap()
}

fn compose() -> Value {
    serde_saphyr::from_str(&file("docker-compose.yml")).unwrap()
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// `${NAME:-default}` becomes its default.
fn interpolated(text: &str) -> String {
    let mut result = text.to_owned();
    while let Some(start) = result.find("${") {
        let end = start + result[start..].find('}').unwrap();
        let default = result[start + 2..end].split_once(":-").map(|(_, default)| default.to_owned()).unwrap();
        result.replace_range(start..=end, &default);
    }
    result
}

fn environment(service: &Value) -> BTreeMap<String, String> {
    let pairs = service["environment"].as_object().unwrap().iter();
    pairs.map(|(name, value)| (name.clone(), interpolated(value.as_str().unwrap()))).collect()
}

/// Reads an environment as a program started in a container does; every variable must be one of ours.
fn settings(environment: &BTreeMap<String, String>, way: Way) -> Config {
    let around = Surroundings {
        way,
        start_dir: "/data".into(),
        home_dir: Some("/data".into()),
        data_home: "/data".into(),
        cores: 2,
        read_file: |path| fs::read_to_string(path),
    };
    let config = Config::read(environment, &around).unwrap();
    for name in environment.keys() {
        assert!(config.variables.iter().any(|variable| variable.name == name), "{name} is no setting");
    }
    config
}

/// The command must be one of our programs, which must know its arguments.
fn runs(command: &[&str]) -> Way {
    let (program, arguments) = command.split_first().unwrap();
    match *program {
        "image-tool" => {
            let output = Command::new(binary()).args(arguments).arg("--help").output().unwrap();
            assert!(output.status.success(), "{command:?}");
            Way::Serve
        }
        "image-tool-worker" => {
            assert!(arguments.is_empty() || arguments == ["health"], "{command:?}");
            assert!(worker_binary().exists());
            Way::Worker
        }
        other => panic!("{other} is none of our programs"),
    }
}

/// The stages of the Dockerfile: name, the stage or image it begins with, its lines.
fn stages() -> Vec<(String, String, Vec<String>)> {
    let text = file("Dockerfile").replace("\\\n", " ");
    let mut stages: Vec<(String, String, Vec<String>)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(from) = line.strip_prefix("FROM ") {
            let (base, name) = from.split_once(" AS ").unwrap();
            stages.push((name.into(), base.into(), Vec::new()));
        } else {
            stages.last_mut().unwrap().2.push(line.into());
        }
    }
    stages
}

#[test]
fn compose_starts_the_programs_as_they_are() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    let targets: Vec<String> = stages().into_iter().map(|stage| stage.0).collect();
    for name in ["web", "worker"] {
        let service = &services[name];
        assert!(targets.iter().any(|target| service["build"]["target"] == **target), "{name}");
        let way = runs(&words(&service["command"]));
        let config = settings(&environment(service), way);
        assert!(config.storage.redis_url.is_some());
        assert!(!config.queue.embedded_worker || way == Way::Worker);
        if way == Way::Serve {
            let port = config.web.port;
            assert!(service["ports"][0].as_str().unwrap().ends_with(&format!(":{port}:{port}")));
            assert!(config.web.host.is_unspecified(), "docker reaches it from outside of its container");
        }
        for volume in words(&service["volumes"]) {
            let (volume, path) = volume.split_once(':').unwrap();
            assert!(compose["volumes"].as_object().unwrap().contains_key(volume), "{volume}");
            assert_eq!(config.storage.url, config::StorageUrl::Folder(path.into()), "both programs share it");
        }
        for needed in service["depends_on"].as_object().unwrap().keys() {
            assert!(services.contains_key(needed), "{needed}");
        }
    }
    assert!(services["worker"]["deploy"]["replicas"].as_u64().unwrap() >= 2);
    let s3 = environment(&services["s3-bucket"]);
    assert!(s3["MC_HOST_s3"].ends_with("@s3:9000"));
}

/// What the settings of redis are for: nothing that matters to us is complained of.
#[test]
fn the_redis_of_compose_keeps_what_it_is_given() {
    let compose = compose();
    let command = words(&compose["services"]["redis"]["command"]);
    let folder = Folder::new();
    let socket = folder.path("redis.sock");
    let started = Command::new(command[0])
        .args(&command[1..])
        .args(["--port", "0", "--unixsocket"])
        .arg(&socket)
        .current_dir(folder.path(""))
        .stdout(Stdio::null())
        .spawn();
    // Said by Fleet::start too.
    let Ok(mut redis) = started else { return };
    wait_until("redis-server listens", || socket.exists());
    let url = format!("redis+unix://{}", socket.display());
    let storage = format!("file://{}", folder.path("store").display());
    let output = folder
        .command()
        .args(["user", "list"])
        .envs([("REDIS_URL", &url), ("STORAGE_URL", &storage)])
        .env("RUST_LOG", "info")
        .output()
        .unwrap();
    redis.kill().unwrap();
    redis.wait().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("REDIS_URL"), "{said}");
}

#[test]
fn the_image_holds_what_it_starts() {
    let stages = stages();
    let manifest = file("Cargo.toml");
    let minimum = manifest.split_once("rust-version = \"").unwrap().1.split_once('"').unwrap().0;
    for (name, base, lines) in &stages {
        let known = stages.iter().any(|stage| stage.0 == *base);
        assert!(known || base.starts_with("rust:") || base.starts_with("debian:"), "{base}");
        assert!(!base.starts_with("rust:") || base.starts_with(&format!("rust:{minimum}-")), "{base}");
        for line in lines {
            let (word, rest) = line.split_once(' ').unwrap();
            match word {
                "COPY" if rest.starts_with("--from=") => {
                    let (from, paths) = rest["--from=".len()..].split_once(' ').unwrap();
                    let build = stages.iter().find(|stage| stage.0 == from).unwrap();
                    for path in paths.split(' ').filter(|path| path.starts_with("/src")) {
                        let program = Path::new(path).file_name().unwrap().to_str().unwrap();
                        let package = if program == "image-tool" { "api" } else { "worker" };
                        assert!(path.starts_with("/src/target/release/"), "{path}");
                        assert!(build.2[0].contains(&format!("--package {package}")), "{from} builds no {program}");
                    }
                }
                "ENV" => {
                    let (variable, value) = rest.split_once('=').unwrap();
                    settings(&[(variable.into(), value.into())].into(), Way::Serve);
                }
                "EXPOSE" => assert_eq!(rest, settings(&BTreeMap::new(), Way::Serve).web.port.to_string()),
                "CMD" | "HEALTHCHECK" => {
                    let command: Value = serde_json::from_str(&rest[rest.find('[').unwrap()..]).unwrap();
                    runs(&words(&command));
                    assert!(lines.iter().any(|line| line.starts_with("COPY")), "{name} starts what it has not");
                }
                "RUN" => {
                    let features = rest.split_once("--features ").map(|(_, features)| features);
                    if let Some((package, feature)) = features.and_then(|features| features.split_once('/')) {
                        let manifest = file(&format!("{package}/Cargo.toml"));
                        assert!(manifest.contains(&format!("\n{feature} = [")), "{package} has no feature {feature}");
                    }
                }
                "COPY" | "USER" | "WORKDIR" => {}
                other => panic!("{other} in the Dockerfile is looked at by no test"),
            }
        }
    }
    let base = &stages.iter().find(|stage| stage.0 == "base").unwrap().2;
    assert!(base.contains(&"USER image-tool".to_owned()), "it does not run as root");
}

#[tokio::test]
async fn platforms_start_and_probe_the_programs_as_they_are() {
    for line in file("Procfile").lines() {
        let (process, command) = line.split_once(": ").unwrap();
        let way = runs(&command.split(' ').collect::<Vec<_>>());
        assert_eq!(way == Way::Worker, process == "worker");
    }
    let folder = Folder::new();
    let server = Server::start(&folder);
    for name in ["railway.json", "railway.worker.json"] {
        let railway: Value = serde_json::from_str(&file(name)).unwrap();
        file(railway["build"]["dockerfilePath"].as_str().unwrap());
        runs(&railway["deploy"]["startCommand"].as_str().unwrap().split(' ').collect::<Vec<_>>());
        if let Some(path) = railway["deploy"]["healthcheckPath"].as_str() {
            assert_eq!(server.get(path).await.status(), 200);
        }
    }
}

#[tokio::test]
async fn a_probe_needs_nothing_but_the_program() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    let probe = |program: &Path, variable: &str, port: &str, more: &[(&str, &str)]| {
        let mut command = Command::new(program);
        command.arg("health").env_clear().env(variable, port).envs(more.iter().copied()).current_dir(folder.path(""));
        command.output().unwrap().status.success()
    };
    assert!(probe(&binary(), "PORT", &port, &[]));
    assert!(probe(&binary(), "PORT", &port, &[("HOST", "0.0.0.0"), ("PUBLIC_URL", "https://images.example")]));
    server.kill();
    assert!(!probe(&binary(), "PORT", &port, &[]), "nobody answers");

    let Some(mut fleet) = Fleet::start(&[]) else { return };
    let worker = fleet.worker();
    let settings = [("REDIS_URL", fleet.redis.url.clone()), ("STORAGE_URL", "file:///store".to_owned())];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // It is ready once it has heard from its queue, and it listens before that.
    while worker.get("/health").await.status() != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(probe(&worker_binary(), "METRICS_PORT", &worker.port(), &settings));
    fleet.redis.kill();
    while worker.get("/health").await.status() == 200 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(!probe(&worker_binary(), "METRICS_PORT", &worker.port(), &settings), "it is not ready");
}
