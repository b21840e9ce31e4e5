//! `image-tool oauth-check URL`: goes through the whole of sign-in against a running server, as a client would, and says
//! what works.

mod client;
mod person;
mod steps;

use anyhow::bail;
use clap::Args;
use url::Url;

use super::{End, result, settings};
use client::Client;
use person::Person;

/// Check sign-in against a running server: discovery, registration, consent, tokens, refresh, replay, step-up, revocation.
///
/// Signs in with the password in OWNER_PASSWORD (or the file in OWNER_PASSWORD_FILE) and approves by itself; without
/// one it opens a browser and waits for you. Leaves no app connected behind.
#[derive(Debug, Args)]
pub(super) struct OauthCheckArguments {
    /// The address of the server, as the world reaches it (its PUBLIC_URL).
    url: Url,
    /// Who signs in.
    #[arg(long, default_value = "owner")]
    name: String,
}

/// What was checked, and how it went.
struct Line {
    check: &'static str,
    outcome: Result<String, String>,
}

/// Runs the command. Exit code 0 if every check passed.
#[tokio::main]
pub(super) async fn run(arguments: &OauthCheckArguments) -> anyhow::Result<End> {
    let base = arguments.url.as_str().trim_end_matches('/').trim_end_matches("/mcp").to_owned();
    if !matches!(arguments.url.scheme(), "http" | "https") {
        bail!("{} is no address of a server; give http:// or https:// and a host", arguments.url);
    }
    let password = settings::secret("OWNER_PASSWORD")?;
    let mut client = Client::new(&base)?;
    let mut person = Person::new(&arguments.name, password);
    let lines = steps::all(&mut client, &mut person).await;
    let widest = lines.iter().map(|line| line.check.len()).max().unwrap_or_default();
    for Line { check, outcome } in &lines {
        let (verdict, detail) = match outcome {
            Ok(detail) => ("pass", detail),
            Err(detail) => ("FAIL", detail),
        };
        result(&format!("{verdict}  {check:widest$}  {detail}"))?;
    }
    let failed = lines.iter().filter(|line| line.outcome.is_err()).count();
    if failed > 0 {
        bail!("{failed} of {} checks failed", lines.len());
    }
    result(&format!("All {} checks passed.", lines.len()))?;
    Ok(End::Good)
}
