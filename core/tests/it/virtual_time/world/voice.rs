//! The voice, and the ear that its sound reaches.

use vox_core::provider::tts::{TtsInput, UtteranceId, WordMark};
use vox_core::session::event::{Event, VoiceEvent};
use vox_shared::wire::answers::Service;

use super::super::vendors::{VoiceMood, failure, voice_mood};
use super::bad_day::Mood;
use super::{Happening, Heard, MS_PER_CHAR, World};

impl World {
    pub(super) fn open_voice(&mut self, place: usize) {
        self.voice_stream += 1;
        self.open_mouth(place);
        let mood = self.mood(Service::Tts, place);
        self.voice_mood = match mood {
            Mood::Usual => voice_mood(&mut self.random),
            Mood::Slow => VoiceMood::Good,
            Mood::Mute | Mood::RefusesKey | Mood::Down | Mood::Busy(_) => VoiceMood::Mute,
        };
        self.faults += usize::from(self.voice_mood != VoiceMood::Good);
        self.voice_pieces = 0;
        let slow = if mood == Mood::Slow { self.random.range(500, 3_000) } else { 0 };
        self.voice_free_at = self.now + slow;
        if self.voice_refuses(mood) {
            return;
        }
        let stream = self.voice_stream;
        let ready = self.now + self.random.range(5, 400);
        self.at(ready, Happening::Voice { stream, event: VoiceEvent::Ready, words: Vec::new(), ms: 0 });
    }

    /// More of what is to be said.
    pub(super) fn speak(&mut self, utterance: UtteranceId, text: &str) {
        if !self.mouth_order(TtsInput::Speak { utterance, text: text.to_owned() }) {
            self.synthesise(utterance, text);
        }
    }

    pub(super) fn speak_no_more(&mut self, utterance: UtteranceId) {
        if !self.mouth_order(TtsInput::End { utterance }) {
            self.end_voice(utterance);
        }
    }

    pub(super) fn marks(&mut self, utterance: UtteranceId, text: &str) -> (Vec<WordMark>, u32) {
        let start = self.speech_ms.entry(utterance).or_default();
        let mut words = Vec::new();
        let from = *start;
        for word in text.split_whitespace() {
            let length = (word.len() as u32 + 1) * MS_PER_CHAR;
            words.push(WordMark { text: word.into(), started_ms: *start, ended_ms: *start + length });
            *start += length;
        }
        (words, *start - from)
    }

    fn synthesise(&mut self, utterance: UtteranceId, text: &str) {
        let (words, length) = self.marks(utterance, text);
        let stream = self.voice_stream;
        let mut at = self.voice_free_at.max(self.now) + self.random.range(20, 500);
        if matches!(self.voice_mood, VoiceMood::Mute | VoiceMood::Empty) {
            return;
        }
        let mut left = length;
        let mut words = Some(words);
        while left > 0 {
            if let VoiceMood::Breaks(after) = self.voice_mood
                && self.voice_pieces >= after
            {
                let event = VoiceEvent::Failed(failure("cut"));
                self.at(at, Happening::Voice { stream, event, words: Vec::new(), ms: 0 });
                return;
            }
            let ms = left.min(250);
            left -= ms;
            self.voice_pieces += 1;
            let event = VoiceEvent::Audio { utterance, ms };
            self.at(at, Happening::Voice { stream, event, words: words.take().unwrap_or_default(), ms });
            at += self.random.range(5, 120);
        }
        self.voice_free_at = at;
    }

    fn end_voice(&mut self, utterance: UtteranceId) {
        let stream = self.voice_stream;
        let done = match self.voice_mood {
            VoiceMood::Mute | VoiceMood::NeverDone => return,
            VoiceMood::Breaks(after) if self.voice_pieces >= after => return,
            _ => VoiceEvent::Done { utterance },
        };
        let at = self.voice_free_at.max(self.now) + 5;
        self.at(at, Happening::Voice { stream, event: done, words: Vec::new(), ms: 0 });
    }

    pub(super) fn cached(&mut self, utterance: UtteranceId, text: &str) {
        let (words, ms) = self.marks(utterance, text);
        let stream = u64::MAX;
        let event = VoiceEvent::Audio { utterance, ms };
        self.at(self.now, Happening::Voice { stream, event, words, ms });
        let event = VoiceEvent::Done { utterance };
        self.at(self.now, Happening::Voice { stream, event, words: Vec::new(), ms: 0 });
    }

    pub(super) fn voice(&mut self, stream: u64, event: VoiceEvent, words: Vec<WordMark>, ms: u32) {
        if stream != self.voice_stream && stream != u64::MAX {
            return;
        }
        let utterance = match &event {
            VoiceEvent::Audio { utterance, .. } | VoiceEvent::Done { utterance } => Some(*utterance),
            _ => None,
        };
        if let Some(utterance) = utterance
            && self.session.is_saying(utterance)
        {
            let done = matches!(event, VoiceEvent::Done { .. });
            let heard = self.hearing(utterance);
            heard.audio_ms += ms;
            heard.words.extend(words.iter().cloned());
            heard.complete |= done;
        } else if utterance.is_some() {
            return;
        }
        self.feed(Event::Voice(event));
        if let Some(utterance) = utterance.filter(|_| !words.is_empty() && self.outcome.is_none()) {
            self.feed(Event::Voice(VoiceEvent::Words { utterance, words }));
        }
    }

    pub(super) fn hearing(&mut self, utterance: UtteranceId) -> &mut Heard {
        let at = self.ear.iter().position(|(id, _)| *id == utterance).unwrap_or_else(|| {
            self.ear.push((utterance, Heard::default()));
            self.ear.len() - 1
        });
        &mut self.ear[at].1
    }
}
