//! How an analysis is shown.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::store::calls::analysis::{Analysis, PartStatus, Proof, Question};

/// What a model made of a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnalysisView {
    pub status: PartStatus,
    /// Why it is `off`, was `skipped`, or has `failed`.
    pub reason: Option<String>,
    /// 1 is the bridge's own; each time that somebody asks again is one more.
    pub run: u32,
    /// RFC 3339, UTC.
    pub asked_at: String,
    pub answered_at: Option<String>,
    /// Vendor and model that answered.
    pub model: Option<String>,
    /// As the model gave it. While another run is `pending`, and when it has `failed`, that of the one before.
    #[schema(value_type = Option<Object>)]
    pub output: Option<Map<String, Value>>,
    /// Where the output does not fit the bot's `analysis_schema`; empty when it fits, and when there is none.
    pub schema_faults: Vec<String>,
}

impl AnalysisView {
    pub fn of(analysis: Option<&Analysis>, question: Question) -> Option<Self> {
        let analysis = analysis?;
        let part = analysis.part(question)?.clone();
        Some(Self {
            status: part.status,
            reason: part.reason,
            run: analysis.run,
            asked_at: analysis.asked_at.to_string(),
            answered_at: part.answered_at.map(|at| at.to_string()),
            model: part.model,
            output: part.output,
            schema_faults: part.schema_faults,
        })
    }
}

/// Which outcomes a call came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutcomesView {
    pub status: PartStatus,
    pub reason: Option<String>,
    pub run: u32,
    pub answered_at: Option<String>,
    pub model: Option<String>,
    /// In the order of the bot's settings, those that the model does not claim among them.
    pub items: Vec<Proof>,
}

impl OutcomesView {
    pub fn of(analysis: Option<Analysis>) -> Option<Self> {
        let analysis = analysis?;
        let part = analysis.part(Question::Outcomes)?;
        Some(Self {
            status: part.status,
            reason: part.reason.clone(),
            run: analysis.run,
            answered_at: part.answered_at.map(|at| at.to_string()),
            model: part.model.clone(),
            items: analysis.outcomes,
        })
    }
}
