//! A code becomes tokens, once (RFC 6749, section 4.1.3; RFC 7636).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{end, invalid};
use crate::{
    Authority,
    keys::{fingerprint, same},
    oauth::{
        Code, Grant,
        error::{ErrorCode, OAuthError},
        redirect_uri,
        resource::is_ours,
        token::Granted,
    },
    pages::Form,
};

/// Redeems a code. What is wrong with a request does not spend the code; a second redemption ends its grant.
pub(in crate::oauth) async fn redeem(
    authority: &Authority,
    client_id: &str,
    form: &Form,
) -> Result<Granted, OAuthError> {
    let field = |name: &str| form.get(name).ok_or_else(|| missing(name));
    let id = fingerprint(field("code")?);
    let (verifier, uri) = (field("code_verifier")?, field("redirect_uri")?);
    let code = authority.codes.get(&id).await?.ok_or_else(|| invalid("unknown code"))?;
    if code.client_id != client_id {
        return Err(invalid("code of another client"));
    }
    if code.spent {
        return Err(end(authority, &code.grant, "code used twice").await?);
    }
    if code.ends_at() <= authority.now_ms() {
        return Err(invalid("code expired"));
    }
    if !redirect_uri::matches(&code.redirect_uri, uri) {
        return Err(invalid("another redirect_uri"));
    }
    if !verifies(verifier, &code.challenge) {
        return Err(invalid("wrong code_verifier"));
    }
    if form.get("resource").is_some_and(|resource| !is_ours(authority, resource)) {
        return Err(OAuthError::new(ErrorCode::InvalidTarget, "resource is not one of this server."));
    }
    let user = authority.users.get(&code.user.0).await?.filter(|user| !user.disabled && user.epoch == code.epoch);
    let user = user.ok_or_else(|| invalid("user gone, disabled, or with another password by now"))?;
    let grant = new_grant(authority, &code, code.scopes.within(&user.scopes));
    // Before the code is spent: whoever comes second then finds a grant to end.
    authority.grants.insert(&code.grant, &grant).await?;
    let first = authority.codes.update(&id, |code| !std::mem::replace(&mut code.spent, true)).await?;
    if first != Some(true) {
        return Err(end(authority, &code.grant, "code used twice").await?);
    }
    Ok(Granted { id: code.grant, scopes: grant.scopes.clone(), grant })
}

fn new_grant(authority: &Authority, code: &Code, scopes: crate::Scopes) -> Grant {
    let now = authority.now_ms();
    Grant {
        user: code.user.clone(),
        client_id: code.client_id.clone(),
        client_name: code.client_name.clone(),
        scopes,
        generation: 1,
        rotated_at: now,
        created_at: now,
        refresh_until: now + super::refresh_token::lifetime_ms(authority),
    }
}

/// Whether the verifier is the one that was challenged: 43 to 128 characters (RFC 7636, sections 4.1 and 4.6).
fn verifies(verifier: &str, challenge: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && same(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)).as_bytes(), challenge.as_bytes())
}

fn missing(name: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, format!("{name} is missing."))
}
