//! One message to one endpoint: a POST, and what its answer means.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::BytesMut;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use tokio::time::{Instant, timeout};
use url::Url;
use vox_egress::{Egress, Failure, FailureClass, http_failure};

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
pub async fn attempt(egress: &Egress, to: &Endpoint, delivery: &Delivery, now: Stamp) -> (Attempt, Verdict) {
    let (began, request_id) = (Instant::now(), request_id());
    let answer = match request(egress, to, delivery, (now, &request_id)) {
        Ok(request) => exchange(request).await,
        Err(failure) => Err(told(&failure)),
    };
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let attempt = Attempt { at: now, request_id, status: None, reply: None, error: None, took_ms };
    match answer {
        Ok(answer) => judge(attempt, answer),
        Err(error) => (Attempt { error: Some(error), ..attempt }, Verdict::TryAgain(None)),
    }
}

fn request(
    egress: &Egress,
    to: &Endpoint,
    delivery: &Delivery,
    (now, request_id): (Stamp, &str),
) -> Result<RequestBuilder, Failure> {
    let url =
        Url::parse(&to.url).map_err(|_| Failure::new(FailureClass::Refused, "the address is no URL"))?;
    let (id, at) = (delivery.event_id.as_str(), now.0.as_second());
    let signed = signatures(&to.secrets(now), id, at, &delivery.body);
    let request = egress.request(Method::POST, url)?;
    Ok(request
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", signed)
        .header("x-request-id", request_id)
        .body(delivery.body.clone()))
}

/// Within the deadline, or the reason why not. An answer that is too long or does not come to its end has a status all the same.
async fn exchange(request: RequestBuilder) -> Result<Answer, String> {
    let until = Instant::now() + DEADLINE;
    let late = || format!("no answer within {} s", DEADLINE.as_secs());
    let mut response = match timeout(DEADLINE, request.send()).await {
        Ok(sent) => sent.map_err(|error| told(&http_failure(error)))?,
        Err(_) => return Err(late()),
    };
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    let mut body = BytesMut::new();
    let fault = match tokio::time::timeout_at(until, read(&mut response, &mut body)).await {
        Ok(read) => read.err(),
        Err(_) => Some(format!("the answer was not whole within {} s", DEADLINE.as_secs())),
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

fn judge(attempt: Attempt, answer: Answer) -> (Attempt, Verdict) {
    let kept = &answer.body[..answer.body.len().min(KEPT_BYTES)];
    // A NUL is no text for every store.
    let reply = String::from_utf8_lossy(kept).replace('\0', "\u{fffd}");
    let status = answer.status;
    let refused = (!status.is_success()).then(|| match status.is_redirection() {
        true => format!("answered {}: redirects are not followed", status.as_u16()),
        false => format!("answered {}", status.as_u16()),
    });
    let error = refused.or(answer.fault);
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
