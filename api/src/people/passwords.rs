//! Passwords: hashed and checked with Argon2id (RFC 9106), apart from the threads that answer requests.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Argon2, Params,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use common::{Failure, FailureKind};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// Hashed at once: each takes 19 MiB and a core for some 20 ms.
const AT_ONCE: usize = 2;

/// Most that wait; more would only wait in vain.
const MOST_WAITING: usize = 32;

/// Fewest characters of a password.
pub(crate) const SHORTEST: usize = 12;

/// Most characters of a password: hashing takes time by length.
const LONGEST: usize = 200;

/// A hash of no password that anybody has: checked where there is no such user, so that it takes as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm8$oOjV6CfRVD7dk3V1xJ0d7V1m2nS8nq0eY3Q4x1n0v5E";

/// Hashes and checks passwords, a few at a time.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), waiting: Arc::default() }
    }
}

impl Passwords {
    /// The hash of a password as a PHC string, with a salt of its own and the parameters that OWASP recommends
    /// (m = 19 MiB, t = 2, p = 1).
    ///
    /// # Errors
    /// `unavailable` if too many wait already.
    pub(crate) async fn hash(&self, password: &SecretString) -> Result<String, Failure> {
        let password = password.clone();
        self.in_turn(move || {
            let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|error| Failure::internal(&error))
        })
        .await?
    }

    /// Whether `password` is the one that was hashed. Without a hash the answer is no, and takes as long.
    ///
    /// # Errors
    /// `unavailable` if too many wait already.
    pub(crate) async fn verify(&self, password: &SecretString, hash: Option<&str>) -> Result<bool, Failure> {
        if password.expose_secret().chars().count() > LONGEST {
            return Ok(false);
        }
        let (password, known) = (password.clone(), hash.is_some());
        let hash = hash.unwrap_or(NOBODY).to_owned();
        self.in_turn(move || {
            let parsed = PasswordHash::new(&hash).map_err(|error| Failure::internal(&error))?;
            let right = Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed).is_ok();
            Ok(right && known)
        })
        .await?
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let waiting = Waiting::one_more(&self.waiting)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|error| Failure::internal(&error))?;
        drop(waiting);
        // The turn ends with the work, and not with whoever waits for it: work cannot be stopped.
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|error| Failure::internal(&error))
    }
}

/// What is wrong with a password that somebody wants to have, said to them.
pub(crate) fn complaint(password: &str) -> Option<String> {
    match password.chars().count() {
        length if length < SHORTEST => Some(format!("Please choose a password of at least {SHORTEST} characters.")),
        length if length > LONGEST => Some(format!("Please choose a password of at most {LONGEST} characters.")),
        _ => None,
    }
}

/// Whether `text` is a whole Argon2 hash that passwords can be checked against.
pub(crate) fn is_hash(text: &str) -> bool {
    PasswordHash::new(text).is_ok_and(|hash| {
        let argon2 = hash.algorithm.as_str().starts_with("argon2");
        argon2 && hash.salt.is_some() && hash.hash.is_some() && Params::try_from(&hash).is_ok()
    })
}

/// Somebody who waits for a turn, also counted off if they give up.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn one_more(count: &Arc<AtomicUsize>) -> Result<Self, Failure> {
        let waiting = Self(count.clone());
        if count.fetch_add(1, Ordering::Relaxed) < MOST_WAITING {
            return Ok(waiting);
        }
        let mut failure = Failure::new(FailureKind::Unavailable, "Too many people are signing in at this moment.");
        failure.retry_after = Some(5);
        Err(failure)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_checked_against_its_hash_and_nobodys_is_never_right() {
        let passwords = Passwords::default();
        let (right, wrong) = (SecretString::from("correct horse"), SecretString::from("wrong horse"));
        let hash = passwords.hash(&right).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.verify(&right, Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&wrong, Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&right, None).await.unwrap());
        assert!(is_hash(&hash) && is_hash(NOBODY));
        for wrong in
            ["", "$argon2id$", "$argon2id", hash.rsplit_once('$').unwrap().0, &hash.replace("argon2id", "scrypt")]
        {
            assert!(!is_hash(wrong), "{wrong}");
        }
    }

    #[tokio::test]
    async fn too_many_at_once_are_sent_away_and_the_rest_is_served() {
        let passwords = Passwords::default();
        let password = SecretString::from("correct horse");
        let tries = (0..AT_ONCE + MOST_WAITING + 10).map(|_| passwords.verify(&password, None));
        let answers = futures::future::join_all(tries).await;
        assert!(answers.iter().any(Result::is_err));
        assert!(passwords.verify(&password, None).await.is_ok(), "those who were sent away no longer count");
    }
}
