//! Exchanging the code for the id token (OpenID Connect Core 1.0, section 3.1.3).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::{
    Oidc, Trouble,
    provider::{Metadata, ask},
};

/// The answer, as far as it matters: the access token is for asking the provider more, which nobody wants to.
#[derive(Deserialize)]
struct Answer {
    id_token: String,
}

impl Oidc {
    /// The id token that the provider gives for `code`.
    pub(super) async fn exchange(&self, metadata: &Metadata, code: &str, verifier: &str) -> Result<String, Trouble> {
        let client_id = self.settings.client_id.as_str();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
        ];
        let mut request = self.provider.http.post(metadata.token_endpoint.clone());
        match self.settings.secret() {
            Some(secret) if basic(metadata) => request = request.header(AUTHORIZATION, credentials(client_id, secret)),
            Some(secret) => fields.extend([("client_id", client_id), ("client_secret", secret)]),
            None => fields.push(("client_id", client_id)),
        }
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        let answer: Answer = ask(request).await?;
        Ok(answer.id_token)
    }
}

/// Whether the secret goes into the header, which is what providers take that say nothing of it (Discovery 1.0,
/// section 3).
fn basic(metadata: &Metadata) -> bool {
    let says = |method: &str| metadata.auth_methods.as_ref().is_some_and(|methods| methods.iter().any(|m| m == method));
    says("client_secret_basic") || !says("client_secret_post")
}

/// Name and secret, each encoded as in a form before they are joined (RFC 6749, section 2.3.1).
fn credentials(client_id: &str, secret: &str) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret))))
}
