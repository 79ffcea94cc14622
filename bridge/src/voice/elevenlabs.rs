//! Instant voice clones of ElevenLabs: `POST /v1/voices/add` (multipart), `GET /v2/voices` and `DELETE /v1/voices/{id}`, as its
//! Python client (2.x) sends them. Nothing of the vendor's JSON leaves this file.

use std::time::Duration;

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;
use vox_egress::chat::read_refusal;
use vox_egress::{Egress, Failure, FailureClass, Refusal, http_failure, secret_header};
use vox_shared::catalogue::ELEVENLABS;
use vox_shared::egress::HostRules;

use crate::store::voices::ClipFormat;

const NAME: &str = ELEVENLABS.name;
/// The whole exchange that makes a voice: the clip goes up, and the vendor looks at it.
const MAKING: Duration = Duration::from_secs(120);
/// Every other whole exchange.
const ASKING: Duration = Duration::from_secs(20);
/// Longest answer, bytes: a page of voices has all that is known of each.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;
/// Voices of an account that a search may yield; the id that is searched for stands in one name.
const PAGE: &str = "10";
/// How the vendor says that there is no such voice.
const ABSENT: [&str; 2] = ["voice_not_found", "voice_does_not_exist"];

/// Who asks, and where.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    pub egress: &'a Egress,
    pub rules: &'a HostRules,
    pub key: &'a str,
    pub base_url: Option<&'a str>,
}

/// A voice to be made.
pub struct Wanted<'a> {
    /// It is how a voice is found again whose making had no answer, so no other has it.
    pub name: &'a str,
    pub language: &'a str,
    pub remove_background_noise: bool,
    pub clip: (ClipFormat, Vec<u8>),
}

/// A voice that the vendor has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub id: String,
    pub needs_verification: bool,
}

/// Make a voice. It is not safe to repeat: look for it by [`find`] first.
pub async fn make(of: Account<'_>, wanted: Wanted<'_>) -> Result<Made, Failure> {
    let (format, bytes) = wanted.clip;
    let part = Part::bytes(bytes).file_name(format.file_name()).mime_str(format.media_type());
    let part = part.map_err(http_failure)?;
    let mut form = Form::new()
        .text("name", wanted.name.to_owned())
        .text("remove_background_noise", wanted.remove_background_noise.to_string())
        .part("files", part);
    if !wanted.language.is_empty() {
        form = form.text("labels", json!({"language": wanted.language}).to_string());
    }
    let request = of.request(Method::POST, of.url(&["v1", "voices", "add"])?)?.multipart(form);
    let body = within(MAKING, exchange(request)).await?;
    let id = body["voice_id"].as_str().filter(|id| is_id(id));
    Ok(Made {
        id: id.ok_or_else(|| malformed("the answer has no voice_id"))?.to_owned(),
        needs_verification: body["requires_verification"].as_bool().unwrap_or(false),
    })
}

/// The voice of exactly this name.
pub async fn find(of: Account<'_>, name: &str, searched: &str) -> Result<Option<Made>, Failure> {
    let mut url = of.url(&["v2", "voices"])?;
    url.query_pairs_mut().append_pair("search", searched).append_pair("page_size", PAGE);
    let request = of.request(Method::GET, url)?;
    let body = within(ASKING, exchange(request)).await?;
    let voices = body["voices"].as_array().ok_or_else(|| malformed("the answer has no list of voices"))?;
    let Some(found) = voices.iter().find(|voice| voice["name"] == name) else { return Ok(None) };
    let (id, verified) = (found["voice_id"].as_str().filter(|id| is_id(id)), &found["voice_verification"]);
    let is_so = |word: &str| verified[word].as_bool().unwrap_or(false);
    let needs_verification = is_so("requires_verification") && !is_so("is_verified");
    Ok(id.map(|id| Made { id: id.to_owned(), needs_verification }))
}

/// Delete a voice; one that is not there is deleted.
pub async fn remove(of: Account<'_>, id: &str) -> Result<(), Failure> {
    let request = of.request(Method::DELETE, of.url(&["v1", "voices", id])?)?;
    let removing = async {
        let response = request.send().await.map_err(http_failure)?;
        if response.status().is_success() {
            return Ok(());
        }
        let refusal = read_refusal(response).await;
        let is_absent = refusal.status == 404 || word(&refusal).is_some_and(|word| ABSENT.contains(&&*word));
        if is_absent { Ok(()) } else { Err(failure(&refusal)) }
    };
    within(ASKING, removing).await
}

impl Account<'_> {
    fn url(&self, path: &[&str]) -> Result<Url, Failure> {
        let refused = || Failure::new(FailureClass::Refused, format!("{NAME}: base_url is no address"));
        ELEVENLABS.http_url(self.base_url, path).ok_or_else(refused)
    }

    fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, Failure> {
        let request = match self.base_url {
            Some(_) => self.egress.request_under(self.rules, method, url)?,
            None => self.egress.request(method, url)?,
        };
        Ok(request.header("xi-api-key", secret_header(NAME, self.key.trim())?))
    }
}

async fn within<T>(deadline: Duration, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = || format!("{NAME}: no whole answer within {} s", deadline.as_secs());
    timeout(deadline, work).await.unwrap_or_else(|_| Err(Failure::new(FailureClass::TimedOut, late())))
}

/// The JSON of an answer, or why there is none.
async fn exchange(request: RequestBuilder) -> Result<Value, Failure> {
    let response = request.send().await.map_err(http_failure)?;
    if !response.status().is_success() {
        return Err(failure(&read_refusal(response).await));
    }
    serde_json::from_slice(&read(response).await?).map_err(|_| malformed("the answer is no JSON"))
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(http_failure)? {
        if body.len() + piece.len() > MAX_BODY_BYTES {
            return Err(malformed(&format!("the answer is longer than {MAX_BODY_BYTES} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn failure(refusal: &Refusal) -> Failure {
    let word = word(refusal);
    let class = match word.as_deref() {
        Some("quota_exceeded" | "voice_limit_reached" | "too_many_concurrent_requests") => {
            FailureClass::OverLimit
        }
        Some("system_busy") => FailureClass::Unavailable,
        _ => refusal.class(),
    };
    refusal.failure(NAME, class, word.as_deref())
}

/// `detail.status`: a word, never the text beside it, which may quote what was sent.
fn word(refusal: &Refusal) -> Option<String> {
    let body = refusal.json();
    let word = body["detail"]["status"].as_str()?;
    let is_word = word.len() <= 64 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b));
    is_word.then(|| word.to_owned())
}

fn malformed(what: &str) -> Failure {
    Failure::new(FailureClass::Malformed, format!("{NAME}: {what}"))
}

/// Whether a bot may be given it: it becomes a part of a path.
fn is_id(id: &str) -> bool {
    id.len() <= 96 && ELEVENLABS.voice_fault(id).is_none()
}
