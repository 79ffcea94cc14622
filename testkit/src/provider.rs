//! A scripted `OpenID` provider, as strict as the real ones: it redirects to the registered address only, wants PKCE with S256, state,
//! nonce and its client's secret, gives a code once, and signs with real keys. On command it lies in one point.

pub mod keys;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::MutexGuard;

use axum::extract::{Form, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use crate::door::{Desk, Door};
use keys::Signer;

/// The point in which the next tokens are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    Issuer,
    Audience,
    /// Among others, without saying for whom.
    ManyAudiences,
    Nonce,
    NoNonce,
    Expired,
    FromTheFuture,
    /// `alg: none`, unsigned.
    Unsigned,
    /// HS256 with the public key as the secret.
    PublicKeyAsSecret,
    /// Signed by another key than the one that is named.
    OtherKey,
    UnknownKey,
    NoSubject,
    EmailUnverified,
    NoEmail,
}

/// Who is logged in at the provider.
#[derive(Clone, Debug)]
pub struct Subject {
    pub sub: String,
    pub email: String,
    pub name: String,
}

/// The one client.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: String,
    pub secret: String,
    pub redirect_uri: String,
}

/// A code that was given.
struct Grant {
    redirect_uri: String,
    challenge: String,
    nonce: String,
    subject: Subject,
}

/// The provider; dropping it frees the port.
pub struct ScriptedProvider {
    pub address: SocketAddr,
    door: Door<Inner>,
}

struct Inner {
    issuer: String,
    client: Client,
    subject: Subject,
    /// Seconds since 1970, as the provider's clock says.
    now: i64,
    signer: Signer,
    published: Vec<Signer>,
    lie: Option<Lie>,
    /// What is asked at this path is answered with this status.
    failing: Option<(String, StatusCode)>,
    grants: BTreeMap<String, Grant>,
    given: u32,
    spent: BTreeSet<String>,
    keys_asked: u32,
    faults: Vec<String>,
}

type Shared = State<Desk<Inner>>;

impl ScriptedProvider {
    /// On a free port of loopback. Its clock stands at `now`, seconds since 1970.
    pub async fn start(client: Client, subject: Subject, now: i64) -> std::io::Result<Self> {
        let inner = Inner {
            // Its address, once it has one.
            issuer: String::new(),
            client,
            subject,
            now,
            signer: Signer::Rs256,
            published: vec![Signer::Rs256],
            lie: None,
            failing: None,
            grants: BTreeMap::new(),
            given: 0,
            spent: BTreeSet::new(),
            keys_asked: 0,
            faults: Vec::new(),
        };
        let routes = |desk: Desk<Inner>| {
            Router::new()
                .route("/.well-known/openid-configuration", get(metadata))
                .route("/jwks", get(jwks))
                .route("/authorize", get(authorize))
                .route("/token", post(token))
                .layer(from_fn_with_state(desk.clone(), failing))
                .with_state(desk)
        };
        let door = Door::open(inner, routes).await?;
        door.lock().issuer = door.url();
        Ok(Self { address: door.address, door })
    }

    pub fn issuer(&self) -> String {
        self.lock().issuer.clone()
    }

    /// Call itself otherwise than it is reached.
    pub fn call_itself(&self, issuer: &str) {
        self.lock().issuer = issuer.to_owned();
    }

    /// Be wrong in this from now on, or in nothing.
    pub fn lie(&self, lie: Option<Lie>) {
        self.lock().lie = lie;
    }

    /// Answer what is asked at this path with a status and nothing else from now on.
    pub fn fail_at(&self, path: &str, status: StatusCode) {
        self.lock().failing = Some((path.to_owned(), status));
    }

    /// Answer everything again.
    pub fn recover(&self) {
        self.lock().failing = None;
    }

    /// Somebody else is logged in.
    pub fn log_in(&self, subject: Subject) {
        self.lock().subject = subject;
    }

    pub fn set_now(&self, now: i64) {
        self.lock().now = now;
    }

    /// Sign with this key, and publish it alone.
    pub fn rotate(&self, signer: Signer) {
        let mut inner = self.lock();
        (inner.signer, inner.published) = (signer, vec![signer]);
    }

    /// How often its keys were asked for.
    pub fn keys_asked(&self) -> u32 {
        self.lock().keys_asked
    }

    /// What clients did wrong.
    pub fn faults(&self) -> Vec<String> {
        self.lock().faults.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.door.lock()
    }
}

async fn failing(State(desk): Shared, request: Request, next: Next) -> Response {
    let failing = desk.lock().failing.clone();
    match failing.filter(|(path, _)| path == request.uri().path()) {
        Some((_, status)) => status.into_response(),
        None => next.run(request).await,
    }
}

async fn metadata(State(desk): Shared) -> Json<Value> {
    let issuer = desk.lock().issuer.clone();
    Json(json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"], "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"]
    }))
}

async fn jwks(State(desk): Shared) -> Json<Value> {
    let mut inner = desk.lock();
    inner.keys_asked += 1;
    let mut keys: Vec<Value> = inner.published.iter().map(|signer| signer.jwk()).collect();
    // Of a kind that not every client knows.
    keys.push(json!({"kty": "AKP", "alg": "ML-DSA-44", "kid": "pq-1", "pub": "AA"}));
    Json(json!({"keys": keys}))
}

/// The person is logged in already and says yes.
async fn authorize(State(desk): Shared, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let mut inner = desk.lock();
    let get = |name: &str| query.get(name).cloned().unwrap_or_default();
    let mut faults = Vec::new();
    for (name, expected) in [
        ("client_id", inner.client.id.as_str()),
        ("redirect_uri", inner.client.redirect_uri.as_str()),
        ("response_type", "code"),
        ("code_challenge_method", "S256"),
    ] {
        if get(name) != expected {
            faults.push(format!("authorize: {name}"));
        }
    }
    if get("code_challenge").len() != 43 {
        faults.push("authorize: code_challenge".into());
    }
    for name in ["state", "nonce"] {
        if get(name).len() < 16 {
            faults.push(format!("authorize: {name}"));
        }
    }
    if !get("scope").split(' ').any(|scope| scope == "openid") {
        faults.push("authorize: scope".into());
    }
    let redirect = Url::parse(&inner.client.redirect_uri);
    let (true, Ok(mut to)) = (faults.is_empty(), redirect) else {
        inner.faults.extend(faults.clone());
        return (StatusCode::BAD_REQUEST, faults.join(", ")).into_response();
    };
    inner.given += 1;
    let code = format!("code-{}-{}", inner.given, &get("code_challenge")[..8]);
    let grant = Grant {
        redirect_uri: get("redirect_uri"),
        challenge: get("code_challenge"),
        nonce: get("nonce"),
        subject: inner.subject.clone(),
    };
    inner.grants.insert(code.clone(), grant);
    to.query_pairs_mut().append_pair("code", &code).append_pair("state", &get("state"));
    (StatusCode::FOUND, [(header::LOCATION, to.to_string())]).into_response()
}

async fn token(
    State(desk): Shared,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    let mut inner = desk.lock();
    match granted(&mut inner, &headers, &form) {
        Ok(grant) => Json(json!({
            "access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": id_token(&inner, &grant)
        }))
        .into_response(),
        Err(fault) => {
            inner.faults.push(format!("token: {fault}"));
            (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response()
        }
    }
}

fn granted(
    inner: &mut Inner,
    headers: &HeaderMap,
    form: &BTreeMap<String, String>,
) -> Result<Grant, &'static str> {
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let expected =
        format!("Basic {}", STANDARD.encode(format!("{}:{}", inner.client.id, inner.client.secret)));
    if headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) != Some(&expected) {
        return Err("the client does not show its secret");
    }
    if get("grant_type") != "authorization_code" {
        return Err("grant_type");
    }
    let Some(grant) = inner.grants.remove(get("code")) else {
        return Err(if inner.spent.contains(get("code")) { "the code was used" } else { "no such code" });
    };
    inner.spent.insert(get("code").to_owned());
    if get("redirect_uri") != grant.redirect_uri {
        return Err("redirect_uri");
    }
    if URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier").as_bytes())) != grant.challenge {
        return Err("code_verifier");
    }
    Ok(grant)
}

fn id_token(inner: &Inner, grant: &Grant) -> String {
    let Subject { sub, email, name } = &grant.subject;
    let mut claims = json!({
        "iss": inner.issuer, "sub": sub, "aud": inner.client.id, "iat": inner.now, "exp": inner.now + 300, "nonce": grant.nonce,
        "email": email, "email_verified": true, "name": name
    });
    let mut head = Header::new(inner.signer.algorithm());
    head.kid = Some(inner.signer.kid().to_owned());
    let mut key = inner.signer.key();
    match inner.lie {
        None => {}
        Some(Lie::Issuer) => claims["iss"] = json!("https://elsewhere.test"),
        Some(Lie::Audience) => claims["aud"] = json!("another-client"),
        Some(Lie::ManyAudiences) => claims["aud"] = json!([inner.client.id, "another-client"]),
        Some(Lie::Nonce) => claims["nonce"] = json!("of another sign-in"),
        Some(Lie::NoNonce) => drop(claims.as_object_mut().and_then(|claims| claims.remove("nonce"))),
        Some(Lie::Expired) => claims["exp"] = json!(inner.now - 61),
        Some(Lie::FromTheFuture) => claims["iat"] = json!(inner.now + 3_600),
        Some(Lie::Unsigned) => {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            return format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims));
        }
        Some(Lie::PublicKeyAsSecret) => {
            head.alg = Algorithm::HS256;
            key = EncodingKey::from_secret(inner.signer.public_bytes());
        }
        Some(Lie::OtherKey) => {
            let other = if inner.signer == Signer::Rs256 { Signer::Es256 } else { Signer::Rs256 };
            (head.alg, key) = (other.algorithm(), other.key());
        }
        Some(Lie::UnknownKey) => head.kid = Some("nobody-knows".to_owned()),
        Some(Lie::NoSubject) => claims["sub"] = json!(""),
        Some(Lie::EmailUnverified) => claims["email_verified"] = json!(false),
        Some(Lie::NoEmail) => drop(claims.as_object_mut().and_then(|claims| claims.remove("email"))),
    }
    jsonwebtoken::encode(&head, &claims, &key).expect("the keys fit their algorithms")
}
