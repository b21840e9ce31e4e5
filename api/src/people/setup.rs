//! The one-time code by which the first person becomes the owner, and a password that was set from outside.

use common::{Failure, FailureKind, StoreError, UserId};
use config::OwnerPassword;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::passwords::{complaint, is_hash};
use crate::{
    Authority,
    keys::{Purpose, random_secret, same},
    records::Records,
};

/// How long a code works.
pub(crate) const CODE_MINUTES: u16 = 60;

const CODE_TIME: std::time::Duration = std::time::Duration::from_secs(CODE_MINUTES as u64 * 60);

/// Wrong tries until there is a new code.
const TRIES: u64 = 5;

/// Letters of a code: no vowels, so that it spells nothing, and none that are mistaken for another.
const LETTERS: [char; 20] =
    ['B', 'C', 'D', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Z'];

/// The id of the one opening.
const OPEN: &str = "open";

/// Where the hash of the password that was last set from outside is kept.
const FROM_OUTSIDE: &str = "env-password";

/// Where the mark of the server's secret is kept.
const MARK: &str = "setup-mark";

/// A code is open. The code follows from this and the secret of the server; it is not stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Opening {
    nonce: String,
    /// Whether it gives an owner who exists a new password.
    reset: bool,
    /// Milliseconds since 1970 (UTC).
    ends_at: i64,
}

/// What became of a try to set up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SetUp {
    /// The owner has the password.
    Done,
    /// The code is wrong or too old.
    WrongCode,
    /// There is an owner already, and no code is open.
    Closed,
}

impl Authority {
    /// What the server does before it listens: applies the password that was set from outside; without one and without
    /// an owner, prints the code.
    ///
    /// # Errors
    /// `invalid_argument` if the password that was set cannot be used.
    pub(crate) async fn first_run(&self) -> Result<(), Failure> {
        self.state.put(MARK, &self.mark()?, None).await?;
        if let Some(given) = &self.settings.owner_password {
            return self.set_from_outside(given).await;
        }
        // Set again later, even to the same, it is to be applied again.
        self.state.take(FROM_OUTSIDE).await?;
        self.opening(true).await.map(drop)
    }

    /// Whether nobody can sign in yet: there is no owner, and no other server that signs people in.
    pub(crate) async fn setup_required(&self) -> Result<bool, StoreError> {
        Ok(self.oidc.is_none() && self.owner().await?.is_none())
    }

    /// Whether a code is open. Where there ought to be one and it has run out, there is a new one in the log.
    pub(crate) async fn setup_open(&self) -> Result<bool, Failure> {
        Ok(self.opening(false).await?.is_some())
    }

    /// Makes the owner with `password`, or gives it to the owner, if `code` is right.
    ///
    /// # Errors
    /// If the password cannot be hashed, or the store cannot be used.
    pub(crate) async fn set_up(&self, code: &str, password: &SecretString) -> Result<SetUp, Failure> {
        let Some(opening) = self.opening(false).await? else { return Ok(SetUp::Closed) };
        // Counted before it is compared: of many tries at once, no more than these are looked at.
        let tried = self.state.count(&format!("setup-tries/{}", opening.nonce), 1, CODE_TIME).await?.total;
        let typed: String = code.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect();
        let right = tried <= TRIES && same(typed.as_bytes(), self.letters(&opening.nonce)?.as_bytes());
        if !right {
            if tried >= TRIES {
                self.renew(&opening).await?;
            }
            return Ok(SetUp::WrongCode);
        }
        let hash = self.passwords.hash(password).await?;
        let done = if opening.reset { self.use_up(&opening).await? } else { true };
        let done = done && self.give(&hash, opening.reset).await?;
        if done && !opening.reset {
            self.use_up(&opening).await?;
        }
        Ok(if done { SetUp::Done } else { SetUp::Closed })
    }

    /// Opens a code although there is an owner, and returns it as it is printed.
    ///
    /// # Errors
    /// `invalid_argument` where it could not be used: nobody signs in by password, or the server has another secret.
    pub(crate) async fn open_setup(&self) -> Result<String, Failure> {
        let wrong = |text| Failure::new(FailureKind::InvalidArgument, text);
        if !self.settings.password_login {
            return Err(wrong("Nobody signs in by password here: PASSWORD_LOGIN is off.").next("Set it to on."));
        }
        if self.state.get(MARK).await?.is_some_and(|mark| self.mark().is_ok_and(|own| mark != own)) {
            return Err(wrong("The server runs with another JWT_SECRET, so it would not take the code.")
                .next("Set JWT_SECRET here as it is set for the server."));
        }
        let opening = self.new_opening(self.owner().await?.is_some())?;
        self.openings().put(OPEN, &opening).await?;
        self.printed(&opening.nonce)
    }

    fn openings(&self) -> Records<Opening> {
        Records::new(&self.state, &self.clock, "setup", |opening: &Opening| Some(opening.ends_at))
    }

    fn new_opening(&self, reset: bool) -> Result<Opening, Failure> {
        Ok(Opening { nonce: random_secret()?, reset, ends_at: self.now_ms() + i64::from(CODE_MINUTES) * 60_000 })
    }

    /// What is open; one is made where there is no owner. A new one is printed, and any if `print`.
    async fn opening(&self, print: bool) -> Result<Option<Opening>, Failure> {
        let owned = self.owner().await?.is_some();
        if !self.settings.password_login {
            return Ok(None);
        }
        let openings = self.openings();
        loop {
            let found = openings.get(OPEN).await?;
            // One that was left over when the owner came by another way gives nobody anything.
            if owned && !found.as_ref().is_some_and(|opening| opening.reset) {
                return Ok(None);
            }
            if let Some(opening) = found {
                if print {
                    self.print(&opening)?;
                }
                return Ok(Some(opening));
            }
            let opening = self.new_opening(false)?;
            if openings.insert(OPEN, &opening).await? {
                self.print(&opening)?;
                return Ok(Some(opening));
            }
        }
    }

    /// Puts a new code in the place of one that was tried too often.
    async fn renew(&self, old: &Opening) -> Result<(), Failure> {
        let new = self.new_opening(old.reset)?;
        let renew = |opening: &mut Opening| {
            let same = opening.nonce == old.nonce;
            if same {
                *opening = new.clone();
            }
            same
        };
        if self.openings().update(OPEN, renew).await? == Some(true) {
            tracing::warn!("the setup code was wrong {TRIES} times");
            self.print(&new)?;
        }
        Ok(())
    }

    /// Closes what is open, and says whether it was still this one.
    async fn use_up(&self, opening: &Opening) -> Result<bool, StoreError> {
        Ok(self.openings().take(OPEN).await?.is_some_and(|taken| taken.nonce == opening.nonce))
    }

    /// Gives the owner a password, and says whether it did: a new one is made once.
    async fn give(&self, hash: &str, reset: bool) -> Result<bool, StoreError> {
        if !reset {
            return self.make_owner(Some(hash.to_owned())).await;
        }
        let owner = UserId::local();
        self.put_password(&owner, hash).await?;
        // Whoever needs this may have been robbed: the thief's apps go too.
        self.disconnect_apps(&owner).await?;
        Ok(true)
    }

    async fn set_from_outside(&self, given: &OwnerPassword) -> Result<(), Failure> {
        let applied = self.state.get(FROM_OUTSIDE).await?.and_then(|hash| String::from_utf8(hash).ok());
        let owned = self.owner().await?.is_some();
        let unchanged = match (given, &applied) {
            (_, None) => false,
            (OwnerPassword::Plain(plain), Some(applied)) => self.passwords.verify(plain, Some(applied)).await?,
            (OwnerPassword::Hash(hash), Some(applied)) => same(hash.expose_secret().as_bytes(), applied.as_bytes()),
        };
        // What the owner chose since then stays.
        if owned && unchanged {
            return Ok(());
        }
        let hash = match given {
            OwnerPassword::Plain(plain) => {
                if let Some(complaint) = complaint(plain.expose_secret()) {
                    return Err(Failure::invalid("OWNER_PASSWORD", complaint));
                }
                self.passwords.hash(plain).await?
            }
            OwnerPassword::Hash(hash) if is_hash(hash.expose_secret()) => hash.expose_secret().to_owned(),
            OwnerPassword::Hash(_) => {
                let text =
                    "OWNER_PASSWORD_HASH is no whole Argon2 hash in PHC format ($argon2id$v=19$m=…,t=…,p=…$salt$hash).";
                return Err(Failure::invalid("OWNER_PASSWORD_HASH", text)
                    .next("Quote it, because the shell replaces $; or set OWNER_PASSWORD instead."));
            }
        };
        // Of two processes that start at once, the second gives the owner the same password once more.
        if !self.give(&hash, false).await? {
            self.give(&hash, true).await?;
        }
        self.state.put(FROM_OUTSIDE, hash.as_bytes(), None).await?;
        tracing::info!("the owner has the password that the settings give");
        Ok(())
    }

    /// By which another process sees whether it has the same secret.
    fn mark(&self) -> Result<Vec<u8>, Failure> {
        Ok(self.keys.code(Purpose::SetupCode, &["mark", "of the secret"])?[..8].to_vec())
    }

    fn letters(&self, nonce: &str) -> Result<String, Failure> {
        let code = self.keys.code(Purpose::SetupCode, &[nonce])?;
        let letter = |pair: &[u8]| LETTERS[(usize::from(pair[0]) << 8 | usize::from(pair[1])) % LETTERS.len()];
        Ok(code.chunks_exact(2).take(12).map(letter).collect())
    }

    fn printed(&self, nonce: &str) -> Result<String, Failure> {
        let letters = self.letters(nonce)?;
        Ok(format!("Set up at {}/setup — code {}-{}-{}", self.issuer, &letters[..4], &letters[4..8], &letters[8..]))
    }

    fn print(&self, opening: &Opening) -> Result<(), Failure> {
        tracing::warn!("{}", self.printed(&opening.nonce)?);
        Ok(())
    }

    /// The code that is open, as a person reads it in the log.
    #[cfg(test)]
    pub(crate) async fn code_in_the_log(&self) -> String {
        let opening = self.opening(false).await.unwrap().expect("no code is open");
        self.printed(&opening.nonce).unwrap().rsplit_once(' ').unwrap().1.to_owned()
    }
}
