//! What a provider says of itself (OpenID Connect Discovery 1.0) and the keys that it signs with (RFC 7517), fetched when needed and
//! kept for a while, and for a while longer when the provider is away. A signature by a key that is not known yet has the keys fetched
//! again, once a minute at most. A provider that fails is left alone for some seconds: whoever comes then is told at once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::Jwk;
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;
use url::Url;
use vox_egress::{Egress, http_failure};
use vox_shared::clock::Clock;

/// For the whole of one request to a provider, and for one's turn to send it.
const DEADLINE: Duration = Duration::from_secs(5);
/// Of an answer that is read, bytes.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// How long metadata and keys are kept.
const KEPT: SignedDuration = SignedDuration::from_secs(600);
/// How long they are used while the provider cannot be asked: a key that it took back is believed no longer than that.
const STALE: SignedDuration = SignedDuration::from_secs(3_600);
/// How long a provider that failed is left alone.
const FAILED: SignedDuration = SignedDuration::from_secs(10);
/// Keys are fetched anew for an unknown one after so long.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// Most keys of a provider that are looked at.
const MAX_KEYS: usize = 64;

/// What is needed of a provider's metadata.
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Whether the client's secret goes into a header, which is what it is without a word (section 3).
    pub fn takes_basic(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_ref();
        methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"))
    }
}

/// Why a provider could not be asked. It is for the log: whoever signs in is told less.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("{0}")]
    Unreachable(String),
    #[error("it answered {0}")]
    Refused(u16),
    #[error("its answer makes no sense: {0}")]
    Malformed(String),
    #[error("it calls itself '{0}', which is not the issuer that is set")]
    OtherIssuer(String),
    #[error("its address {0} begins with neither https:// nor a loopback address")]
    Insecure(Url),
}

impl ProviderError {
    /// Whether it says nothing now, which says nothing of what it said before.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused(status) => *status == 429 || *status >= 500,
            Self::Malformed(_) | Self::OtherIssuer(_) | Self::Insecure(_) => false,
        }
    }
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<Value>,
}

struct Known {
    metadata: Metadata,
    keys: Arc<Vec<Jwk>>,
    fetched: Timestamp,
    keys_fetched: Timestamp,
}

/// What is known of one provider.
#[derive(Default)]
struct Slot {
    known: Option<Known>,
    /// What came of the last request, if it failed.
    failed: Option<(Timestamp, ProviderError)>,
}

/// What is known of all providers. There are as many as were set: one for each tenant at most.
pub struct Discovery {
    egress: Arc<Egress>,
    clock: Clock,
    /// Whoever fetches one keeps nobody of another one waiting.
    slots: std::sync::Mutex<HashMap<String, Arc<Mutex<Slot>>>>,
}

impl Discovery {
    pub fn new(egress: Arc<Egress>, clock: Clock) -> Self {
        Self { egress, clock, slots: std::sync::Mutex::default() }
    }

    fn age(&self, since: Timestamp) -> SignedDuration {
        self.clock.now().duration_since(since)
    }

    /// The metadata of an issuer.
    pub async fn metadata(&self, issuer: &str) -> Result<Metadata, ProviderError> {
        self.with_known(issuer, |known| known.metadata.clone()).await
    }

    /// Its keys.
    pub async fn keys(&self, issuer: &str) -> Result<Arc<Vec<Jwk>>, ProviderError> {
        self.with_known(issuer, |known| known.keys.clone()).await
    }

    /// Its keys, when one is wanted that was not among them: fetched again, unless that was a moment ago.
    pub async fn newer_keys(&self, issuer: &str) -> Result<Arc<Vec<Jwk>>, ProviderError> {
        let mut slot = self.slot(issuer).await?;
        let Some(known) = &slot.known else { return Ok(Arc::default()) };
        if self.age(known.keys_fetched) >= AGAIN {
            let at = known.metadata.jwks_uri.clone();
            let keys = self.unless_failed(&mut slot, self.fetch_keys(&at)).await?;
            if let Some(known) = &mut slot.known {
                (known.keys, known.keys_fetched) = (Arc::new(keys), self.clock.now());
            }
        }
        Ok(slot.known.as_ref().map(|known| known.keys.clone()).unwrap_or_default())
    }

    async fn with_known<T>(&self, issuer: &str, read: impl Fn(&Known) -> T) -> Result<T, ProviderError> {
        let mut slot = self.slot(issuer).await?;
        let is_within = |known: &&Known, limit| self.age(known.fetched) < limit;
        if let Some(known) = slot.known.as_ref().filter(|known| is_within(known, KEPT)) {
            return Ok(read(known));
        }
        match self.unless_failed(&mut slot, self.fetch(issuer)).await {
            Ok(known) => Ok(read(slot.known.insert(known))),
            Err(error) => match slot.known.as_ref().filter(|known| is_within(known, STALE)) {
                Some(known) if error.is_away() => Ok(read(known)),
                _ => Err(error),
            },
        }
    }

    /// Ask a provider, unless that failed a moment ago.
    async fn unless_failed<T>(
        &self,
        slot: &mut Slot,
        asking: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        if let Some((at, error)) = slot.failed.as_ref().filter(|(at, _)| self.age(*at) < FAILED) {
            tracing::debug!(%at, "the provider failed a moment ago and is left alone");
            return Err(error.clone());
        }
        let answer = asking.await;
        slot.failed = answer.as_ref().err().map(|error| (self.clock.now(), error.clone()));
        answer
    }

    /// One's turn with a provider. Of many who wait for one that hangs none waits longer than for an answer.
    async fn slot(&self, issuer: &str) -> Result<OwnedMutexGuard<Slot>, ProviderError> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.entry(issuer.to_owned()).or_default().clone()
        };
        let late =
            |_| ProviderError::Unreachable(format!("others have waited {} s for it", DEADLINE.as_secs()));
        timeout(DEADLINE, slot.lock_owned()).await.map_err(late)
    }

    async fn fetch(&self, issuer: &str) -> Result<Known, ProviderError> {
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let url = Url::parse(&address).map_err(|error| ProviderError::Malformed(error.to_string()))?;
        let metadata: Metadata = self.get(url).await?;
        // OpenID Connect Discovery 1.0, section 4.3: or anybody's metadata could be served under another's name.
        if metadata.issuer != issuer {
            return Err(ProviderError::OtherIssuer(metadata.issuer.chars().take(200).collect()));
        }
        for url in [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri] {
            if !is_secure(url) {
                return Err(ProviderError::Insecure(url.clone()));
            }
        }
        let keys = Arc::new(self.fetch_keys(&metadata.jwks_uri).await?);
        let now = self.clock.now();
        Ok(Known { metadata, keys, fetched: now, keys_fetched: now })
    }

    /// Keys of a kind that nobody here knows are left out.
    async fn fetch_keys(&self, at: &Url) -> Result<Vec<Jwk>, ProviderError> {
        let keys: Keys = self.get(at.clone()).await?;
        let known = keys.keys.into_iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value(key).ok());
        Ok(known.collect())
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, ProviderError> {
        ask(self.request(Method::GET, url)?).await
    }

    /// A request to a provider.
    pub fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, ProviderError> {
        self.egress.request(method, url).map_err(|failure| ProviderError::Unreachable(failure.detail))
    }
}

/// Send it, and read the answer as JSON. Nothing of a refusal's text is passed on: it may quote a code or a secret.
pub async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ProviderError> {
    let unreachable = |error| ProviderError::Unreachable(http_failure(error).detail);
    let whole = async {
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(unreachable)? {
            if body.len() + piece.len() > MAX_ANSWER_BYTES {
                return Err(ProviderError::Malformed(format!("more than {MAX_ANSWER_BYTES} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        if !status.is_success() {
            return Err(ProviderError::Refused(status.as_u16()));
        }
        serde_json::from_slice(&body)
            .map_err(|error| ProviderError::Malformed(format!("{:?}", error.classify())))
    };
    let late = |_| ProviderError::Unreachable(format!("no answer within {} s", DEADLINE.as_secs()));
    timeout(DEADLINE, whole).await.map_err(late)?
}

/// Whether what goes there can be read by nobody on the way: TLS, or this machine.
pub fn is_secure(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}
