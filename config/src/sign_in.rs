//! Who may sign in, and what tokens are like.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::reader::{About, Reader};

const fn about(name: &'static str, meaning: &'static str) -> About {
    About { section: "Sign-in", name, meaning }
}

const DAY: u64 = 24 * 3600;

/// Who may sign in, and what tokens are like.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The one secret that all keys are made from; `None`: the store keeps one of its own.
    pub jwt_secret: Option<SecretString>,
    /// How access tokens are signed.
    pub jwt_alg: JwtAlg,
    /// How long an access token lives.
    pub access_ttl: Duration,
    /// How long a refresh token lives after its last use.
    pub refresh_ttl: Duration,
    /// How long the refresh token before the current one still gives the current one; zero: never.
    pub reuse_grace: Duration,
    /// The owner's first password.
    pub owner_password: Option<OwnerPassword>,
    /// Whether people sign in by password.
    pub password_login: bool,
    /// Which unknown clients may introduce themselves.
    pub registration: Registration,
    /// Another server that signs people in.
    pub oidc: Option<Oidc>,
}

/// How access tokens are signed (RFC 7518, section 3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum JwtAlg {
    /// HMAC with SHA-256: whoever can check a token can make one.
    Hs256,
    /// ECDSA on P-256: others can check tokens by the published key.
    Es256,
}

/// A password of the owner that was set from outside.
#[derive(Clone, Debug)]
pub enum OwnerPassword {
    /// As a person types it.
    Plain(SecretString),
    /// Its Argon2 hash in PHC string format.
    Hash(SecretString),
}

/// Which unknown clients may introduce themselves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Registration {
    /// By a metadata document at their own address, and by dynamic registration (RFC 7591).
    Open,
    /// By a metadata document only.
    Cimd,
    /// None: only clients that the owner added.
    Closed,
}

impl Registration {
    /// As it is written in the setting.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Cimd => "cimd",
            Self::Closed => "closed",
        }
    }
}

/// An OpenID provider that signs people in.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// Its issuer identifier, exactly as its discovery document and its tokens say it.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Option<SecretString>,
    /// Who may come in; never empty.
    pub allowed: Vec<Allowed>,
}

/// One entry of `OIDC_ALLOWED`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Allowed {
    /// A verified e-mail address, in lower case.
    Email(String),
    /// A subject of the provider.
    Subject(String),
    /// Every verified e-mail address of a domain, in lower case.
    Domain(String),
}

impl SignIn {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let jwt_secret = reader.secret(
            &about(
                "JWT_SECRET",
                "The one secret behind tokens, links and forms. Unset: one is made and kept in the store.",
            ),
            "at least 32 bytes; make one with: openssl rand -base64 48",
            strong,
        );
        let jwt_alg = reader.choice(
            &about("JWT_ALG", "How access tokens are signed. ES256 publishes its key at /.well-known/jwks.json."),
            ("HS256", JwtAlg::Hs256),
            &[("HS256", JwtAlg::Hs256), ("ES256", JwtAlg::Es256)],
        );
        let hours = reader.integer(&about("JWT_EXPIRY_HOURS", "How long an access token lives."), 1, 1..=24, "hours");
        let days = reader.integer(
            &about(
                "REFRESH_TOKEN_EXPIRY_DAYS",
                "How long an app stays connected without being used; 90 days at most in all.",
            ),
            30,
            1..=90,
            "days",
        );
        let grace = reader.integer(
            &about(
                "REFRESH_REUSE_GRACE_SECS",
                "How long a refresh token that was just replaced still gives its successor; 0: not at all.",
            ),
            60,
            0..=300,
            "seconds",
        );
        let owner_password = owner_password(reader);
        let registration = registration(reader);
        let oidc = oidc(reader);
        Self {
            jwt_secret,
            jwt_alg,
            access_ttl: Duration::from_secs(hours * 3600),
            refresh_ttl: Duration::from_secs(days * DAY),
            reuse_grace: Duration::from_secs(grace),
            owner_password,
            password_login: password_login(reader, oidc.is_some()),
            registration,
            oidc,
        }
    }
}

fn password_login(reader: &mut Reader<'_>, other_way: bool) -> bool {
    let on = reader.choice(
        &about("PASSWORD_LOGIN", "Whether people sign in by password; off needs OIDC_ISSUER."),
        ("on", true),
        &[("on", true), ("off", false)],
    );
    if !on && !other_way {
        let message = "off leaves no way to sign in; set OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_ALLOWED";
        reader.mistake("PASSWORD_LOGIN", message.into());
    }
    on
}

fn owner_password(reader: &mut Reader<'_>) -> Option<OwnerPassword> {
    let plain = reader.secret(
        &about("OWNER_PASSWORD", "The owner's password. Unset: a setup code is printed at the first start."),
        "at least 12 characters",
        |text| if text.chars().count() >= 12 { Ok(()) } else { Err("is shorter than 12 characters".into()) },
    );
    let hash = reader.secret(
        &about("OWNER_PASSWORD_HASH", "The same as an Argon2 hash."),
        "a PHC string ($argon2id$…)",
        |text| {
            if text.starts_with("$argon2") {
                Ok(())
            } else {
                Err("is no Argon2 hash in PHC format ($argon2id$…)".into())
            }
        },
    );
    match (plain, hash) {
        (Some(_), Some(_)) => {
            reader.mistake("OWNER_PASSWORD", "stands beside OWNER_PASSWORD_HASH; set one of the two".into());
            None
        }
        (Some(plain), None) => Some(OwnerPassword::Plain(plain)),
        (None, hash) => hash.map(OwnerPassword::Hash),
    }
}

fn registration(reader: &mut Reader<'_>) -> Registration {
    let every = [Registration::Open, Registration::Cimd, Registration::Closed];
    reader.choice(
        &about(
            "OAUTH_REGISTRATION",
            "Which unknown clients may introduce themselves: any; those with a metadata document; none.",
        ),
        ("open", Registration::Open),
        &every.map(|kind| (kind.name(), kind)),
    )
}

fn oidc(reader: &mut Reader<'_>) -> Option<Oidc> {
    let unset = "unset";
    let issuer = reader.parsed(
        &about("OIDC_ISSUER", "An OpenID provider that signs people in, such as https://accounts.google.com."),
        (None, unset),
        "an https:// URL, exactly as the provider says it",
        |text| issuer(text).map(Some),
    );
    let client_id = reader.parsed(
        &about("OIDC_CLIENT_ID", "The name of this server at the OpenID provider."),
        (None, unset),
        "text",
        |text| Ok(Some(text.to_owned())),
    );
    let client_secret = reader.secret(
        &about("OIDC_CLIENT_SECRET", "The secret of this server at the OpenID provider."),
        "text",
        |_| Ok(()),
    );
    let allowed = reader.parsed(
        &about(
            "OIDC_ALLOWED",
            "Who may come in by the OpenID provider. The first one, if it is a single person, is the owner.",
        ),
        (Vec::new(), "nobody"),
        "a list of ann@example.com, sub:SUBJECT and domain:example.com, separated by commas",
        |text| text.split(',').map(|part| allowed(part.trim())).collect(),
    );
    let issuer = issuer?;
    if client_id.is_none() {
        reader.mistake("OIDC_CLIENT_ID", "must be set with OIDC_ISSUER".into());
    }
    if allowed.is_empty() {
        let message = "must be set with OIDC_ISSUER: without it, everybody with an account there could come in";
        reader.mistake("OIDC_ALLOWED", message.into());
    }
    Some(Oidc { issuer, client_id: client_id.unwrap_or_default(), client_secret, allowed })
}

fn issuer(text: &str) -> Result<String, String> {
    let wrong = || format!("\"{text}\" is not an https:// URL");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let local = url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if plain && (url.scheme() == "https" || local) { Ok(text.to_owned()) } else { Err(wrong()) }
}

fn allowed(text: &str) -> Result<Allowed, String> {
    if let Some(subject) = text.strip_prefix("sub:").filter(|subject| !subject.is_empty()) {
        return Ok(Allowed::Subject(subject.to_owned()));
    }
    let lower = text.to_lowercase();
    match (lower.strip_prefix("domain:"), lower.split_once('@')) {
        (Some(domain), _) if domain.contains('.') && !domain.contains('@') => Ok(Allowed::Domain(domain.to_owned())),
        (None, Some((name, domain))) if !name.is_empty() && domain.contains('.') => Ok(Allowed::Email(lower)),
        _ => Err(format!("\"{text}\" is none of ann@example.com, sub:SUBJECT, domain:example.com")),
    }
}

/// Long enough, and not copied from an example.
fn strong(text: &str) -> Result<(), String> {
    const EXAMPLES: [&str; 7] =
        ["change-me", "changeme", "your-secret", "your_secret", "your-256-bit-secret", "secret-key", "jwt-secret"];
    let how = "make one with: openssl rand -base64 48";
    let lower = text.to_lowercase();
    let distinct = text.bytes().collect::<std::collections::BTreeSet<_>>().len();
    if text.len() < 32 {
        Err(format!("has {} bytes; at least 32 are needed; {how}", text.len()))
    } else if distinct < 10 || EXAMPLES.iter().any(|example| lower.contains(example)) {
        Err(format!("can be guessed; {how}"))
    } else {
        Ok(())
    }
}

impl Oidc {
    /// Whether this person is the owner: the first entry, where it names a single person.
    #[must_use]
    pub fn owner(&self) -> Option<&Allowed> {
        self.allowed.first().filter(|first| !matches!(first, Allowed::Domain(_)))
    }

    /// The secret as it is sent.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        self.client_secret.as_ref().map(ExposeSecret::expose_secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::read;

    fn complaint(pairs: &[(&str, &str)]) -> String {
        read(pairs).unwrap_err().to_string()
    }

    #[test]
    fn tokens_live_an_hour_and_thirty_days_by_default() {
        let sign_in = read(&[]).unwrap().sign_in;
        assert_eq!((sign_in.access_ttl.as_secs(), sign_in.refresh_ttl.as_secs()), (3600, 30 * DAY));
        assert_eq!((sign_in.jwt_alg, sign_in.reuse_grace.as_secs()), (JwtAlg::Hs256, 60));
        assert!(sign_in.jwt_secret.is_none() && sign_in.oidc.is_none() && sign_in.password_login);
    }

    #[test]
    fn weak_secrets_are_refused_and_never_repeated() {
        for weak in ["short", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "change-me-change-me-change-me-0123456789"] {
            let text = complaint(&[("JWT_SECRET", weak)]);
            assert!(text.contains("JWT_SECRET") && text.contains("openssl rand") && !text.contains(weak), "{text}");
        }
        let text = complaint(&[("OWNER_PASSWORD", "elevenchars")]);
        assert!(text.contains("12 characters") && !text.contains("elevenchars"), "{text}");
        let config = read(&[("OWNER_PASSWORD", "correct horse battery")]).unwrap();
        assert!(!format!("{config:?}").contains("horse"));
    }

    #[test]
    fn secrets_may_come_from_files() {
        let config = read(&[("OWNER_PASSWORD_FILE", "/run/secrets/owner")]).unwrap();
        let Some(OwnerPassword::Plain(password)) = config.sign_in.owner_password else { panic!("no password") };
        assert_eq!(password.expose_secret(), "the text of /run/secrets/owner");
        assert!(complaint(&[("OWNER_PASSWORD_FILE", "/missing")]).contains("OWNER_PASSWORD_FILE"));
        assert!(
            complaint(&[("OWNER_PASSWORD_FILE", "/a"), ("OWNER_PASSWORD", "correct horse")]).contains("one of the two")
        );
    }

    #[test]
    fn an_openid_provider_needs_a_list_of_people() {
        let some = ("OIDC_ISSUER", "https://id.example.com");
        assert!(complaint(&[some]).contains("OIDC_ALLOWED") && complaint(&[some]).contains("OIDC_CLIENT_ID"));
        let people = ("OIDC_ALLOWED", "Ann@Example.com, sub:42,domain:example.org");
        let oidc = read(&[some, people, ("OIDC_CLIENT_ID", "it")]).unwrap().sign_in.oidc.unwrap();
        assert_eq!(oidc.owner(), Some(&Allowed::Email("ann@example.com".into())));
        assert_eq!(oidc.allowed[2], Allowed::Domain("example.org".into()));
        for wrong in ["ann", "@example.com", "domain:", "sub:", "domain:a@b.c"] {
            assert!(
                complaint(&[some, ("OIDC_CLIENT_ID", "it"), ("OIDC_ALLOWED", wrong)]).contains("OIDC_ALLOWED"),
                "{wrong}"
            );
        }
        assert!(complaint(&[("PASSWORD_LOGIN", "off")]).contains("PASSWORD_LOGIN"));
        assert!(complaint(&[("OIDC_ISSUER", "http://id.example.com")]).contains("https://"));
    }
}
