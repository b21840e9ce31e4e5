//! The cases of evals/ name tools and arguments that there are.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Folder, Server};

#[tokio::test]
async fn every_case_can_be_answered() {
    let folder = Folder::new();
    let listed = Server::start(&folder).ask("tools/list", json!({})).await;
    let tools = listed["tools"].as_array().unwrap();
    let cases = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../evals/cases.jsonl")).unwrap();
    let mut wanted = std::collections::BTreeSet::new();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["tool"].as_str().unwrap();
        let tool = tools.iter().find(|tool| tool["name"] == name).unwrap_or_else(|| panic!("no tool {name}: {line}"));
        wanted.insert(name.to_owned());
        let properties = tool["inputSchema"]["properties"].as_object().unwrap();
        for arguments in case["either"].as_array().unwrap() {
            for argument in arguments.as_object().unwrap().keys() {
                assert!(properties.contains_key(argument), "{name} has no {argument}: {line}");
            }
            for step in arguments["steps"].as_array().into_iter().flatten() {
                let known = &properties["steps"]["items"]["properties"];
                assert!(known["op"]["enum"].as_array().unwrap().contains(&step["op"]), "{line}");
                assert!(step.as_object().unwrap().keys().all(|key| known.get(key).is_some()), "{line}");
            }
        }
    }
    assert!(cases.lines().count() >= 60);
    let missing: Vec<&str> =
        tools.iter().map(|tool| tool["name"].as_str().unwrap()).filter(|name| !wanted.contains(*name)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}
