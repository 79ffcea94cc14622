//! What the caller does.

use vox_core::provider::stt::SttEvent;
use vox_core::session::event::Event;
use vox_shared::catalogue::Rhythm;
use vox_shared::wire::result::DisconnectedBy;

use super::{Happening, SAYINGS, World};

impl World {
    pub(super) fn caller_acts(&mut self) {
        if self.patience == 0 && self.random.chance(60) {
            let by = DisconnectedBy::Customer;
            self.consult.caller_is_gone = true;
            return self.feed(Event::HungUp { by });
        }
        self.patience = self.patience.saturating_sub(1);
        let length = match self.random.range(0, 100) {
            0..8 => {
                let digit = *self.random.pick(&['1', '2', '#', '9', 'x']);
                self.keys.extend(Some(digit).filter(char::is_ascii_digit));
                self.feed(Event::Dtmf(digit));
                let next = self.now + self.random.range(500, 9_000);
                return self.at(next, Happening::CallerActs);
            }
            // A cough: speech to the detector, nothing to the recogniser.
            8..18 => {
                self.saying = None;
                self.random.range(60, 900)
            }
            _ => {
                let text = *self.random.pick(&SAYINGS);
                self.saying = Some((text, self.now));
                text.len() as u64 * 65
            }
        };
        self.speaking = true;
        self.at(self.now + length, Happening::CallerStops);
        if let Some((text, _)) = self.saying
            && self.hears()
            && self.stt_rhythm != Rhythm::AtEnds
            && self.random.chance(80)
        {
            let half: Vec<&str> = text.split(' ').collect();
            let half = half[..half.len().div_ceil(2)].join(" ");
            let stream = self.stt_stream;
            let when = self.now + length / 2 + self.random.range(100, 500);
            self.at(when, Happening::Stt { stream, event: SttEvent::Partial { text: half } });
        }
    }

    pub(super) fn caller_stops(&mut self) {
        self.speaking = false;
        if let Some((text, _)) = self.saying.take()
            && self.hears()
        {
            if self.random.chance(50) {
                let after = self.random.range(100, 700);
                self.words(text, false, after);
                if self.random.chance(30) {
                    let stream = self.stt_stream;
                    let when = self.now + after + 1_000;
                    self.at(when, Happening::Stt { stream, event: SttEvent::UtteranceEnd });
                }
            } else {
                self.unfinalised.push_back(text);
            }
        }
        let next = self.now
            + if self.random.chance(10) {
                self.random.range(8_000, 30_000)
            } else {
                self.random.range(300, 7_000)
            };
        self.at(next, Happening::CallerActs);
    }
}
