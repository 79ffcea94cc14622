//! What happens to every request and response, whatever the route: a request id, a span, a log line, metrics, security
//! headers, a deadline, and an answer even if a handler panics.

pub mod body;
pub mod client;
mod endpoint;
pub mod idempotency;
mod in_turn;
pub mod pages;
pub mod params;
pub mod part;
pub mod request_id;
pub mod sse;

use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpResponse};
use tracing::{Instrument, Span};
use vox_shared::trace::{Place, TRACEPARENT};

use crate::coordination::Standing;
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::serve::Pace;

pub use endpoint::{REQUEST_DEADLINE, UPLOAD_DEADLINE, endpoint, followed};
pub use in_turn::InTurn;

/// Headers on every answer. The API serves data, never a page that may be framed or sniffed.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::CACHE_CONTROL, "no-store"),
];

/// How often whoever asked may ask again, on the answers of people and keys.
const RATE_LIMIT: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

/// What machines ask all the time: no trace begins with these.
const UNTRACED: [&str; 5] =
    ["/health", "/ready", "/metrics", "/api/v1/fleet/workers", "/api/v1/internal/calls/{session_id}/events"];

/// The outermost layer.
pub async fn surround(
    metrics: Data<Metrics>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let began = Instant::now();
    let _answering = request.request().conn_data::<Pace>().map(Pace::answering);
    let id = request_id::of(request.headers());
    let method = request.method().clone();
    // The template, never the path itself: its parts are ids and tokens.
    let path = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let span = span((&id, &method, &path), trace_of(request.headers()));

    let answer = request_id::CURRENT.scope(id.clone(), next.call(request)).instrument(span.clone());
    let mut response = answer.await?;

    secure(response.headers_mut());
    let standing = response.request().extensions().get::<Standing>().copied();
    tell_standing(response.headers_mut(), standing);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(request_id::HEADER, value);
    }
    let (status, took) = (response.status(), began.elapsed());
    span.record("status", status.as_u16());
    if status.is_server_error() {
        span.record("error.type", status.as_str());
    }
    metrics.request(&method, &path, status, took);
    if let Some(refusal) = response.response().error().and_then(|e| e.as_error::<ApiError>()) {
        metrics.error(refusal.code);
    }
    span.in_scope(|| {
        tracing::info!(status = status.as_u16(), duration_ms = took.as_secs_f64() * 1e3, "answered")
    });
    Ok(if method == Method::HEAD { response.map_body(|_, body| withheld(&body)) } else { response })
}

/// What the `traceparent` header says.
fn trace_of(headers: &HeaderMap) -> Option<Place> {
    Place::parse(headers.get(TRACEPARENT)?.to_str().ok()?)
}

/// A request's span is part of a trace, unless it is one of [`UNTRACED`] and nobody traces it.
fn span((id, method, path): (&str, &Method, &str), parent: Option<Place>) -> Span {
    let later = tracing::field::Empty;
    if parent.is_none() && UNTRACED.contains(&path) {
        return tracing::info_span!(
            "request",
            request.id = id,
            %method,
            path,
            tenant.id = later,
            api_key.id = later,
            status = later,
            "error.type" = later
        );
    }
    tracing::info_span!(
        "request",
        otel.kind = "server",
        trace.parent = parent.map(|place| place.to_string()),
        request.id = id,
        %method,
        path,
        tenant.id = later,
        api_key.id = later,
        status = later,
        "error.type" = later
    )
}

fn secure(headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        // A page that needs another policy has set its own.
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// Requests in a minute, what is left of them, and the seconds until all of them are back.
fn tell_standing(headers: &mut HeaderMap, standing: Option<Standing>) {
    let Some(standing) = standing else { return };
    let told = [standing.limit.into(), standing.remaining.into(), standing.wait_seconds()];
    for (name, number) in RATE_LIMIT.into_iter().zip(told) {
        headers.insert(name, HeaderValue::from(number));
    }
}

/// What HEAD answers in a body's place: its size. The content is never read.
fn withheld(body: &impl MessageBody) -> BoxBody {
    BoxBody::new(Withheld(body.size()))
}

struct Withheld(BodySize);

impl MessageBody for Withheld {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, Self::Error>>> {
        std::task::Poll::Ready(None)
    }
}

/// What no route matches.
pub async fn unmatched() -> Result<HttpResponse, ApiError> {
    Err(ApiError::not_found("route"))
}

/// A route that does not know the method; it tells those it knows.
pub fn wrong_method(known: &str) -> HttpResponse {
    let refusal =
        ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "this route does not have that method");
    let mut response = HttpResponse::from_error(refusal);
    if let Ok(known) = HeaderValue::from_str(known) {
        response.headers_mut().insert(header::ALLOW, known);
    }
    response
}
