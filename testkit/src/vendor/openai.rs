//! A scripted OpenAI-compatible model: chat completions, streamed and whole, and the list of models.
//!
//! Served under `/v1`, `/openai/v1` and the bare root, so that any form of `base_url` finds it.

mod answer;
mod door;
mod gate;
mod habit;
mod refusal;
mod request;
mod responses;
mod script;

use std::sync::Arc;

use super::{
    faults::Faults,
    host::Shared,
    server::{self, Vendor},
};

pub use super::model::{Reply, Rule, ToolCall, Usage, When};
pub use habit::Habit;
pub use script::Script;

/// A running scripted model.
pub type Server = server::Server<Script>;

impl Vendor for Script {
    fn api_key(&self) -> &str {
        &self.api_key
    }

    fn with_api_key(self, api_key: String) -> Self {
        Self { api_key, ..self }
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn routes(shared: Arc<Shared<Self>>) -> axum::Router {
        door::routes(shared)
    }
}
