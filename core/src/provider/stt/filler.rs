//! Silence of ours in a stream, sent where the line sends nothing and the vendor must have audio: the vendor's times count it, and the
//! reader's clock does not.

use std::collections::VecDeque;

use vox_shared::wire::result::Word;

/// Places remembered; words are seldom older than the newest few.
const MOST: usize = 64;

/// Where silence stands in a stream.
#[derive(Debug, Default)]
pub(super) struct Filler {
    /// Where it begins on the vendor's clock, and all filler up to its end, milliseconds, ascending.
    places: VecDeque<(u64, u64)>,
    /// Samples sent, silence too.
    sent: u64,
}

impl Filler {
    /// Audio of the line is sent.
    pub fn audio(&mut self, samples: usize) {
        self.sent += samples as u64;
    }

    /// Silence is sent.
    pub fn silence(&mut self, samples: usize, rate_hz: u32) {
        let ms = |samples: u64| samples * 1000 / u64::from(rate_hz);
        let before = self.places.back().map_or(0, |(_, total)| *total);
        self.places.push_back((ms(self.sent), before + ms(samples as u64)));
        if self.places.len() > MOST {
            self.places.pop_front();
        }
        self.sent += samples as u64;
    }

    /// A time of the vendor on the reader's clock.
    pub fn without(&self, at_ms: u64) -> u64 {
        let place = self.places.iter().rev().find(|(began, _)| *began < at_ms);
        place.map_or(at_ms, |(began, total)| {
            let own =
                self.places.iter().rev().find(|(other, _)| other < began).map_or(0, |(_, total)| *total);
            // Within the silence itself no time passes for the reader.
            at_ms.saturating_sub(*total).max(began.saturating_sub(own))
        })
    }

    /// The same for words.
    pub fn correct(&self, words: &mut [Word]) {
        if self.places.is_empty() {
            return;
        }
        for word in words {
            (word.started_ms, word.ended_ms) = (self.without(word.started_ms), self.without(word.ended_ms));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_takes_no_time() {
        let mut filler = Filler::default();
        let check = |filler: &Filler, at_ms, expected| assert_eq!(filler.without(at_ms), expected, "{at_ms}");
        check(&filler, 5000, 5000);
        filler.audio(1000);
        filler.silence(500, 1000);
        filler.audio(1000);
        filler.silence(500, 1000);
        check(&filler, 900, 900);
        check(&filler, 1000, 1000);
        check(&filler, 1200, 1000);
        check(&filler, 1500, 1000);
        check(&filler, 1700, 1200);
        check(&filler, 2700, 2000);
        check(&filler, 3100, 2100);
    }
}
