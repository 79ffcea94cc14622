//! What must follow from a fact, stored in the same document write as the fact. A relay (`jobs/relay.rs`) moves each entry into
//! the collection it belongs to, under an id that is fixed here, and then takes it out: whatever is killed in between, it happens
//! once. Nothing else connects two documents.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::telemetry::spans;
use vox_shared::trace::Place;

use super::engine::{Json, holds};
use super::jobs::Queue;
use super::ledger::Line;
use super::stamp::Stamp;

/// Entries of one document that wait to be moved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outbox {
    /// Drawn anew with each entry: another one means that something was added since it was read, even if that has an id that an entry
    /// before it had.
    pub mark: String,
    /// When the oldest entry was added.
    pub since: Stamp,
    pub entries: Vec<Pending>,
    /// The trace that it follows from.
    #[serde(
        default,
        deserialize_with = "vox_shared::trace::lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub traceparent: Option<Place>,
}

holds! { Json: Outbox => |outbox| serde_json::to_value(outbox).unwrap_or(Value::Null); }

/// One thing that must follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// Unique among all entries that the document ever has.
    pub id: String,
    pub at: Stamp,
    #[serde(flatten)]
    pub what: Follows,
}

/// What follows. Each kind goes into a collection of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Follows {
    /// Somebody may want to hear of it; see `store/events.rs`.
    Event { event: String, data: Map<String, Value> },
    /// Work that is kept until it is done, and begins at once or then; see `store/jobs.rs`.
    Job {
        queue: Queue,
        job: String,
        arguments: Map<String, Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        begins_at: Option<Stamp>,
    },
    /// An entry of the ledger.
    Ledger(Line),
}

impl Outbox {
    /// Add an entry to a document's outbox.
    pub fn push(of: &mut Option<Self>, entry: Pending) {
        let outbox = of.get_or_insert_with(|| Self {
            mark: String::new(),
            since: entry.at,
            entries: Vec::new(),
            traceparent: None,
        });
        outbox.traceparent = spans::current().or(outbox.traceparent);
        outbox.mark = format!("{:016x}", rand::random::<u64>());
        outbox.entries.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An upload that is repeated adds an entry with the id of the one before.
    #[test]
    fn an_entry_with_the_same_id_is_told_from_the_one_before() {
        let at = Stamp("2026-11-29T10:00:00Z".parse().unwrap());
        let mut outbox = None;
        let mut mark = || {
            let what = Follows::Event { event: "recording.ready".into(), data: Map::new() };
            Outbox::push(&mut outbox, Pending { id: "recording.ready.ab".into(), at, what });
            outbox.as_ref().unwrap().mark.clone()
        };
        assert_ne!(mark(), mark());
    }
}
