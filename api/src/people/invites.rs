//! One-time links by which a new member chooses a password.

use common::{Failure, StoreError, UserId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::User;
use crate::{
    Authority,
    keys::{fingerprint, random_secret},
};

/// How long a link works: seven days, in milliseconds.
const INVITE_MS: i64 = 7 * 24 * 3600 * 1000;

/// An invitation that was not taken up yet.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Invite {
    pub(crate) user: UserId,
    /// Milliseconds since 1970 (UTC).
    pub(crate) ends_at: i64,
}

impl Authority {
    /// The link by which somebody chooses a password. Links that they had before stop working.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub(crate) async fn invite(&self, user: &UserId) -> Result<String, Failure> {
        for (id, before) in self.invites.list("").await? {
            if before.user == *user {
                self.invites.take(&id).await?;
            }
        }
        let secret = random_secret()?;
        let invite = Invite { user: user.clone(), ends_at: self.now_ms() + INVITE_MS };
        self.invites.put(&fingerprint(&secret), &invite).await?;
        Ok(format!("{}/invite/{secret}", self.issuer))
    }

    /// Whom the link with this secret invites; nobody if it was used or is too old.
    pub(crate) async fn invited(&self, secret: &str) -> Result<Option<User>, StoreError> {
        match self.invites.get(&fingerprint(secret)).await? {
            Some(invite) => Ok(self.users.get(&invite.user.0).await?.filter(|user| !user.disabled)),
            None => Ok(None),
        }
    }

    /// Uses a link up: its person gets the password and is signed out wherever they were signed in. Of all who try,
    /// one does.
    ///
    /// # Errors
    /// If the password cannot be hashed, or the store cannot be used.
    pub(crate) async fn take_up(&self, secret: &str, password: &SecretString) -> Result<Option<User>, Failure> {
        let Some(user) = self.invited(secret).await? else { return Ok(None) };
        let hash = self.passwords.hash(password).await?;
        if self.invites.take(&fingerprint(secret)).await?.is_none() {
            return Ok(None);
        }
        self.put_password(&user.id, &hash).await?;
        Ok(self.users.get(&user.id.0).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{Scopes, tests::House};

    #[tokio::test]
    async fn a_link_works_for_seven_days_and_only_the_newest() {
        let house = House::start().await;
        let authority = house.authority().await;
        let ann = authority.add_member("ann", Scopes::all(), None).await.unwrap();
        let secret = |link: String| link.rsplit_once('/').unwrap().1.to_owned();
        let first = secret(authority.invite(&ann.id).await.unwrap());
        assert!(authority.invited(&first).await.unwrap().is_some());
        let second = secret(authority.invite(&ann.id).await.unwrap());
        assert!(authority.invited(&first).await.unwrap().is_none());
        house.stores.clock.advance(Duration::from_secs(7 * 24 * 3600 + 1));
        assert!(authority.invited(&second).await.unwrap().is_none());
    }
}
