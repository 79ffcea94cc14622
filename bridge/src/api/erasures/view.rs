//! How an erasure is shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::Stored;
use crate::store::erasures::Erasure;

/// An erasure: how far it is, and the proof of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureView {
    pub id: String,
    /// `running` or `done`.
    pub status: &'static str,
    /// The user who asked for it.
    pub asked_by: String,
    /// RFC 3339, UTC.
    pub asked_at: String,
    pub done_at: Option<String>,
    /// HMAC-SHA256 of the number, as it compares, under a key of the tenant's own, hex: the same number has the same hash in all
    /// of the tenant's proofs.
    pub number_hash: String,
    /// Calls that are gone.
    pub calls_deleted: u64,
    /// Calls that stay because of a legal hold: erase again when it is lifted.
    pub calls_held: u64,
    /// Calls that ran, or could not be removed everywhere: the erasure goes on until there are none.
    pub calls_waiting: u64,
    /// Calls that are gone, and of which what was archived was not in the object store any more when it was to be removed.
    pub calls_lost: u64,
    /// Their ids, a thousand at most: look for what was archived of them where the store was copied or moved to.
    pub lost: Vec<String>,
    /// The number is still on the do-not-call list, so that it is not called again.
    pub on_do_not_call_list: bool,
}

impl From<Stored<Erasure>> for ErasureView {
    fn from(stored: Stored<Erasure>) -> Self {
        let erasure = stored.value;
        Self {
            id: stored.id,
            status: if erasure.done_at.is_some() { "done" } else { "running" },
            asked_by: erasure.asked_by,
            asked_at: erasure.asked_at.to_string(),
            done_at: erasure.done_at.map(|at| at.to_string()),
            number_hash: erasure.number_hash,
            calls_deleted: erasure.calls,
            calls_held: erasure.held,
            calls_waiting: erasure.waiting,
            calls_lost: erasure.lost_count,
            lost: erasure.lost,
            on_do_not_call_list: erasure.listed,
        }
    }
}
