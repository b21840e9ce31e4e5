//! The checks, in the order in which a client would come to them.

use anyhow::{Context, anyhow, bail, ensure};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    Line,
    client::{Client, Tokens, error_of},
    person::Person,
};

const ALL_SCOPES: &str = "read write image_processing";

/// Runs every check; one that the rest depends on ends the list when it fails.
pub(super) async fn all(client: &mut Client, person: &mut Person) -> Vec<Line> {
    let mut lines = Vec::new();
    // Its own line tells of what went wrong.
    let _ = walk(client, person, &mut lines).await;
    lines
}

/// Notes how a check went, and gives its result to those that follow.
fn note<T>(lines: &mut Vec<Line>, check: &'static str, outcome: anyhow::Result<(T, String)>) -> Result<T, ()> {
    match outcome {
        Ok((value, detail)) => {
            lines.push(Line { check, outcome: Ok(detail) });
            Ok(value)
        }
        Err(error) => {
            lines.push(Line { check, outcome: Err(format!("{error:#}")) });
            Err(())
        }
    }
}

async fn walk(client: &mut Client, person: &mut Person, lines: &mut Vec<Line>) -> Result<(), ()> {
    note(lines, "no token is answered by a challenge", challenge(client).await)?;
    note(lines, "the resource names its server", resource(client).await)?;
    client.endpoints = note(lines, "the server describes itself", server(client).await)?;
    let (id, uri, callback) = note(lines, "a client can register", register(client).await)?;
    (client.client_id, client.redirect_uri, client.callback) = (id, uri, Some(callback));
    if person.is_real() {
        crate::cli::say("Two approvals are needed: for everything, and then for less.");
    }
    let tokens = note(lines, "sign-in and consent give a token", connect(client, person).await)?;
    let _ = note(lines, "the token opens /mcp", tools(client, &tokens.access).await);
    let _ = note(lines, "userinfo says whose it is", userinfo(client, &tokens.access).await);
    let next = note(lines, "refreshing gives new tokens", refresh(client, &tokens).await)?;
    let _ = note(lines, "a parallel refresh gives the same ones", parallel(client, &tokens, &next).await);
    let _ =
        note(lines, "a token for less is asked to step up, and a replayed code ends it", less(client, person).await);
    let _ = note(lines, "revoking ends it at once", revoke(client, &next).await);
    Ok(())
}

async fn challenge(client: &Client) -> anyhow::Result<((), String)> {
    let response = client.mcp(None, "tools/list", json!({})).await?;
    ensure!(response.status() == StatusCode::UNAUTHORIZED, "/mcp answers {} without a token", response.status());
    let fields = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let fields = fields.ok_or_else(|| anyhow!("401 without WWW-Authenticate"))?;
    ensure!(fields.contains("resource_metadata=\""), "WWW-Authenticate names no resource_metadata: {fields}");
    ensure!(!fields.contains("error="), "WWW-Authenticate has an error although no token was sent: {fields}");
    Ok(((), "401 with resource_metadata".into()))
}

async fn resource(client: &Client) -> anyhow::Result<((), String)> {
    let metadata = client.json(&format!("{}/.well-known/oauth-protected-resource/mcp", client.base)).await?;
    let wanted = format!("{}/mcp", client.base);
    ensure!(metadata["resource"] == wanted, "resource is {}, not {wanted}; see PUBLIC_URL", metadata["resource"]);
    ensure!(metadata["authorization_servers"][0] == client.base, "names {}", metadata["authorization_servers"]);
    Ok(((), wanted))
}

async fn server(client: &Client) -> anyhow::Result<(Value, String)> {
    let metadata = client.json(&format!("{}/.well-known/oauth-authorization-server", client.base)).await?;
    ensure!(metadata["issuer"] == client.base, "issuer is {}, not {}", metadata["issuer"], client.base);
    ensure!(metadata["code_challenge_methods_supported"] == json!(["S256"]), "PKCE S256 is not offered");
    ensure!(metadata["authorization_response_iss_parameter_supported"] == true, "iss (RFC 9207) is not offered");
    let detail = format!("issuer {}", client.base);
    Ok((metadata, detail))
}

async fn register(client: &Client) -> anyhow::Result<((String, String, TcpListener), String)> {
    let callback = TcpListener::bind("127.0.0.1:0").await?;
    let uri = format!("http://127.0.0.1:{}/callback", callback.local_addr()?.port());
    let url = client.endpoints["registration_endpoint"].as_str();
    let url = url.ok_or_else(|| anyhow!("the server takes no registrations (OAUTH_REGISTRATION)"))?;
    let request = json!({"client_name": "image-tool oauth-check", "redirect_uris": [uri]});
    let response = client.http.post(url).json(&request).send().await?;
    ensure!(response.status() == StatusCode::CREATED, "{url} answers {}", error_of(response).await);
    let body: Value = response.json().await?;
    let id = body["client_id"].as_str().ok_or_else(|| anyhow!("no client_id"))?.to_owned();
    ensure!(body.get("client_secret").is_none(), "a public client was given a secret");
    Ok(((id, uri, callback), "a public client".into()))
}

async fn connect(client: &Client, person: &mut Person) -> anyhow::Result<(Tokens, String)> {
    let request = client.request(ALL_SCOPES)?;
    let answer = person.approve(client, &request).await?;
    ensure!(answer.url.as_str().starts_with(&client.redirect_uri), "the answer went to {}", answer.url.path());
    let wrong = client.redeem(&answer.code, &"x".repeat(43)).await?;
    ensure!(wrong.status() == StatusCode::BAD_REQUEST, "a wrong code_verifier answers {}", wrong.status());
    let tokens = Tokens::of(client.redeem(&answer.code, &request.verifier).await?).await?;
    let detail = format!("{} for {} s; a wrong proof key was refused", tokens.scope, tokens.expires_in);
    Ok((tokens, detail))
}

async fn tools(client: &Client, token: &str) -> anyhow::Result<((), String)> {
    let response = client.mcp(Some(token), "tools/list", json!({})).await?;
    ensure!(response.status() == StatusCode::OK, "/mcp answers {}", response.status());
    let body: Value = response.json().await.context("tools/list is not JSON")?;
    let tools = body["result"]["tools"].as_array().ok_or_else(|| anyhow!("no tools are listed"))?;
    Ok(((), format!("{} tools", tools.len())))
}

async fn userinfo(client: &Client, token: &str) -> anyhow::Result<((), String)> {
    let url = client.endpoints["userinfo_endpoint"].as_str().unwrap_or_default();
    let response = client.http.get(url).bearer_auth(token).send().await?;
    ensure!(response.status() == StatusCode::OK, "it answers {}", response.status());
    let body: Value = response.json().await?;
    let name = body["name"].as_str().ok_or_else(|| anyhow!("it says no name"))?;
    Ok(((), name.to_owned()))
}

async fn refresh(client: &Client, tokens: &Tokens) -> anyhow::Result<(Tokens, String)> {
    let next = Tokens::of(client.refresh(&tokens.refresh).await?).await?;
    ensure!(next.refresh != tokens.refresh, "the refresh token was not replaced");
    ensure!(next.scope == tokens.scope, "the scope changed to {}", next.scope);
    Ok((next, "the refresh token was replaced".into()))
}

async fn parallel(client: &Client, old: &Tokens, next: &Tokens) -> anyhow::Result<((), String)> {
    let again = Tokens::of(client.refresh(&old.refresh).await?).await;
    // A server may have turned the grace off, and then ends the grant.
    let again = again.context("the token before, used again at once, is refused (REFRESH_REUSE_GRACE_SECS)")?;
    ensure!(again.refresh == next.refresh, "it gave another refresh token");
    Ok(((), "within the grace".into()))
}

async fn less(client: &Client, person: &mut Person) -> anyhow::Result<((), String)> {
    let request = client.request("read")?;
    let answer = person.approve(client, &request).await?;
    let tokens = Tokens::of(client.redeem(&answer.code, &request.verifier).await?).await?;
    ensure!(tokens.scope == "read", "read was asked for, {} was given", tokens.scope);
    let call = json!({"name": "cancel_job", "arguments": {"job_id": "job_0000000000000000"}});
    let response = client.mcp(Some(&tokens.access), "tools/call", call).await?;
    ensure!(response.status() == StatusCode::FORBIDDEN, "a tool that needs write answers {}", response.status());
    let fields = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let fields = fields.unwrap_or_default();
    ensure!(fields.contains("insufficient_scope") && fields.contains("write"), "WWW-Authenticate says {fields}");
    let replayed = client.redeem(&answer.code, &request.verifier).await?;
    match error_of(replayed).await.as_str() {
        "400 invalid_grant" => {}
        other => bail!("a code used twice answers {other}"),
    }
    let after = client.mcp(Some(&tokens.access), "tools/list", json!({})).await?;
    ensure!(after.status() == StatusCode::UNAUTHORIZED, "its token still opens /mcp ({})", after.status());
    Ok(((), "403 insufficient_scope, then 400 invalid_grant and 401".into()))
}

async fn revoke(client: &Client, tokens: &Tokens) -> anyhow::Result<((), String)> {
    let fields = [("token", tokens.refresh.as_str()), ("client_id", &client.client_id)];
    let response = client.post("revocation_endpoint", &fields).await?;
    ensure!(response.status() == StatusCode::OK, "it answers {}", response.status());
    let after = client.mcp(Some(&tokens.access), "tools/list", json!({})).await?;
    ensure!(after.status() == StatusCode::UNAUTHORIZED, "the access token still opens /mcp ({})", after.status());
    let again = error_of(client.refresh(&tokens.refresh).await?).await;
    ensure!(again == "400 invalid_grant", "the refresh token answers {again}");
    Ok(((), "access and refresh token are dead".into()))
}
