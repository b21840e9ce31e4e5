//! `image-tool owner` and `image-tool user`: who may sign in, on the stores of the server.

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use common::{Failure, Stores, process};
use config::Way;

use super::{End, result, say, serve::stores};
use crate::{
    Authority, Scope, Scopes,
    people::{CODE_MINUTES, User},
};

/// What to do about the owner.
#[derive(Debug, Subcommand)]
pub(super) enum OwnerCommand {
    /// Print a one-time code by which you choose a new password for the owner.
    Reset,
}

/// What to do about people.
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Let somebody in: prints a link, which works once, by which they choose a password.
    Add(AddArguments),
    /// Print a new link for somebody who lost theirs, or their password.
    Invite {
        /// The name they sign in with.
        name: String,
    },
    /// Print everybody who may sign in.
    List,
    /// Keep somebody out: ends their sessions and disconnects their apps.
    Disable {
        /// The name they sign in with.
        name: String,
    },
    /// Let somebody in again.
    Enable {
        /// The name they sign in with.
        name: String,
    },
}

/// A new member.
#[derive(Args, Debug)]
pub(super) struct AddArguments {
    /// The name they sign in with.
    name: String,
    /// The most that their apps may be allowed, separated by commas.
    #[arg(long, default_value = "read,write,image_processing", value_parser = scopes)]
    scopes: Scopes,
    /// The most that they may spend in a day, in US dollars. Unset: as the server's own limit says.
    #[arg(long, value_name = "USD")]
    daily_usd: Option<f64>,
}

/// `image-tool owner …`.
#[tokio::main]
pub(super) async fn owner(command: OwnerCommand) -> anyhow::Result<End> {
    let authority = authority().await?;
    match command {
        OwnerCommand::Reset => {
            result(&said(authority.open_setup().await)?)?;
            say(&format!("The code works once, for {CODE_MINUTES} minutes, and for five tries."));
        }
    }
    Ok(End::Good)
}

/// `image-tool user …`.
#[tokio::main]
pub(super) async fn user(command: UserCommand) -> anyhow::Result<End> {
    let authority = authority().await?;
    match command {
        UserCommand::Add(AddArguments { name, scopes, daily_usd }) => {
            let user = said(authority.add_member(&name, scopes, daily_usd).await)?;
            invite(&authority, &user).await?;
        }
        UserCommand::Invite { name } => {
            let user = known(&authority, &name).await?;
            if user.disabled {
                bail!("{} is disabled; first run: image-tool user enable {}", user.name, user.name);
            }
            invite(&authority, &user).await?;
        }
        UserCommand::List => result(table(&authority.everybody().await?).trim_end())?,
        UserCommand::Disable { name } => {
            let user = known(&authority, &name).await?;
            said(authority.disable(&user.id).await)?;
            say(&format!("{} is kept out: signed out everywhere, every app disconnected.", user.name));
        }
        UserCommand::Enable { name } => {
            let user = known(&authority, &name).await?;
            authority.enable(&user.id).await?;
            say(&format!("{} may sign in again.", user.name));
        }
    }
    Ok(End::Good)
}

/// The authority on the stores that the server uses, as long as both have the same settings.
pub(super) async fn authority() -> anyhow::Result<Authority> {
    let config = process::settings(Way::Serve)?;
    let folder = &config.storage.data_dir;
    if config.storage.redis_url.is_none() && !Stores::are_in(folder) {
        bail!("there is no server's data in {}; set DATA_DIR to that of the server", folder.display());
    }
    let stores = stores(&config).await?;
    let mut authority = Authority::open(&config, &stores, config.web.address()).await?;
    authority.take_noted_issuer(&config).await?;
    Ok(authority)
}

async fn invite(authority: &Authority, user: &User) -> anyhow::Result<()> {
    if !authority.settings.password_login {
        say("Note: PASSWORD_LOGIN is off, so the link does not work until it is on.");
    }
    result(&said(authority.invite(&user.id).await)?)?;
    say(&format!("Send this link to {}: it works once, for 7 days, and is not shown again.", user.name));
    Ok(())
}

async fn known(authority: &Authority, name: &str) -> anyhow::Result<User> {
    if let Some(user) = authority.user_named(name).await? {
        return Ok(user);
    }
    let names: Vec<String> = authority.everybody().await?.into_iter().map(|user| user.name).collect();
    let known = if names.is_empty() { "nobody yet".to_owned() } else { names.join(", ") };
    bail!("there is nobody with the name \"{name}\"; known: {known}")
}

/// A failure as the shell says it: without its code.
fn said<T>(outcome: Result<T, Failure>) -> anyhow::Result<T> {
    outcome.map_err(|failure| match failure.next {
        Some(next) => anyhow!("{} {next}", failure.message),
        None => anyhow!(failure.message),
    })
}

fn scopes(text: &str) -> Result<Scopes, String> {
    let known = || Scope::ALL.map(Scope::name).join(", ");
    let scope = |word: &str| {
        let word = word.trim();
        let found = Scope::ALL.into_iter().find(|scope| scope.name() == word);
        found.ok_or_else(|| format!("\"{word}\" is no scope; there are {}", known()))
    };
    text.split(',').map(scope).collect()
}

fn table(people: &[User]) -> String {
    let head = ["NAME", "ROLE", "SCOPES", "DAILY LIMIT", "STATE"].map(String::from);
    let rows = people.iter().map(|user| {
        let state = match (user.disabled, &user.password) {
            (true, _) => "disabled",
            (false, None) => "no password",
            (false, Some(_)) => "active",
        };
        let limit = user.daily_usd.map_or_else(|| "the server's".to_owned(), |usd| format!("${usd:.2}"));
        [user.name.clone(), user.role.name().to_owned(), user.scopes.to_string(), limit, state.to_owned()]
    });
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3, 4].map(width);
    let line = |row: &[String; 5]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::House;

    #[test]
    fn scopes_are_known_words() {
        assert_eq!(scopes("read, image_processing").unwrap().to_string(), "read image_processing");
        for wrong in ["", "read,", "admin"] {
            assert!(scopes(wrong).unwrap_err().contains("image_processing"), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn everybody_is_listed_and_strangers_are_told_who_is_known() {
        let house = House::start().await;
        let authority = house.authority().await;
        assert!(known(&authority, "ann").await.unwrap_err().to_string().contains("nobody yet"));
        authority.make_owner(Some("hash".into())).await.unwrap();
        house.stores.clock.advance(std::time::Duration::from_secs(1));
        authority.add_member("ann", scopes("read").unwrap(), Some(2.0)).await.unwrap();
        assert_eq!(
            table(&authority.everybody().await.unwrap()),
            "NAME   ROLE    SCOPES                       DAILY LIMIT   STATE\n\
             owner  owner   read write image_processing  the server's  active\n\
             ann    member  read                         $2.00         no password\n"
        );
        let error = known(&authority, "bob").await.unwrap_err().to_string();
        assert!(error.contains("\"bob\"") && error.contains("owner, ann"), "{error}");
    }
}
