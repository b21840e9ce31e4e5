//! `image-tool stdio` with the protocol's own client.

use rmcp::{
    ServiceExt,
    model::CallToolRequestParams,
    transport::{StreamableHttpClientTransport, TokioChildProcess},
};
use serde_json::{Value, json};

use crate::{
    harness::{Folder, Server},
    images::png,
};

fn call(tool: &'static str, arguments: Value) -> CallToolRequestParams {
    CallToolRequestParams::new(tool).with_arguments(arguments.as_object().unwrap().clone())
}

#[tokio::test]
async fn a_local_client_gets_files_instead_of_links() {
    let folder = Folder::new();
    folder.put("a.png", &png(40, 20));
    let mut command = tokio::process::Command::from(folder.command());
    command.arg("stdio");
    let client = ().serve(TokioChildProcess::new(command).unwrap()).await.unwrap();
    let tools = client.list_all_tools().await.unwrap();
    assert!(tools.iter().any(|tool| tool.name == "transform_image"));
    let result = client.call_tool(call("transform_image", json!({"image": "a.png", "width": 10}))).await.unwrap();
    let facts = result.structured_content.unwrap();
    assert!(facts.get("url").is_none(), "{facts}");
    assert_eq!(image::open(facts["path"].as_str().unwrap()).unwrap().width(), 10);
    client.cancel().await.unwrap();
}

#[test]
fn nothing_but_the_protocol_goes_to_stdout_and_the_end_of_stdin_is_the_end() {
    let folder = Folder::new();
    let mut command = folder.command();
    command.arg("stdio").env("RUST_LOG", "debug").stdin(std::process::Stdio::null());
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "");
}

#[tokio::test]
async fn the_same_client_over_http() {
    let folder = Folder::new();
    folder.put("a.png", &png(40, 20));
    let server = Server::start(&folder);
    let client = ().serve(StreamableHttpClientTransport::from_uri(format!("{}/mcp", server.url))).await.unwrap();
    let result = client.call_tool(call("image_metadata", json!({"image": "a.png"}))).await.unwrap();
    assert_eq!(result.structured_content.unwrap()["width"], 40);
    client.cancel().await.unwrap();
}
