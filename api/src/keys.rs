//! One secret, and a key for each purpose made from it.

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{Failure, State, StoreError, random_bytes};
use config::JwtAlg;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a key is for. A code made for one purpose is worth nothing for another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    AccessToken,
    RefreshToken,
    Form,
    Link,
    SetupCode,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::AccessToken => b"access-jwt",
            Self::RefreshToken => b"refresh-mac",
            Self::Form => b"csrf",
            Self::Link => b"links",
            Self::SetupCode => b"setup",
        }
    }
}

/// The keys of the server; the same in every process that has the same secret.
pub(crate) struct Keys {
    secret: Hkdf<Sha256>,
    access: AccessKey,
}

/// How access tokens are signed and checked.
pub(crate) struct AccessKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) id: String,
    pub(crate) encoding: EncodingKey,
    pub(crate) decoding: DecodingKey,
    /// The public half as a JSON Web Key (RFC 7517); none where there is no public half.
    pub(crate) published: Option<Value>,
}

impl Keys {
    /// The keys made from `secret`; without one, from the secret in the store, which is made if there is none.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub(crate) async fn open(state: &State, secret: Option<&SecretString>, alg: JwtAlg) -> Result<Self, StoreError> {
        let secret = match secret {
            Some(secret) => secret.expose_secret().as_bytes().to_vec(),
            None => state.get_or_set("jwt-secret", &random_bytes::<32>()?, None).await?,
        };
        Ok(Self::from_secret(&secret, alg)?)
    }

    fn from_secret(secret: &[u8], alg: JwtAlg) -> Result<Self, Failure> {
        let secret = Hkdf::<Sha256>::new(None, secret);
        let access = match alg {
            JwtAlg::Hs256 => symmetric(&derive(&secret, Purpose::AccessToken.label())?),
            JwtAlg::Es256 => elliptic(&secret)?,
        };
        Ok(Self { secret, access })
    }

    pub(crate) fn access(&self) -> &AccessKey {
        &self.access
    }

    /// The key of a purpose: 32 bytes.
    ///
    /// # Errors
    /// Never in practice: 32 bytes are a length that HKDF gives.
    pub(crate) fn of(&self, purpose: Purpose) -> Result<[u8; 32], Failure> {
        derive(&self.secret, purpose.label())
    }

    /// A code over `parts` that nobody without the secret can make: 32 bytes.
    ///
    /// # Errors
    /// As [`Keys::of`].
    pub(crate) fn code(&self, purpose: Purpose, parts: &[&str]) -> Result<[u8; 32], Failure> {
        let key = self.of(purpose)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| Failure::internal(&error))?;
        for part in parts {
            // With its length, so that no two lists of parts read the same.
            mac.update(&part.len().to_be_bytes());
            mac.update(part.as_bytes());
        }
        Ok(mac.finalize().into_bytes().into())
    }
}

/// Whether two secrets are the same, in a time that tells nothing of where they differ. Every comparison of secrets
/// goes through here.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// The fingerprint under which a secret is stored: whoever reads the store cannot use it.
pub(crate) fn fingerprint(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

/// A new secret of 256 bits.
///
/// # Errors
/// `internal` if the system has no randomness to give.
pub(crate) fn random_secret() -> Result<String, Failure> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?))
}

fn derive(secret: &Hkdf<Sha256>, label: &[u8]) -> Result<[u8; 32], Failure> {
    let mut key = [0; 32];
    secret.expand(label, &mut key).map_err(|error| Failure::internal(&error))?;
    Ok(key)
}

fn key_id(public: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(public)[..8])
}

fn symmetric(key: &[u8; 32]) -> AccessKey {
    AccessKey {
        algorithm: Algorithm::HS256,
        // Of a hash of the key: the id is public.
        id: key_id(&Sha256::digest(key)),
        encoding: EncodingKey::from_secret(key),
        decoding: DecodingKey::from_secret(key),
        published: None,
    }
}

/// A key on P-256 that follows from the secret, so that every replica has the same and none is stored.
fn elliptic(secret: &Hkdf<Sha256>) -> Result<AccessKey, Failure> {
    let failed = |_| Failure::internal(&"no key on P-256");
    // A number above the order of the curve is no key; that happens once in 2^32, so the next label is tried.
    let (scalar, private) = (0..8u8)
        .find_map(|attempt| {
            let scalar = derive(secret, &[b"access-es256", &[attempt][..]].concat()).ok()?;
            Some((scalar, PrivateKey::from_private_key(&ECDH_P256, &scalar).ok()?))
        })
        .ok_or_else(|| Failure::internal(&"no key on P-256"))?;
    let public = private.compute_public_key().map_err(failed)?;
    let pair =
        EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &scalar, public.as_ref())
            .map_err(|error| Failure::internal(&error))?;
    let document = pair.to_pkcs8v1().map_err(failed)?;
    // Uncompressed (SEC 1, section 2.3.3): 4, x, y.
    let point = public.as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
    let id = key_id(point);
    let decoding = DecodingKey::from_ec_components(&x, &y).map_err(|error| Failure::internal(&error))?;
    Ok(AccessKey {
        algorithm: Algorithm::ES256,
        published: Some(json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id, "x": x, "y": y})),
        id,
        encoding: EncodingKey::from_ec_der(document.as_ref()),
        decoding,
    })
}

/// Never a key.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("algorithm", &self.access.algorithm).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_of_its_purpose_and_its_parts() {
        let keys = Keys::from_secret(b"0123456789abcdef0123456789abcdef", JwtAlg::Hs256).unwrap();
        let code = |purpose, parts: &[&str]| keys.code(purpose, parts).unwrap();
        assert_eq!(code(Purpose::Form, &["ab", "c"]), code(Purpose::Form, &["ab", "c"]));
        assert_ne!(code(Purpose::Form, &["ab", "c"]), code(Purpose::Form, &["a", "bc"]));
        assert_ne!(code(Purpose::Form, &["ab"]), code(Purpose::Link, &["ab"]));
        assert!(keys.access().published.is_none(), "a symmetric key is never published");
    }

    #[test]
    fn an_elliptic_key_follows_from_the_secret() {
        let make = || Keys::from_secret(b"0123456789abcdef0123456789abcdef", JwtAlg::Es256).unwrap();
        let (one, other) = (make(), make());
        assert_eq!(one.access.published, other.access.published);
        let published = one.access.published.clone().unwrap();
        assert_eq!((published["kty"].as_str(), published.get("d")), (Some("EC"), None));
        let header = jsonwebtoken::Header::new(Algorithm::ES256);
        let token = jsonwebtoken::encode(&header, &json!({"sub": "a", "exp": 4_000_000_000_u64}), &one.access.encoding);
        let checks = jsonwebtoken::Validation::new(Algorithm::ES256);
        assert!(jsonwebtoken::decode::<Value>(token.unwrap(), &other.access.decoding, &checks).is_ok());
    }
}
