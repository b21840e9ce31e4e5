//! The ways to get a token; one file each.

pub(super) mod authorization_code;
pub(super) mod refresh_token;

use super::error::{ErrorCode, OAuthError};
use crate::Authority;

/// A way to get a token. The metadata lists these.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum GrantType {
    /// RFC 6749, section 4.1.
    AuthorizationCode,
    /// RFC 6749, section 6.
    RefreshToken,
}

impl GrantType {
    pub(crate) const ALL: [Self; 2] = [Self::AuthorizationCode, Self::RefreshToken];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
        }
    }
}

/// One text for all causes: whoever guesses learns nothing. The cause goes to the log.
fn invalid(cause: &'static str) -> OAuthError {
    tracing::info!(cause, "a grant was refused");
    OAuthError::new(ErrorCode::InvalidGrant, "The code or token is expired, revoked, used, or not this client's.")
}

/// Ends a grant and every token of it.
async fn end(authority: &Authority, grant: &str, cause: &'static str) -> Result<OAuthError, OAuthError> {
    authority.grants.take(grant).await?;
    tracing::warn!(cause, "a grant was ended, because somebody else may have its tokens");
    Ok(invalid(cause))
}
