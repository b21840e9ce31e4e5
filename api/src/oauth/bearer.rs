//! From the `Authorization` header of a request to its [`Caller`] (RFC 6750, section 2.1).

use axum::http::{HeaderMap, header};
use common::StoreError;

use super::{
    access_token::{self, Claims},
    challenge::Refusal,
};
use crate::{
    Authority, Caller,
    people::{Role, User},
};

/// Between two notes of when a grant was used: a minute, in milliseconds.
const NOTED_EVERY_MS: i64 = 60 * 1000;

/// A good token, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    pub(crate) claims: Claims,
    pub(crate) user: User,
}

impl Bearer {
    /// Who calls with it, and what they may do: what the token says, as far as the person still may.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            user: self.user.id.clone(),
            scopes: self.claims.scope.within(&self.user.scopes),
            files: self.user.role == Role::Owner,
            limited: true,
            daily_usd: self.user.daily_usd,
        }
    }
}

/// The token of a request, if it is good. A token in the query or the body is none (OAuth 2.1, section 5.1).
///
/// # Errors
/// Outside: the store cannot be read. Inside: why the request is refused.
pub(crate) async fn authenticate(
    authority: &Authority,
    headers: &HeaderMap,
) -> Result<Result<Bearer, Refusal>, StoreError> {
    let token = match token(headers) {
        Ok(token) => token,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let claims = match access_token::read(authority, token) {
        Ok(claims) => claims,
        Err(reason) => return Ok(Err(refused(reason))),
    };
    let user = match access_token::bearer(authority, &claims).await? {
        Ok(user) => user,
        Err(reason) => return Ok(Err(refused(reason))),
    };
    note_use(authority, &claims.gid).await?;
    Ok(Ok(Bearer { claims, user }))
}

/// The bearer hears that the token is no good; why, only the log does.
fn refused(reason: &'static str) -> Refusal {
    tracing::info!(reason, "a token was refused");
    Refusal::InvalidToken
}

fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(Refusal::NoToken) };
    if values.next().is_some() {
        return Err(Refusal::Malformed("There are two Authorization headers."));
    }
    let Some((scheme, token)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return Err(Refusal::Malformed("The Authorization header must be: Bearer, a space, the token."));
    };
    // The name of a scheme is the same in any case (RFC 9110, section 11.1).
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Refusal::NoToken) }
}

async fn note_use(authority: &Authority, grant: &str) -> Result<(), StoreError> {
    let now = authority.now_ms();
    if authority.last_uses.get(grant).await?.is_none_or(|last| now - last >= NOTED_EVERY_MS) {
        authority.last_uses.put(grant, &now).await?;
    }
    Ok(())
}
