//! A scripted Gemini: `streamGenerateContent` as the Gemini API serves it by a key and Vertex AI by a token, the prompts that both keep,
//! the list of models, and the server that gives tokens for a service account.

mod account;
mod answer;
mod door;
mod gate;
mod keeping;
mod kept;
mod models;
mod prompts;
mod refusal;
mod request;
mod script;
mod spelling;
mod tokens;

use std::sync::Arc;

use super::{
    faults::Faults,
    host::Shared,
    server::{self, Vendor},
};

pub use super::model::{Reply, Rule, ToolCall, Usage, When};
pub use account::{LOCATION, PROJECT, service_account};
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
