//! A scripted Deepgram: Nova-3 live recognition (`GET /v1/listen`) and the key check (`GET /v1/projects`).

mod door;
mod events;
mod query;
mod script;
mod session;

use std::sync::Arc;

use super::{
    faults::Faults,
    host::Shared,
    server::{self, Vendor},
};

pub use super::hearing::{Utterance, WhenOut, Word};
pub use script::Script;

/// A running scripted Deepgram.
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
