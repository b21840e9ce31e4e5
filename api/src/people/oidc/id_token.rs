//! What an id token must be to be believed (OpenID Connect Core 1.0, section 3.1.3.7).

use jsonwebtoken::{
    Algorithm, DecodingKey, Header, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

/// How far the clocks of the two servers may differ, in seconds.
const LEEWAY: i64 = 60;

/// The longest subject (OpenID Connect Core 1.0, section 2).
const LONGEST_SUBJECT: usize = 255;

/// Who signed in at the provider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Person {
    /// Their id at the provider, which nobody else will ever have there.
    pub(crate) subject: String,
    /// Their e-mail address in lower case, if the provider says that it is theirs.
    pub(crate) email: Option<String>,
    /// What they like to be called; anybody may choose anything.
    pub(crate) nickname: Option<String>,
}

/// What the token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// Seconds since 1970 (UTC).
    pub(super) now: i64,
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("the id token is signed with an unknown key")]
    UnknownKey,
    #[error("{0}")]
    Wrong(&'static str),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nonce: Option<String>,
    email: Option<String>,
    /// Some providers say it as text.
    email_verified: Option<Value>,
    preferred_username: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Whom `token` is about.
///
/// # Errors
/// If anything about it is not as it must be.
pub(super) fn read(token: &str, expected: &Expected<'_>, keys: &[Jwk]) -> Result<Person, Unfit> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Unfit::Wrong("the id token cannot be read"))?;
    // Extensions that must be understood are not (RFC 7515, section 4.1.11).
    if header.crit.is_some() {
        return Err(Unfit::Wrong("the id token has critical extensions"));
    }
    let claims = signed(token, &header, keys)?;
    check(&claims, expected)?;
    let verified = claims.email_verified.is_some_and(|verified| verified == true || verified == "true");
    // In ASCII: other letters have lower cases that look like somebody else's name.
    let email = claims.email.filter(|_| verified).map(|email| email.to_ascii_lowercase());
    Ok(Person { subject: claims.sub, email, nickname: claims.preferred_username })
}

/// The claims, if one of the keys has signed them.
fn signed(token: &str, header: &Header, keys: &[Jwk]) -> Result<Claims, Unfit> {
    let algorithm = header.alg;
    if matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
        return Err(Unfit::Wrong("the id token is not signed with a key of the provider"));
    }
    let mut validation = Validation::new(algorithm);
    // By our own clock and rules, below.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let meant = |key: &&Jwk| header.kid.is_none() || key.common.key_id == header.kid;
    let mut fitting = keys.iter().filter(meant).filter(|key| fits(key, algorithm)).peekable();
    if fitting.peek().is_none() {
        return Err(Unfit::UnknownKey);
    }
    let claims = fitting.find_map(|key| {
        let key = DecodingKey::from_jwk(key).ok()?;
        Some(jsonwebtoken::decode::<Value>(token, &key, &validation).ok()?.claims)
    });
    match claims {
        Some(claims) => {
            serde_json::from_value(claims).map_err(|_| Unfit::Wrong("a claim of the id token is missing or odd"))
        }
        // It does not say which key: it may be one that we have not seen.
        None if header.kid.is_none() => Err(Unfit::UnknownKey),
        None => Err(Unfit::Wrong("the signature of the id token is wrong")),
    }
}

/// Whether a key is for signatures of this kind: a public key must never serve as a secret.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let common = &key.common;
    let signs = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let same = common.key_algorithm.is_none_or(|own| own == KeyAlgorithm::from(algorithm));
    let kind = match (&key.algorithm, algorithm) {
        (
            AlgorithmParameters::RSA(_),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => true,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => key.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES384) => key.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => key.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    signs && same && kind
}

fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), Unfit> {
    let right = |holds: bool, otherwise| if holds { Ok(()) } else { Err(Unfit::Wrong(otherwise)) };
    right(claims.iss == expected.issuer, "the id token is of another issuer")?;
    let (ours, several) = match &claims.aud {
        Audience::One(one) => (one == expected.client_id, false),
        Audience::Many(many) => (many.iter().any(|one| one == expected.client_id), many.len() > 1),
    };
    right(ours, "the id token is for somebody else")?;
    let party = claims.azp.as_deref().map_or(!several, |party| party == expected.client_id);
    right(party, "the id token was made for another party")?;
    let now = expected.now as f64;
    let leeway = LEEWAY as f64;
    right(claims.exp + leeway > now, "the id token has expired")?;
    right(claims.iat - leeway <= now, "the id token is from the future")?;
    right(claims.nonce.as_deref() == Some(expected.nonce), "the id token is of another sign-in")?;
    right(
        (1..=LONGEST_SUBJECT).contains(&claims.sub.len()) && claims.sub.is_ascii(),
        "the subject of the id token is none",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a64_a_key_is_for_its_own_kind_of_signature() {
        let rsa = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"});
        let p256 = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
        let p384 = json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"});
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"});
        let secret = json!({"kty": "oct", "k": "AAAA"});
        let every = [
            Algorithm::HS256,
            Algorithm::RS256,
            Algorithm::PS256,
            Algorithm::ES256,
            Algorithm::ES384,
            Algorithm::EdDSA,
        ];
        for (key, fitting) in
            [(&rsa, &every[1..3]), (&p256, &every[3..4]), (&p384, &every[4..5]), (&ed, &every[5..]), (&secret, &[][..])]
        {
            let jwk: Jwk = serde_json::from_value(key.clone()).unwrap();
            let found: Vec<_> = every.into_iter().filter(|algorithm| fits(&jwk, *algorithm)).collect();
            assert_eq!(found, fitting, "{key}");
        }
        for (field, value) in [("use", "enc"), ("alg", "RS512"), ("alg", "HS256")] {
            let mut other = rsa.clone();
            other[field] = value.into();
            assert!(!fits(&serde_json::from_value(other).unwrap(), Algorithm::RS256), "{field} {value}");
        }
    }
}
