//! A handler with what surrounds it: the audit of what changes something, a deadline, an answer even if it panics, and an end in good order for a connection
//! whose request was refused before its body was read.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::dev::{Handler, Payload};
use actix_web::http::{ConnectionType, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder, Route, web};
use futures_util::FutureExt;
use tokio::time::timeout;

use super::in_turn::InTurn;
use crate::audit::trail::{Audited, Trail};
use crate::error::ApiError;
use crate::serve::Pace;

/// Longest time to the first byte of an answer.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(120);
/// The same for the upload of a recording, whose body may come over a slow line: as long as a worker tries.
pub const UPLOAD_DEADLINE: Duration = Duration::from_secs(600);

/// The route of a handler that changes nothing.
pub fn endpoint<H, A>(handler: H, deadline: Duration) -> Route
where
    H: Handler<A>,
    H::Output: Responder,
    A: InTurn,
{
    followed(handler, deadline, Audited::No)
}

/// The route of a handler whose requests may be audited.
pub fn followed<H, A>(handler: H, deadline: Duration, audited: Audited) -> Route
where
    H: Handler<A>,
    H::Output: Responder,
    A: InTurn,
{
    web::to(move |request: HttpRequest, payload: web::Payload| {
        let handler = handler.clone();
        async move {
            let mut payload = payload.into_inner();
            let trail = Trail::lay(&request, audited);
            let answer = answer(&handler, (&request, &trail), &mut payload);
            let mut response = match AssertUnwindSafe(timeout(deadline, answer)).catch_unwind().await {
                Ok(Ok(response)) => response,
                Ok(Err(_)) => {
                    HttpResponse::from_error(ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, "timeout", 1))
                }
                Err(_) => HttpResponse::from_error(ApiError::internal("handle the request", &Panicked)),
            };
            trail.ends(&response).await;
            close_if_unread(&request, &payload, &mut response);
            response
        }
    })
}

async fn answer<H, A>(
    handler: &H,
    (request, trail): (&HttpRequest, &Trail),
    payload: &mut Payload,
) -> HttpResponse
where
    H: Handler<A>,
    H::Output: Responder,
    A: InTurn,
{
    let settled = async { Ok(trail.settled().await?) };
    match A::in_turn(request, payload, settled).await {
        Ok(arguments) => handler.call(arguments).await.respond_to(request).map_into_boxed_body(),
        Err(error) => HttpResponse::from_error(error),
    }
}

/// A refusal of a body that is still on its way is the connection's last answer.
fn close_if_unread(request: &HttpRequest, payload: &Payload, response: &mut HttpResponse) {
    let untouched = !matches!(payload, Payload::None) && has_body(request);
    let status = response.status();
    let is_refusal = status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE;
    // A store that is away is found out in the midst of an upload.
    let midway = status == StatusCode::PAYLOAD_TOO_LARGE || status == StatusCode::SERVICE_UNAVAILABLE;
    if is_refusal && (untouched || midway && has_body(request)) {
        response.head_mut().set_connection_type(ConnectionType::Close);
        request.conn_data::<Pace>().into_iter().for_each(Pace::close);
    }
}

fn has_body(request: &HttpRequest) -> bool {
    let headers = request.headers();
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// A handler panicked; the message went to the log through the panic hook.
#[derive(Debug, thiserror::Error)]
#[error("a handler panicked")]
struct Panicked;
