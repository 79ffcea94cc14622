//! `GET /health`: this worker. Load balancers match the text, so the fields' order and the compact form are a contract.

use serde::{Deserialize, Serialize};

use super::answer::{Answer, json};
use crate::admission::{Standing, standing};
use crate::app::App;

/// One worker's health, in the contract's order.
#[derive(Debug, Serialize, Deserialize)]
pub struct Health {
    pub status: String,
    pub worker_calls: u32,
    pub worker_max: u32,
    pub total_capacity: u32,
    pub total_available: u32,
    pub workers: u32,
    pub worker_id: String,
    pub worker_pid: u32,
}

/// Show it.
pub fn show(app: &App) -> Answer {
    let standing = standing(app);
    let health = Health {
        status: if standing == Standing::Draining { "draining" } else { "ok" }.into(),
        worker_calls: u32::from(app.slot.is_busy()),
        worker_max: 1,
        total_capacity: app.config.workers,
        total_available: u32::from(standing == Standing::Free),
        workers: app.config.workers,
        worker_id: app.worker_id.to_string(),
        worker_pid: std::process::id(),
    };
    json(&health)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_contract_byte_by_byte() {
        let health = Health {
            status: "ok".into(),
            worker_calls: 1,
            worker_max: 1,
            total_capacity: 16,
            total_available: 0,
            workers: 16,
            worker_id: "wrk_1".into(),
            worker_pid: 42,
        };
        assert_eq!(
            serde_json::to_string(&health).unwrap(),
            r#"{"status":"ok","worker_calls":1,"worker_max":1,"total_capacity":16,"total_available":0,"workers":16,"worker_id":"wrk_1","worker_pid":42}"#
        );
    }
}
