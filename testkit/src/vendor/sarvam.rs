//! A scripted Sarvam: streaming recognition (`GET /speech-to-text/ws`) and realtime recognition (`GET /speech-to-text-realtime/ws`).

mod door;
mod query;
mod realtime;
mod script;
mod streaming;

use std::sync::Arc;

use super::{
    faults::Faults,
    host::Shared,
    server::{self, Vendor},
};

pub use script::Script;

/// A running scripted Sarvam.
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
