//! `POST /api/v1/call-results`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::wire::result::CallResult;

use crate::app::App;
use crate::auth::internal::Internal;
use crate::edge::body::{Checked, without_value};
use crate::error::{ApiError, ApiResult, FieldError};
use crate::runtime::result::{Outcome, ResultError, record};

/// Given only when the call's terminal record is durable.
#[derive(Debug, Serialize, ToSchema)]
pub struct Receipt {
    pub session_id: String,
    /// `stored`, or `already_stored` for a repeated delivery.
    pub status: &'static str,
}

/// Take the result of a call. Delivering again is harmless.
#[instrument(name = "results.deliver", skip_all, fields(call.id))]
pub async fn deliver(
    _: Internal,
    State(app): State<App>,
    body: Checked<Map<String, Value>>,
) -> ApiResult<Json<Receipt>> {
    let mut raw = body.0;
    // A null would overwrite what the skeleton knows.
    raw.retain(|_, value| !value.is_null());
    let result: CallResult =
        serde_path_to_error::deserialize(Value::Object(raw.clone())).map_err(|error| {
            let message = without_value(&error.inner().to_string());
            ApiError::invalid(vec![FieldError::new(error.path().to_string(), message)])
        })?;
    tracing::Span::current().record("call.id", tracing::field::display(&result.session_id));
    let status = match record(&app, raw, &result).await? {
        Outcome::Stored => "stored",
        Outcome::AlreadyStored => "already_stored",
    };
    Ok(Json(Receipt { session_id: result.session_id.to_string(), status }))
}

impl From<ResultError> for ApiError {
    fn from(error: ResultError) -> Self {
        match error {
            ResultError::UnknownCall => {
                Self::new(StatusCode::NOT_FOUND, "unknown_call", ResultError::UnknownCall.to_string())
            }
            ResultError::Link(error) => Self::internal("make a recording link", &error),
            ResultError::Store(error) => error.into(),
        }
    }
}
