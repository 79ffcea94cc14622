//! `POST /api/v1/call-results`

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::wire::SEQ_HEADER;
use vox_shared::wire::result::CallResult;

use crate::auth::of_call::OfCall;
use crate::campaign::calls::CallError;
use crate::edge::body::{Checked, MAX_RESULT_BYTES};
use crate::error::{ApiError, ApiResult};
use crate::fields::typed;
use crate::runtime::result::{Outcome, ResultError, Results, record};

/// Given only when the call's terminal record is durable, or nothing of the call is to be kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct Receipt {
    pub session_id: String,
    /// `stored`, or `already_stored` for a repeated delivery, or `deleted` when the call was deleted.
    pub status: &'static str,
}

/// Take the result of a call. Delivering again is harmless.
#[instrument(name = "results.deliver", skip_all, fields(call.id))]
pub async fn deliver(
    sender: OfCall,
    request: HttpRequest,
    results: Data<Results>,
    body: Checked<Map<String, Value>, MAX_RESULT_BYTES>,
) -> ApiResult<Json<Receipt>> {
    let mut raw = body.0;
    // The worker delivers what it wrote, byte for byte: its outbox's number comes beside it, and the tag that tells a result
    // from other records of an outbox may still be there.
    raw.remove("record");
    // Of a worker's outbox too. What proves is not kept.
    let proof = raw.remove("proof");
    let sender = sender.or_claim(proof.as_ref().and_then(|proof| proof.get("claim")?.as_str()));
    if let Some(seq) =
        request.headers().get(SEQ_HEADER).and_then(|seq| seq.to_str().ok()?.parse::<u64>().ok())
    {
        raw.insert("seq".into(), seq.into());
    }
    // A null would overwrite what the skeleton knows.
    raw.retain(|_, value| !value.is_null());
    let result: CallResult =
        typed(Value::Object(raw.clone())).map_err(|fault| ApiError::invalid(vec![fault]))?;
    tracing::Span::current().record("call.id", tracing::field::display(&result.session_id));
    sender.may_name(result.bot_id.as_ref())?;
    let seen = sender.may_speak_for(&results.stores, &result.session_id).await?;
    let status = match record(&results, raw, &result, (sender.claim_hash(), seen)).await? {
        Outcome::Stored => "stored",
        Outcome::AlreadyStored => "already_stored",
        Outcome::Deleted => "deleted",
    };
    Ok(Json(Receipt { session_id: result.session_id.to_string(), status }))
}

impl From<ResultError> for ApiError {
    fn from(error: ResultError) -> Self {
        match error {
            ResultError::UnknownCall => {
                Self::new(StatusCode::NOT_FOUND, "unknown_call", ResultError::UnknownCall.to_string())
            }
            ResultError::Attempt(CallError::Store(error)) => error.into(),
            ResultError::Attempt(error) => Self::internal("note the result of an attempt", &error),
            ResultError::Link(error) => Self::internal("make a recording link", &error),
            ResultError::Store(error) => error.into(),
        }
    }
}
