//! A scripted AssemblyAI: streaming recognition, third version (`GET /v3/ws`), and temporary tokens (`GET /v3/token`), with which a
//! key is tried.

mod door;
mod messages;
mod query;
mod script;
mod session;

use std::sync::Arc;

use super::{
    faults::Faults,
    host::Shared,
    server::{self, Vendor},
};

pub use script::Script;

/// A running scripted AssemblyAI.
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
