//! `POST /calls/{session_id}/orders`: what somebody outside wants of the running call, for the bridge.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::order::{OrderRequest, OrderTaken};

use super::answer::{Answer, error, error_saying, json};
use crate::access::is_internal;
use crate::app::App;
use crate::call::orders::NotPlaced;

/// Most of a body read, bytes: the longest text with every character escaped.
const MAX_BODY: usize = 64 * 1024;
/// The body must be here within this.
const BODY_DEADLINE: Duration = Duration::from_secs(5);

/// Hand the order to the conversation and wait for its word: 200 when it is taken, 409 when it is not possible now. 403
/// without the shared secret, 404 when the call is not here, 400 for what is no order, 503 when the call takes none.
pub async fn place(app: &App, session_id: &str, request: Request<Incoming>) -> Answer {
    if !is_internal(request.headers(), &app.config) {
        return error(StatusCode::FORBIDDEN, "forbidden");
    }
    let body = timeout(BODY_DEADLINE, Limited::new(request.into_body(), MAX_BODY).collect()).await;
    let Ok(Ok(body)) = body else { return error(StatusCode::BAD_REQUEST, "bad_body") };
    let OrderRequest { order, .. } = match serde_json::from_slice(&body.to_bytes()) {
        Ok(request) => request,
        Err(fault) => return error_saying(StatusCode::BAD_REQUEST, "bad_order", &fault.to_string()),
    };
    if let Err(fault) = order.check() {
        return error(StatusCode::BAD_REQUEST, &fault.to_string());
    }
    let taken = order.name();
    match app.orders.place(session_id, order).await {
        Ok(Ok(seat)) => {
            let seat = seat.map(|seat| *seat);
            json(&OrderTaken { version: WIRE_VERSION, taken: taken.to_owned(), seat })
        }
        Ok(Err(why)) => error_saying(StatusCode::CONFLICT, "order_refused", &why),
        Err(NotPlaced::UnknownCall) => error(StatusCode::NOT_FOUND, "unknown_call"),
        Err(NotPlaced::Busy) => error(StatusCode::SERVICE_UNAVAILABLE, "call_busy"),
    }
}
