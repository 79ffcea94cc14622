//! The server that gives an access token for a signed claim of a service account.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::account::{EMAIL, KEY_ID, PUBLIC};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// What a claim is for at the vendor itself, and what its own client says wherever the token server is.
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";
/// Longest life of a claim, seconds.
const CLAIM_LIFE: i64 = 3600;
/// Clocks may differ by so much, seconds.
const SKEW: i64 = 300;

/// Tokens that are good, with the second at which they end; shared by the copies of a script.
#[derive(Clone, Debug, Default)]
pub struct Issued(Arc<Mutex<BTreeMap<String, i64>>>);

impl PartialEq for Issued {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Issued {
    pub(crate) fn add(&self, token: String, until: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(token, until);
    }

    pub(crate) fn revoke(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn is_good(&self, token: &str, second: i64) -> bool {
        let issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        issued.get(token).is_some_and(|until| *until > second)
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    scope: String,
    aud: String,
    iat: i64,
    exp: i64,
}

/// Whether an address is this one; TLS may be ended before the server.
fn is_at(address: &str, place: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| address.strip_prefix(scheme) == Some(place))
}

/// Check a request for a token to the server at `audience`, host and path, or at the vendor's own place; `Err` is the vendor's word and sentence.
pub(crate) fn check(body: &[u8], audience: &str, second: i64) -> Result<(), (&'static str, String)> {
    let grant = |why: &str| ("invalid_grant", why.to_owned());
    let pairs: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
    if pairs.get("grant_type").map(String::as_str) != Some(GRANT) {
        return Err(("unsupported_grant_type", "Invalid grant_type".into()));
    }
    let assertion =
        pairs.get("assertion").ok_or(("invalid_request", "Missing parameter: assertion".to_owned()))?;
    let header = jsonwebtoken::decode_header(assertion).map_err(|_| grant("Invalid JWT."))?;
    if header.kid.as_deref() != Some(KEY_ID) {
        return Err(grant("Invalid JWT Signature: no such key."));
    }
    let mut rules = Validation::new(Algorithm::RS256);
    // The times are checked below, by this server's clock.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let read = jsonwebtoken::decode::<Claims>(assertion, &DecodingKey::from_rsa_der(PUBLIC), &rules);
    let claims = read.map_err(|_| grant("Invalid JWT Signature."))?.claims;
    match () {
        () if claims.iss != EMAIL => Err(grant("Invalid issuer: not a service account.")),
        () if !is_at(&claims.aud, audience) && claims.aud != AUDIENCE => {
            Err(grant("Invalid JWT: failed audience check."))
        }
        () if claims.scope != SCOPE => {
            Err(("invalid_scope", "Invalid OAuth scope or ID token audience provided.".into()))
        }
        () if claims.iat > second + SKEW
            || claims.exp < second - SKEW
            || claims.exp - claims.iat > CLAIM_LIFE =>
        {
            Err(grant(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
            ))
        }
        () => Ok(()),
    }
}
