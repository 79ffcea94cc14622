//! What of the caller's audio goes to the engine, and what its answers mean on the stream's clock.

use std::collections::VecDeque;

use vox_engines::Transcript;
use vox_shared::wire::result::Word;

use crate::media::resample::Resampler;
use crate::provider::stt::floor::Floor;
use crate::provider::stt::{SttEvent, SttInput};

/// Rates the engine hears; anything else is brought down to the higher one.
const ENGINE_HZ: [u32; 2] = [8_000, 16_000];

/// Audio before the first sound that is searched too: soft consonants begin words.
const PRE_ROLL_MS: u64 = 600;

/// A sound is this much louder than the floor. Low on purpose: a needless search costs work, a missed word costs the turn.
const ABOVE_FLOOR_DB: f32 = 4.0;

/// After this much audio in which nothing was understood the search starts afresh: it remembers every frame, and after a
/// minute it would hear no more.
const FRUITLESS_MS: u64 = 20_000;

/// An order to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Hear(Vec<i16>),
    Finalize,
}

impl Order {
    /// Audio it hands over, samples at the engine's rate.
    pub fn samples(&self) -> usize {
        match self {
            Self::Hear(pcm) => pcm.len(),
            Self::Finalize => 0,
        }
    }
}

/// Searching costs a quarter of a core, so silence is kept back until a sound comes.
#[derive(Debug)]
pub(super) struct Ear {
    engine_hz: u32,
    downsampler: Option<Resampler>,
    /// Audio that was kept back, newest last.
    kept: VecDeque<i16>,
    floor: Floor,
    /// Samples at the engine's rate since the stream began.
    taken: u64,
    utterance: Option<Utterance>,
    /// Utterances that were ended and not yet answered.
    ended: VecDeque<Ended>,
}

#[derive(Debug)]
struct Utterance {
    start: u64,
    is_fruitful: bool,
}

#[derive(Debug)]
struct Ended {
    start: u64,
    asked: Asked,
}

/// Who ended an utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    BySession,
    /// To start afresh; nobody waits for the words.
    ByEar,
}

impl Ear {
    pub fn new(rate_hz: u32) -> Self {
        let is_heard = ENGINE_HZ.contains(&rate_hz);
        let engine_hz = if is_heard { rate_hz } else { ENGINE_HZ[1] };
        Self {
            engine_hz,
            downsampler: (!is_heard).then(|| Resampler::new(rate_hz, engine_hz)),
            kept: VecDeque::new(),
            floor: Floor::new(ABOVE_FLOOR_DB),
            taken: 0,
            utterance: None,
            ended: VecDeque::new(),
        }
    }

    pub fn engine_hz(&self) -> u32 {
        self.engine_hz
    }

    /// What the engine shall do about an input.
    pub fn take(&mut self, input: SttInput) -> Vec<Order> {
        match input {
            SttInput::Audio(pcm) => match &mut self.downsampler {
                Some(downsampler) => {
                    let mut fewer = Vec::with_capacity(pcm.len());
                    downsampler.push(&pcm, &mut fewer);
                    self.hear(&fewer)
                }
                None => self.hear(&pcm),
            },
            SttInput::Finalize => self.finalize(Asked::BySession),
        }
    }

    fn hear(&mut self, pcm: &[i16]) -> Vec<Order> {
        if pcm.is_empty() {
            return Vec::new();
        }
        let is_sound = self.floor.is_sound(pcm, self.engine_hz);
        self.taken += pcm.len() as u64;
        let fruitless = self.samples(FRUITLESS_MS);
        match &self.utterance {
            Some(utterance)
                if !utterance.is_fruitful && !is_sound && self.taken - utterance.start > fruitless =>
            {
                self.keep(pcm);
                self.finalize(Asked::ByEar)
            }
            Some(_) => vec![Order::Hear(pcm.to_vec())],
            None => {
                self.keep(pcm);
                if is_sound { vec![self.begin()] } else { Vec::new() }
            }
        }
    }

    fn keep(&mut self, pcm: &[i16]) {
        self.kept.extend(pcm);
        let most = usize::try_from(self.samples(PRE_ROLL_MS)).unwrap_or(usize::MAX);
        let too_many = self.kept.len().saturating_sub(most.max(pcm.len()));
        self.kept.drain(..too_many);
    }

    /// Start an utterance with what was kept back.
    fn begin(&mut self) -> Order {
        let start = self.taken - self.kept.len() as u64;
        self.utterance = Some(Utterance { start, is_fruitful: false });
        Order::Hear(self.kept.drain(..).collect())
    }

    fn finalize(&mut self, asked: Asked) -> Vec<Order> {
        let mut orders = Vec::new();
        if self.utterance.is_none() && !self.kept.is_empty() {
            // The session heard speech where no sound stood out: let the engine judge what is there.
            orders.push(self.begin());
        }
        let start = self.utterance.take().map_or(self.taken, |utterance| utterance.start);
        self.ended.push_back(Ended { start, asked });
        orders.push(Order::Finalize);
        orders
    }

    /// A partial result, unless its utterance is over: its final result follows then.
    pub fn partial(&mut self, text: String) -> Option<SttEvent> {
        if !self.ended.is_empty() {
            return None;
        }
        let utterance = self.utterance.as_mut()?;
        utterance.is_fruitful = true;
        Some(SttEvent::Partial { text })
    }

    /// The answer to the oldest utterance that was ended.
    pub fn transcript(&mut self, transcript: Transcript) -> Option<SttEvent> {
        let ended = self.ended.pop_front()?;
        let is_empty = transcript.text.is_empty();
        if ended.asked == Asked::ByEar && is_empty {
            return None;
        }
        let start_ms = ended.start * 1000 / u64::from(self.engine_hz);
        let word = |word: vox_engines::HeardWord| Word {
            text: word.text,
            started_ms: start_ms + u64::from(word.start_ms),
            ended_ms: start_ms + u64::from(word.end_ms),
        };
        Some(SttEvent::Final {
            text: transcript.text,
            confidence: (!is_empty).then_some(transcript.confidence),
            words: transcript.words.into_iter().map(word).collect(),
            from_finalize: ended.asked == Asked::BySession,
            utterance_end: false,
        })
    }

    fn samples(&self, ms: u64) -> u64 {
        ms * u64::from(self.engine_hz) / 1000
    }
}

#[cfg(test)]
mod tests {
    use vox_engines::HeardWord;

    use super::*;

    const FRAME: usize = 160;

    fn frame(level: i16) -> SttInput {
        SttInput::Audio((0..FRAME).map(|at| if at % 2 == 0 { level } else { -level }).collect())
    }

    fn frames(ear: &mut Ear, count: usize, level: i16) -> Vec<Order> {
        (0..count).flat_map(|_| ear.take(frame(level))).collect()
    }

    fn samples(orders: &[Order]) -> usize {
        orders.iter().map(|order| if let Order::Hear(pcm) = order { pcm.len() } else { 0 }).sum()
    }

    fn transcript(text: &str) -> Transcript {
        let word = HeardWord { text: text.into(), start_ms: 100, end_ms: 300, confidence: 0.9 };
        Transcript { text: text.into(), confidence: 0.9, words: vec![word] }
    }

    #[test]
    fn silence_is_kept_back_and_sound_brings_what_came_before_it() {
        let mut ear = Ear::new(8_000);
        assert_eq!(frames(&mut ear, 100, 10), []);
        let orders = frames(&mut ear, 1, 3_000);
        assert_eq!(samples(&orders), 600 * 8);
        assert_eq!(samples(&frames(&mut ear, 5, 10)), 5 * FRAME);
        assert_eq!(ear.take(SttInput::Finalize), [Order::Finalize]);
        assert_eq!(frames(&mut ear, 10, 10), [], "the next silence is kept back again");
    }

    #[test]
    fn words_are_timed_from_the_first_sample_of_the_stream() {
        let mut ear = Ear::new(8_000);
        frames(&mut ear, 100, 10);
        frames(&mut ear, 10, 3_000);
        ear.take(SttInput::Finalize);
        let Some(SttEvent::Final { text, words, from_finalize, .. }) = ear.transcript(transcript("yes"))
        else {
            panic!("no final result");
        };
        // 101 frames were there when the utterance began with 600 ms of pre-roll.
        let start_ms = 101 * 20 - 600;
        assert_eq!((text.as_str(), from_finalize), ("yes", true));
        assert_eq!((words[0].started_ms, words[0].ended_ms), (start_ms + 100, start_ms + 300));
    }

    #[test]
    fn a_finalize_without_a_sound_still_has_the_rest_judged() {
        let mut ear = Ear::new(8_000);
        frames(&mut ear, 5, 10);
        let orders = ear.take(SttInput::Finalize);
        assert_eq!(samples(&orders), 5 * FRAME);
        assert_eq!(orders.last(), Some(&Order::Finalize));
        assert!(matches!(
            ear.transcript(Transcript::default()),
            Some(SttEvent::Final { from_finalize: true, .. })
        ));
        assert_eq!(ear.take(SttInput::Finalize), [Order::Finalize], "nothing is left to judge");
    }

    #[test]
    fn a_line_of_noise_does_not_fill_the_search() {
        let mut ear = Ear::new(8_000);
        frames(&mut ear, 10, 10);
        let noise: Vec<Order> = (0..60 * 50).flat_map(|_| ear.take(frame(400))).collect();
        let ends = noise.iter().filter(|order| **order == Order::Finalize).count();
        assert!(ends >= 1, "a minute of noise is one utterance");
        assert_eq!(ear.transcript(Transcript::default()), None, "nobody asked");
    }

    #[test]
    fn a_partial_result_of_an_ended_utterance_is_late() {
        let mut ear = Ear::new(8_000);
        frames(&mut ear, 10, 10);
        frames(&mut ear, 10, 3_000);
        assert_eq!(ear.partial("ye".into()), Some(SttEvent::Partial { text: "ye".into() }));
        ear.take(SttInput::Finalize);
        assert_eq!(ear.partial("yes".into()), None);
    }

    #[test]
    fn other_rates_are_brought_down() {
        let mut ear = Ear::new(24_000);
        assert_eq!(ear.engine_hz(), 16_000);
        frames(&mut ear, 15, 10);
        let tone: Vec<i16> = (0..2_400).map(|at| if at / 60 % 2 == 0 { 8_000 } else { -8_000 }).collect();
        let heard = samples(&ear.take(SttInput::Audio(tone.into())));
        // 4,800 samples came in; the filter holds the last millisecond back.
        assert!((3_150..=3_200).contains(&heard), "{heard}");
    }
}
