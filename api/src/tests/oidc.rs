//! Single sign-on with a real provider on loopback, as a browser lives through it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use common::{Clock, State as Store, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use url::Url;

use super::{Answer, House};
use crate::{
    keys::{Keys, Purpose, random_secret},
    people::{Role, User},
    records::Records,
};

const CLIENT: &str = "image tool";
const SECRET: &str = "se:cr et";

/// The provider of the tests: signs what it is told to sign, and checks what a provider checks.
#[derive(Clone)]
struct Provider {
    url: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    key: Key,
    published: Vec<Value>,
    codes: BTreeMap<String, Issued>,
    /// Whether it answers at all.
    up: bool,
    discoveries: usize,
    /// Changes to the discovery document.
    says: Value,
    key_requests: usize,
    last_authorization: Option<String>,
}

struct Key {
    algorithm: Algorithm,
    encoding: EncodingKey,
    id: String,
}

/// What a code stands for.
struct Issued {
    challenge: String,
    redirect_uri: String,
    token: String,
}

/// What the browser was sent to the provider with.
struct Request {
    state: String,
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

impl Key {
    fn elliptic(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let document = pair.to_pkcs8v1().unwrap();
        let encoding = EncodingKey::from_ec_der(document.as_ref());
        Self { algorithm: Algorithm::ES256, encoding, id: id.to_owned() }
    }

    fn rsa(id: &str, algorithm: Algorithm) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let document = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        // The bare key is within, behind a head that is the same for every key of this size.
        Self { algorithm, encoding: EncodingKey::from_rsa_der(&document.as_ref()[26..]), id: id.to_owned() }
    }

    fn published(&self) -> Value {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&self.encoding, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = self.id.clone().into();
        jwk["use"] = "sig".into();
        jwk
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.id.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }
}

impl Provider {
    async fn start() -> Self {
        Self::start_with(Key::elliptic("one")).await
    }

    async fn start_with(key: Key) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let odd = json!({"kty": "XYZ", "kid": "odd", "use": 7});
        let inner = Inner {
            published: vec![odd, key.published()],
            key,
            codes: BTreeMap::new(),
            up: true,
            discoveries: 0,
            says: json!({}),
            key_requests: 0,
            last_authorization: None,
        };
        let provider = Self { url, inner: Arc::new(Mutex::new(inner)) };
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        provider
    }

    /// A house that lets the people of `allowed` in.
    async fn house(&self, allowed: &str) -> House {
        let house = House::start_with(&[
            ("OIDC_ISSUER", &self.url),
            ("OIDC_CLIENT_ID", CLIENT),
            ("OIDC_CLIENT_SECRET", SECRET),
            ("OIDC_ALLOWED", allowed),
        ])
        .await;
        assert_eq!(house.get("/health").await.status, 200);
        house
    }

    fn claims(&self, request: &Request, clock: &Clock) -> Value {
        let now = clock.now_ms() / 1000;
        json!({
            "iss": self.url, "sub": "42", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": request.nonce,
            "email": "Ann@Example.com", "email_verified": true, "preferred_username": "ann",
        })
    }

    /// The code for which the provider will give `token`.
    fn issue(&self, request: &Request, token: String) -> String {
        let code = random_secret().unwrap();
        let issued = Issued { challenge: request.challenge.clone(), redirect_uri: request.redirect_uri.clone(), token };
        self.inner.lock().unwrap().codes.insert(code.clone(), issued);
        code
    }

    fn sign(&self, claims: &Value) -> String {
        self.inner.lock().unwrap().key.sign(claims)
    }
}

async fn discovery(State(provider): State<Provider>) -> Response {
    let mut inner = provider.inner.lock().unwrap();
    inner.discoveries += 1;
    if !inner.up {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let url = &provider.url;
    let mut document = json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize?tenant=a"),
        "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/keys"),
    });
    for (name, value) in inner.says.as_object().unwrap() {
        document[name] = value.clone();
    }
    Json(document).into_response()
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    let mut inner = provider.inner.lock().unwrap();
    inner.key_requests += 1;
    Json(json!({"keys": inner.published}))
}

async fn token(State(provider): State<Provider>, headers: HeaderMap, body: String) -> Response {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let mut inner = provider.inner.lock().unwrap();
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let basic = format!("Basic {}", STANDARD.encode("image+tool:se%3Acr+et"));
    let shown = authorization == Some(basic) && !form.contains_key("client_secret");
    let posted = form.get("client_secret").is_some_and(|secret| secret == SECRET) && form["client_id"] == CLIENT;
    inner.last_authorization = authorization;
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response();
    if !shown && !posted {
        return refuse("invalid_client");
    }
    let Some(issued) = inner.codes.remove(&form["code"]) else { return refuse("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if challenge != issued.challenge || form["redirect_uri"] != issued.redirect_uri {
        return refuse("invalid_grant");
    }
    Json(json!({"access_token": "unused", "token_type": "Bearer", "id_token": issued.token})).into_response()
}

/// A browser of the tests.
struct Browser {
    id: String,
}

impl Browser {
    fn new() -> Self {
        Self { id: random_secret().unwrap() }
    }

    fn cookie(&self) -> String {
        format!("it_browser={}", self.id)
    }

    /// Presses the button; the answer leads to the provider.
    async fn press(&self, house: &House, return_to: &str) -> Answer {
        // As the page of the house has it in its form.
        let keys = Keys::open(&house.stores.state, None, config::JwtAlg::Hs256).await.unwrap();
        let code = URL_SAFE_NO_PAD.encode(keys.code(Purpose::Form, &[&self.id, ""]).unwrap());
        let origin = format!("http://{}", house.address);
        let headers = [("Cookie", self.cookie()), ("Origin", origin)];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let form: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("code", code.as_str()), ("return_to", return_to)])
            .finish();
        house.http("POST", "/login/oidc", &headers, &form).await
    }

    async fn begin(&self, house: &House) -> Request {
        let answer = self.press(house, "/oauth/authorize?transaction=abc").await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        sent(&answer)
    }

    async fn back(&self, house: &House, query: &[(&str, &str)]) -> Answer {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        house.http("GET", &format!("/login/oidc/callback?{query}"), &[("Cookie", &self.cookie())], "").await
    }

    /// Goes there and comes back with what `claims` makes of the usual claims.
    async fn sign_in(&self, house: &House, provider: &Provider, claims: impl FnOnce(&mut Value)) -> Answer {
        self.sign_in_by(house, provider, |provider, mut usual| {
            claims(&mut usual);
            provider.sign(&usual)
        })
        .await
    }

    async fn sign_in_by(
        &self,
        house: &House,
        provider: &Provider,
        token: impl FnOnce(&Provider, Value) -> String,
    ) -> Answer {
        let request = self.begin(house).await;
        let token = token(provider, provider.claims(&request, &house.stores.clock));
        let code = provider.issue(&request, token);
        self.back(house, &[("code", &code), ("state", &request.state)]).await
    }
}

fn sent(answer: &Answer) -> Request {
    let url = Url::parse(&answer.headers["location"]).unwrap();
    let all: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    let get = |name: &str| all[name].clone();
    assert_eq!(
        (get("response_type").as_str(), get("client_id").as_str(), get("tenant").as_str()),
        ("code", CLIENT, "a")
    );
    assert_eq!((get("scope").as_str(), get("code_challenge_method").as_str()), ("openid email profile", "S256"));
    Request {
        state: get("state"),
        nonce: get("nonce"),
        challenge: get("code_challenge"),
        redirect_uri: get("redirect_uri"),
    }
}

fn signed_in(answer: &Answer) -> Option<UserId> {
    let cookie = answer.cookies.iter().find_map(|cookie| cookie.strip_prefix("it_session="))?;
    assert_eq!(answer.status, 303);
    Some(UserId(cookie.split('~').next()?.to_owned()))
}

#[track_caller]
fn refused(answer: &Answer, status: u16, name: &str) {
    assert_eq!((answer.status, signed_in_nowhere(answer)), (status, true), "{name}: {}", answer.body);
}

fn signed_in_nowhere(answer: &Answer) -> bool {
    !answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("location")
}

fn users(store: &Store, clock: &Clock) -> Records<User> {
    Records::new(store, clock, "user", |_| None)
}

async fn user(house: &House, id: &UserId) -> User {
    users(&house.stores.state, &house.stores.clock).get(&id.0).await.unwrap().unwrap()
}

#[tokio::test]
async fn a64_somebody_on_the_list_comes_in_and_is_known_again() {
    let provider = Provider::start().await;
    let house = provider.house("boss@example.com,ann@example.com").await;
    let browser = Browser::new();
    let answer = browser.sign_in(&house, &provider, |_| {}).await;
    let id = signed_in(&answer).unwrap();
    assert_eq!(answer.headers["location"], "/oauth/authorize?transaction=abc");
    let ann = user(&house, &id).await;
    assert_eq!((ann.name.as_str(), ann.role, ann.password), ("ann@example.com", Role::Member, None));
    assert_eq!(ann.scopes.to_string(), "read write image_processing");
    // From elsewhere, with another address: the subject is who they are.
    let answer = Browser::new().sign_in(&house, &provider, |_| {}).await;
    assert_eq!(signed_in(&answer), Some(id.clone()));
    let answer = Browser::new().sign_in(&house, &provider, |claims| claims["sub"] = "43".into()).await;
    let other = signed_in(&answer).unwrap();
    assert_ne!(other, id, "another subject is another user, whatever the address");
    assert_eq!(user(&house, &other).await.name, "ann@example.com-2");
    let inner = provider.inner.lock().unwrap();
    assert_eq!((inner.discoveries, inner.key_requests), (1, 1), "asked once");
}

#[tokio::test]
async fn a64_every_kind_of_signature_that_providers_use() {
    for key in [Key::rsa("r", Algorithm::RS256), Key::rsa("p", Algorithm::PS256)] {
        let provider = Provider::start_with(key).await;
        let house = provider.house("sub:42").await;
        assert!(signed_in(&Browser::new().sign_in(&house, &provider, |_| {}).await).is_some());
    }
}

#[tokio::test]
async fn a64_the_secret_is_shown_as_the_provider_wants_it() {
    let provider = Provider::start().await;
    provider.inner.lock().unwrap().says = json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]});
    let house = provider.house("sub:42").await;
    assert!(signed_in(&Browser::new().sign_in(&house, &provider, |_| {}).await).is_some());
    assert_eq!(provider.inner.lock().unwrap().last_authorization, None);
}

#[tokio::test]
async fn a64_an_answer_belongs_to_one_browser_and_one_attempt() {
    let provider = Provider::start().await;
    let house = provider.house("sub:42").await;
    let (ann, eve) = (Browser::new(), Browser::new());
    let claims = |request: &Request| provider.sign(&provider.claims(request, &house.stores.clock));
    // Somebody else's browser, and then it is spent.
    let request = ann.begin(&house).await;
    let code = provider.issue(&request, claims(&request));
    let query = [("code", code.as_str()), ("state", request.state.as_str())];
    refused(&eve.back(&house, &query).await, 400, "another browser");
    refused(&ann.back(&house, &query).await, 400, "spent");
    // A state of nobody's, none, and one that is there twice.
    refused(&ann.back(&house, &[("code", "a"), ("state", "b")]).await, 400, "unknown state");
    refused(&ann.back(&house, &[("code", "a")]).await, 400, "no state");
    refused(&ann.back(&house, &[]).await, 400, "nothing");
    let request = ann.begin(&house).await;
    let twice = [("state", request.state.as_str()), ("state", "b"), ("code", "c")];
    refused(&ann.back(&house, &twice).await, 400, "state twice");
    // Once and not again.
    let request = ann.begin(&house).await;
    let code = provider.issue(&request, claims(&request));
    let query = [("code", code.as_str()), ("state", request.state.as_str())];
    assert!(signed_in(&ann.back(&house, &query).await).is_some());
    refused(&ann.back(&house, &query).await, 400, "replayed");
    // Too late.
    let request = ann.begin(&house).await;
    let code = provider.issue(&request, claims(&request));
    house.stores.clock.advance(Duration::from_secs(601));
    refused(&ann.back(&house, &[("code", &code), ("state", &request.state)]).await, 400, "late");
}

#[tokio::test]
async fn a64_going_there_takes_our_own_form_and_leads_back_to_our_own_pages() {
    let provider = Provider::start().await;
    let house = provider.house("sub:42").await;
    let browser = Browser::new();
    let origin = format!("http://{}", house.address);
    let cookie = browser.cookie();
    for (name, headers, body) in [
        ("no code", vec![("Cookie", cookie.as_str()), ("Origin", origin.as_str())], "return_to=/account"),
        ("another origin", vec![("Cookie", cookie.as_str()), ("Origin", "https://evil.example")], "code=x"),
        ("no cookie", vec![("Origin", origin.as_str())], "code=x"),
    ] {
        refused(&house.http("POST", "/login/oidc", &headers, body).await, 403, name);
    }
    assert_eq!(house.get("/login/oidc").await.status, 405);
    let answer = browser.press(&house, "https://evil.example/").await;
    let request = sent(&answer);
    let code = provider.issue(&request, provider.sign(&provider.claims(&request, &house.stores.clock)));
    let answer = browser.back(&house, &[("code", &code), ("state", &request.state)]).await;
    assert_eq!((signed_in(&answer).is_some(), answer.headers["location"].as_str()), (true, "/account"));
    let without = House::start().await;
    assert_eq!(browser.press(&without, "").await.status, 404);
}

#[tokio::test]
async fn a64_the_id_token_is_for_us_from_them_and_of_now() {
    let provider = Provider::start().await;
    let house = provider.house("sub:42,domain:example.com").await;
    let now = house.stores.clock.now_ms() / 1000;
    let url = provider.url.clone();
    for (name, claim, value) in [
        ("another nonce", "nonce", json!("x")),
        ("no nonce", "nonce", Value::Null),
        ("another issuer", "iss", json!("https://evil.example")),
        ("an issuer like it", "iss", json!(format!("{url}/"))),
        ("several issuers", "iss", json!([url])),
        ("another audience", "aud", json!("somebody else")),
        ("no audience", "aud", Value::Null),
        ("an empty audience", "aud", json!([])),
        ("several audiences, made for nobody", "aud", json!([CLIENT, "somebody else"])),
        ("made for another party", "azp", json!("somebody else")),
        ("expired", "exp", json!(now - 61)),
        ("no end", "exp", Value::Null),
        ("an end in words", "exp", json!("tomorrow")),
        ("from the future", "iat", json!(now + 120)),
        ("no beginning", "iat", Value::Null),
        ("no subject", "sub", Value::Null),
        ("an empty subject", "sub", json!("")),
        ("an endless subject", "sub", json!("x".repeat(256))),
    ] {
        let answer = Browser::new().sign_in(&house, &provider, |claims| claims[claim] = value).await;
        refused(&answer, 502, name);
        assert!(answer.body.contains("Single sign-on did not work") && !answer.body.contains("token"), "{name}");
    }
    for (claim, value) in [("exp", json!(now - 30)), ("aud", json!([CLIENT])), ("azp", json!(CLIENT))] {
        let answer = Browser::new().sign_in(&house, &provider, |claims| claims[claim] = value).await;
        assert!(signed_in(&answer).is_some(), "{claim}");
    }
}

#[tokio::test]
async fn a64_the_id_token_is_signed_by_a_key_of_the_provider() {
    let provider = Provider::start_with(Key::rsa("one", Algorithm::RS256)).await;
    let house = provider.house("sub:42").await;
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = |_: &Provider, claims: Value| format!("{}.{}.", encode(&json!({"alg": "none"})), encode(&claims));
    refused(&Browser::new().sign_in_by(&house, &provider, none).await, 502, "alg none");
    // The public key is known to all, so it must never be a secret.
    let public = serde_json::to_vec(&provider.inner.lock().unwrap().published[1]).unwrap();
    let modulus = provider.inner.lock().unwrap().published[1]["n"].as_str().unwrap().to_owned();
    for secret in [public, modulus.clone().into_bytes(), URL_SAFE_NO_PAD.decode(modulus).unwrap()] {
        let symmetric = |_: &Provider, claims: Value| {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = Some("one".into());
            jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap()
        };
        refused(&Browser::new().sign_in_by(&house, &provider, symmetric).await, 502, "HS256");
    }
    let other = |_: &Provider, claims: Value| Key::rsa("one", Algorithm::RS256).sign(&claims);
    refused(&Browser::new().sign_in_by(&house, &provider, other).await, 502, "another key of the same name");
    let kind = |_: &Provider, claims: Value| Key::elliptic("one").sign(&claims);
    refused(&Browser::new().sign_in_by(&house, &provider, kind).await, 502, "another kind of key of the same name");
    let critical = |provider: &Provider, claims: Value| {
        let mut header = Header::new(Algorithm::RS256);
        header.crit = Some(vec!["exp".into()]);
        jsonwebtoken::encode(&header, &claims, &provider.inner.lock().unwrap().key.encoding).unwrap()
    };
    refused(&Browser::new().sign_in_by(&house, &provider, critical).await, 502, "critical extensions");
    let cut = |provider: &Provider, claims: Value| provider.sign(&claims).rsplit_once('.').unwrap().0.to_owned() + ".";
    refused(&Browser::new().sign_in_by(&house, &provider, cut).await, 502, "no signature");
    let swapped = |provider: &Provider, claims: Value| {
        let token = provider.sign(&claims);
        let mut parts = token.split('.');
        let (head, signature) = (parts.next().unwrap(), parts.nth(1).unwrap());
        let mut claims = claims;
        claims["sub"] = "1".into();
        format!("{head}.{}.{signature}", encode(&claims))
    };
    refused(&Browser::new().sign_in_by(&house, &provider, swapped).await, 502, "other claims");
    assert!(signed_in(&Browser::new().sign_in(&house, &provider, |_| {}).await).is_some());
}

#[tokio::test]
async fn a64_a_new_key_is_found_and_the_provider_is_not_asked_too_often() {
    let provider = Provider::start().await;
    let house = provider.house("sub:42").await;
    assert!(signed_in(&Browser::new().sign_in(&house, &provider, |_| {}).await).is_some());
    let new = Key::elliptic("two");
    {
        let mut inner = provider.inner.lock().unwrap();
        inner.published = vec![new.published()];
        inner.key = new;
    }
    refused(&Browser::new().sign_in(&house, &provider, |_| {}).await, 502, "asked less than a minute ago");
    assert_eq!(provider.inner.lock().unwrap().key_requests, 1);
    house.stores.clock.advance(Duration::from_secs(61));
    assert!(signed_in(&Browser::new().sign_in(&house, &provider, |_| {}).await).is_some());
    assert_eq!(provider.inner.lock().unwrap().key_requests, 2);
    // The old key is gone, and so is what it signed.
    let old = |_: &Provider, claims: Value| Key::elliptic("one").sign(&claims);
    refused(&Browser::new().sign_in_by(&house, &provider, old).await, 502, "the key before");
    assert_eq!(provider.inner.lock().unwrap().key_requests, 2);
}

#[tokio::test]
async fn a64_only_those_on_the_list_and_only_by_addresses_that_are_theirs() {
    let provider = Provider::start().await;
    let house = provider.house("boss@example.org,ann@example.com,kim@example.com,domain:example.net").await;
    for (name, email, verified, comes_in) in [
        ("on the list", "ANN@example.com", json!(true), true),
        ("verified in words", "ann@example.com", json!("true"), true),
        ("of the domain", "bob@EXAMPLE.net", json!(true), true),
        ("not verified", "ann@example.com", json!(false), false),
        ("not verified in words", "ann@example.com", json!("false"), false),
        ("not said", "ann@example.com", Value::Null, false),
        ("verified in numbers", "ann@example.com", json!(1), false),
        ("of the domain, not verified", "bob@example.net", json!(false), false),
        ("the owner, not verified", "boss@example.org", json!(false), false),
        ("another", "eve@example.com", json!(true), false),
        ("of a domain like it", "eve@evilexample.net", json!(true), false),
        ("of a domain below", "eve@sub.example.net", json!(true), false),
        ("letters like it", "\u{212a}im@example.com", json!(true), false),
    ] {
        let answer = Browser::new()
            .sign_in(&house, &provider, |claims| {
                claims["sub"] = name.into();
                claims["email"] = email.into();
                claims["email_verified"] = verified;
            })
            .await;
        if comes_in {
            assert!(signed_in(&answer).is_some(), "{name}: {}", answer.body);
        } else {
            refused(&answer, 403, name);
            assert!(answer.body.contains("not on the list") && !answer.body.contains(email), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn a64_the_first_on_the_list_is_the_owner() {
    let provider = Provider::start().await;
    let house = provider.house("ann@example.com,domain:example.com").await;
    let answer = Browser::new().sign_in(&house, &provider, |_| {}).await;
    assert_eq!(signed_in(&answer), Some(UserId::local()));
    assert_eq!(user(&house, &UserId::local()).await.role, Role::Owner);
    let another = |claims: &mut Value| {
        claims["sub"] = "43".into();
        claims["email"] = "bob@example.com".into();
    };
    let answer = Browser::new().sign_in(&house, &provider, another).await;
    let bob = user(&house, &signed_in(&answer).unwrap()).await;
    assert_eq!((bob.role, bob.name.as_str()), (Role::Member, "bob@example.com"));
    // Whoever has the owner's subject and no longer the owner's address is not the owner.
    let moved = |claims: &mut Value| claims["email"] = "carol@example.com".into();
    let carol = signed_in(&Browser::new().sign_in(&house, &provider, moved).await).unwrap();
    assert_ne!(carol, UserId::local());
    assert_eq!(user(&house, &carol).await.role, Role::Member);
}

#[tokio::test]
async fn a64_an_owner_who_is_there_already_keeps_their_record() {
    let provider = Provider::start().await;
    let house = provider.house("ann@example.com").await;
    let users = users(&house.stores.state, &house.stores.clock);
    let owner = User {
        id: UserId::local(),
        name: "root".into(),
        role: Role::Owner,
        password: Some("$argon2id$".into()),
        scopes: crate::Scopes::all(),
        daily_usd: Some(1.0),
        disabled: false,
        epoch: 0,
        created_at: 0,
    };
    users.put("local", &owner).await.unwrap();
    assert_eq!(signed_in(&Browser::new().sign_in(&house, &provider, |_| {}).await), Some(UserId::local()));
    let after = users.get("local").await.unwrap().unwrap();
    assert_eq!((after.name, after.password, after.daily_usd), (owner.name, owner.password, owner.daily_usd));
}

#[tokio::test]
async fn a64_disabled_people_stay_outside() {
    let provider = Provider::start().await;
    let house = provider.house("boss@example.com,ann@example.com").await;
    let id = signed_in(&Browser::new().sign_in(&house, &provider, |_| {}).await).unwrap();
    let users = users(&house.stores.state, &house.stores.clock);
    users.update(&id.0, |user| user.disabled = true).await.unwrap();
    refused(&Browser::new().sign_in(&house, &provider, |_| {}).await, 403, "disabled");
}

#[tokio::test]
async fn a64_the_code_is_worth_nothing_without_the_verifier() {
    let provider = Provider::start().await;
    let house = provider.house("sub:42").await;
    // Eve has caught Ann's code, and brings it to an attempt of her own.
    let (ann, eve) = (Browser::new(), Browser::new());
    let request = ann.begin(&house).await;
    let code = provider.issue(&request, provider.sign(&provider.claims(&request, &house.stores.clock)));
    let own = eve.begin(&house).await;
    assert_ne!(own.challenge, request.challenge);
    refused(&eve.back(&house, &[("code", &code), ("state", &own.state)]).await, 502, "another verifier");
}

#[tokio::test]
async fn a64_answers_of_another_issuer_and_refusals_of_the_provider() {
    let provider = Provider::start().await;
    let house = provider.house("sub:42").await;
    let browser = Browser::new();
    for (issuer, comes_in) in [("https://evil.example", false), (provider.url.as_str(), true)] {
        let request = browser.begin(&house).await;
        let code = provider.issue(&request, provider.sign(&provider.claims(&request, &house.stores.clock)));
        let query = [("code", code.as_str()), ("state", request.state.as_str()), ("iss", issuer)];
        assert_eq!(signed_in(&browser.back(&house, &query).await).is_some(), comes_in, "{issuer}");
        let kept = provider.inner.lock().unwrap().codes.remove(&code).is_some();
        assert_eq!(kept, !comes_in, "the code is not given away");
    }
    let request = browser.begin(&house).await;
    let denied = [("error", "access_denied"), ("error_description", "<b>no</b>"), ("state", request.state.as_str())];
    let answer = browser.back(&house, &denied).await;
    refused(&answer, 400, "denied");
    assert!(!answer.body.contains("<b>no"));
    // A provider that says it always names itself has to.
    provider.inner.lock().unwrap().says = json!({"authorization_response_iss_parameter_supported": true});
    house.stores.clock.advance(Duration::from_secs(3601));
    refused(&browser.sign_in(&house, &provider, |_| {}).await, 400, "does not say who it is");
}

#[tokio::test]
async fn a64_a_provider_that_is_down_stops_nobody_and_is_asked_again() {
    let provider = Provider::start().await;
    provider.inner.lock().unwrap().up = false;
    let house = provider.house("sub:42").await;
    refused(&Browser::new().press(&house, "").await, 502, "down");
    refused(&Browser::new().press(&house, "").await, 502, "down");
    assert_eq!(provider.inner.lock().unwrap().discoveries, 1, "left alone for a while");
    provider.inner.lock().unwrap().up = true;
    house.stores.clock.advance(Duration::from_secs(6));
    assert!(signed_in(&Browser::new().sign_in(&house, &provider, |_| {}).await).is_some());
}

#[tokio::test]
async fn a64_a_discovery_document_is_of_the_issuer_and_leads_nowhere_unsafe() {
    let provider = Provider::start().await;
    let house = provider.house("sub:42").await;
    for says in [
        json!({"issuer": format!("{}/", provider.url)}),
        json!({"issuer": "https://evil.example"}),
        json!({"token_endpoint": "http://10.0.0.1/token"}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"jwks_uri": "file:///etc/passwd"}),
        json!({"token_endpoint": null}),
    ] {
        provider.inner.lock().unwrap().says = says.clone();
        refused(&Browser::new().press(&house, "").await, 502, &says.to_string());
        house.stores.clock.advance(Duration::from_secs(6));
    }
}
