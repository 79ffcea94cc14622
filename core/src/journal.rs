//! A call's records in the worker's outbox.

use tokio::sync::oneshot;
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
        JournalRecord::Seated(_) => 7,
        JournalRecord::Tally(_) => 8,
    };
    Entry::new(kind, serde_json::to_vec(record).expect("a journal record is plain data"))
}

/// Place for one call's records, taken before the call is let in.
#[derive(Debug)]
pub struct Place {
    reservation: Reservation,
    /// Ends with the journal.
    open: Option<oneshot::Sender<()>>,
}

impl Place {
    /// Refused when the outbox is at its quota.
    pub fn reserve(outbox: &Outbox) -> Result<Self, AppendError> {
        Ok(Self { reservation: outbox.reserve(CALL_BYTES)?, open: None })
    }

    /// The same in the outbox of a dead worker, whose call goes on. What is answered ends when nobody writes its journal any more.
    pub fn go_on(outbox: &Outbox) -> Result<(Self, oneshot::Receiver<()>), AppendError> {
        let (open, over) = oneshot::channel();
        Ok((Self { open: Some(open), ..Self::reserve(outbox)? }, over))
    }

    /// The journal of this call.
    pub fn journal(self, session_id: SessionId) -> CallJournal {
        let Self { reservation: place, open } = self;
        CallJournal { session_id, place, born: 0, _open: open }
    }
}

/// The journal of one call.
#[derive(Debug)]
pub struct CallJournal {
    session_id: SessionId,
    place: Reservation,
    /// The number of its first record; 0 while there is none.
    born: Seq,
    /// Of one that goes on in a dead worker's outbox: whoever delivers that waits for its end.
    _open: Option<oneshot::Sender<()>>,
}

impl CallJournal {
    /// Whose journal.
    pub fn session_id(&self) -> &SessionId {
        &self.session_id
    }

    /// Write the call's first record, and wait until it is durable.
    pub async fn begin(&mut self, birth: &JournalRecord) -> Result<(), AppendError> {
        self.born = self.write(birth).await?;
        Ok(())
    }

    /// The bridge knows the call: what it is delivered with is noted. If it gave the call another name, the new name is born, the old
    /// one owes nothing, and both are on disk when this returns, so that no kill can leave a record under the old name.
    pub async fn opened(&mut self, session_id: &SessionId, accepted: &Accepted) -> Result<(), AppendError> {
        let renamed = Accepted { session_id: session_id.clone(), ..accepted.clone() };
        if self.session_id == *session_id {
            if accepted.proof.call_token.is_some() {
                // Not waited for: until it is there the claim does as well.
                self.note(&JournalRecord::Accepted(Box::new(renamed)));
            }
            return Ok(());
        }
        let former = std::mem::replace(&mut self.session_id, session_id.clone());
        self.note(&JournalRecord::Accepted(Box::new(renamed)));
        let reason = format!("renamed to {session_id}");
        self.write(&JournalRecord::Refused { session_id: former, reason }).await.map(drop)
    }

    /// What the outbox holds of this call, in order, added to `found` as it is read. What lies before the call may be a day's
    /// undelivered results, and is not looked at.
    pub async fn read(&self, found: &mut Vec<JournalRecord>) {
        let mut after = self.born.saturating_sub(1);
        while let Ok(page) = self.place.outbox().pending(after, PAGE).await {
            let Some(last) = page.last() else { break };
            after = last.seq;
            let records = page.iter().filter_map(|record| serde_json::from_slice(&record.payload).ok());
            found.extend(records.filter(|record: &JournalRecord| *record.session_id() == self.session_id));
        }
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use vox_shared::clock::Clock;
    use vox_shared::outbox::Settings;

    use super::*;

    fn event(session_id: &str, why: &str) -> JournalRecord {
        let event = serde_json::json!({"at_ms": 1, "event": "e", "why": why});
        let event = serde_json::from_value(event).unwrap();
        JournalRecord::Event { session_id: session_id.parse().unwrap(), event }
    }

    /// Make unreadable where this text lies in the directory's segments: whoever reads it counts damage.
    fn damage(dir: &std::path::Path, text: &str) {
        for path in std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path()) {
            let bytes = std::fs::read(&path).unwrap();
            let at = bytes.windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = at {
                let file = std::fs::File::options().write(true).open(path).unwrap();
                file.write_all_at(b"#", at as u64).unwrap();
                return;
            }
        }
        panic!("it lies nowhere");
    }

    #[tokio::test]
    async fn a_journal_is_read_from_its_calls_birth_on() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("own");
        let (outbox, _) = Outbox::open(&own, Settings::new(Clock::system())).unwrap();
        outbox.append(entry(&event("call_1", "of another day"))).await.unwrap();
        let mut journal = Place::reserve(&outbox).unwrap().journal("call_1".parse().unwrap());
        journal.begin(&event("call_1", "birth")).await.unwrap();
        outbox.append(entry(&event("call_2", "another call's"))).await.unwrap();
        journal.write(&event("call_1", "last")).await.unwrap();
        damage(&own, "of another day");
        let mut found = Vec::new();
        journal.read(&mut found).await;
        let found: Vec<_> = found.iter().map(|record| serde_json::to_value(record).unwrap()).collect();
        let whys: Vec<_> = found.iter().map(|record| record["event"]["why"].as_str().unwrap()).collect();
        assert_eq!(whys, ["birth", "last"]);
        assert_eq!(outbox.stats().quarantined, 0, "what lies before was read");
        assert_eq!(outbox.pending(0, 1).await.unwrap()[0].seq, 2, "it is damaged indeed");
    }
}
