//! Which resource a request means (RFC 8707).

use url::Url;

use crate::Authority;

/// Whether `resource` means this server's MCP endpoint. Scheme and host may be in any case, the default port, one slash
/// at the end and a query may be there; a fragment may not.
pub(crate) fn is_ours(authority: &Authority, resource: &str) -> bool {
    let canonical = |text: &str| {
        let url = Url::parse(text).ok()?;
        let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
        let path = url.path().strip_suffix('/').unwrap_or(url.path()).to_owned();
        plain.then(|| (url.origin().ascii_serialization(), path))
    };
    let given = canonical(resource);
    given.is_some() && given == canonical(&authority.resource())
}
