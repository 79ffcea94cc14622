//! The caller's recogniser.

use vox_core::provider::stt::SttEvent;
use vox_shared::catalogue::Rhythm;
use vox_shared::wire::answers::Service;

use super::super::vendors::{SttMood, failure, stt_mood};
use super::bad_day::Mood;
use super::{Happening, World};

impl World {
    pub(super) fn open_stt(&mut self, place: usize) {
        self.stt_stream += 1;
        self.open_ear(place);
        let mood = self.mood(Service::Stt, place);
        self.stt_mood = match mood {
            Mood::Usual => stt_mood(&mut self.random),
            Mood::Mute => SttMood::Deaf,
            Mood::Slow => SttMood::Good,
            Mood::RefusesKey | Mood::Down | Mood::Busy(_) => SttMood::NeverReady,
        };
        self.stt_is_good &= self.stt_mood == SttMood::Good && mood == Mood::Usual;
        if self.stt_refuses(mood) {
            self.faults += 1;
            return;
        }
        let stream = self.stt_stream;
        let slow = if mood == Mood::Slow { self.random.range(1_000, 6_000) } else { 0 };
        let ready = self.now + slow + self.random.range(10, 800);
        match self.stt_mood {
            SttMood::NeverReady => self.faults += 1,
            SttMood::Deaf => {
                self.faults += 1;
                self.at(ready, Happening::Stt { stream, event: SttEvent::Ready });
            }
            SttMood::Breaks(age) => {
                self.faults += 1;
                self.at(ready, Happening::Stt { stream, event: SttEvent::Ready });
                let event = SttEvent::Failed(failure("cut"));
                self.at(ready + age, Happening::Stt { stream, event });
            }
            SttMood::Good => self.at(ready, Happening::Stt { stream, event: SttEvent::Ready }),
        }
    }

    pub(super) fn hears(&self) -> bool {
        matches!(self.stt_mood, SttMood::Good | SttMood::Breaks(_))
    }

    /// A recogniser that tells of all sound does so at least once a second, whether or not there are words in it.
    pub(super) fn tell_of_sound(&mut self) {
        let tells = self.stt_rhythm == Rhythm::Steady && self.hears() && self.speaking;
        if tells && self.now >= self.stt_tells_at {
            self.stt_tells_at = self.now + self.random.range(250, 900);
            let (stream, event) = (self.stt_stream, SttEvent::Partial { text: String::new() });
            self.at(self.now + 90, Happening::Stt { stream, event });
        }
    }

    pub(super) fn words(&mut self, text: &str, from_finalize: bool, after: u64) {
        let event = SttEvent::Final {
            text: text.to_owned(),
            confidence: Some(0.9),
            words: Vec::new(),
            from_finalize,
            utterance_end: !from_finalize && self.random.chance(50),
        };
        let stream = self.stt_stream;
        self.at(self.now + after, Happening::Stt { stream, event });
    }

    pub(super) fn finalize(&mut self) {
        if !self.hears() || self.random.chance(5) {
            return;
        }
        let text: Vec<&str> = self.unfinalised.drain(..).collect();
        let after =
            if self.random.chance(5) { self.random.range(800, 2_500) } else { self.random.range(20, 500) };
        self.words(&text.join(" "), true, after);
    }
}
