//! `POST /attach`, as strictly as the worker's contract has it.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use vox_shared::ids::SessionId;
use vox_shared::wire::SECRET_HEADER;

use super::order::Body;
use super::{Worker, call};

pub(super) async fn take(State(worker): State<Arc<Worker>>, headers: HeaderMap, body: Bytes) -> Response {
    let secret = headers.get(SECRET_HEADER).and_then(|value| value.to_str().ok());
    if secret != Some(worker.shared.orders.secret.as_str()) {
        return refuse(&worker, (StatusCode::UNAUTHORIZED, "unauthorized"), "");
    }
    let body: Body = match serde_json::from_slice(&body) {
        Ok(body) => body,
        Err(fault) => {
            return refuse(&worker, (StatusCode::BAD_REQUEST, "bad_body"), &fault.to_string());
        }
    };
    if let Some(fault) = body.fault() {
        return refuse(&worker, (StatusCode::UNPROCESSABLE_ENTITY, "invalid"), &fault);
    }
    let event = body.connected_event.as_ref();
    let named =
        event.and_then(|event| event.get("_campaign_session_id")?.as_str()?.parse::<SessionId>().ok());
    let call_id = named.unwrap_or_else(SessionId::generate);
    let is_taken = !worker.shared.stop.is_cancelled()
        && worker.slot.send_if_modified(|slot| {
            let is_free = slot.is_none();
            if is_free {
                *slot = Some(call_id.clone());
            }
            is_free
        });
    if !is_taken {
        return refuse(&worker, (StatusCode::TOO_MANY_REQUESTS, "at_capacity"), "");
    }
    worker.shared.counts().taken += 1;
    tokio::spawn(call::run(worker, call_id.clone(), body));
    Json(json!({"status": "accepted", "call_id": call_id})).into_response()
}

fn refuse(worker: &Worker, (status, error): (StatusCode, &str), detail: &str) -> Response {
    worker.shared.counts().refused += 1;
    (status, Json(json!({"error": error, "detail": detail}))).into_response()
}
