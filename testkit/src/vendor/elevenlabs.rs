//! A scripted ElevenLabs: multi-context and single-context WebSockets, HTTP speech, voices from clips, and the key checks.
//!
//! The voice is synthetic but real audio: harmonics under a syllable envelope, as long as the text deserves, so that
//! energy gates, players and recordings treat it as speech.

mod clones;
mod context;
mod door;
mod format;
mod habit;
mod message;
mod query;
mod refusal;
mod script;
mod session;
mod speech;
mod visit;

use std::sync::Arc;

use super::{
    faults::Faults,
    host::Shared,
    server::{self, Vendor},
};

pub use habit::Habit;
pub use script::{AlignmentForm, Script};

/// A running scripted ElevenLabs.
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
