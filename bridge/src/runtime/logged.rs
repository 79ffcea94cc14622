//! A request for a config as its log has it.

use std::time::Duration;

use vox_shared::ids::{SessionId, WorkerId};
use vox_shared::wire::config::{ConfigRequest, RuntimeConfig};

use super::refused::Refused;
use crate::store::Stamp;
use crate::store::config_requests::Request;

/// Longest name of a transport kept, characters.
const MAX_NAME: usize = 32;

/// What a request says that is no secret and belongs to nobody in person.
pub struct Asked {
    at: Stamp,
    transport: Option<String>,
    worker_id: Option<WorkerId>,
    proposed: Option<SessionId>,
}

impl Asked {
    pub fn new(request: &ConfigRequest, at: Stamp) -> Self {
        Self {
            at,
            transport: request.transport.as_ref().map(|name| name.chars().take(MAX_NAME).collect()),
            worker_id: request.worker_id.clone(),
            proposed: request.session_id.clone(),
        }
    }

    /// With what became of it.
    pub fn answered(self, answer: &Result<RuntimeConfig, Refused>, took: Duration) -> Request {
        let (status, outcome, reason) = match answer {
            Ok(_) => (200, "ok", None),
            Err(refused) => {
                let (status, code) = refused.word();
                // What the store says is for the bridge's own log.
                let is_ours = matches!(refused, Refused::Store(_));
                (status, code, (!is_ours).then(|| refused.to_string()))
            }
        };
        Request {
            at: self.at,
            status,
            outcome: outcome.to_owned(),
            reason,
            transport: self.transport,
            worker_id: self.worker_id,
            session_id: answer.as_ref().ok().map(|config| config.session_id.clone()).or(self.proposed),
            took_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
        }
    }
}
