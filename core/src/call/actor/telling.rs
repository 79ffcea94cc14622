//! What the actor tells others of the conversation, through the call's veil.

use std::time::Duration;

use vox_shared::model::bot::Sink;
use vox_shared::redaction::Covered;
use vox_shared::wire::journal::JournalRecord;
use vox_shared::wire::result::{CallEvent, Speaker, TranscriptEntry};

use super::Actor;
use crate::courier::live::Fact;
use crate::session::event::{Notice, Outcome};
use crate::session::report::add_usage;
use crate::transport::line::LineOut;

impl Actor {
    /// A line of the transcript, and lines before it of which more is hidden now.
    pub(super) fn tell_line(&mut self, entry: TranscriptEntry) {
        let is_bots = entry.speaker == Speaker::Bot;
        let (lines, covered) = self.parts.veil.line(entry);
        for line in lines {
            let live = line.at(Sink::Live);
            if line.is_again {
                self.send_notice(Notice::Transcript { entry: live.clone(), is_final: true });
            }
            self.parts.live.tell(Fact::Turn(live));
            let session_id = self.parts.journal.session_id().clone();
            let entry = line.at(Sink::Transcript);
            self.parts.journal.note(&JournalRecord::Turn { session_id, entry });
        }
        self.cover(&covered);
        if is_bots {
            self.tally();
        }
    }

    /// How the call stands, for a worker that may have to go on with it.
    pub(super) fn tally(&mut self) {
        if !self.parts.tallies {
            return;
        }
        let Some(mut tally) = self.parts.session.tally(self.parts.journal.session_id()) else { return };
        tally.told = self.parts.live.told();
        for usage in self.parts.vendors.metered(self.parts.ears.heard_so_far()) {
            add_usage(&mut tally.usage, &usage);
        }
        for event in &mut tally.why {
            self.parts.veil.event(Sink::Events, event);
        }
        self.parts.journal.note(&JournalRecord::Tally(Box::new(tally)));
    }

    pub(super) fn tell_event(&mut self, mut event: CallEvent) {
        let mut live = event.clone();
        self.parts.veil.event(Sink::Live, &mut live);
        self.parts.live.tell(Fact::Event(live));
        self.parts.veil.event(Sink::Events, &mut event);
        let session_id = self.parts.journal.session_id().clone();
        self.parts.journal.note(&JournalRecord::Event { session_id, event });
    }

    pub(super) fn notify(&mut self, mut notice: Notice) {
        if let Notice::Metrics(latency) = &notice {
            self.parts.live.tell(Fact::Latency(latency.clone()));
        }
        self.parts.veil.notice(&mut notice);
        self.send_notice(notice);
    }

    pub(super) fn conclude(&mut self, mut outcome: Box<Outcome>) {
        let covered = self.parts.veil.outcome(&mut outcome);
        self.cover(&covered);
        self.outcome = Some(outcome);
    }

    /// A watcher that does not read misses notices, never audio.
    fn send_notice(&mut self, notice: Notice) {
        let _missed = self.parts.ends.outgoing.try_send(LineOut::Notice(notice));
    }

    /// A tone over what is hidden, on both channels: one may carry the other's echo.
    fn cover(&mut self, covered: &[Covered]) {
        let samples = |ms: u64| self.samples(Duration::from_millis(ms)) as u64;
        let ranges: Vec<_> = covered.iter().map(|c| samples(c.from_ms)..samples(c.to_ms)).collect();
        if let Some(recorder) = self.parts.recorder.as_mut().filter(|recorder| recorder.is_checked()) {
            ranges.into_iter().for_each(|range| recorder.cover(range));
        }
    }
}
