//! Refresh tokens: `itr_GRANT.GENERATION.CODE`. The code follows from the rest, so nothing secret is stored, and whoever
//! repeats a request within the grace gets the very same successor.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::Failure;

use crate::{
    Authority,
    keys::{Purpose, same},
};

const PREFIX: &str = "itr_";

/// What a genuine token says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RefreshToken {
    /// The grant it belongs to.
    pub(crate) grant: String,
    /// How many came before it.
    pub(crate) generation: u64,
}

/// The token of a grant, a generation and a client.
///
/// # Errors
/// Never in practice; as [`crate::keys::Keys::code`].
pub(crate) fn write(authority: &Authority, token: &RefreshToken, client_id: &str) -> Result<String, Failure> {
    let RefreshToken { grant, generation } = token;
    let code = code(authority, grant, *generation, client_id)?;
    Ok(format!("{PREFIX}{grant}.{generation}.{code}"))
}

/// Reads a token that this server issued to this client; `None` if it is none.
///
/// # Errors
/// Never in practice; as [`crate::keys::Keys::code`].
pub(crate) fn read(authority: &Authority, text: &str, client_id: &str) -> Result<Option<RefreshToken>, Failure> {
    let mut parts = text.strip_prefix(PREFIX).unwrap_or_default().split('.');
    let (Some(grant), Some(generation), Some(given), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Ok(None);
    };
    // In its one spelling: no sign, no leading zero.
    let Some(number) = generation.parse().ok().filter(|number: &u64| number.to_string() == generation) else {
        return Ok(None);
    };
    let genuine = same(code(authority, grant, number, client_id)?.as_bytes(), given.as_bytes());
    Ok(genuine.then(|| RefreshToken { grant: grant.to_owned(), generation: number }))
}

fn code(authority: &Authority, grant: &str, generation: u64, client_id: &str) -> Result<String, Failure> {
    let parts = [grant, &generation.to_string(), client_id, &authority.resource()];
    Ok(URL_SAFE_NO_PAD.encode(authority.keys.code(Purpose::RefreshToken, &parts)?))
}
