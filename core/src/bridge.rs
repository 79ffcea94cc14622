//! The worker's client of the control plane: config, results, recordings, registration.

pub mod direct;
pub mod sip;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep};
use tracing::Instrument;
use tracing::field::Empty;
use vox_shared::ids::{BotId, SessionId, SoundId};
use vox_shared::outbox::Seq;
use vox_shared::telemetry::spans;
use vox_shared::trace::TRACEPARENT;
use vox_shared::wire::config::{ConfigRequest, LINE_FORBIDDEN, Refusal, RuntimeConfig};
use vox_shared::wire::fleet::{WorkerLease, WorkerReport};
use vox_shared::wire::live::LiveReport;
use vox_shared::wire::permit::{PermitAnswer, PermitRequest};
use vox_shared::wire::proof::{CALL_TOKEN_HEADER, CALL_TOKEN_REFUSED, CLAIM_HEADER, Proof};
use vox_shared::wire::{HASH_HEADER, SECRET_HEADER, SEQ_HEADER};

const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
const REQUEST_DEADLINE: Duration = Duration::from_secs(10);
/// A config is asked for again while the bridge does not answer, this long in all: a caller waits for it.
const CONFIG_PATIENCE: Duration = Duration::from_secs(4);
const CONFIG_TRY: Duration = Duration::from_secs(2);
const CONFIG_PAUSE: Duration = Duration::from_millis(250);
/// Of what is told of a running call: later it is told again.
const REPORT_DEADLINE: Duration = Duration::from_secs(2);
/// Of a permit: the caller waits for a vendor that may not be asked without.
const PERMIT_DEADLINE: Duration = Duration::from_secs(1);
/// An hour of stereo at 24 kHz over a slow link.
const UPLOAD_DEADLINE: Duration = Duration::from_secs(600);
/// Of a recording that is read for its hash, bytes at a time.
const READ_CHUNK: usize = 256 * 1024;
/// Of a sound: two minutes of 16 kHz are 3.8 MB.
const MAX_SOUND_BYTES: usize = 8 * 1024 * 1024;
/// Kept of an error's body for the log.
const DETAIL_BYTES: usize = 300;

/// The client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bridge {
    http: reqwest::Client,
    secret: SecretString,
    url: String,
}

/// Why there is no config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The bridge said no, and means it.
    #[error("the bridge refuses the call ({refusal:?}): {detail}")]
    Refused { refusal: Refusal, detail: String },
    /// It could not be asked.
    #[error("the bridge could not be asked for the config: {0}")]
    Unreachable(String),
}

impl ConfigError {
    /// For traces.
    fn word(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Unreachable(_) => "unreachable",
        }
    }
}

/// Why a delivery did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// It did not take it now.
    #[error("{0}")]
    Retry(String),
    /// It did not answer.
    #[error("{0}")]
    Away(String),
    /// It will never be taken.
    #[error("{0}")]
    Rejected(String),
}

impl Bridge {
    /// A client of the bridge at `url` (no path).
    pub fn new(url: &str, secret: SecretString) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(vox_egress::client_config())
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(REQUEST_DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .pool_idle_timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self { http, secret, url: url.trim_end_matches('/').to_owned() })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same client for another bridge.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), ..self.clone() }
    }

    /// The runtime config of a call. Anything but 200 rejects it; a bridge that does not answer is asked again for a
    /// few seconds.
    pub async fn fetch_config(&self, bot: &BotId, ask: &ConfigRequest) -> Result<RuntimeConfig, ConfigError> {
        let started = Instant::now();
        let body = Bytes::from(serde_json::to_vec(ask).expect("a config request is plain data"));
        loop {
            let span = tracing::info_span!("config", otel.kind = "client", "error.type" = Empty);
            let tried = self.try_config(bot, body.clone()).instrument(span.clone()).await;
            if let Err(error) = &tried {
                span.record("error.type", error.word());
            }
            match tried {
                Err(ConfigError::Unreachable(why)) if started.elapsed() + CONFIG_PAUSE < CONFIG_PATIENCE => {
                    tracing::warn!(why, "the bridge did not give the config; asking again");
                    sleep(CONFIG_PAUSE).await;
                }
                other => return other,
            }
        }
    }

    /// In a body: what a dialler says about a call may be longer than any address may be.
    async fn try_config(&self, bot: &BotId, body: Bytes) -> Result<RuntimeConfig, ConfigError> {
        let request = self.post(&format!("/api/v1/config/{bot}"), body);
        let request = self.as_worker(request).timeout(CONFIG_TRY);
        let response = request.send().await.map_err(|e| ConfigError::Unreachable(short(&e)))?;
        let status = response.status();
        if status == StatusCode::OK {
            return response
                .json()
                .await
                .map_err(|e| ConfigError::Unreachable(format!("unreadable config: {}", short(&e))));
        }
        let detail = detail_of(response).await;
        let refusal = match status.as_u16() {
            404 => Refusal::UnknownBot,
            402 => Refusal::QuotaSpent,
            401 => Refusal::BadTicket,
            403 if detail.contains(LINE_FORBIDDEN) => Refusal::LineForbidden,
            503 if detail.contains("outside_active_hours") => Refusal::OutsideHours,
            500.. | 429 | 408 => return Err(ConfigError::Unreachable(format!("{status}: {detail}"))),
            _ => Refusal::Other,
        };
        Err(ConfigError::Refused { refusal, detail })
    }

    /// Store a result, in the bytes in which it was written; 2xx means that it is durable there. One that is in no outbox has no
    /// number.
    pub async fn deliver(
        &self,
        seq: Option<Seq>,
        result: Vec<u8>,
        proof: &Proof,
    ) -> Result<(), DeliveryError> {
        let result = Bytes::from(result);
        let sent = self.try_deliver(seq, result.clone(), proof).await;
        noted(match again(proof, &sent) {
            Some(claim) => self.try_deliver(seq, result, &claim).await,
            None => sent,
        })
    }

    async fn try_deliver(&self, seq: Option<Seq>, result: Bytes, proof: &Proof) -> Result<(), DeliveryError> {
        let request = self.for_call(self.post("/api/v1/call-results", result), proof);
        let request = match seq {
            Some(seq) => request.header(SEQ_HEADER, seq),
            None => request,
        };
        judge(request.send().await).await.map(drop)
    }

    /// Tell of a running call. Nobody waits for it: a bridge that is slow is a bridge that is away. Whether the call's token is taken
    /// is for who reports to look at: a report is followed by another.
    pub async fn report(
        &self,
        call: &SessionId,
        report: &LiveReport,
        proof: &Proof,
    ) -> Result<(), DeliveryError> {
        let path = format!("/api/v1/internal/calls/{call}/events");
        let body = Bytes::from(serde_json::to_vec(report).expect("a report is plain data"));
        let request = self.for_call(self.post(&path, body), proof).timeout(REPORT_DEADLINE);
        judge(request.send().await).await.map(drop)
    }

    /// Ask for a permit of a running call (`vox_shared::wire::permit`).
    pub async fn permit(
        &self,
        call: &SessionId,
        wanted: &PermitRequest,
        proof: &Proof,
    ) -> Result<bool, DeliveryError> {
        let body = Bytes::from(serde_json::to_vec(wanted).expect("a name is plain data"));
        let request = self.post(&format!("/api/v1/internal/calls/{call}/permits"), body);
        let request = self.for_call(request, proof).timeout(PERMIT_DEADLINE);
        let answer: PermitAnswer = judge(request.send().await)
            .await?
            .json()
            .await
            .map_err(|error| DeliveryError::Retry(short(&error)))?;
        Ok(answer.granted)
    }

    /// A sound of the call's bot, as WAV.
    pub async fn sound(
        &self,
        call: &SessionId,
        sound: &SoundId,
        proof: &Proof,
    ) -> Result<Bytes, DeliveryError> {
        let sent = self.try_sound(call, sound, proof).await;
        match again(proof, &sent) {
            Some(claim) => self.try_sound(call, sound, &claim).await,
            None => sent,
        }
    }

    async fn try_sound(
        &self,
        call: &SessionId,
        sound: &SoundId,
        proof: &Proof,
    ) -> Result<Bytes, DeliveryError> {
        let path = format!("{}/api/v1/internal/calls/{call}/sounds/{sound}", self.url);
        let request = self.for_call(traced(self.http.get(path)), proof);
        let mut answer = judge(request.send().await).await?;
        let mut content = Vec::new();
        let cut = |error: reqwest::Error| DeliveryError::Away(short(&error));
        while let Some(piece) = answer.chunk().await.map_err(cut)? {
            if content.len() + piece.len() > MAX_SOUND_BYTES {
                return Err(DeliveryError::Rejected(format!("a sound of more than {MAX_SOUND_BYTES} bytes")));
            }
            content.extend_from_slice(&piece);
        }
        Ok(content.into())
    }

    pub(crate) fn post(&self, path: &str, json: Bytes) -> RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.url));
        traced(request.header(CONTENT_TYPE, "application/json").body(json))
    }

    /// With the secret that all workers share.
    fn as_worker(&self, request: RequestBuilder) -> RequestBuilder {
        request.header(SECRET_HEADER, self.secret.expose_secret())
    }

    /// With the call's own token; without one with the workers' secret and the worker's claim.
    pub(crate) fn for_call(&self, request: RequestBuilder, proof: &Proof) -> RequestBuilder {
        match (&proof.call_token, &proof.claim) {
            (Some(token), _) => request.header(CALL_TOKEN_HEADER, token),
            (None, Some(claim)) => self.as_worker(request).header(CLAIM_HEADER, claim),
            (None, None) => self.as_worker(request),
        }
    }

    /// Upload a recording.
    pub async fn upload(&self, key: &str, file: &Hashed, proof: &Proof) -> Result<(), DeliveryError> {
        let sent = self.try_upload(key, file, proof).await;
        noted(match again(proof, &sent) {
            Some(claim) => self.try_upload(key, file, &claim).await,
            None => sent,
        })
    }

    async fn try_upload(&self, key: &str, hashed: &Hashed, proof: &Proof) -> Result<(), DeliveryError> {
        let file = tokio::fs::File::open(&hashed.file).await.map_err(|error| unreadable(&error))?;
        let size = file.metadata().await.map_err(|e| DeliveryError::Retry(e.to_string()))?.len();
        let body = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::new(file));
        let request = self
            .http
            .put(format!("{}/api/v1/internal/recordings/{key}", self.url))
            .header(CONTENT_TYPE, "audio/wav")
            .header(reqwest::header::CONTENT_LENGTH, size)
            .header(HASH_HEADER, &hashed.sha256)
            .timeout(UPLOAD_DEADLINE)
            .body(body);
        let answer = traced(self.for_call(request, proof)).send().await;
        if answer.as_ref().is_ok_and(|answer| answer.status() == StatusCode::UNPROCESSABLE_ENTITY) {
            return Err(DeliveryError::Retry("what arrived was not what was sent, by its SHA-256".into()));
        }
        judge(answer).await.map(drop)
    }

    /// Say that this worker is there.
    pub async fn register(&self, report: &WorkerReport) -> Result<WorkerLease, DeliveryError> {
        let request = self.http.post(format!("{}/api/v1/fleet/workers", self.url)).json(report);
        let response = judge(self.as_worker(request).send().await).await?;
        response.json().await.map_err(|e| DeliveryError::Retry(short(&e)))
    }
}

/// With the trace that the request is part of. The bridge is ours: nobody else is told of it.
fn traced(request: RequestBuilder) -> RequestBuilder {
    match spans::current() {
        Some(place) => request.header(TRACEPARENT, place.to_string()),
        None => request,
    }
}

/// A file that is to be uploaded.
#[derive(Debug)]
pub struct Hashed {
    pub file: PathBuf,
    pub size_bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
}

impl Hashed {
    /// Read a file for its hash.
    pub async fn of(file: &Path) -> Result<Self, DeliveryError> {
        let sha256 = hash_of(file).await.map_err(|error| unreadable(&error))?;
        let size_bytes = tokio::fs::metadata(file).await.map_err(|error| unreadable(&error))?.len();
        Ok(Self { file: file.to_owned(), size_bytes, sha256 })
    }
}

/// SHA-256 of a file, lower-case hex.
async fn hash_of(file: &Path) -> std::io::Result<String> {
    let mut file = tokio::fs::File::open(file).await?;
    let (mut hash, mut chunk) = (Sha256::new(), vec![0; READ_CHUNK]);
    loop {
        match file.read(&mut chunk).await? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => hash.update(&chunk[..read]),
        }
    }
}

/// Only a file that is not there will never be there; too many open files, or a disk that fails, may pass.
pub(crate) fn unreadable(error: &std::io::Error) -> DeliveryError {
    let why = format!("the recording cannot be read: {error}");
    match error.kind() {
        std::io::ErrorKind::NotFound => DeliveryError::Rejected(why),
        _ => DeliveryError::Retry(why),
    }
}

/// 2xx is done; 5xx, 429, 408, a wrong secret and no answer are retried; another status is final.
async fn judge(response: Result<Response, reqwest::Error>) -> Result<Response, DeliveryError> {
    let response = response.map_err(|e| DeliveryError::Away(short(&e)))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let detail = format!("{status}: {}", detail_of(response).await);
    match status.as_u16() {
        // 403 is a wrong shared secret: a fault of the deployment that gets mended, not of this record.
        408 | 429 | 401 | 403 | 500.. => Err(DeliveryError::Retry(detail)),
        _ => Err(DeliveryError::Rejected(detail)),
    }
}

/// What to go on with when the bridge does not take the call's token any more: it has expired, or the bridge's secret was changed.
pub(crate) fn again<T>(proof: &Proof, sent: &Result<T, DeliveryError>) -> Option<Proof> {
    match sent {
        Err(DeliveryError::Retry(why)) if proof.call_token.is_some() && why.contains(CALL_TOKEN_REFUSED) => {
            tracing::warn!("the bridge does not take a call's token any more; its claim is shown");
            Some(proof.claim_only())
        }
        _ => None,
    }
}

/// With what became of it in the trace.
fn noted(delivered: Result<(), DeliveryError>) -> Result<(), DeliveryError> {
    if let Err(error) = &delivered {
        let word = match error {
            DeliveryError::Retry(_) => "not_taken",
            DeliveryError::Away(_) => "unreachable",
            DeliveryError::Rejected(_) => "rejected",
        };
        tracing::Span::current().record("error.type", word);
    }
    delivered
}

async fn detail_of(response: Response) -> String {
    let mut text = response.text().await.unwrap_or_default();
    let mut end = text.len().min(DETAIL_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// An error without its address.
fn short(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_decode() {
        "the answer could not be read"
    } else {
        "the exchange broke off"
    };
    kind.to_owned()
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn a_recording_is_announced_by_its_hash_and_sent_again_when_it_arrives_damaged() {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let refusing = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"abc") {
                assert!(socket.read_buf(&mut asked).await.unwrap() > 0);
            }
            let refusal = b"HTTP/1.1 422 Unprocessable Entity\r\ncontent-length: 0\r\n\r\n";
            socket.write_all(refusal).await.unwrap();
            String::from_utf8(asked).unwrap()
        });
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("call.wav"), "abc").unwrap();
        let bridge = Bridge::new(&url, SecretString::from("x".repeat(32))).unwrap();
        let file = Hashed::of(&dir.path().join("call.wav")).await.unwrap();
        let fault = bridge.upload("key", &file, &Proof::default()).await.unwrap_err();
        assert!(matches!(fault, DeliveryError::Retry(_)), "{fault:?}");
        // FIPS 180-2, appendix B.1.
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let asked = refusing.await.unwrap();
        assert!(asked.contains(&format!("x-content-sha256: {hash}\r\n")), "{asked}");
    }

    /// A recording was given up for good because the worker had too many open files for a moment.
    #[tokio::test]
    async fn a_recording_that_cannot_be_opened_now_is_uploaded_later() {
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("call.wav"), "").unwrap();
        let fault = Hashed::of(&dir.path().join("call.wav/not_a_directory")).await.unwrap_err();
        assert!(matches!(fault, DeliveryError::Retry(_)), "{fault:?}");
        let fault = Hashed::of(&dir.path().join("gone.wav")).await.unwrap_err();
        assert!(matches!(fault, DeliveryError::Rejected(_)), "{fault:?}");
    }
}
