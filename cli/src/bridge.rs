//! What the command line asks of the bridge, with the deployment's internal secret.

use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;
use vox_shared::wire::SECRET_HEADER;
use vox_shared::wire::result::{TranscriptEntry, TurnLatency};

use crate::platform::BotName;

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
const REQUEST_DEADLINE: Duration = Duration::from_secs(15);
/// A recording of an hour takes a moment from a slow disk.
const DOWNLOAD_DEADLINE: Duration = Duration::from_secs(120);
/// How many of the newest calls are looked through for one.
const NEWEST: usize = 100;
/// How much of an answer that makes no sense is shown, characters.
const MAX_SHOWN: usize = 200;

/// Why the bridge could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    #[error("'{0}' is not an address: write http://HOST:PORT")]
    Address(String),
    #[error(
        "the bridge at {url} does not answer: is the platform running? `vox up` starts it, `vox doctor` finds what is wrong"
    )]
    Unreachable { url: Url, source: reqwest::Error },
    #[error("the bridge refused the internal secret: it belongs to another deployment")]
    Secret,
    #[error("the bridge refused the administrator's address or password, or the rank is too low")]
    Login,
    #[error("the bridge answered {status} when asked to {what}: {body}")]
    Status { what: &'static str, status: StatusCode, body: String },
    #[error("the bridge's answer makes no sense: are `vox` and `vox-bridge` of one version?")]
    Malformed(#[source] reqwest::Error),
}

/// What is read here of a call as the bridge knows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    pub session_id: String,
    /// `None` while the call goes on or its result is on its way.
    #[serde(default)]
    pub completed_at: Option<String>,
    #[serde(default)]
    pub disconnected_by: Option<String>,
    #[serde(default)]
    pub call_duration_seconds: Option<f64>,
    #[serde(default)]
    pub recording_key: Option<String>,
    /// Opens the recording without a login.
    #[serde(default)]
    pub recording_access_token: Option<String>,
    #[serde(default)]
    pub transcript: Vec<TranscriptEntry>,
    #[serde(default)]
    pub latency_samples: Vec<TurnLatency>,
    #[serde(default)]
    pub error: Option<String>,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct CallName {
    session_id: String,
    stream_id: Option<String>,
}

#[derive(Deserialize)]
struct Ticket {
    ticket: SecretString,
}

#[derive(Deserialize)]
struct Session {
    access_token: SecretString,
}

/// What a person logs in with.
#[derive(Clone, Debug)]
pub struct Login {
    pub email: String,
    pub password: SecretString,
}

/// The bridge of one deployment.
#[derive(Clone, Debug)]
pub struct Bridge {
    http: reqwest::Client,
    base: Url,
    secret: SecretString,
}

impl Bridge {
    pub fn new(base: &str, secret: SecretString) -> Result<Self, BridgeError> {
        let url =
            Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let base = url.ok_or_else(|| BridgeError::Address(base.to_owned()))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(vox_egress::client_config())
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(REQUEST_DEADLINE)
            .no_proxy()
            .build()
            .expect("every part of the client is given and valid");
        Ok(Self { http, base, secret })
    }

    /// The address of something of the bridge, as a person would open it.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }

    /// Whether the bridge and its store answer.
    pub async fn health(&self) -> Result<(), BridgeError> {
        self.ask(Method::GET, "/health", None, "tell its health").await.map(|_| ())
    }

    /// All bots of all tenants.
    pub async fn bots(&self) -> Result<Vec<BotName>, BridgeError> {
        let page: Page<BotName> = self.read("/api/v1/internal/bots", "list its bots").await?;
        Ok(page.items)
    }

    /// A ticket for one conversation over `/talk`.
    pub async fn ticket(&self, bot_id: &str) -> Result<SecretString, BridgeError> {
        let body = json!({ "bot_id": bot_id });
        let path = "/api/v1/internal/talk-tickets";
        let response = self.ask(Method::POST, path, Some(&body), "let this call in").await?;
        let ticket: Ticket = response.json().await.map_err(BridgeError::Malformed)?;
        Ok(ticket.ticket)
    }

    /// A call in all detail, as it is stored.
    pub async fn find_call(&self, session_id: &str) -> Result<Option<Value>, BridgeError> {
        let path = format!("/api/v1/internal/calls/{session_id}");
        match self.read(&path, "show the call").await {
            Ok(call) => Ok(Some(call)),
            Err(BridgeError::Status { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The call that a carrier's stream became.
    pub async fn find_session(&self, stream_id: &str) -> Result<Option<String>, BridgeError> {
        let path = format!("/api/v1/internal/calls?limit={NEWEST}");
        let page: Page<CallName> = self.read(&path, "list its calls").await?;
        let found = page.items.into_iter().find(|call| call.stream_id.as_deref() == Some(stream_id));
        Ok(found.map(|call| call.session_id))
    }

    /// A recording by its token; `None` while it is not there yet.
    pub async fn find_recording(&self, token: &str) -> Result<Option<Vec<u8>>, BridgeError> {
        let path = format!("/api/v1/public/recordings/{token}");
        let request = self.http.get(self.address(&path)).timeout(DOWNLOAD_DEADLINE);
        match self.send(request, "send the recording").await {
            Ok(response) => Ok(Some(response.bytes().await.map_err(BridgeError::Malformed)?.into())),
            Err(BridgeError::Status { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Any JSON that a person may read who logs in for it.
    pub async fn read_as<T: DeserializeOwned>(
        &self,
        login: &Login,
        path: &str,
        what: &'static str,
    ) -> Result<T, BridgeError> {
        let body = json!({ "email": login.email, "password": login.password.expose_secret() });
        let request = self.http.post(self.address("/api/v1/auth/login")).json(&body);
        let session: Session = self.known(request, what).await?;
        let request = self.http.get(self.address(path)).bearer_auth(session.access_token.expose_secret());
        self.known(request, what).await
    }

    async fn known<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        what: &'static str,
    ) -> Result<T, BridgeError> {
        let answer = self.send(request, what).await.map_err(|error| match error {
            BridgeError::Secret => BridgeError::Login,
            other => other,
        })?;
        answer.json().await.map_err(BridgeError::Malformed)
    }

    /// Any JSON that is behind the internal secret.
    pub async fn read<T: DeserializeOwned>(&self, path: &str, what: &'static str) -> Result<T, BridgeError> {
        let response = self.ask(Method::GET, path, None, what).await?;
        response.json().await.map_err(BridgeError::Malformed)
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        what: &'static str,
    ) -> Result<reqwest::Response, BridgeError> {
        let mut secret =
            header::HeaderValue::from_str(self.secret.expose_secret()).map_err(|_| BridgeError::Secret)?;
        secret.set_sensitive(true);
        let mut request = self.http.request(method, self.address(path)).header(SECRET_HEADER, secret);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(request, what).await
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        what: &'static str,
    ) -> Result<reqwest::Response, BridgeError> {
        let unreachable = |source| BridgeError::Unreachable { url: self.base.clone(), source };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(BridgeError::Secret);
        }
        let body = response.text().await.unwrap_or_default();
        let body = crate::terminal::plain(&body).chars().take(MAX_SHOWN).collect();
        Err(BridgeError::Status { what, status, body })
    }
}
