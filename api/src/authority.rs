//! The authority that issues tokens: who it is, its keys, and its records of people, clients and grants.

use std::net::SocketAddr;

use common::{Clock, State, StoreError, Stores, UserId};
use config::Config;

use crate::{
    keys::Keys,
    limits::Limits,
    oauth::{Client, ClientDocuments, Code, Grant, Transaction},
    people::{Invite, Oidc, Passwords, Session, User},
    records::Records,
};

/// Where the server notes how it is reached.
const ISSUER: &str = "issuer";

/// The authorization server of this resource (RFC 6749, section 1.1), and the records behind it. Everything that is
/// kept is in the store, so that any web process answers any request.
#[derive(Debug)]
pub(crate) struct Authority {
    /// Our identifier: where the world reaches us, without a slash at the end. Never taken from a request.
    pub(crate) issuer: String,
    pub(crate) settings: config::SignIn,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
    pub(crate) state: State,
    pub(crate) limits: Limits,
    pub(crate) passwords: Passwords,
    /// By user id.
    pub(crate) users: Records<User>,
    /// The user id of a name in lower case.
    pub(crate) names: Records<String>,
    /// The user id of a subject of another server that signs people in, by the fingerprint of both.
    pub(crate) subjects: Records<UserId>,
    /// By the fingerprint of the secret in the link.
    pub(crate) invites: Records<Invite>,
    /// By `USER~FINGERPRINT` of the secret in the cookie.
    pub(crate) sessions: Records<Session>,
    /// Clients that registered or were added, by client id.
    pub(crate) clients: Records<Client>,
    /// When clients that registered and were never used are forgotten, by client id.
    pub(crate) unused_clients: Records<i64>,
    /// By `USER~RANDOM`.
    pub(crate) grants: Records<Grant>,
    /// When a grant was last used: milliseconds since 1970 (UTC), by grant id.
    pub(crate) last_uses: Records<i64>,
    /// By the fingerprint of the code.
    pub(crate) codes: Records<Code>,
    /// Authorization requests on their way through sign-in and consent, by a random id.
    pub(crate) transactions: Records<Transaction>,
    /// Access tokens that were revoked before their time: when they end, by `jti`.
    pub(crate) revoked: Records<i64>,
    /// Clients known by a document at their own address.
    pub(crate) documents: ClientDocuments,
    /// Another server that signs people in.
    pub(crate) oidc: Option<Oidc>,
}

impl Authority {
    /// The authority of the server that listens on `address`.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub(crate) async fn open(config: &Config, stores: &Stores, address: SocketAddr) -> Result<Self, StoreError> {
        let (state, clock, settings) = (&stores.state, &stores.clock, &config.sign_in);
        let issuer = config.web.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        Ok(Self {
            keys: Keys::open(state, settings.jwt_secret.as_ref(), settings.jwt_alg).await?,
            limits: Limits::new(state, &config.web),
            passwords: Passwords::default(),
            users: Records::new(state, clock, "user", |_| None),
            names: Records::new(state, clock, "user-name", |_| None),
            subjects: Records::new(state, clock, "user-subject", |_| None),
            invites: Records::new(state, clock, "invite", |invite: &Invite| Some(invite.ends_at)),
            sessions: Records::new(state, clock, "session", |session: &Session| Some(session.ends_at)),
            clients: Records::new(state, clock, "client", |client: &Client| client.ends_at),
            unused_clients: Records::new(state, clock, "client-unused", |ends_at| Some(*ends_at)),
            grants: Records::new(state, clock, "grant", |grant: &Grant| Some(grant.ends_at())),
            last_uses: Records::new(state, clock, "grant-used", |used| Some(used + crate::oauth::LONGEST_GRANT_MS)),
            codes: Records::new(state, clock, "code", |code: &Code| Some(code.forgotten_at())),
            transactions: Records::new(state, clock, "transaction", |transaction: &Transaction| {
                Some(transaction.ends_at)
            }),
            revoked: Records::new(state, clock, "revoked-jti", |ends_at| Some(*ends_at)),
            documents: ClientDocuments::new(&issuer, clock),
            oidc: settings.oidc.as_ref().map(|oidc| Oidc::new(oidc, &issuer, state, clock)).transpose()?,
            settings: settings.clone(),
            clock: clock.clone(),
            state: state.clone(),
            issuer,
        })
    }

    /// Notes where the world reaches the server, for commands that print links.
    pub(crate) async fn note_issuer(&self) -> Result<(), StoreError> {
        self.state.put(ISSUER, self.issuer.as_bytes(), None).await
    }

    /// Takes over what the server noted last, unless it is set here.
    pub(crate) async fn take_noted_issuer(&mut self, config: &Config) -> Result<(), StoreError> {
        let noted = self.state.get(ISSUER).await?.and_then(|noted| String::from_utf8(noted).ok());
        if let (None, Some(noted)) = (&config.web.public_url, noted) {
            self.issuer = noted;
        }
        Ok(())
    }

    /// The identifier of the one resource that tokens are for (RFC 8707): the address of the MCP endpoint.
    pub(crate) fn resource(&self) -> String {
        format!("{}/mcp", self.issuer)
    }

    /// Whether everything travels encrypted, so that cookies can ask for it.
    pub(crate) fn secure(&self) -> bool {
        self.issuer.starts_with("https://")
    }

    /// The moment in milliseconds since 1970 (UTC).
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
