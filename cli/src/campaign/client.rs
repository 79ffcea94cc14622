//! What is asked of the bridge's public API.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::io::ReaderStream;
use url::Url;

use super::words;
use crate::terminal::plain;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// 50 MB over a slow line.
const UPLOAD_WITHIN: Duration = Duration::from_secs(900);
/// A bridge that is asked too often says when to come again; a minute is its longest.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Faults of single fields that are shown.
const SHOWN_FIELDS: usize = 8;
/// Of an answer that is none of ours, characters.
const SHOWN_TEXT: usize = 200;

/// Why the bridge did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("'{0}' is not an address: write http://HOST:PORT")]
    Address(String),
    #[error("the bridge at {url} does not answer: is it running?")]
    Unreachable { url: String, source: reqwest::Error },
    #[error(
        "the bridge refuses the key, or the key may not {what}: it wants campaigns:read and campaigns:write"
    )]
    Key { what: &'static str },
    #[error(
        "the bridge refuses the administrator's address or password: was it changed since the platform began?"
    )]
    Password,
    #[error(
        "the administrator has a second factor: make a key with the scopes campaigns:read and campaigns:write, give it in VOX_API_KEY and the address with --bridge"
    )]
    SecondFactor,
    #[error("the bridge cannot {what} just now ({status}, {code})")]
    Failing { what: &'static str, status: StatusCode, code: String },
    #[error("the bridge would not {what} ({code}): {detail}")]
    Refused { what: &'static str, code: String, detail: String },
    #[error("the bridge answered {status} when asked to {what}: {body}")]
    Status { what: &'static str, status: StatusCode, body: String },
    #[error("the bridge's answer makes no sense: are `vox` and `vox-bridge` of one version?")]
    Malformed(#[source] reqwest::Error),
}

impl ApiError {
    /// Whether the same question may be answered later: nobody answers, or the bridge says that it cannot just now.
    pub fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Failing { .. } => true,
            Self::Status { status, .. } => status.is_server_error(),
            _ => false,
        }
    }
}

/// What a person logs in with.
#[derive(Clone, Debug)]
pub struct Login {
    pub email: String,
    pub password: SecretString,
}

/// A bridge, and what opens it.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    opens: Opens,
}

/// What opens a bridge.
#[derive(Debug)]
enum Opens {
    Key(SecretString),
    /// A session of a person: it ends after an hour, and then there is another one.
    Session {
        login: Login,
        token: Mutex<SecretString>,
    },
}

impl Opens {
    fn token(&self) -> SecretString {
        match self {
            Self::Key(key) => key.clone(),
            Self::Session { token, .. } => token.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

impl Client {
    /// With a key of the API.
    pub fn with_key(base: &str, key: SecretString) -> Result<Self, ApiError> {
        Self::new(base, Opens::Key(key))
    }

    fn new(base: &str, opens: Opens) -> Result<Self, ApiError> {
        let is_address =
            Url::parse(base).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !is_address {
            return Err(ApiError::Address(base.to_owned()));
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(vox_egress::client_config())
            .connect_timeout(CONNECT_WITHIN)
            .no_proxy()
            .build()
            .expect("every part of the client is given and valid");
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), opens })
    }

    /// As a person.
    pub async fn log_in(base: &str, login: &Login) -> Result<Self, ApiError> {
        let client = Self::new(base, Opens::Session { login: login.clone(), token: Mutex::default() })?;
        client.begin_session().await?;
        Ok(client)
    }

    /// Log in, if it is a person who asks; answers whether it is one.
    async fn begin_session(&self) -> Result<bool, ApiError> {
        let Opens::Session { login, token } = &self.opens else { return Ok(false) };
        let body = json!({"email": login.email, "password": login.password.expose_secret()});
        let request = self.http.post(self.at("/api/v1/auth/login")).timeout(ANSWER_WITHIN).json(&body);
        let answer = self.unhurried(request).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Err(ApiError::Password);
        }
        let session: Value = good(answer, "let you in").await?.json().await.map_err(ApiError::Malformed)?;
        let begun = session["access_token"].as_str().ok_or(ApiError::SecondFactor)?;
        *token.lock().unwrap_or_else(PoisonError::into_inner) = begun.into();
        Ok(true)
    }

    pub async fn get(&self, path: &str, what: &'static str) -> Result<Value, ApiError> {
        self.json(self.http.get(self.at(path)).timeout(ANSWER_WITHIN), what).await
    }

    pub async fn post(&self, path: &str, body: &Value, what: &'static str) -> Result<Value, ApiError> {
        self.json(self.http.post(self.at(path)).timeout(ANSWER_WITHIN).json(body), what).await
    }

    /// A campaign as it stands.
    pub async fn campaign(&self, id: &str) -> Result<Value, ApiError> {
        self.get(&format!("/api/v1/campaigns/{id}"), "show the campaign").await
    }

    /// `start`, `pause`, `resume` or `stop`; the campaign as it stands then.
    pub async fn tell(&self, id: &str, verb: &str) -> Result<Value, ApiError> {
        let request = self.http.post(self.at(&format!("/api/v1/campaigns/{id}/{verb}")));
        self.json(request.timeout(ANSWER_WITHIN), "change how the campaign stands").await
    }

    /// Send a file of people; the import's id.
    pub async fn import(
        &self,
        campaign: &str,
        name: &str,
        file: tokio::fs::File,
    ) -> Result<String, ApiError> {
        let at = self.at(&format!("/api/v1/campaigns/{campaign}/imports"));
        let at = Url::parse_with_params(&at, [("name", name)]).map_err(|_| ApiError::Address(at))?;
        let request = self.http.post(at).header("content-type", "text/csv");
        let body = reqwest::Body::wrap_stream(ReaderStream::new(file));
        let seen = self.json(request.timeout(UPLOAD_WITHIN).body(body), "take the file").await?;
        Ok(words::text(&seen, "id"))
    }

    /// Something that may be long.
    pub async fn stream(&self, path: &str) -> Result<Response, ApiError> {
        self.send(self.http.get(self.at(path)).timeout(UPLOAD_WITHIN), "send the file").await
    }

    /// The next piece of it.
    pub async fn next(&self, of: &mut Response) -> Result<Option<Vec<u8>>, ApiError> {
        let piece = of.chunk().await.map_err(|source| self.unreachable(source))?;
        Ok(piece.map(Into::into))
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn json(&self, request: RequestBuilder, what: &'static str) -> Result<Value, ApiError> {
        self.send(request, what).await?.json().await.map_err(ApiError::Malformed)
    }

    async fn send(&self, request: RequestBuilder, what: &'static str) -> Result<Response, ApiError> {
        let signed = |request: RequestBuilder| request.bearer_auth(self.opens.token().expose_secret());
        // What is streamed cannot be sent again.
        let again = request.try_clone();
        let answer = self.unhurried(signed(request)).await?;
        let is_closed = answer.status() == StatusCode::UNAUTHORIZED && again.is_some();
        // A session that is over.
        let begun = is_closed && self.begin_session().await?;
        match again.filter(|_| begun) {
            Some(again) => good(self.unhurried(signed(again)).await?, what).await,
            None => good(answer, what).await,
        }
    }

    /// Ask, and ask again when the bridge wishes to be left alone for a while.
    async fn unhurried(&self, mut request: RequestBuilder) -> Result<Response, ApiError> {
        loop {
            let again = request.try_clone();
            let answer = request.send().await.map_err(|source| self.unreachable(source))?;
            match (again, wait_of(&answer)) {
                (Some(again), Some(wait)) => {
                    sleep(wait).await;
                    request = again;
                }
                _ => return Ok(answer),
            }
        }
    }

    fn unreachable(&self, source: reqwest::Error) -> ApiError {
        ApiError::Unreachable { url: self.base.clone(), source: source.without_url() }
    }
}

/// The answer, if it is a good one.
async fn good(answer: Response, what: &'static str) -> Result<Response, ApiError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let text = answer.text().await.unwrap_or_default();
    Err(refused(what, status, &text))
}

/// How long the bridge wants to be left alone, if it says so and it is not too long.
fn wait_of(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get("retry-after")?.to_str().ok()?.parse::<u64>().ok()?;
    let wait = Duration::from_secs(seconds.max(1));
    (answer.status() == StatusCode::TOO_MANY_REQUESTS && wait <= LONGEST_WAIT).then_some(wait)
}

/// What the bridge said, with the fields that it names.
fn refused(what: &'static str, status: StatusCode, text: &str) -> ApiError {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let error = &body["error"];
    let Some(code) = error["code"].as_str() else {
        let body = plain(text).chars().take(SHOWN_TEXT).collect();
        return ApiError::Status { what, status, body };
    };
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return ApiError::Key { what };
    }
    if status.is_server_error() {
        return ApiError::Failing { what, status, code: plain(code) };
    }
    let fields = error["fields"].as_array().into_iter().flatten().take(SHOWN_FIELDS);
    let field = |field: &Value| format!("{}: {}", words::text(field, "path"), words::text(field, "message"));
    let detail: Vec<String> =
        std::iter::once(words::text(error, "detail")).chain(fields.map(field)).collect();
    ApiError::Refused { what, code: plain(code), detail: plain(&detail.join("; ")) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vox_harness::scripted_bridge;

    use super::*;

    #[test]
    fn what_the_bridge_says_is_told() {
        let text = r#"{"error": {"code": "campaign_not_ready", "detail": "it cannot start",
            "fields": [{"path": "settings.numbers.from", "message": "no number calls"}]}}"#;
        let error = refused("start", StatusCode::CONFLICT, text).to_string();
        assert!(
            error.contains("campaign_not_ready") && error.contains("settings.numbers.from: no number"),
            "{error}"
        );
        let forbidden = r#"{"error": {"code": "forbidden", "detail": "x"}}"#;
        let error = refused("start", StatusCode::FORBIDDEN, forbidden).to_string();
        assert!(error.contains("campaigns:write"), "{error}");
        let error = refused("start", StatusCode::BAD_GATEWAY, "<html>\x1b[2J").to_string();
        assert!(error.contains("502") && !error.contains('\x1b'), "{error}");
    }

    /// A bridge that lets the first session read once, and what it was asked.
    fn of_short_sessions() -> (String, Arc<Mutex<Vec<String>>>) {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let notes = heard.clone();
        let (mut sessions, mut reads) = (0, 0);
        let url = scripted_bridge(move |asked, _| {
            let (line, bearer) = (asked.lines().next().unwrap_or_default(), bearer(asked));
            notes.lock().unwrap().push(format!("{line} {bearer}"));
            if line.contains("/auth/login") {
                sessions += 1;
                return (200, format!(r#"{{"access_token": "session-{sessions}"}}"#));
            }
            if bearer == format!("session-{sessions}") && (sessions > 1 || reads == 0) {
                reads += 1;
                return (200, r#"{"state": "running"}"#.to_owned());
            }
            (401, r#"{"error": {"code": "unauthorized", "detail": "x"}}"#.to_owned())
        });
        (url, heard)
    }

    fn bearer(asked: &str) -> String {
        let lines = asked.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        found.next().map_or_else(String::new, |(_, value)| value.trim_start_matches("Bearer ").to_owned())
    }

    #[tokio::test]
    async fn a_session_that_is_over_is_begun_anew() {
        let (url, heard) = of_short_sessions();
        let login = Login { email: "admin@vox.local".into(), password: "p".into() };
        let client = Client::log_in(&url, &login).await.unwrap();
        for _ in 0..3 {
            assert_eq!(client.campaign("cmp_1").await.unwrap()["state"], "running");
        }
        let heard = heard.lock().unwrap().clone();
        let asked = |what: &str| heard.iter().filter(|line| line.contains(what)).count();
        assert_eq!((asked("/auth/login"), asked("session-1"), asked("session-2")), (2, 2, 2), "{heard:?}");
        let keyed = Client::with_key(&url, "key".into()).unwrap();
        let refused = keyed.campaign("cmp_1").await.unwrap_err();
        assert!(matches!(refused, ApiError::Key { .. }), "{refused}");
        assert!(!refused.passes());
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        let away =
            refused("start", StatusCode::SERVICE_UNAVAILABLE, r#"{"error": {"code": "store_unavailable"}}"#);
        assert!(away.passes() && away.to_string().contains("store_unavailable"), "{away}");
        assert!(refused("start", StatusCode::BAD_GATEWAY, "<html>").passes());
        for stays in [StatusCode::CONFLICT, StatusCode::NOT_FOUND, StatusCode::FORBIDDEN] {
            assert!(
                !refused("start", stays, r#"{"error": {"code": "x", "detail": "y"}}"#).passes(),
                "{stays}"
            );
        }
    }

    #[test]
    fn only_addresses_are_asked() {
        for wrong in ["bridge:8080", "ftp://b.example", "http://"] {
            assert!(matches!(Client::with_key(wrong, "k".into()), Err(ApiError::Address(_))), "{wrong}");
        }
    }
}
