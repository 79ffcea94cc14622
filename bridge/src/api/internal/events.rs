//! `POST /api/v1/internal/calls/{session_id}/events`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::SessionId;
use vox_shared::wire::live::{LiveReport, MAX_EVENTS};

use crate::api::calls::live::Watch;
use crate::auth::of_call::OfCall;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::live::Whose;
use crate::redaction;

/// Longest name of an event, characters.
const MAX_NAME_CHARS: usize = 64;

/// What became of a report.
#[derive(Debug, Serialize, ToSchema)]
pub struct Heard {
    /// `heard`, or `ended` for a call that has its terminal record.
    pub status: &'static str,
}

/// A worker tells of its running call. Telling again is harmless.
#[instrument(name = "internal.calls.events", skip_all, fields(call.id = %call.0))]
pub async fn report(
    sender: OfCall,
    call: InPath<SessionId>,
    watch: Data<Watch>,
    body: Checked<LiveReport>,
) -> ApiResult<Json<Heard>> {
    sender.may_speak_for(&watch.stores, &call.0).await?;
    let mut report = body.0;
    check(&report).map_err(|fault| ApiError::invalid(vec![fault]))?;
    let whose = match watch.live.whose(&call.0) {
        Some(whose) => whose,
        None => {
            let known = watch.stores.all_calls().find_call(&call.0).await?.ok_or_else(unknown)?.value;
            if known.disconnected_by.is_some() {
                return Ok(Json(Heard { status: "ended" }));
            }
            Whose::of(call.0, &known)
        }
    };
    redaction::report(whose.redaction.as_ref(), &mut report);
    watch.live.told(whose, report).await;
    Ok(Json(Heard { status: "heard" }))
}

fn check(report: &LiveReport) -> Result<(), FieldError> {
    let events = &report.events;
    if events.len() > MAX_EVENTS {
        return Err(FieldError::new("events", format!("are {MAX_EVENTS} at most")));
    }
    if events.first().is_some_and(|event| event.seq == 0) {
        return Err(FieldError::new("events.0.seq", "numbers begin with 1"));
    }
    if let Some(at) = events.windows(2).position(|pair| pair[0].seq >= pair[1].seq) {
        return Err(FieldError::new(format!("events.{}.seq", at + 1), "must be greater than the one before"));
    }
    let is_name = |name: &str| {
        (1..=MAX_NAME_CHARS).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'_')
    };
    match events.iter().position(|event| !is_name(&event.event)) {
        Some(at) => Err(FieldError::new(format!("events.{at}.event"), "is a name of a-z, '.' and '_'")),
        None => Ok(()),
    }
}

fn unknown() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "unknown_call", "this session is not known here")
}
