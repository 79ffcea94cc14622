//! The voice over its own protocol: its server speaks as the simulated voice is minded to.

use vox_core::provider::tts::{TtsEvent, TtsInput};
use vox_core::session::event::{Event, VoiceEvent};

use super::super::vendors::VoiceMood;
use super::super::wire::line::{Out, Sent};
use super::super::wire::mouths::{Asked, Spoken};
use super::super::wire::{Step, frame, refused};
use super::{Happening, MS_PER_CHAR, World};

impl World {
    pub(super) fn open_mouth(&mut self, place: usize) {
        let Some(wires) = &mut self.wires else { return };
        wires.open_mouth(place, self.now, &mut self.random);
        let lies = wires.mouth.as_ref().is_some_and(|mouth| mouth.liar.lies());
        self.faults += usize::from(lies);
    }

    /// An order for the voice. False where there are no wires.
    pub(super) fn mouth_order(&mut self, input: TtsInput) -> bool {
        let Some(wires) = &mut self.wires else { return false };
        if let TtsInput::Speak { text, .. } = &input {
            wires.said.push(text.clone());
        }
        let (_, now) = wires.clock.set(self.now);
        if let Some(mouth) = &mut wires.mouth {
            let mut out = Out::default();
            mouth.wire.order(input, now, &mut out);
            self.mouth_came(out);
        }
        true
    }

    /// The simulated voice is there, or is not any more.
    pub(super) fn mouth_means(&mut self, stream: u64, meaning: &VoiceEvent) {
        let Some(wires) = self.wires.as_mut().filter(|_| stream == self.voice_stream) else { return };
        let (_, now) = wires.clock.set(self.now);
        let Some(mouth) = &mut wires.mouth else { return };
        let mut out = Out::default();
        match meaning {
            VoiceEvent::Failed(failure) if !mouth.stands => {
                let failure = refused("a voice", failure, &mut self.random);
                mouth.wire.fail(failure, &mut out);
            }
            VoiceEvent::Failed(_) => mouth.wire.hear(frame::close(&mut self.random), now, &mut out),
            _ => {
                mouth.stands = true;
                mouth.wire.connected(now, &mut out);
            }
        }
        self.mouth_came(out);
    }

    pub(super) fn mouth_came(&mut self, out: Out<TtsEvent>) {
        let stream = self.voice_stream;
        for sent in out.sent {
            let Some(mouth) = self.wires.as_mut().and_then(|wires| wires.mouth.as_mut()) else { return };
            match sent {
                Sent::Opened => {
                    mouth.connection += 1;
                    if mouth.connection > 1 {
                        self.voice_free_at = self.now;
                    }
                    mouth.keys.clear();
                    mouth.far.opened();
                }
                Sent::Message(message) => {
                    for asked in mouth.far.read(&message) {
                        self.voice_is_asked(asked);
                    }
                }
                Sent::Asked { .. } => panic!("a voice is given texts"),
            }
        }
        for event in out.events {
            if matches!(event, TtsEvent::Done { .. })
                && let Some(wires) = &mut self.wires
            {
                let vendor = wires.mouth.as_ref().map(|mouth| ("voice", mouth.vendor));
                wires.heard.extend(vendor);
            }
            self.at(self.now, Happening::MouthSays { stream, event });
        }
    }

    fn step(&mut self, when: u64, key: &str, step: Step) {
        let Some(mouth) = self.wires.as_ref().and_then(|wires| wires.mouth.as_ref()) else { return };
        let (stream, connection) = (self.voice_stream, mouth.connection);
        self.at(when, Happening::MouthStep { stream, connection, key: key.to_owned(), step });
    }

    /// What the server is asked for, when it will do it, and whether.
    fn voice_is_asked(&mut self, asked: Asked) {
        let Some(mouth) = self.wires.as_mut().and_then(|wires| wires.mouth.as_mut()) else { return };
        match asked {
            Asked::Text { key, text } => {
                mouth.keys.entry(key.clone()).or_default();
                self.voice_speaks(&key, &text);
            }
            Asked::End { key } => {
                mouth.keys.entry(key.clone()).or_default();
                let is_silent = match self.voice_mood {
                    VoiceMood::Mute | VoiceMood::NeverDone => true,
                    VoiceMood::Breaks(after) => self.voice_pieces >= after,
                    VoiceMood::Good | VoiceMood::Empty => false,
                };
                if !is_silent {
                    self.step(self.voice_free_at.max(self.now) + 5, &key, Step::Over);
                }
            }
            Asked::Cancel { key } => {
                let was_active = mouth.keys.remove(&key).is_some();
                self.voice_falls_silent(&key, was_active);
            }
            Asked::CancelAll => {
                let was_active = !mouth.keys.is_empty();
                mouth.keys.clear();
                self.voice_falls_silent("", was_active);
            }
        }
    }

    fn voice_falls_silent(&mut self, key: &str, was_active: bool) {
        self.voice_free_at = self.now;
        if self.voice_mood != VoiceMood::Mute {
            let after = self.random.range(10, 200);
            self.step(self.now + after, key, Step::Silent { was_active });
        }
    }

    fn voice_speaks(&mut self, key: &str, text: &str) {
        if matches!(self.voice_mood, VoiceMood::Mute | VoiceMood::Empty) {
            return;
        }
        let mut at = self.voice_free_at.max(self.now) + self.random.range(20, 500);
        for word in text.split_whitespace() {
            if let VoiceMood::Breaks(after) = self.voice_mood
                && self.voice_pieces >= after
            {
                return self.step(at, key, Step::Cut);
            }
            self.voice_pieces += 1;
            let ms = (word.len() as u32 + 1) * MS_PER_CHAR;
            self.step(at, key, Step::Say { word: word.to_owned(), ms });
            at += self.random.range(5, 60);
        }
        self.step(at, key, Step::TextOver);
        self.voice_free_at = at;
    }

    /// Something happens at the voice's server.
    pub(super) fn mouth_step(&mut self, stream: u64, connection: u64, (key, step): (&str, Step)) {
        let Some(wires) = self.wires.as_mut().filter(|_| stream == self.voice_stream) else { return };
        let (_, now) = wires.clock.set(self.now);
        let Some(mouth) = wires.mouth.as_mut().filter(|mouth| mouth.connection == connection) else { return };
        let is_known = mouth.keys.contains_key(key);
        let frames = match step {
            Step::Cut => vec![frame::close(&mut self.random)],
            Step::Silent { was_active } => mouth.far.silent(key, was_active),
            _ if !is_known => Vec::new(),
            Step::Say { word, ms } => {
                let known = mouth.keys.entry(key.to_owned()).or_default();
                let started_ms = known.sound_ms;
                known.sound_ms += ms;
                mouth.far.say(key, Spoken { word: &word, started_ms, ms })
            }
            Step::TextOver => mouth.far.text_over(key),
            Step::Over => {
                mouth.keys.remove(key);
                mouth.far.over(key)
            }
        };
        let mut out = Out::default();
        for frame in frames {
            for frame in mouth.liar.tell(frame, &mut self.random) {
                mouth.wire.hear(frame, now, &mut out);
            }
        }
        self.mouth_came(out);
    }

    /// What the voice's codec made of it. Words wait for the sound that they come before, as they do in a call.
    pub(super) fn mouth_says(&mut self, stream: u64, event: TtsEvent) {
        let Some(mouth) = self.wires.as_mut().and_then(|wires| wires.mouth.as_mut()) else { return };
        if stream != self.voice_stream {
            return;
        }
        match event {
            TtsEvent::Ready => self.voice(stream, VoiceEvent::Ready, Vec::new(), 0),
            TtsEvent::Audio { utterance, pcm } => {
                let words = mouth.words.remove(&utterance).unwrap_or_default();
                let ms = pcm.len() as u32 * 1_000 / mouth.far.hz();
                self.voice(stream, VoiceEvent::Audio { utterance, ms }, words, ms);
            }
            TtsEvent::Words { utterance, words } => mouth.words.entry(utterance).or_default().extend(words),
            TtsEvent::Done { utterance } => {
                let words = mouth.words.remove(&utterance).unwrap_or_default();
                if !words.is_empty() && self.session.is_saying(utterance) {
                    self.hearing(utterance).words.extend(words.iter().cloned());
                    self.feed(Event::Voice(VoiceEvent::Words { utterance, words }));
                }
                if self.outcome.is_none() {
                    self.voice(stream, VoiceEvent::Done { utterance }, Vec::new(), 0);
                }
            }
            TtsEvent::Usage { .. } => {}
            TtsEvent::Failed(failure) => {
                self.voice(stream, VoiceEvent::Failed(failure), Vec::new(), 0);
            }
        }
    }

    /// A phrase that is kept was said as well.
    pub(super) fn note_said(&mut self, text: &str) {
        self.wires.iter_mut().for_each(|wires| wires.said.push(text.to_owned()));
    }
}
