//! The caller's recogniser over its own protocol.

use vox_core::provider::stt::{SttEvent, SttInput};
use vox_shared::catalogue::Rhythm;

use super::super::wire::line::{Out, Sent};
use super::super::wire::{frame, refused};
use super::{Happening, World};

/// Words so far that come so late after the final ones are of before them.
const STALE_MS: u64 = 1_500;

impl World {
    pub(super) fn open_ear(&mut self, place: usize) {
        let Some(wires) = &mut self.wires else { return };
        wires.open_ear(place, self.now, &mut self.random);
        self.stt_rhythm = Rhythm::of(wires.recogniser(place), &serde_json::Map::new());
        // One that does not tell of all sound may count as silent without a fault, also where another follows it.
        self.stt_is_good &= self.stt_rhythm == Rhythm::Steady;
        if wires.ear.as_ref().is_some_and(|ear| ear.liar.lies()) {
            self.stt_is_good = false;
            self.faults += 1;
        }
    }

    pub(super) fn close_ear(&mut self) {
        self.wires.iter_mut().for_each(|wires| wires.ear = None);
    }

    /// The line's sound, which holds nothing where what is said is told by the far end itself.
    pub(super) fn ear_hears(&mut self) {
        let Some(wires) = &self.wires else { return };
        let silence = wires.silence.clone();
        let Some(ear) = wires.ear.as_ref().filter(|ear| ear.stands) else { return };
        let sound = if ear.is_uploaded() { self.sound() } else { silence };
        self.ear_order(SttInput::Audio(sound));
    }

    /// The words so far are wanted. A vendor that was not asked for them, or not yet, says them when it hears the end by itself.
    pub(super) fn ear_finalize(&mut self) {
        self.ear_order(SttInput::Finalize);
        let (stream, after) = (self.stt_stream, self.random.range(600, 1_100));
        self.at(self.now + after, Happening::EarEnds { stream });
    }

    pub(super) fn ear_ends(&mut self, stream: u64) {
        if stream == self.stt_stream && self.hears() && !self.unfinalised.is_empty() {
            let text: Vec<&str> = self.unfinalised.drain(..).collect();
            let event = SttEvent::Final {
                text: text.join(" "),
                confidence: Some(0.9),
                words: Vec::new(),
                from_finalize: false,
                utterance_end: true,
            };
            self.at(self.now, Happening::Stt { stream, event });
        }
    }

    fn ear_order(&mut self, input: SttInput) {
        let Some(wires) = &mut self.wires else { return };
        let (_, now) = wires.clock.set(self.now);
        let Some(ear) = &mut wires.ear else { return };
        let mut out = Out::default();
        ear.wire.order(input, now, &mut out);
        self.ear_came(out);
    }

    /// What the simulated recogniser means, said in its vendor's messages.
    pub(super) fn ear_means(&mut self, meaning: &SttEvent) {
        let Some(wires) = &mut self.wires else { return };
        let (_, now) = wires.clock.set(self.now);
        let Some(ear) = &mut wires.ear else { return };
        let mut out = Out::default();
        match meaning {
            SttEvent::Ready => {
                ear.stands = true;
                ear.wire.connected(now, &mut out);
            }
            SttEvent::Failed(failure) if !ear.stands => {
                let failure = refused(ear.vendor, failure, &mut self.random);
                ear.wire.fail(failure, &mut out);
            }
            SttEvent::Failed(_) => {
                ear.is_broken = true;
                ear.wire.hear(frame::close(&mut self.random), now, &mut out);
            }
            SttEvent::Partial { text }
                if !text.is_empty()
                    && ear.last.0.starts_with(text.as_str())
                    && self.now < ear.last.1 + STALE_MS => {}
            meaning => {
                if let SttEvent::Final { text, .. } = meaning {
                    ear.last = (text.clone(), self.now);
                }
                for frame in ear.far.tell(meaning, self.now - ear.opened_at) {
                    for frame in ear.liar.tell(frame, &mut self.random) {
                        ear.wire.hear(frame, now, &mut out);
                    }
                }
            }
        }
        self.ear_came(out);
    }

    /// What its codec made of it, and what it sends.
    pub(super) fn ear_came(&mut self, out: Out<SttEvent>) {
        let Some(ear) = self.wires.as_mut().and_then(|wires| wires.ear.as_mut()) else { return };
        let (mut hello, mut questions, mut is_asked) = (Vec::new(), Vec::new(), false);
        for sent in out.sent {
            match sent {
                Sent::Opened => {
                    ear.opened_at = self.now;
                    hello.extend(ear.far.opened());
                }
                Sent::Message(message) => is_asked |= ear.far.is_asked(&message),
                Sent::Asked { request, question } => questions.push((request, question)),
            }
        }
        let is_final = |event: &SttEvent| matches!(event, SttEvent::Final { text, .. } if !text.is_empty());
        let vendor = out.events.iter().any(is_final).then_some(("recogniser", ear.vendor));
        self.wires.iter_mut().for_each(|wires| wires.heard.extend(vendor));
        let stream = self.stt_stream;
        for frame in hello {
            let after = self.random.range(2, 60);
            self.at(self.now + after, Happening::EarFrame { stream, frame });
        }
        for event in out.events {
            self.at(self.now, Happening::EarSays { stream, event });
        }
        for (request, question) in questions {
            self.ear_is_asked(request, &question);
        }
        if is_asked {
            self.finalize();
        }
    }

    /// A message as it comes: how a connection begins, about which nobody lies, or something of an answer.
    pub(super) fn ear_frame(&mut self, stream: u64, frame: frame::Frame) {
        let Some(wires) = self.wires.as_mut().filter(|_| stream == self.stt_stream) else { return };
        let (_, now) = wires.clock.set(self.now);
        let Some(ear) = &mut wires.ear else { return };
        let mut out = Out::default();
        ear.wire.hear(frame, now, &mut out);
        self.ear_came(out);
    }
}
