//! The models over their own protocols.

use vox_core::provider::llm::LlmEvent;
use vox_core::session::event::{Event, RequestId};

use super::super::wire::refused;
use super::World;

impl World {
    pub(super) fn open_answer(&mut self, request: RequestId, place: usize) {
        if let Some(wires) = &mut self.wires {
            wires.open_answer((request, place), self.now, &mut self.random);
            let lies = wires.answers.get(&request).is_some_and(|answer| answer.liar.lies());
            self.faults += usize::from(lies);
        }
    }

    pub(super) fn drop_answer(&mut self, request: RequestId) {
        self.wires.iter_mut().for_each(|wires| drop(wires.answers.remove(&request)));
    }

    /// What the simulated model means, written as its vendor writes it.
    pub(super) fn answer_means(&mut self, request: RequestId, meaning: &LlmEvent) {
        let Some(wires) = &mut self.wires else { return };
        let (handle, _) = wires.clock.set(self.now);
        let Some(answer) = wires.answers.get_mut(&request) else { return };
        let within = handle.enter();
        let mut events = Vec::new();
        match meaning {
            LlmEvent::Failed(failure) if !answer.begun => {
                // The head says no: there is no body.
                let failure = refused(answer.vendor, failure, &mut self.random);
                wires.answers.remove(&request);
                drop(within);
                return self.feed(Event::Llm { request, event: LlmEvent::Failed(failure) });
            }
            LlmEvent::Failed(failure) => {
                if self.random.chance(50) {
                    events.extend(answer.body.piece(answer.writer.break_off().as_bytes()));
                }
                events.extend(answer.body.cut(failure.clone()));
            }
            meaning => {
                answer.begun = true;
                for event in answer.writer.write(meaning) {
                    let bytes = answer.liar.tell(event, &mut self.random);
                    // Where the network cuts it is chance.
                    let cut = self.random.range(0, bytes.len() as u64 * 4 + 1) as usize;
                    let (first, rest) = bytes.split_at(cut.min(bytes.len()));
                    for piece in [first, rest].into_iter().filter(|piece| !piece.is_empty()) {
                        events.extend(answer.body.piece(piece));
                    }
                }
                if matches!(meaning, LlmEvent::Done { .. }) {
                    events.extend(answer.body.end());
                }
            }
        }
        drop(within);
        self.answer_came(request, events);
    }

    pub(super) fn answer_came(&mut self, request: RequestId, events: Vec<LlmEvent>) {
        let Some(wires) = &mut self.wires else { return };
        let (handle, _) = wires.clock.set(self.now);
        if let Some(answer) = wires.answers.get_mut(&request) {
            let _in = handle.enter();
            answer.late_at = answer.body.late_at();
            if events.iter().any(|event| matches!(event, LlmEvent::Done { .. })) {
                wires.heard.insert(("model", answer.api.unwrap_or(answer.vendor)));
            }
            if answer.late_at.is_none() {
                wires.answers.remove(&request);
            }
        }
        for event in events {
            if self.outcome.is_none() {
                self.feed(Event::Llm { request, event });
            }
        }
    }
}
