//! What a client says of itself (draft-ietf-oauth-client-id-metadata-document, section 4; names as in RFC 7591).

use serde::Deserialize;
use serde_json::Value;

/// Most redirect URIs of a client.
const MOST_REDIRECTS: usize = 10;

/// The longest redirect URI.
const LONGEST_REDIRECT: usize = 2048;

/// What a client says of itself at its own address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ClientDocument {
    /// What it calls itself; nobody checked it.
    pub(crate) name: Option<String>,
    /// Where it wants codes to be sent, as it wrote them. Whether they may be sent there is for others to judge.
    pub(crate) redirect_uris: Vec<String>,
    /// The host that vouches for it.
    pub(crate) domain: String,
}

/// The fields that matter; there may be any others.
#[derive(Deserialize)]
struct Fields {
    client_id: String,
    client_name: Option<String>,
    redirect_uris: Vec<String>,
    client_secret: Option<Value>,
    token_endpoint_auth_method: Option<String>,
}

/// Reads the document that was found at `client_id` on `domain`.
///
/// # Errors
/// With what is wrong about it.
pub(super) fn read(bytes: &[u8], client_id: &str, domain: &str) -> Result<ClientDocument, &'static str> {
    // By way of a map: a list could be read as the fields in their order.
    let object: serde_json::Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|_| "the document is no JSON object")?;
    let fields: Fields =
        serde_json::from_value(Value::Object(object)).map_err(|_| "a field of the document is missing or odd")?;
    if fields.client_id != client_id {
        return Err("the document is of another client");
    }
    // Whoever can read the document could use it.
    if fields.client_secret.is_some() {
        return Err("the document holds a secret");
    }
    if fields.token_endpoint_auth_method.is_some_and(|method| method.starts_with("client_secret_")) {
        return Err("the client wants to use a secret, which it cannot have");
    }
    let right = |uri: &String| !uri.is_empty() && uri.len() <= LONGEST_REDIRECT;
    if !(1..=MOST_REDIRECTS).contains(&fields.redirect_uris.len()) || !fields.redirect_uris.iter().all(right) {
        return Err("the document has no redirect URI, too many, or too long ones");
    }
    Ok(ClientDocument { name: fields.client_name, redirect_uris: fields.redirect_uris, domain: domain.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "https://app.example/client";

    fn read_json(document: &Value) -> Result<ClientDocument, &'static str> {
        read(document.to_string().as_bytes(), ID, "app.example")
    }

    #[test]
    fn a53_documents_that_cannot_be_believed() {
        let good = json!({"client_id": ID, "redirect_uris": ["https://app.example/callback"]});
        assert!(read_json(&good).is_ok());
        let many: Vec<_> = (0..11).map(|number| format!("https://app.example/{number}")).collect();
        for (field, value) in [
            ("client_id", json!("https://app.example/client/")),
            ("client_id", json!("https://app.example:443/client")),
            ("client_id", json!("https://other.example/client")),
            ("client_id", json!(1)),
            ("client_secret", json!("hunter2")),
            ("client_secret", json!(7)),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("token_endpoint_auth_method", json!("client_secret_jwt")),
            ("redirect_uris", json!([])),
            ("redirect_uris", json!("https://app.example/callback")),
            ("redirect_uris", json!([1])),
            ("redirect_uris", json!([""])),
            ("redirect_uris", json!(many)),
            ("redirect_uris", json!([format!("https://app.example/{}", "a".repeat(2048))])),
            ("client_name", json!({})),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            assert!(read_json(&bad).is_err(), "{bad}");
        }
        assert!(read_json(&json!([ID, null, ["https://app.example/callback"], null, null])).is_err());
        assert!(read(b"{\"client_id\": ", ID, "app.example").is_err());
        assert!(read(b"null", ID, "app.example").is_err());
    }

    #[test]
    fn a53_a_field_that_is_there_twice_is_refused_or_the_last_one_counts() {
        let text = format!(
            r#"{{"client_id":"{ID}","redirect_uris":["https://app.example/a"],"client_id":"https://other.example/"}}"#
        );
        assert!(read(text.as_bytes(), ID, "app.example").is_err());
    }
}
