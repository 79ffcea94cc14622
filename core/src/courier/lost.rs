//! The calls that a dead worker's journal holds without an end: which of them another worker can go on with, and the records of the
//! others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use vox_shared::ids::SessionId;
use vox_shared::outbox::{AppendError, Outbox, Record, Seq};
use vox_shared::trace::Place;
use vox_shared::wire::journal::{Accepted, JournalRecord, Label, Labelled, RecordingFile};
use vox_shared::wire::proof::Proof;

use super::desk::Desk;
use super::upload::{forget, has_sound};
use crate::call::record;
use crate::journal::entry;
use crate::wreck::{Beyond, Salvaged, Wreck};

/// A call without an end.
#[derive(Debug)]
struct Lost {
    accepted: Accepted,
    journal: Vec<JournalRecord>,
    last_at: Timestamp,
}

/// What an outbox holds of calls that are not settled.
#[derive(Debug, Default)]
pub(super) struct LostCalls {
    open: BTreeMap<SessionId, Lost>,
    /// Results whose upload is not on disk behind them: the worker died between the two, or it is done already.
    recorded: BTreeMap<SessionId, (String, Option<Place>, Proof)>,
}

impl LostCalls {
    /// Read them from the records of an adopted outbox.
    pub(super) async fn read(outbox: &Outbox, records: &[Record]) -> Self {
        let mut calls = Self::default();
        for record in records {
            // What cannot be read is set aside by whoever delivers.
            let Ok(label) = serde_json::from_slice::<Label>(&record.payload) else { continue };
            if let Err(error) = calls.add(label, record) {
                set_aside(outbox, record.seq, &error).await;
            }
        }
        calls
    }

    fn add(&mut self, label: Label, record: &Record) -> Result<(), serde_json::Error> {
        match label.record {
            Labelled::Result => {
                self.open.remove(&label.session_id);
                let Label { session_id, recording_key, traceparent, proof, .. } = label;
                self.recorded.extend(recording_key.map(|key| (session_id, (key, traceparent, proof))));
            }
            Labelled::Refused => drop(self.open.remove(&label.session_id)),
            Labelled::Recording => drop(self.recorded.remove(&label.session_id)),
            Labelled::Accepted | Labelled::Turn | Labelled::Event | Labelled::Seated | Labelled::Tally => {
                match serde_json::from_slice(&record.payload)? {
                    JournalRecord::Accepted(accepted) => {
                        let lost = Lost { accepted: *accepted, journal: Vec::new(), last_at: record.at };
                        self.open.insert(label.session_id, lost);
                    }
                    line => {
                        if let Some(lost) = self.open.get_mut(&label.session_id) {
                            lost.journal.push(line);
                            lost.last_at = record.at;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A call that another worker can go on with.
    pub(super) fn wreck(&self, now: Timestamp) -> Option<Wreck> {
        let mut wrecks =
            self.open.values().map(|lost| Wreck::of(&lost.accepted, &lost.journal, (lost.last_at, now)));
        wrecks.find_map(|wreck| wreck.inspect_err(|beyond| note(*beyond)).ok())
    }

    /// Somebody goes on with this one.
    pub(super) fn leave_out(&mut self, session_id: &SessionId) {
        self.open.remove(session_id);
    }

    /// Write a `worker_lost` record for every call that started and never ended.
    pub(super) async fn close(self, desk: &Desk, outbox: &Outbox) -> Result<(), AppendError> {
        for (session_id, (key, traceparent, proof)) in self.recorded {
            if has_sound(&desk.recordings.join(&key)).await {
                let (file, bridge_url) = (key.clone(), desk.bridge_of(&proof).url().to_owned());
                let record = RecordingFile { session_id, key, file, bridge_url, traceparent, proof };
                outbox.append(entry(&JournalRecord::Recording(record))).await?;
            }
        }
        for (session_id, lost) in self.open {
            close(desk, outbox, (session_id, lost)).await?;
        }
        Ok(())
    }
}

async fn close(
    desk: &Desk,
    outbox: &Outbox,
    (session_id, Lost { accepted, journal, last_at }): (SessionId, Lost),
) -> Result<(), AppendError> {
    let seat = Salvaged::of(journal.iter().cloned()).seats.pop().map(|seated| seated.seat);
    let mut result = record::worker_lost(&accepted, journal, last_at);
    let mut recording = accepted.recording_file.clone().zip(accepted.recording_key.clone());
    if let Some(file) = &accepted.recording_file
        && !has_sound(&desk.recordings.join(file)).await
    {
        forget(desk, file).await;
        recording = None;
    }
    result.recording_key = recording.as_ref().map(|(_, key)| key.clone());
    outbox.append(entry(&JournalRecord::Result(Box::new(result)))).await?;
    if let Some(seat) = seat {
        desk.offers.clear(session_id.clone(), seat);
    }
    if let Some((file, key)) = recording {
        let bridge_url = accepted.bridge_url.clone();
        let (traceparent, proof) = (accepted.traceparent, accepted.proof.clone());
        let record = RecordingFile { session_id, key, file, bridge_url, traceparent, proof };
        outbox.append(entry(&JournalRecord::Recording(record))).await?;
    }
    Ok(())
}

fn note(beyond: Beyond) {
    if beyond != Beyond::NoSeat {
        tracing::warn!(why = %beyond, "nobody goes on with a lost call in a room");
    }
}

/// A line that only a newer worker can read is kept for a person, not dropped with the journal around it.
async fn set_aside(outbox: &Outbox, seq: Seq, why: &serde_json::Error) {
    if let Err(error) = outbox.reject(seq, &format!("a line of a lost call cannot be read: {why}")).await {
        tracing::error!(%error, seq, "a line of a lost call can neither be read nor set aside");
    }
}
