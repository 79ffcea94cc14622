//! One message to one endpoint: a POST, and what its answer means.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use tokio::time::{Instant, timeout};
use url::Url;
use vox_egress::{Egress, Failure, FailureClass, http_failure};
use vox_shared::egress::HostRules;

use super::sign::signatures;
use crate::store::Stamp;
use crate::store::deliveries::{Attempt, Delivery};
use crate::store::webhooks::Endpoint;

/// From the connection to the last byte of the answer.
pub const DEADLINE: Duration = Duration::from_secs(15);
/// Longest answer, bytes.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// So much of an answer is kept, bytes.
const KEPT_BYTES: usize = 1024;

/// What an attempt means for its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Taken,
    /// 410: the endpoint wants nothing any more.
    Gone,
    /// With the pause that the endpoint asks for.
    TryAgain(Option<Duration>),
}

/// What came back.
struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: BytesMut,
    fault: Option<String>,
}

/// Try to deliver.
pub async fn attempt(
    by: (&Egress, &HostRules),
    to: &Endpoint,
    delivery: &Delivery,
    now: Stamp,
) -> (Attempt, Verdict) {
    let attempt = new_attempt(now);
    let request = request(by, to, delivery, (now, &attempt.request_id));
    let (attempt, verdict, _) = ask(request, attempt, DEADLINE).await;
    (attempt, verdict)
}

/// An attempt that is about to be made.
pub fn new_attempt(now: Stamp) -> Attempt {
    let (request, status, reply, error) = (None, None, None, None);
    Attempt { at: now, request_id: request_id(), request, status, reply, error, took_ms: 0 }
}

/// Send a request, and what came of it. The last is the answer's body, [`MAX_ANSWER_BYTES`] at most.
pub async fn ask(
    request: Result<RequestBuilder, Failure>,
    attempt: Attempt,
    deadline: Duration,
) -> (Attempt, Verdict, Bytes) {
    let began = Instant::now();
    let answer = match request {
        Ok(request) => exchange(request, deadline).await,
        Err(failure) => Err(told(&failure)),
    };
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let attempt = Attempt { took_ms, ..attempt };
    match answer {
        Ok(mut answer) => {
            let body = answer.body.split().freeze();
            let (attempt, verdict) = judge(attempt, &answer, &body);
            (attempt, verdict, body)
        }
        Err(error) => (Attempt { error: Some(error), ..attempt }, Verdict::TryAgain(None), Bytes::new()),
    }
}

fn request(
    (egress, rules): (&Egress, &HostRules),
    to: &Endpoint,
    delivery: &Delivery,
    (now, request_id): (Stamp, &str),
) -> Result<RequestBuilder, Failure> {
    let url =
        Url::parse(&to.url).map_err(|_| Failure::new(FailureClass::Refused, "the address is no URL"))?;
    let (id, at) = (delivery.event_id.as_str(), now.0.as_second());
    let signed = signatures(&to.secrets(now), id, at, &delivery.body);
    let request = egress.request_under(rules, Method::POST, url)?;
    Ok(request
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", signed)
        .header("x-request-id", request_id)
        .body(delivery.body.clone()))
}

/// Within the deadline, or the reason why not. An answer that is too long or does not come to its end has a status all the same.
async fn exchange(request: RequestBuilder, deadline: Duration) -> Result<Answer, String> {
    let until = Instant::now() + deadline;
    let late = || format!("no answer within {} s", deadline.as_secs_f64());
    let mut response = match timeout(deadline, request.send()).await {
        Ok(sent) => sent.map_err(|error| told(&http_failure(error)))?,
        Err(_) => return Err(late()),
    };
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    let mut body = BytesMut::new();
    let fault = match tokio::time::timeout_at(until, read(&mut response, &mut body)).await {
        Ok(read) => read.err(),
        Err(_) => Some(format!("the answer was not whole within {} s", deadline.as_secs_f64())),
    };
    Ok(Answer { status, retry_after, body, fault })
}

async fn read(response: &mut Response, body: &mut BytesMut) -> Result<(), String> {
    while let Some(piece) = response.chunk().await.map_err(|error| told(&http_failure(error)))? {
        if body.len() + piece.len() > MAX_ANSWER_BYTES {
            return Err(format!("the answer is longer than {MAX_ANSWER_BYTES} bytes"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(())
}

fn judge(attempt: Attempt, answer: &Answer, body: &Bytes) -> (Attempt, Verdict) {
    let kept = &body[..body.len().min(KEPT_BYTES)];
    // A NUL is no text for every store.
    let reply = String::from_utf8_lossy(kept).replace('\0', "\u{fffd}");
    let status = answer.status;
    let refused = (!status.is_success()).then(|| match status.is_redirection() {
        true => format!("answered {}: redirects are not followed", status.as_u16()),
        false => format!("answered {}", status.as_u16()),
    });
    let error = refused.or_else(|| answer.fault.clone());
    let verdict = match &error {
        None => Verdict::Taken,
        Some(_) if status == StatusCode::GONE => Verdict::Gone,
        Some(_) => Verdict::TryAgain(answer.retry_after),
    };
    (Attempt { status: Some(status.as_u16()), reply: Some(reply), error, ..attempt }, verdict)
}

/// In seconds; the form with a date is not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn told(failure: &Failure) -> String {
    failure.detail.chars().take(KEPT_BYTES).collect()
}

fn request_id() -> String {
    let mut random = [0u8; 12];
    rand::fill(&mut random);
    format!("req_{}", URL_SAFE_NO_PAD.encode(random))
}
