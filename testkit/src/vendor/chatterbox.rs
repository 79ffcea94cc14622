//! A scripted Chatterbox server (`/synthesize`, `/health`, `/metrics`).

mod door;
mod script;

use std::sync::Arc;

use super::{
    faults::Faults,
    host::Shared,
    server::{self, Vendor},
};

pub use script::Script;

/// A running scripted Chatterbox server.
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
