//! Records of the people who may sign in.

use std::fmt;

use common::{Failure, FailureKind, StoreError, UserId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{Authority, Scopes, naming};

/// Most characters of a name.
const LONGEST_NAME: usize = 40;

/// The name of the owner; nobody else may have it.
pub(crate) const OWNER: &str = "owner";

/// A person who may sign in.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct User {
    pub(crate) id: UserId,
    /// What they type to sign in; unique without regard to case.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The Argon2 hash of their password (PHC string); `None`: they cannot sign in by password, or not yet.
    pub(crate) password: Option<String>,
    /// The most that their apps may be allowed.
    pub(crate) scopes: Scopes,
    /// What they may spend in a day, in US dollars; `None`: as the server's own limit says.
    pub(crate) daily_usd: Option<f64>,
    pub(crate) disabled: bool,
    /// How often everything that was open was closed. Sessions and codes are of one epoch, and end with it: also those
    /// that are just being made.
    #[serde(default)]
    pub(crate) epoch: u64,
    /// Milliseconds since 1970 (UTC).
    pub(crate) created_at: i64,
}

/// What somebody is to the server.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Pays for it and decides who else may come in. There is one.
    Owner,
    /// Was let in by the owner.
    Member,
}

impl Role {
    /// The word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
        }
    }
}

/// Never the hash of the password.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Authority {
    /// The owner, if there is one yet.
    pub(crate) async fn owner(&self) -> Result<Option<User>, StoreError> {
        self.users.get(&UserId::local().0).await
    }

    /// Makes the owner, and says whether it did: of all who try, one does.
    pub(crate) async fn make_owner(&self, password: Option<String>) -> Result<bool, StoreError> {
        let id = UserId::local();
        let owner = User {
            name: OWNER.to_owned(),
            role: Role::Owner,
            password,
            scopes: Scopes::all(),
            daily_usd: None,
            disabled: false,
            epoch: 0,
            created_at: self.now_ms(),
            id: id.clone(),
        };
        self.names.put(OWNER, &id.0).await?;
        self.users.insert(&id.0, &owner).await
    }

    /// Lets somebody in, who cannot sign in by password yet.
    ///
    /// # Errors
    /// `invalid_argument` if the name is none or is taken, or the limit is no amount of money.
    pub(crate) async fn add_member(&self, name: &str, scopes: Scopes, daily_usd: Option<f64>) -> Result<User, Failure> {
        let name = acceptable(name)?;
        if daily_usd.is_some_and(|usd| !usd.is_finite() || usd < 0.0) {
            return Err(Failure::invalid("daily_usd", "The daily limit must be an amount of US dollars, such as 2."));
        }
        let id = UserId::random()?;
        let user = User {
            id: id.clone(),
            name: name.clone(),
            role: Role::Member,
            password: None,
            scopes,
            daily_usd,
            disabled: false,
            epoch: 0,
            created_at: self.now_ms(),
        };
        // First the person, then the name: whoever finds the name finds the person.
        self.users.put(&id.0, &user).await?;
        let lower = name.to_lowercase();
        if lower == OWNER || !self.names.insert(&lower, &id.0).await? {
            self.users.take(&id.0).await?;
            return Err(Failure::invalid("name", format!("There is somebody with the name \"{name}\" already."))
                .next("Choose another name."));
        }
        Ok(user)
    }

    /// The person with this name, whatever its case.
    pub(crate) async fn user_named(&self, name: &str) -> Result<Option<User>, StoreError> {
        match self.names.get(&name.trim().to_lowercase()).await? {
            Some(id) => self.users.get(&id).await,
            None => Ok(None),
        }
    }

    /// Everybody, by the time they came.
    pub(crate) async fn everybody(&self) -> Result<Vec<User>, StoreError> {
        let mut people: Vec<User> = self.users.list("").await?.into_iter().map(|(_, user)| user).collect();
        people.sort_by_key(|user| user.created_at);
        Ok(people)
    }

    /// Keeps somebody out: they cannot sign in any longer, their sessions end and their apps are disconnected.
    ///
    /// # Errors
    /// `invalid_argument` if it is the owner.
    pub(crate) async fn disable(&self, user: &UserId) -> Result<(), Failure> {
        if *user == UserId::local() {
            return Err(Failure::new(FailureKind::InvalidArgument, "The owner cannot be disabled.")
                .next("To lock out somebody who knows the owner's password, run: image-tool owner reset"));
        }
        let disable = |user: &mut User| {
            user.disabled = true;
            user.epoch += 1;
        };
        self.users.update(&user.0, disable).await?;
        self.end_sessions(user, None).await?;
        Ok(self.disconnect_apps(user).await?)
    }

    /// Lets somebody in again who was kept out. They sign in and connect their apps anew.
    pub(crate) async fn enable(&self, user: &UserId) -> Result<(), StoreError> {
        self.users.update(&user.0, |user| user.disabled = false).await.map(drop)
    }

    /// Ends the leave of every app of somebody.
    pub(crate) async fn disconnect_apps(&self, user: &UserId) -> Result<(), StoreError> {
        self.grants.clear(&format!("{}~", user.0), None).await
    }

    /// Gives somebody a new password, and ends every session of theirs.
    ///
    /// # Errors
    /// If it cannot be hashed or written.
    pub(crate) async fn set_password(&self, user: &UserId, password: &SecretString) -> Result<(), Failure> {
        let hash = self.passwords.hash(password).await?;
        Ok(self.put_password(user, &hash).await?)
    }

    /// The same with its hash.
    pub(super) async fn put_password(&self, user: &UserId, hash: &str) -> Result<(), StoreError> {
        let change = |user: &mut User| {
            user.password = Some(hash.to_owned());
            user.epoch += 1;
        };
        self.users.update(&user.0, change).await?;
        self.end_sessions(user, None).await
    }

    /// Ends every session of somebody but the one with the id `except`.
    pub(crate) async fn end_sessions(&self, user: &UserId, except: Option<&str>) -> Result<(), StoreError> {
        self.sessions.clear(&format!("{}~", user.0), except).await
    }
}

/// The name as it is kept, if it can be one.
fn acceptable(name: &str) -> Result<String, Failure> {
    let name = name.trim();
    let wrong = |text: String| Err(Failure::invalid("name", text));
    match name.chars().count() {
        0 => wrong("The name is empty.".into()),
        length if length > LONGEST_NAME => {
            wrong(format!("The name has {length} characters; {LONGEST_NAME} are the most."))
        }
        _ if name.chars().any(naming::deceptive) => {
            wrong("The name has characters that cannot be seen; leave them out.".into())
        }
        _ => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::House;

    #[test]
    fn names_can_be_seen() {
        assert_eq!(acceptable(" Ann Müller ").unwrap(), "Ann Müller");
        for wrong in ["", "  ", "a\u{202e}b", "a\u{200b}b", "a\nb", &"x".repeat(41)] {
            assert!(acceptable(wrong).is_err(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn a_name_is_taken_once_whatever_its_case() {
        let house = House::start().await;
        let authority = house.authority().await;
        let ann = authority.add_member("Ann", Scopes::all(), Some(2.0)).await.unwrap();
        for taken in ["ann", "ANN", "Owner"] {
            assert!(authority.add_member(taken, Scopes::all(), None).await.is_err(), "{taken}");
        }
        assert!(authority.add_member("Bob", Scopes::all(), Some(f64::NAN)).await.is_err());
        assert_eq!(authority.user_named("aNN ").await.unwrap().unwrap().id, ann.id);
        assert_eq!(authority.everybody().await.unwrap().len(), 1);
        let both = ["Eve", "eve"].map(|name| authority.add_member(name, Scopes::all(), None));
        let both = futures::future::join_all(both).await;
        assert_eq!(both.iter().filter(|added| added.is_ok()).count(), 1);
    }

    #[tokio::test]
    async fn the_owner_stays() {
        let house = House::start().await;
        let authority = house.authority().await;
        assert!(authority.make_owner(None).await.unwrap() && !authority.make_owner(Some("x".into())).await.unwrap());
        assert!(authority.disable(&UserId::local()).await.is_err());
    }
}
