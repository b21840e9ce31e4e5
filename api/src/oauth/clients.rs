//! Who a client id belongs to, and how a client proves that it is that one.

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{Failure, StoreError};
use config::Registration;
use url::form_urlencoded;

use super::{
    Client,
    error::{ErrorCode, OAuthError},
    redirect_uri,
};
use crate::{
    Authority,
    keys::{fingerprint, random_secret, same},
    pages::Form,
};

/// A client as it may be shown and sent to.
#[derive(Clone, Debug)]
pub(crate) struct KnownClient {
    pub(crate) name: String,
    /// The domain that vouches for it; `None`: its name is its own claim.
    pub(crate) verified_domain: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
}

/// Whether an id is the address of a document (draft-ietf-oauth-client-id-metadata-document).
pub(crate) fn is_document(client_id: &str) -> bool {
    client_id.starts_with("https://")
}

/// Finds a client by its id.
///
/// # Errors
/// Outside: the store cannot be read. Inside: why it is unknown, for the person whom it sent here.
pub(crate) async fn find(authority: &Authority, client_id: &str) -> Result<Result<KnownClient, String>, StoreError> {
    if is_document(client_id) {
        if authority.settings.registration == Registration::Closed {
            return Ok(Err("Only apps that the owner of this server added may connect.".into()));
        }
        let document = match authority.documents.get(client_id).await {
            Ok(document) => document,
            Err(refused) => return Ok(Err(refused.to_string())),
        };
        let acceptable = |uri: &str| redirect_uri::acceptable(uri, &authority.issuer).is_ok();
        return Ok(Ok(KnownClient {
            name: document.name.clone().unwrap_or_else(|| document.domain.clone()),
            redirect_uris: document.redirect_uris.iter().filter(|uri| acceptable(uri)).cloned().collect(),
            verified_domain: Some(document.domain.clone()),
        }));
    }
    let client = authority.clients.get(client_id).await?;
    let unknown = "This app is not registered here, or its registration has expired. Connect it anew.";
    Ok(client.ok_or_else(|| unknown.to_owned()).map(|client| KnownClient {
        name: client.name,
        verified_domain: None,
        redirect_uris: client.redirect_uris,
    }))
}

/// Whether a client may still use its tokens.
///
/// # Errors
/// If the store cannot be read.
pub(crate) async fn is_known(authority: &Authority, client_id: &str) -> Result<bool, StoreError> {
    Ok(is_document(client_id) || authority.clients.get(client_id).await?.is_some())
}

/// The id of the client that sent a request, proved by its secret if it has one (RFC 6749, section 2.3).
///
/// # Errors
/// `invalid_client` if it is unknown or its secret is wrong, `invalid_request` if it says two things.
pub(crate) async fn authenticate(
    authority: &Authority,
    headers: &HeaderMap,
    form: &Form,
) -> Result<String, OAuthError> {
    let basic = basic(headers)?;
    let used_basic = basic.is_some();
    let refuse =
        |description: &str| OAuthError::new(ErrorCode::InvalidClient, description).answered_as_basic(used_basic);
    let (id, secret) = match (basic, form.get("client_id"), form.get("client_secret")) {
        (Some(_), _, Some(_)) => {
            return Err(OAuthError::new(ErrorCode::InvalidRequest, "Authenticate in one way: header or body."));
        }
        (Some((id, _)), Some(other), None) if id != other => {
            return Err(OAuthError::new(ErrorCode::InvalidRequest, "Header and body name different clients."));
        }
        (Some((id, secret)), _, None) => (id, Some(secret)),
        (None, Some(id), secret) => (id.to_owned(), secret.map(str::to_owned)),
        (None, None, _) => return Err(OAuthError::new(ErrorCode::InvalidClient, "client_id is missing.")),
    };
    if is_document(&id) {
        return Ok(id);
    }
    let client = authority.clients.get(&id).await?;
    let Some(client) = client else { return Err(refuse("There is no such client; register again.")) };
    let given = fingerprint(&secret.unwrap_or_default());
    match client.secret {
        Some(expected) if !same(expected.as_bytes(), given.as_bytes()) => Err(refuse("The client secret is wrong.")),
        _ => Ok(id),
    }
}

/// Id and secret of HTTP Basic, form-encoded within (RFC 6749, section 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, OAuthError> {
    let unreadable = || OAuthError::new(ErrorCode::InvalidRequest, "The Authorization header cannot be read.");
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(unreadable());
    }
    let (scheme, credentials) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unreadable)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unreadable());
    }
    let text = STANDARD.decode(credentials.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(unreadable)?;
    let (id, secret) = text.split_once(':').ok_or_else(unreadable)?;
    Ok(Some((decoded(id), decoded(secret))))
}

fn decoded(text: &str) -> String {
    // A name without a value: nothing in it separates fields once these are escaped.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).map(|(name, _)| name.into_owned()).next().unwrap_or_default()
}

/// A client that was added, and its secret, which is kept nowhere.
pub(crate) struct Added {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
}

/// Adds a client by hand.
///
/// # Errors
/// If an address is none to send codes to, or the store cannot be written.
pub(crate) async fn add_client(
    authority: &Authority,
    name: &str,
    redirect_uris: Vec<String>,
    public: bool,
) -> Result<Added, Failure> {
    for uri in &redirect_uris {
        redirect_uri::acceptable(uri, &authority.issuer)
            .map_err(|why| Failure::invalid("--redirect-uri", format!("{uri} {why}")))?;
    }
    let id = format!("itc_{}", random_secret()?);
    let secret = if public { None } else { Some(random_secret()?) };
    let client = Client {
        id: id.clone(),
        name: name.to_owned(),
        redirect_uris,
        secret: secret.as_deref().map(fingerprint),
        added: true,
        created_at: authority.now_ms(),
        ends_at: None,
    };
    authority.clients.put(&id, &client).await?;
    Ok(Added { id, secret })
}
