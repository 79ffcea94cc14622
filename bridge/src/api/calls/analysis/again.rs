//! `POST /api/v1/calls/{session_id}/analysis`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use serde::Serialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::SessionId;

use super::view::{AnalysisView, OutcomesView};
use crate::analysis::Analyst;
use crate::analysis::again::AgainError;
use crate::analysis::inquiry::Unpaid;
use crate::auth::allowed::Allowed;
use crate::auth::permission::AnalyseCalls;
use crate::billing::budget::BudgetError;
use crate::billing::gate::GateError;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::store::calls::analysis::{Analysis, Question};

/// What is asked again.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskedAgain {
    pub session_id: String,
    pub run: u32,
    pub analysis: Option<AnalysisView>,
    pub qc: Option<AnalysisView>,
    pub outcomes: Option<OutcomesView>,
}

impl AskedAgain {
    fn of(session_id: &SessionId, analysis: Analysis) -> Self {
        Self {
            session_id: session_id.to_string(),
            run: analysis.run,
            analysis: AnalysisView::of(Some(&analysis), Question::Analysis),
            qc: AnalysisView::of(Some(&analysis), Question::Qc),
            outcomes: OutcomesView::of(Some(analysis)),
        }
    }
}

/// Have the bot's model asked about a call again, with the bot's prompts as they are now. What it is used for is charged; nothing is
/// pushed to the CRM a second time.
#[instrument(name = "calls.analysis.again", skip_all, fields(call.id = %call.0))]
pub async fn again(
    who: Allowed<AnalyseCalls>,
    call: InPath<SessionId>,
    analyst: Data<Analyst>,
) -> ApiResult<(Json<AskedAgain>, StatusCode)> {
    let analysis = analyst.again(who.reach(), &call.0).await?;
    Ok((Json(AskedAgain::of(&call.0, analysis)), StatusCode::ACCEPTED))
}

impl From<AgainError> for ApiError {
    fn from(error: AgainError) -> Self {
        let told = error.to_string();
        let code = match error {
            AgainError::Running => "call_running",
            AgainError::Pending => "analysis_running",
            AgainError::TooMany => "too_many_runs",
            AgainError::Nothing(_) => "nothing_to_ask",
            AgainError::Unpaid(unpaid) => return unpaid.into(),
            AgainError::Store(error) => return error.into(),
        };
        Self::new(StatusCode::CONFLICT, code, told)
    }
}

impl From<Unpaid> for ApiError {
    fn from(error: Unpaid) -> Self {
        match error {
            Unpaid::Gate(GateError::Spent(spent)) => spent.into(),
            Unpaid::Budget(BudgetError::Over(over)) => over.into(),
            Unpaid::Gate(GateError::Store(error)) | Unpaid::Budget(BudgetError::Store(error)) => error.into(),
        }
    }
}
