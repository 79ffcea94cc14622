//! What happens to every request and response, whatever the route: a request id, a span, a log line, metrics, security
//! headers, a deadline, and an answer even if a handler panics.

pub mod body;
pub mod client;
pub mod params;
pub mod request_id;
mod trace;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::time::timeout;
use tracing::{Instrument, Span};

use crate::app::App;
use crate::error::{ApiError, ErrorCode};

/// Longest time to the first byte of an answer.
const REQUEST_DEADLINE: Duration = Duration::from_secs(120);
/// The same for the upload of a recording, whose body may come over a slow line: as long as a worker tries.
const UPLOAD_DEADLINE: Duration = Duration::from_secs(600);

/// Headers on every answer. The API serves data, never a page that may be framed or sniffed.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The outermost layer.
pub async fn surround(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id::of(&request);
    let method = request.method().clone();
    // The template, never the path itself: its parts are ids and tokens.
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |m| m.as_str().to_owned());
    let span = span(&id, &method, &path);
    if let Some(trace) = trace::of(request.headers()) {
        span.record("trace.id", trace.trace_id).record("span.id", trace.span_id);
    }

    let answer = request_id::CURRENT
        .scope(id.clone(), answer(request, next, deadline(&method, &path)))
        .instrument(span.clone());
    let mut response = answer.await;

    secure(response.headers_mut());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(request_id::HEADER, value);
    }
    let (status, took) = (response.status(), began.elapsed());
    app.metrics.request(&method, &path, status, took);
    if let Some(ErrorCode(code)) = response.extensions().get() {
        app.metrics.error(code);
    }
    span.in_scope(|| {
        tracing::info!(status = status.as_u16(), duration_ms = took.as_secs_f64() * 1e3, "answered")
    });
    response
}

fn span(id: &str, method: &Method, path: &str) -> Span {
    let later = tracing::field::Empty;
    tracing::info_span!(
        "request",
        request.id = id,
        %method,
        path,
        tenant.id = later,
        trace.id = later,
        span.id = later
    )
}

fn deadline(method: &Method, path: &str) -> Duration {
    let is_upload = method == Method::PUT && path.starts_with("/api/v1/internal/recordings/");
    if is_upload { UPLOAD_DEADLINE } else { REQUEST_DEADLINE }
}

async fn answer(request: Request, next: Next, deadline: Duration) -> Response {
    let handled = AssertUnwindSafe(timeout(deadline, next.run(request))).catch_unwind();
    match handled.await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, "timeout", 1).into_response(),
        Err(_) => ApiError::internal("handle the request", &Panicked).into_response(),
    }
}

/// A handler panicked; the message went to the log through the panic hook.
#[derive(Debug, thiserror::Error)]
#[error("a handler panicked")]
struct Panicked;

fn secure(headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        // A page that needs another policy has set its own.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// What no route matches.
pub async fn unmatched() -> ApiError {
    ApiError::not_found("route")
}

/// A route that does not know the method.
pub async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "this route does not have that method")
}
