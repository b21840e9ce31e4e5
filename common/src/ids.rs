//! Identifiers: short enough to be read aloud, with 80 random bits so that nobody guesses one.

use std::fmt;

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, de};
use sha2::{Digest, Sha256};

use crate::Failure;

/// Base 32 without the letters that are mistaken for digits (i, l, o, u), lower case.
static ALPHABET: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    #[expect(clippy::unwrap_used, reason = "a constant alphabet of 32 distinct symbols is always a valid base 32")]
    specification.encoding().unwrap()
});

const RANDOM_BYTES: usize = 10;
const TEXT_LENGTH: usize = RANDOM_BYTES * 8 / 5;

/// `N` bytes from the operating system's random source.
///
/// # Errors
/// `internal` if the system has no randomness to give.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::internal(&error))?;
    Ok(bytes)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        pub struct $name(String);

        impl $name {
            /// What every such id begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new random one.
            ///
            /// # Errors
            /// `internal` if the system has no randomness to give.
            pub fn random() -> Result<Self, Failure> {
                Ok(Self::from_bytes(random_bytes()?))
            }

            fn from_bytes(bytes: [u8; RANDOM_BYTES]) -> Self {
                Self(format!("{}{}", $prefix, ALPHABET.encode(&bytes)))
            }

            /// Reads one; `None` if the text cannot be such an id.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let rest = text.strip_prefix($prefix)?;
                (rest.len() == TEXT_LENGTH && ALPHABET.decode(rest.as_bytes()).is_ok()).then(|| Self(text.to_owned()))
            }

            /// The text, prefix included.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| de::Error::custom(concat!("not an id of the form ", $prefix, "…")))
            }
        }
    };
}

id!(
    /// A stored picture, such as `img_7k2m9w0c4t8x3v5q`.
    ImageId,
    "img_"
);
id!(
    /// A job, such as `job_5p1r8n2d6h4g9z0s`.
    JobId,
    "job_"
);

impl ImageId {
    /// The picture that item `index` of `job` makes. A repeated run makes the same id, so that a job that is
    /// delivered twice stores its result once.
    #[must_use]
    pub fn made_by(job: &JobId, index: u32) -> Self {
        let digest = Sha256::digest(format!("image of {job}:{index}"));
        let mut bytes = [0; RANDOM_BYTES];
        bytes.copy_from_slice(&digest[..RANDOM_BYTES]);
        Self::from_bytes(bytes)
    }

    /// The picture that came with a call of `owner` as `bytes`. The same bytes make the same id, so that a repeated
    /// call joins the one still running.
    #[must_use]
    pub fn of_upload(owner: &UserId, bytes: &[u8]) -> Self {
        let digest =
            Sha256::new().chain_update("upload of ").chain_update(&owner.0).chain_update([0]).chain_update(bytes);
        let mut id = [0; RANDOM_BYTES];
        id.copy_from_slice(&digest.finalize()[..RANDOM_BYTES]);
        Self::from_bytes(id)
    }
}

/// Who asks: every record belongs to one.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct UserId(pub String);

impl UserId {
    /// The owner; also whoever calls a server that only its own machine can reach.
    #[must_use]
    pub fn local() -> Self {
        Self("local".into())
    }

    /// A new one.
    ///
    /// # Errors
    /// `internal` if the system has no randomness to give.
    pub fn random() -> Result<Self, Failure> {
        Ok(Self(format!("usr_{}", ALPHABET.encode(&random_bytes::<RANDOM_BYTES>()?))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_and_junk_does_not() {
        let id = ImageId::random().unwrap();
        assert_eq!(ImageId::parse(id.as_str()), Some(id.clone()));
        assert_ne!(ImageId::random().unwrap(), id);
        for junk in ["", "img_", "img_short", "job_7k2m9w0c4t8x3v5q", "img_7k2m9w0c4t8x3v5!", "img_../../../etc/pas"] {
            assert_eq!(ImageId::parse(junk), None, "{junk}");
        }
    }

    #[test]
    fn the_same_item_always_makes_the_same_picture() {
        let job = JobId::random().unwrap();
        assert_eq!(ImageId::made_by(&job, 3), ImageId::made_by(&job, 3));
        assert_ne!(ImageId::made_by(&job, 3), ImageId::made_by(&job, 4));
        let other = UserId("other".into());
        assert_eq!(ImageId::of_upload(&other, b"x"), ImageId::of_upload(&other, b"x"));
        assert_ne!(ImageId::of_upload(&other, b"x"), ImageId::of_upload(&UserId::local(), b"x"));
    }
}
