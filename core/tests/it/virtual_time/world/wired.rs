//! The conversation's vendors over their own protocols: what each means goes through its far end and its codec, and the session hears
//! what comes of that.

use vox_shared::wire::result::TranscriptEntry;

use super::super::wire::line::Out;
use super::World;
use super::judge::as_written;

impl World {
    pub(super) fn wire_due(&self) -> Option<u64> {
        self.wires.as_ref().and_then(|wires| wires.due())
    }

    /// A moment that a connection waited for.
    pub(super) fn wake_wires(&mut self) {
        let Some(wires) = &mut self.wires else { return };
        let (handle, now) = wires.clock.set(self.now);
        let is_due = |due: Option<tokio::time::Instant>| due.is_some_and(|due| due <= now);
        if let Some(ear) = wires.ear.as_mut().filter(|ear| is_due(ear.wire.due())) {
            let mut out = Out::default();
            ear.wire.wake(now, &mut out);
            return self.ear_came(out);
        }
        if let Some(mouth) = wires.mouth.as_mut().filter(|mouth| is_due(mouth.wire.due())) {
            let mut out = Out::default();
            mouth.wire.wake(now, &mut out);
            return self.mouth_came(out);
        }
        let late = wires.answers.iter_mut().find(|(_, answer)| is_due(answer.late_at));
        if let Some((request, answer)) = late {
            let request = *request;
            let events = {
                let _in = handle.enter();
                answer.body.late()
            };
            self.answer_came(request, events);
        }
    }

    /// Many voices give their words no times, and some lie: the record and the model know the same, and nothing that no voice was given.
    pub(super) fn judge_said(&self, in_context: &[String], lines: &[&TranscriptEntry]) {
        if self.wires.is_some() {
            let written: Vec<String> = lines.iter().flat_map(|line| words(&line.text)).collect();
            assert_eq!(in_context, written, "seed {}: the record is not the context", self.seed);
            self.judge_words(&written, |word| word);
        }
    }

    /// These words were given to voices in this order, written as the record writes them.
    pub(super) fn judge_words(&self, written: &[String], as_in_record: impl Fn(String) -> String) {
        let Some(wires) = &self.wires else { return };
        let said = as_written(wires.said.iter().flat_map(|text| words(text)).collect());
        let mut said = said.into_iter().map(as_in_record);
        for word in written {
            let is_said = said.any(|known| known == *word);
            assert!(is_said, "seed {}: {word} was not said: {written:?} of {:?}", self.seed, wires.said);
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
