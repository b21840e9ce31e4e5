//! A refresh token becomes its successor (RFC 6749, section 6; OAuth 2.1, section 4.3.1).

use super::{end, invalid};
use crate::{
    Authority, Scopes,
    oauth::{
        Grant,
        error::{ErrorCode, OAuthError},
        refresh_token,
        resource::is_ours,
        token::Granted,
    },
    pages::Form,
};

/// What became of a token in the one atomic step.
enum Step {
    /// It was the current one, or the one before within the grace: both get the same successor.
    Good(Box<Grant>),
    /// It was replaced long ago, or never issued by this store: somebody else has it.
    Reused,
}

/// How long a refresh token lives, in milliseconds.
pub(super) fn lifetime_ms(authority: &Authority) -> i64 {
    i64::try_from(authority.settings.refresh_ttl.as_millis()).unwrap_or(i64::MAX)
}

/// Rotates a refresh token.
pub(in crate::oauth) async fn rotate(
    authority: &Authority,
    client_id: &str,
    form: &Form,
) -> Result<Granted, OAuthError> {
    let text = form
        .get("refresh_token")
        .ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, "refresh_token is missing."))?;
    let token =
        refresh_token::read(authority, text, client_id)?.ok_or_else(|| invalid("not a token of this client"))?;
    if form.get("resource").is_some_and(|resource| !is_ours(authority, resource)) {
        return Err(OAuthError::new(ErrorCode::InvalidTarget, "resource is not one of this server."));
    }
    let grant = authority.grants.get(&token.grant).await?.ok_or_else(|| invalid("grant gone"))?;
    let user = authority.users.get(&grant.user.0).await?.filter(|user| !user.disabled);
    let user = user.ok_or_else(|| invalid("user gone or disabled"))?;
    let scopes = narrowed(form, &grant.scopes.within(&user.scopes))?;
    let now = authority.now_ms();
    let grace = i64::try_from(authority.settings.reuse_grace.as_millis()).unwrap_or(i64::MAX);
    let lives = lifetime_ms(authority);
    let step = authority.grants.update(&token.grant, |grant| {
        if token.generation == grant.generation {
            grant.generation += 1;
            grant.rotated_at = now;
            grant.refresh_until = now + lives;
            return Step::Good(Box::new(grant.clone()));
        }
        let just_replaced = token.generation + 1 == grant.generation && now - grant.rotated_at < grace;
        if just_replaced { Step::Good(Box::new(grant.clone())) } else { Step::Reused }
    });
    match step.await? {
        Some(Step::Good(grant)) => Ok(Granted { id: token.grant, grant: *grant, scopes }),
        Some(Step::Reused) => Err(end(authority, &token.grant, "refresh token used again").await?),
        None => Err(invalid("grant gone")),
    }
}

/// The scopes asked for, which may be fewer than granted but never more. Words that are no scope of ours do not count.
fn narrowed(form: &Form, granted: &Scopes) -> Result<Scopes, OAuthError> {
    let asked = Scopes::parse(form.get("scope").unwrap_or_default());
    if asked.is_empty() {
        return Ok(granted.clone());
    }
    if asked.iter().all(|scope| granted.cover(scope)) {
        Ok(asked)
    } else {
        Err(OAuthError::new(ErrorCode::InvalidScope, "More was asked for than was granted."))
    }
}
