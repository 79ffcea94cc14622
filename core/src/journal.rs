//! A call's records in the worker's outbox.

use vox_shared::ids::SessionId;
use vox_shared::outbox::{AppendError, Entry, Outbox, Reservation, Seq};
use vox_shared::wire::journal::{Accepted, JournalRecord};

/// Kept of the outbox's quota for each call: its transcript, events and result.
const CALL_BYTES: u64 = 1024 * 1024;
/// Records read at once.
const PAGE: usize = 256;

/// A record as the outbox takes it. The kind repeats what the payload says, for people who look at the file.
pub fn entry(record: &JournalRecord) -> Entry {
    let kind = match record {
        JournalRecord::Accepted(_) => 1,
        JournalRecord::Turn { .. } => 2,
        JournalRecord::Event { .. } => 3,
        JournalRecord::Result(_) => 4,
        JournalRecord::Refused { .. } => 5,
        JournalRecord::Recording(_) => 6,
    };
    Entry::new(kind, serde_json::to_vec(record).expect("a journal record is plain data"))
}

/// Place for one call's records, taken before the call is let in.
#[derive(Debug)]
pub struct Place(Reservation);

impl Place {
    /// Refused when the outbox is at its quota.
    pub fn reserve(outbox: &Outbox) -> Result<Self, AppendError> {
        outbox.reserve(CALL_BYTES).map(Self)
    }

    /// The journal of this call.
    pub fn journal(self, session_id: SessionId) -> CallJournal {
        CallJournal { session_id, place: self.0 }
    }
}

/// The journal of one call.
#[derive(Debug)]
pub struct CallJournal {
    session_id: SessionId,
    place: Reservation,
}

impl CallJournal {
    /// Whose journal.
    pub fn session_id(&self) -> &SessionId {
        &self.session_id
    }

    /// The bridge gave the call another name: the new name is born, the old one owes nothing. Both are on disk when this
    /// returns, so that no kill can leave a record under the old name.
    pub async fn rename(&mut self, session_id: &SessionId, accepted: &Accepted) -> Result<(), AppendError> {
        if self.session_id == *session_id {
            return Ok(());
        }
        let renamed = Accepted { session_id: session_id.clone(), ..accepted.clone() };
        let former = std::mem::replace(&mut self.session_id, session_id.clone());
        self.note(&JournalRecord::Accepted(Box::new(renamed)));
        let reason = format!("renamed to {session_id}");
        self.write(&JournalRecord::Refused { session_id: former, reason }).await.map(drop)
    }

    /// What the outbox holds of this call, in order.
    pub async fn read(&self) -> Vec<JournalRecord> {
        let mut found = Vec::new();
        let mut after = 0;
        while let Ok(page) = self.place.outbox().pending(after, PAGE).await {
            let Some(last) = page.last() else { break };
            after = last.seq;
            let records = page.iter().filter_map(|record| serde_json::from_slice(&record.payload).ok());
            found.extend(records.filter(|record: &JournalRecord| *record.session_id() == self.session_id));
        }
        found
    }

    /// Write without waiting. A fault is counted by the outbox.
    pub fn note(&self, record: &JournalRecord) {
        self.place.append_detached(entry(record));
    }

    /// Write and wait until it is durable.
    pub async fn write(&self, record: &JournalRecord) -> Result<Seq, AppendError> {
        self.place.append(entry(record)).await
    }
}
