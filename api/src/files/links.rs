//! Links that carry their own proof and expire: whoever has one may fetch that one file, and nothing else.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{Clock, Failure, ImageId, JobId};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

use super::BatchFile;
use crate::keys::{Keys, Purpose};

/// How long a link works.
const LIFETIME_SECONDS: i64 = 24 * 3600;

/// Signs links and checks them.
pub(crate) struct Links {
    base: String,
    key: Vec<u8>,
    clock: Clock,
}

/// What a signed link carries besides its path.
#[derive(Debug, Deserialize)]
pub(crate) struct LinkQuery {
    /// Seconds since 1970; text, so that nonsense is refused like any other forgery.
    expires: Option<String>,
    signature: Option<String>,
}

/// Why a link is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// Not one of ours, or changed.
    Forged,
    /// It worked once.
    Expired,
}

impl Links {
    /// Links to the server at `base`.
    ///
    /// # Errors
    /// Never in practice; as [`Keys::of`].
    pub(crate) fn new(base: &str, keys: &Keys, clock: Clock) -> Result<Self, Failure> {
        Ok(Self { base: base.to_owned(), key: keys.of(Purpose::Link)?.to_vec(), clock })
    }

    /// A link to an image.
    #[must_use]
    pub(crate) fn image(&self, id: &ImageId) -> String {
        self.sign(&format!("/images/{id}"))
    }

    /// A link to the small picture that shows an image.
    #[must_use]
    pub(crate) fn thumbnail(&self, id: &ImageId) -> String {
        self.sign(&format!("/images/{id}/thumbnail"))
    }

    /// A link to what comes out of a batch.
    #[must_use]
    pub(crate) fn batch(&self, id: &JobId, file: BatchFile) -> String {
        self.sign(&format!("/jobs/{id}/{}", file.name()))
    }

    /// The page of a batch, for its owner: it proves nothing.
    #[must_use]
    pub(crate) fn batch_page(&self, id: &JobId) -> String {
        format!("{}/gallery/batches/{id}", self.base)
    }

    /// A link to an image that is not finished yet.
    #[must_use]
    pub(crate) fn unfinished(&self, id: &JobId, number: u64) -> String {
        self.sign(&format!("/jobs/{id}/unfinished/{number}"))
    }

    /// The image that one of our links leads to, signature or not; whoever uses it checks the owner.
    pub(crate) fn image_of(&self, url: &str) -> Option<ImageId> {
        let path = url.strip_prefix(&self.base)?.strip_prefix("/images/")?;
        let id = path.split(['?', '#']).next()?;
        // Whoever names the small picture means the image.
        ImageId::parse(id.strip_suffix("/thumbnail").unwrap_or(id))
    }

    /// Whether `query` proves that its bearer may fetch `path`.
    pub(crate) fn check(&self, path: &str, query: &LinkQuery) -> Result<(), Refusal> {
        let expires = query.expires.as_ref().and_then(|expires| expires.parse().ok());
        let (Some(expires), Some(signature)) = (expires, &query.signature) else { return Err(Refusal::Forged) };
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Forged)?;
        let genuine = self.code(path, expires).is_some_and(|code| code.verify_slice(&signature).is_ok());
        match genuine {
            false => Err(Refusal::Forged),
            true if expires <= self.clock.now_ms() / 1000 => Err(Refusal::Expired),
            true => Ok(()),
        }
    }

    fn sign(&self, path: &str) -> String {
        let expires = self.clock.now_ms() / 1000 + LIFETIME_SECONDS;
        let signature = self
            .code(path, expires)
            .map(|code| URL_SAFE_NO_PAD.encode(code.finalize().into_bytes()))
            .unwrap_or_default();
        format!("{}{path}?expires={expires}&signature={signature}", self.base)
    }

    fn code(&self, path: &str, expires: i64) -> Option<Hmac<Sha256>> {
        let code = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        Some(code.chain_update(format!("GET {path}?{expires}")))
    }
}

/// Never the key.
impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").field("base", &self.base).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn links() -> Links {
        Links { base: "http://127.0.0.1:8080".into(), key: vec![7; 32], clock: Clock::default() }
    }

    fn query(url: &str) -> LinkQuery {
        let (expires, signature) = url.split_once("?expires=").unwrap().1.split_once("&signature=").unwrap();
        LinkQuery { expires: Some(expires.into()), signature: Some(signature.into()) }
    }

    #[test]
    fn a_link_opens_its_own_path_until_it_expires() {
        let links = links();
        let id = ImageId::random().unwrap();
        let query = query(&links.image(&id));
        let path = format!("/images/{id}");
        assert_eq!(links.check(&path, &query), Ok(()));
        links.clock.advance(Duration::from_secs(24 * 3600));
        assert_eq!(links.check(&path, &query), Err(Refusal::Expired));
    }

    #[test]
    fn nothing_of_a_link_can_be_changed() {
        let links = links();
        let (id, other) = (ImageId::random().unwrap(), ImageId::random().unwrap());
        let path = format!("/images/{id}");
        let good = || query(&links.image(&id));
        assert_eq!(links.check(&format!("/images/{other}"), &good()), Err(Refusal::Forged));
        for expires in [None, Some("9999999999".into()), Some("soon".into())] {
            assert_eq!(links.check(&path, &LinkQuery { expires, ..good() }), Err(Refusal::Forged));
        }
        for signature in [None, Some(String::new()), Some("AAAA".into()), Some("not base64!".into())] {
            assert_eq!(links.check(&path, &LinkQuery { signature, ..good() }), Err(Refusal::Forged));
        }
        let stranger = Links { key: vec![8; 32], ..self::links() };
        assert_eq!(stranger.check(&path, &good()), Err(Refusal::Forged));
    }

    #[test]
    fn our_own_links_lead_back_to_their_image() {
        let links = links();
        let id = ImageId::random().unwrap();
        assert_eq!(links.image_of(&links.image(&id)), Some(id));
        assert_eq!(links.image_of("http://elsewhere/images/img_7k2m9w0c4t8x3v5q"), None);
    }
}
