//! Who of those that the provider knows may come in, and who they are here.

use common::{StoreError, UserId};
use config::Allowed;

use super::{Oidc, Person};
use crate::{
    Authority, Scopes,
    keys::fingerprint,
    people::{OWNER, Role, User},
};

/// The longest name that is taken over.
const LONGEST_NAME: usize = 60;

impl Oidc {
    /// The user that this person is, made when they first come. `None` if they may not come in.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub(crate) async fn admit(&self, authority: &Authority, person: &Person) -> Result<Option<User>, StoreError> {
        if !self.settings.allowed.iter().any(|entry| matches(person, entry)) {
            return Ok(None);
        }
        let owner = self.settings.owner().is_some_and(|entry| matches(person, entry));
        let id = self.id_of(authority, person, owner).await?;
        let user = match authority.users.get(&id.0).await? {
            Some(user) => user,
            None => join(authority, person, id, owner).await?,
        };
        Ok(Some(user).filter(|user| !user.disabled))
    }

    async fn id_of(&self, authority: &Authority, person: &Person, owner: bool) -> Result<UserId, StoreError> {
        let key = fingerprint(&format!("{}|{}", self.settings.issuer, person.subject));
        if owner {
            authority.subjects.put(&key, &UserId::local()).await?;
            return Ok(UserId::local());
        }
        match authority.subjects.get(&key).await? {
            Some(known) if known != UserId::local() => Ok(known),
            // Whoever was the owner by an earlier list is one of the members now.
            Some(_) => {
                let id = UserId::random()?;
                authority.subjects.put(&key, &id).await?;
                Ok(id)
            }
            None => {
                let id = UserId::random()?;
                if authority.subjects.insert(&key, &id).await? {
                    return Ok(id);
                }
                // They came twice at once.
                Ok(authority.subjects.get(&key).await?.unwrap_or(id))
            }
        }
    }
}

/// Whether an entry of the list means this person. Of e-mail addresses only those count that the provider has verified.
fn matches(person: &Person, entry: &Allowed) -> bool {
    let email = person.email.as_deref();
    match entry {
        Allowed::Subject(subject) => person.subject == *subject,
        Allowed::Email(address) => email == Some(address),
        Allowed::Domain(domain) => {
            let parts = email.and_then(|email| email.rsplit_once('@'));
            parts.is_some_and(|(name, host)| !name.is_empty() && host == domain)
        }
    }
}

/// Makes the record of somebody who is here for the first time. They have no password.
async fn join(authority: &Authority, person: &Person, id: UserId, owner: bool) -> Result<User, StoreError> {
    let user = User {
        name: free_name(authority, person, &id).await?,
        role: if owner { Role::Owner } else { Role::Member },
        password: None,
        scopes: Scopes::all(),
        daily_usd: None,
        disabled: false,
        epoch: 0,
        created_at: authority.now_ms(),
        id,
    };
    if authority.users.insert(&user.id.0, &user).await? {
        return Ok(user);
    }
    let before = authority.users.get(&user.id.0).await?;
    if before.as_ref().is_some_and(|before| before.name != user.name) {
        authority.names.take(&user.name).await?;
    }
    Ok(before.unwrap_or(user))
}

/// A name that nobody has, and that is theirs from now on.
async fn free_name(authority: &Authority, person: &Person, id: &UserId) -> Result<String, StoreError> {
    let wanted = wanted_name(person);
    let numbered = (2..100).map(|number| format!("{wanted}-{number}"));
    for name in std::iter::once(wanted.clone()).chain(numbered) {
        if (name != OWNER || *id == UserId::local()) && authority.names.insert(&name, &id.0).await? {
            return Ok(name);
        }
    }
    // Their id is nobody else's.
    let name = format!("{wanted}-{}", id.0);
    authority.names.put(&name, &id.0).await?;
    Ok(name)
}

fn wanted_name(person: &Person) -> String {
    let plain = |text: &String| {
        let kept = text.chars().filter(|c| c.is_ascii_alphanumeric() || "@._+-".contains(*c)).take(LONGEST_NAME);
        Some(kept.collect::<String>().to_ascii_lowercase()).filter(|name| !name.is_empty())
    };
    let name = person.email.as_ref().and_then(plain).or_else(|| person.nickname.as_ref().and_then(plain));
    name.or_else(|| plain(&person.subject)).unwrap_or_else(|| "member".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(email: Option<&str>) -> Person {
        Person { subject: "42".into(), email: email.map(str::to_owned), nickname: Some("Ann O'Nym".into()) }
    }

    #[test]
    fn a64_entries_mean_whom_they_name_and_nobody_like_them() {
        let ann = person(Some("ann@example.com"));
        assert!(matches(&ann, &Allowed::Email("ann@example.com".into())));
        assert!(matches(&ann, &Allowed::Domain("example.com".into())));
        assert!(matches(&ann, &Allowed::Subject("42".into())));
        assert!(!matches(&ann, &Allowed::Subject("4".into())));
        for other in ["ann@example.com.evil.org", "ann@sub.example.com", "ann@evilexample.com", "@example.com"] {
            assert!(!matches(&person(Some(other)), &Allowed::Domain("example.com".into())), "{other}");
            assert!(!matches(&person(Some(other)), &Allowed::Email("ann@example.com".into())), "{other}");
        }
        assert!(!matches(&person(None), &Allowed::Domain("example.com".into())));
        assert!(matches(&person(Some("a@b@example.com")), &Allowed::Domain("example.com".into())));
    }

    #[test]
    fn names_are_plain() {
        assert_eq!(wanted_name(&person(Some("ann@example.com"))), "ann@example.com");
        assert_eq!(wanted_name(&person(None)), "annonym");
        let odd = Person { subject: "///".into(), email: None, nickname: None };
        assert_eq!(wanted_name(&odd), "member");
    }
}
