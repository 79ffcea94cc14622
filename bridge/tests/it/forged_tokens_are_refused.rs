//! Access tokens that this bridge did not make, or not for this: each is 401 on a real route, and nothing of it is believed.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::StatusCode;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;

use crate::harness::TestBridge;

const ROUTE: &str = "/api/v1/auth/me";

/// A good token in its parts, and the key that signed it.
struct Good {
    header: String,
    claims: String,
    signature: String,
    claimed: Value,
    key: EncodingKey,
}

impl Good {
    async fn new(bridge: &TestBridge) -> Self {
        let token = bridge.token(Role::SuperAdmin).await;
        assert_eq!(status(bridge, &token).await, StatusCode::OK);
        let [header, claims, signature] =
            <[String; 3]>::try_from(token.split('.').map(str::to_owned).collect::<Vec<_>>()).unwrap();
        let claimed = serde_json::from_slice(&B64.decode(&claims).unwrap()).unwrap();
        let key = EncodingKey::from_secret(bridge.app.config.auth.jwt_secret.expose_secret().as_bytes());
        Self { header, claims, signature, claimed, key }
    }

    /// Signed with the right key.
    fn signed(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.key).unwrap()
    }

    /// With the right signature of these very parts under HS256, whatever the header says.
    fn signed_text(&self, header: &str, claims: &str) -> String {
        let text = format!("{}.{}", B64.encode(header), B64.encode(claims));
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &self.key, Algorithm::HS256).unwrap();
        format!("{text}.{signature}")
    }

    fn with(&self, field: &str, value: Value) -> String {
        let mut claims = self.claimed.clone();
        claims[field] = value;
        self.signed(&Header::new(Algorithm::HS256), &claims)
    }

    fn without(&self, field: &str) -> String {
        let mut claims = self.claimed.clone();
        claims.as_object_mut().unwrap().remove(field);
        self.signed(&Header::new(Algorithm::HS256), &claims)
    }
}

async fn status(bridge: &TestBridge, token: &str) -> StatusCode {
    bridge.get(ROUTE).bearer_auth(token).send().await.unwrap().status()
}

/// Broken, unsigned, or signed with something else.
fn other_signatures(good: &Good) -> Vec<(&'static str, String)> {
    let Good { header, claims, signature, claimed, .. } = good;
    let head = |value: Value| B64.encode(value.to_string());
    let by = |secret: &[u8]| encode(&Header::default(), claimed, &EncodingKey::from_secret(secret)).unwrap();
    let mut tampered = claimed.clone();
    tampered["sub"] = json!("admin@vox.local");
    vec![
        ("no signature", format!("{header}.{claims}.")),
        ("no third part", format!("{header}.{claims}")),
        ("four parts", format!("{header}.{claims}.{signature}.{signature}")),
        ("parts in another order", format!("{claims}.{header}.{signature}")),
        ("twice", format!("{header}.{claims}.{signature}{header}.{claims}.{signature}")),
        ("alg none", format!("{}.{claims}.", head(json!({"alg": "none"})))),
        ("alg None, with the signature", format!("{}.{claims}.{signature}", head(json!({"alg": "None"})))),
        ("alg nOnE", format!("{}.{claims}.", head(json!({"alg": "nOnE", "typ": "JWT"})))),
        ("alg empty", format!("{}.{claims}.{signature}", head(json!({"alg": ""})))),
        ("no alg", format!("{}.{claims}.{signature}", head(json!({"typ": "JWT"})))),
        ("alg null", format!("{}.{claims}.{signature}", head(json!({"alg": null})))),
        ("header is a list", format!("{}.{claims}.{signature}", head(json!(["HS256"])))),
        ("tampered claims", format!("{header}.{}.{signature}", head(tampered))),
        ("claims of nothing", format!("{header}.{}.{signature}", head(json!({})))),
        ("another key", by(b"another secret of good length, 32 bytes or more")),
        ("the empty key", by(b"")),
        ("the issuer as key", by(b"vox-bridge")),
        ("standard base64", format!("{header}.{}.{signature}", STANDARD.encode(claimed.to_string()))),
        ("a cut signature", format!("{header}.{claims}.{}", &signature[..20])),
        ("a signature of zeros", format!("{header}.{claims}.{}", B64.encode([0_u8; 32]))),
        ("bytes that are no JSON", format!("{}.{}.{signature}", B64.encode([0xff; 9]), B64.encode([0; 9]))),
        ("over 4 KiB", format!("{header}.{}.{signature}", "x".repeat(5_000))),
    ]
}

/// Signed with the right secret, but not as, or not about, what an access token is.
fn other_contents(good: &Good) -> Vec<(&'static str, String)> {
    let Good { key, claimed, .. } = good;
    let claims = claimed.to_string();
    let with = |header: Value| good.signed_text(&header.to_string(), &claims);
    let other = |alg: Algorithm| encode(&Header::new(alg), claimed, key).unwrap();
    let jwk = json!({"kty": "oct", "k": B64.encode("another secret"), "alg": "HS256"});
    let by_own_jwk = {
        let header = json!({"alg": "HS256", "typ": "JWT", "jwk": jwk}).to_string();
        let text = format!("{}.{}", B64.encode(header), B64.encode(&claims));
        let key = EncodingKey::from_secret(b"another secret");
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{text}.{signature}")
    };
    let by_kid = |kid: &str, secret: &[u8]| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, claimed, &EncodingKey::from_secret(secret)).unwrap()
    };
    vec![
        ("HS384 with the right secret", other(Algorithm::HS384)),
        ("HS512 with the right secret", other(Algorithm::HS512)),
        ("RS256 said, HS256 done", with(json!({"alg": "RS256", "typ": "JWT"}))),
        ("ES256 said, HS256 done", with(json!({"alg": "ES256", "typ": "JWT"}))),
        ("EdDSA said, HS256 done", with(json!({"alg": "EdDSA", "typ": "JWT"}))),
        ("the JWK in the header", by_own_jwk),
        ("kid of a file", by_kid("../../../../dev/null", b"")),
        ("kid as SQL", by_kid("x' UNION SELECT 'k", b"k")),
        ("kid of an address", by_kid("http://127.0.0.1/key", b"k")),
        ("another issuer", good.with("iss", json!("somebody"))),
        ("a list of issuers", good.with("iss", json!(["vox-bridge"]))),
        ("no issuer", good.without("iss")),
        ("another audience", good.with("aud", json!("vox-widget"))),
        ("no audience", good.without("aud")),
        ("expired", good.with("exp", json!(claimed["iat"].as_i64().unwrap() - 3600))),
        ("expired at once", good.with("exp", json!(0))),
        ("an expiry that is text", good.with("exp", json!("9999999999"))),
        ("an expiry of null", good.with("exp", Value::Null)),
        ("an expiry beyond all numbers", good.with("exp", json!(1e300))),
        ("no expiry", good.without("exp")),
        ("from the future", good.with("iat", json!(claimed["iat"].as_i64().unwrap() + 3600))),
        ("from before the account", good.with("iat", json!(0))),
        ("no time of issue", good.without("iat")),
        ("of nobody", good.with("sub", json!("nobody@test"))),
        ("of an operator", good.with("sub", json!({"$gt": ""}))),
        ("of an empty address", good.with("sub", json!(""))),
        ("no subject", good.without("sub")),
    ]
}

/// It lived on for an hour: tokens were compared with the change by the second.
#[tokio::test]
async fn a_token_from_the_same_second_as_a_new_password_and_before_it_is_over() {
    let bridge = TestBridge::start().await;
    let session = bridge.admin_session().await;
    let token = session["access_token"].as_str().unwrap();
    bridge.clock.advance(jiff::SignedDuration::from_millis(1));
    let body = json!({"current_password": bridge.admin_password.expose_secret(), "new_password": "another long one"});
    let changed = bridge.send(reqwest::Method::PUT, "/api/v1/auth/me/password", token, body).await;
    let changed = crate::harness::json(changed, StatusCode::OK).await;
    assert_eq!(status(&bridge, token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&bridge, changed["access_token"].as_str().unwrap()).await, StatusCode::OK);
}

#[tokio::test]
async fn no_forged_token_opens_anything() {
    let bridge = TestBridge::start().await;
    let good = Good::new(&bridge).await;
    let forged = [other_signatures(&good), other_contents(&good)].concat();
    assert!(forged.len() >= 40, "{}", forged.len());
    for (name, token) in forged {
        assert_eq!(status(&bridge, &token).await, StatusCode::UNAUTHORIZED, "{name}: {token:.200}");
    }
    // What the claims say of rank and tenant counts for nothing.
    let agent = bridge.token(Role::Agent).await;
    let sub: Value = serde_json::from_slice(&B64.decode(agent.split('.').nth(1).unwrap()).unwrap()).unwrap();
    for (field, value) in [("role", json!("super_admin")), ("tenant_id", json!("other"))] {
        let mut claims = sub.clone();
        claims[field] = value;
        let token = good.signed(&Header::new(Algorithm::HS256), &claims);
        let tenants = bridge.get("/api/v1/tenants").bearer_auth(&token).send().await.unwrap();
        assert_eq!(tenants.status(), StatusCode::FORBIDDEN);
        let me: Value = bridge.get(ROUTE).bearer_auth(&token).send().await.unwrap().json().await.unwrap();
        assert_eq!((&me["role"], &me["tenant_id"]), (&json!("agent"), &json!("default")));
    }
}

#[tokio::test]
async fn a_bearer_of_something_else_is_refused() {
    let bridge = TestBridge::start().await;
    let session = bridge.admin_session().await;
    let refresh = session["refresh_token"].as_str().unwrap();
    let link = bridge.app.tokens.recording_link(&"call_1".parse().unwrap(), 0).unwrap();
    for (name, token) in [("a refresh token", refresh), ("a recording link", &link), ("nothing", "")] {
        assert_eq!(status(&bridge, token).await, StatusCode::UNAUTHORIZED, "{name}");
    }
    let token = session["access_token"].as_str().unwrap();
    for header in [format!("Basic {token}"), format!("Bearer{token}"), token.to_owned()] {
        let asked = bridge.get(ROUTE).header("authorization", header).send().await.unwrap();
        assert_eq!(asked.status(), StatusCode::UNAUTHORIZED);
    }
}
