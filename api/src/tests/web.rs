use super::House;

#[tokio::test]
async fn says_what_it_is_and_that_it_is_well() {
    let house = House::start().await;
    let address = house.address;
    let welcome = house.get("/").await;
    assert_eq!(welcome.json()["mcp"], format!("http://{address}/mcp"));
    let page = house.http("GET", "/", &[("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")], "").await;
    assert!(page.headers["content-type"].starts_with("text/html"));
    assert!(page.body.contains(&format!("claude mcp add --transport http image-tool http://{address}/mcp")));
    // A load balancer knows the server by another name.
    let health = house.http("GET", "/health", &[("Host", "10.0.0.7")], "").await;
    assert_eq!((health.status, health.json()["status"].as_str()), (200, Some("ok")));
    assert_eq!(health.json()["queue"]["cpu"]["queued"], 0);
    house.stop().await;
}

#[tokio::test]
async fn a_store_that_is_gone_shows_in_health() {
    let house = House::start().await;
    assert_eq!(house.get("/health").await.status, 200);
    house.stores.close().await;
    let health = house.get("/health").await;
    assert_eq!((health.status, health.json()["store"].as_str()), (503, Some("error")));
}

#[tokio::test]
async fn everything_else_is_a_json_404() {
    let house = House::start().await;
    for path in ["/nothing", "/images", "/images/", "/jobs/x", "/mcp/x"] {
        let answer = house.get(path).await;
        assert_eq!((answer.status, answer.json()["error"]["kind"].as_str()), (404, Some("not_found")), "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    assert_eq!(house.http("POST", "/", &[], "").await.status, 405);
    assert_eq!(house.http("GET", "/mcp", &[], "").await.status, 405);
}

#[tokio::test]
async fn strangers_hosts_and_origins_are_refused() {
    let house = House::start_with(&[("AUTH", "off"), ("ALLOWED_ORIGINS", "https://claude.ai")]).await;
    let port = house.address.port();
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for (host, status) in [(format!("localhost:{port}"), 200), (format!("evil.example:{port}"), 403)] {
        assert_eq!(house.post_mcp(&[("Host", &host)], list).await.status, status, "{host}");
    }
    for (origin, status) in [
        ("https://claude.ai", 200),
        ("http://localhost:6274", 200),
        ("http://[::1]", 200),
        ("https://evil.example", 403),
        ("https://claude.ai.evil.example", 403),
        ("https://localhost.evil.example", 403),
        ("null", 403),
    ] {
        let answer = house.post_mcp(&[("Origin", origin)], list).await;
        assert_eq!(answer.status, status, "{origin}: {}", answer.body);
        assert_eq!(answer.headers.contains_key("access-control-allow-origin"), status == 200, "{origin}");
    }
    let preflight = [
        ("Origin", "https://claude.ai"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "mcp-protocol-version"),
    ];
    let answer = house.http("OPTIONS", "/mcp", &preflight, "").await;
    assert_eq!((answer.status, answer.headers["access-control-allow-headers"].as_str()), (200, "mcp-protocol-version"));
}

#[tokio::test]
async fn bodies_that_are_no_message_are_answered_as_json_rpc() {
    let house = House::start().await;
    for (body, code) in [("{", -32700), ("", -32700), ("[]", -32600), (r#"{"id":7}"#, -32600), ("3", -32600)] {
        let answer = house.post_mcp(&[], body).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_i64()), (400, Some(code)), "{body}");
    }
    let large = "x".repeat(crate::guard::MAX_BODY_BYTES + 1);
    let answer = house.post_mcp(&[], &large).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_i64()), (413, Some(-32600)));
}
