//! `POST /v1/conversations/{session_id}/summary`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::SessionId;

use crate::analysis::Analyst;
use crate::analysis::summary::SummaryError;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::AnalyseCalls;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};

/// A call in a few sentences.
#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryView {
    pub session_id: String,
    pub summary: String,
    /// The vendor and the model that wrote it.
    pub model: String,
    /// RFC 3339, UTC.
    pub made_at: String,
}

/// Have the bot's model sum up a call that has ended. It is asked once for each result of the call: who asks again gets the same.
#[instrument(name = "conversations.summary", skip_all, fields(call.id = %call.0))]
pub async fn summary(
    who: Allowed<AnalyseCalls>,
    trail: Trail,
    call: InPath<SessionId>,
    analyst: Data<Analyst>,
) -> ApiResult<Json<SummaryView>> {
    trail.concerns(call.0.as_str());
    let (analyst, reach, id) = (analyst.get_ref().clone(), who.reach().clone(), call.0.clone());
    // In a task of its own: what a model was paid for is written down though the client goes away.
    let made = tokio::spawn(async move { Box::pin(analyst.summarise(&reach, &id)).await }).await;
    let made = made.map_err(|error| ApiError::internal("sum up a call", &error))??;
    Ok(Json(SummaryView {
        session_id: call.0.to_string(),
        summary: made.text,
        model: made.model,
        made_at: made.made_at.to_string(),
    }))
}

impl From<SummaryError> for ApiError {
    fn from(error: SummaryError) -> Self {
        let told = error.to_string();
        let (status, code) = match error {
            SummaryError::Running => (StatusCode::CONFLICT, "call_running"),
            SummaryError::Pending => (StatusCode::CONFLICT, "summary_running"),
            SummaryError::TooMany => (StatusCode::CONFLICT, "too_many_runs"),
            SummaryError::Nothing(_) => (StatusCode::CONFLICT, "nothing_to_ask"),
            SummaryError::Unanswered(_) => (StatusCode::SERVICE_UNAVAILABLE, "model_unanswered"),
            SummaryError::Unpaid(unpaid) => return unpaid.into(),
            SummaryError::Store(error) => return error.into(),
        };
        Self::new(status, code, told)
    }
}
