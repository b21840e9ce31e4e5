//! Access tokens: signed JWTs in the profile of RFC 9068, checked against the records at every use.

use common::{Failure, StoreError, UserId};
use jsonwebtoken::{Header, Validation};
use serde::{Deserialize, Serialize};

use super::Grant;
use crate::{Authority, Scopes, keys::random_secret, people::User};

/// What separated clocks may differ by: 5 seconds.
const LEEWAY_SECONDS: i64 = 5;

/// The media type in the header of an access token (RFC 9068, section 2.1).
const TYPE: &str = "at+jwt";

/// What an access token says (RFC 9068, section 2.2). Times are seconds since 1970 (UTC).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    /// The id of the user.
    pub(crate) sub: UserId,
    pub(crate) client_id: String,
    pub(crate) scope: Scopes,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    pub(crate) jti: String,
    /// The grant the token belongs to; with it the token dies.
    pub(crate) gid: String,
}

/// A token that was issued.
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) lives_seconds: i64,
}

/// Issues a token of a grant for `scopes`.
///
/// # Errors
/// If it cannot be signed.
pub(crate) fn issue(authority: &Authority, gid: &str, grant: &Grant, scopes: &Scopes) -> Result<Issued, Failure> {
    let key = authority.keys.access();
    let now = authority.now_ms() / 1000;
    let longest = i64::try_from(authority.settings.access_ttl.as_secs()).unwrap_or(i64::MAX);
    let exp = (now + longest).min(grant.ends_at() / 1000);
    let claims = Claims {
        iss: authority.issuer.clone(),
        aud: authority.resource(),
        sub: grant.user.clone(),
        client_id: grant.client_id.clone(),
        scope: scopes.clone(),
        iat: now,
        exp,
        jti: random_secret()?,
        gid: gid.to_owned(),
    };
    let mut header = Header::new(key.algorithm);
    header.typ = Some(TYPE.into());
    header.kid = Some(key.id.clone());
    let token = jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(|error| Failure::internal(&error))?;
    Ok(Issued { token, lives_seconds: exp - now })
}

/// Reads a token that this server signed for this resource; whether it is still good is another question.
///
/// # Errors
/// Why it is none, for the log.
pub(crate) fn read(authority: &Authority, token: &str) -> Result<Claims, &'static str> {
    let key = authority.keys.access();
    let mut checks = Validation::new(key.algorithm);
    // By our own clock, below.
    checks.validate_exp = false;
    checks.set_issuer(&[&authority.issuer]);
    checks.set_audience(&[authority.resource()]);
    checks.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let token = jsonwebtoken::decode::<Claims>(token, &key.decoding, &checks).map_err(|_| "not signed by us for us")?;
    let kind = token.header.typ.as_deref().unwrap_or_default();
    // The prefix may be left out (RFC 7515, section 4.1.9).
    let kind = kind.strip_prefix("application/").unwrap_or(kind);
    if !kind.eq_ignore_ascii_case(TYPE) {
        return Err("not an access token");
    }
    if token.header.kid.as_deref() != Some(&key.id) {
        return Err("of another key");
    }
    Ok(token.claims)
}

/// Who bears a token, and whether they still may: it is not expired or revoked, its grant lives, its client is known
/// and its user may come in. Nothing of this is cached, so that a revocation holds at once, in every process.
///
/// # Errors
/// Outside: the store cannot be read. Inside: why it is no longer good, for the log.
pub(crate) async fn bearer(authority: &Authority, claims: &Claims) -> Result<Result<User, &'static str>, StoreError> {
    if claims.exp + LEEWAY_SECONDS <= authority.now_ms() / 1000 {
        return Ok(Err("expired"));
    }
    let (revoked, grant, user, client_known) = tokio::try_join!(
        authority.revoked.get(&claims.jti),
        authority.grants.get(&claims.gid),
        authority.users.get(&claims.sub.0),
        super::clients::is_known(authority, &claims.client_id),
    )?;
    Ok(match (grant, user) {
        _ if revoked.is_some() => Err("revoked"),
        _ if !client_known => Err("its client is gone"),
        (None, _) => Err("its grant is gone"),
        (Some(grant), _) if grant.user != claims.sub => Err("of another user"),
        (Some(_), Some(user)) if !user.disabled => Ok(user),
        (Some(_), _) => Err("its user is gone or disabled"),
    })
}
