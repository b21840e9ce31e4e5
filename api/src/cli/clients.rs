//! `image-tool client`: apps that the owner lets in by name, for servers that take no registrations.

use clap::Subcommand;
use common::rfc3339;

use super::{End, people::authority, result};
use crate::oauth;

/// Apps that the owner adds by hand.
#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Add an app; its id and secret are printed once.
    Add {
        /// What the consent page calls it.
        name: String,
        /// Where it is answered; may be given several times.
        #[arg(long, required = true)]
        redirect_uri: Vec<String>,
        /// It cannot keep a secret (it runs on its users' machines), so it gets none.
        #[arg(long)]
        public: bool,
    },
    /// List the apps that were added or registered.
    List,
    /// Remove an app; all its tokens stop working at once.
    Remove {
        /// Its client id.
        id: String,
    },
}

/// Runs the command.
#[tokio::main]
pub(super) async fn run(command: ClientCommand) -> anyhow::Result<End> {
    let authority = authority().await?;
    match command {
        ClientCommand::Add { name, redirect_uri, public } => {
            let added = oauth::add_client(&authority, &name, redirect_uri, public).await?;
            result(&format!("client id      {}", added.id))?;
            if let Some(secret) = added.secret {
                result(&format!("client secret  {secret}"))?;
                result("The secret is shown this once.")?;
            }
        }
        ClientCommand::List => {
            for (id, client) in authority.clients.list("").await? {
                let kind = if client.added { "added" } else { "registered" };
                result(&format!("{id}  {kind} {}  {}", rfc3339(client.created_at), client.name))?;
            }
        }
        ClientCommand::Remove { id } => {
            if authority.clients.take(&id).await?.is_none() {
                anyhow::bail!("there is no client {id}; image-tool client list shows them");
            }
            result(&format!("{id} is removed; its tokens no longer work."))?;
        }
    }
    Ok(End::Good)
}
