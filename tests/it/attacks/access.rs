//! Access tokens that were forged, stolen, or outlived their right.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::site::{ALL, App, Person, SECRET, Site, Tokens};

/// The key that a server with [`SECRET`] signs access tokens with.
fn real_key() -> EncodingKey {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, SECRET.as_bytes()).expand(b"access-jwt", &mut key).unwrap();
    EncodingKey::from_secret(&key)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The token with other claims or another header, signed with the right key.
fn signed(token: &str, header: &Value, claims: &Value) -> String {
    let mut whole = part(token, 0);
    merge(&mut whole, header);
    let mut body = part(token, 1);
    merge(&mut body, claims);
    let header: Header = serde_json::from_value(whole).unwrap();
    jsonwebtoken::encode(&header, &body, &real_key()).unwrap()
}

/// Null removes a field.
fn merge(into: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(name);
        } else {
            into[name] = value.clone();
        }
    }
}

async fn connected(site: &Site) -> (App<'_>, Tokens) {
    let app = App::register(site).await;
    let tokens = app.connect().await;
    (app, tokens)
}

#[tokio::test]
async fn a37_only_our_own_signature_counts() {
    let site = Site::here().await;
    let (_, tokens) = connected(&site).await;
    let token = &tokens.access;
    assert!(site.lets_in(&signed(token, &json!({}), &json!({}))).await, "this test knows the key");
    let parts: Vec<&str> = token.split('.').collect();
    let none = json!({"alg": "none", "typ": "at+jwt", "kid": part(token, 0)["kid"]});
    let mut tricks = vec![
        format!("{}.{}.", encoded(&none), parts[1]),
        format!("{}.{}.{}", encoded(&none), parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.{}x", parts[0], parts[1], parts[2]),
        format!("{}.{}.{}", parts[1], parts[0], parts[2]),
        String::from("x"),
        String::from("..."),
    ];
    for alg in ["HS384", "HS512", "RS256", "ES256", "hs256", "none", "None"] {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": part(token, 0)["kid"]});
        tricks.push(format!("{}.{}.{}", encoded(&header), parts[1], parts[2]));
    }
    for kid in [json!("other"), json!("../../etc/passwd"), json!("' OR 1=1 --"), json!(null)] {
        tricks.push(signed(token, &json!({ "kid": kid }), &json!({})));
    }
    // With the secret itself, with the key of another purpose, with an empty key.
    let mut other = [0; 32];
    Hkdf::<Sha256>::new(None, SECRET.as_bytes()).expand(b"refresh-mac", &mut other).unwrap();
    for key in [SECRET.as_bytes(), &other, b""] {
        let mut header = Header::new(Algorithm::HS256);
        (header.typ, header.kid) = (Some("at+jwt".into()), part(token, 0)["kid"].as_str().map(Into::into));
        tricks.push(jsonwebtoken::encode(&header, &part(token, 1), &EncodingKey::from_secret(key)).unwrap());
    }
    // The body of another token under the signature of this one.
    let mut richer = part(token, 1);
    richer["scope"] = json!("read write image_processing admin");
    tricks.push(format!("{}.{}.{}", parts[0], encoded(&richer), parts[2]));
    for trick in tricks {
        let answer = site.mcp(Some(&trick)).await;
        assert_eq!(answer.status, 401, "{trick}");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{trick}");
    }
}

#[tokio::test]
async fn a38_a_token_must_be_an_access_token_of_ours_for_us() {
    let site = Site::here().await;
    let (_, tokens) = connected(&site).await;
    let token = &tokens.access;
    for (header, claims) in [
        (json!({}), json!({"iss": "https://other.example"})),
        (json!({}), json!({"iss": format!("{}/", site.url)})),
        (json!({}), json!({"aud": "https://other.example/mcp"})),
        (json!({}), json!({"aud": site.url})),
        (json!({}), json!({ "aud": null })),
        (json!({}), json!({ "iss": null })),
        (json!({}), json!({ "exp": null })),
        (json!({}), json!({ "sub": null })),
        (json!({}), json!({ "jti": null })),
        (json!({}), json!({ "gid": null })),
        (json!({}), json!({"sub": "usr_somebodyelse000"})),
        (json!({}), json!({"gid": "local~other"})),
        (json!({"typ": "JWT"}), json!({})),
        (json!({ "typ": null }), json!({})),
        (json!({"typ": "rt+jwt"}), json!({})),
    ] {
        assert!(!site.lets_in(&signed(token, &header, &claims)).await, "{header} {claims}");
    }
    assert!(site.lets_in(&signed(token, &json!({"typ": "application/AT+JWT"}), &json!({}))).await);
}

#[tokio::test]
async fn a39_a_token_ends_on_time() {
    let site = Site::here().await;
    let (_, tokens) = connected(&site).await;
    let claims = part(&tokens.access, 1);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    site.later(3590);
    assert!(site.lets_in(&tokens.access).await);
    site.later(71);
    assert!(!site.lets_in(&tokens.access).await, "61 seconds late");
}

#[tokio::test]
async fn a40_a_token_dies_with_what_it_rests_on() {
    for site in Site::both(&[]).await {
        let (app, tokens) = connected(&site).await;
        // Itself.
        app.revoke(&tokens.access, &[]).await;
        assert!(!site.lets_in(&tokens.access).await);
        // Its grant, by its owner's own hand.
        let tokens = app.connect().await;
        let mut owner = Person::owner(&site).await;
        let page = owner.get("/account").await;
        let (code, grant) = (crate::site::hidden(&page.body, "code"), crate::site::hidden(&page.body, "grant"));
        let gone = owner.submit("/account/apps/revoke", &[("code", &code), ("grant", &grant)]).await;
        assert_eq!(gone.status, 303, "{}", gone.body);
        assert!(!site.lets_in(&tokens.access).await);
        site.stop().await;
    }
    // Its client. (Its user: 29.)
    let site = Site::here().await;
    let (app, tokens) = connected(&site).await;
    site.stores().state.take(&format!("client/{}", app.id)).await.unwrap();
    assert!(!site.lets_in(&tokens.access).await);
    assert_eq!(app.refresh(&tokens.refresh, &[]).await.error(), (401, "invalid_client".into()));
}

#[tokio::test]
async fn a41_a_token_counts_in_one_header_and_nowhere_else() {
    let site = Site::here().await;
    let (_, tokens) = connected(&site).await;
    let token = &tokens.access;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let query = site.post_json(&format!("/mcp?access_token={token}"), &[], list).await;
    assert_eq!(query.status, 401);
    assert!(!query.header("www-authenticate").contains("error="), "no token was sent as far as we see");
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","access_token":"{token}"}}"#);
    assert_eq!(site.post_json("/mcp", &[], &body).await.status, 401);
    let bearer = format!("Bearer {token}");
    let twice = site.post_json("/mcp", &[("authorization", &bearer), ("authorization", &bearer)], list).await;
    assert_eq!(twice.status, 400);
    for (value, status) in [
        (format!("bearer {token}"), 200),
        (format!("BEARER {token}"), 200),
        (format!("Token {token}"), 401),
        (format!("Basic {token}"), 401),
        (token.clone(), 400),
        ("Bearer".into(), 400),
    ] {
        let answer = site.post_json("/mcp", &[("authorization", &value)], list).await;
        assert_eq!(answer.status, status, "{:.12}: {}", value, answer.body);
    }
    for path in ["/mcp", "/mcp/"] {
        // Before anything else is looked at.
        let empty = site.post_json(path, &[("accept", ""), ("content-type", "")], "").await;
        assert_eq!(empty.status, 401, "{path}");
        let wanted = format!("resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\"", site.url);
        assert!(empty.header("www-authenticate").contains(&wanted));
        assert!(empty.header("www-authenticate").contains("scope=\"read write image_processing\""));
    }
}

#[tokio::test]
async fn a42_a_tool_says_which_scopes_it_needs() {
    for site in Site::both(&[]).await {
        let app = App::register(&site).await;
        let mut owner = Person::owner(&site).await;
        let mut with = async |scopes: &str| {
            let page = owner.consent(&app.request(&[])).await;
            let answer = owner.decide(&page, "approve", scopes).await;
            Tokens::of(&app.redeem(&answer.sent("code").unwrap(), &[]).await)
        };
        let (read, money) = (with("read").await, with("image_processing").await);
        assert_eq!(read.scope, "read", "a box that was not ticked is not granted");
        let call = |tool: &str| json!({"name": tool, "arguments": {}});
        for (token, tool, scopes) in [
            (&read, "transform_image", "read write"),
            (&read, "batch_process", "read write"),
            (&read, "delete_image", "read write"),
            (&money, "list_images", "read image_processing"),
            (&money, "cancel_job", "write image_processing"),
        ] {
            let answer = site.mcp_call(Some(&token.access), "tools/call", call(tool)).await;
            assert_eq!(answer.status, 403, "{tool}: {}", answer.body);
            let fields = answer.header("www-authenticate");
            let wanted = format!("scope=\"{scopes}\"");
            assert!(fields.contains("error=\"insufficient_scope\"") && fields.contains(&wanted), "{fields}");
            assert!(fields.contains("resource_metadata=") && fields.contains("error_description="));
        }
        assert_eq!(site.mcp_call(Some(&read.access), "tools/call", call("list_images")).await.status, 200);
        assert_eq!(site.mcp_call(Some(&money.access), "resources/list", json!({})).await.status, 403);
        assert!(site.lets_in(&money.access).await, "everybody may see which tools there are");
        assert_eq!(app.connect().await.scope, ALL);
        site.stop().await;
    }
}

#[tokio::test]
async fn a43_a_token_of_another_server_is_worth_nothing_here() {
    // With the very same secret.
    let (one, other) = (Site::here().await, Site::here().await);
    let (app, tokens) = connected(&one).await;
    assert!(one.lets_in(&tokens.access).await && !other.lets_in(&tokens.access).await);
    let there = App { site: &other, id: app.id.clone(), redirect: app.redirect.clone() };
    assert_eq!(there.refresh(&tokens.refresh, &[]).await.error(), (401, "invalid_client".into()));
}
