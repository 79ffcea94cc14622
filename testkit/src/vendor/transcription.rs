//! A scripted transcription server: `POST /audio/transcriptions` as OpenAI and self-hosted servers of Whisper have it, and the key check
//! (`GET /models`), both below `/v1` and at the root.

mod answer;
mod door;
mod request;
mod script;

use std::sync::Arc;

use super::{
    faults::Faults,
    host::Shared,
    server::{self, Vendor},
};

pub use script::{Billing, Script};

/// A running scripted transcription server.
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
