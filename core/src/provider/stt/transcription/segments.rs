//! Where somebody speaks in the line's audio: the stretches that are sent to be transcribed.

use std::collections::VecDeque;

use vox_shared::catalogue::TRANSCRIPTION;
use vox_shared::model::bot::SttSettings;

use super::super::floor::Floor;
use crate::provider::Failure;
use crate::provider::extra::Extra;

/// Audio is judged in windows of this length.
const WINDOW_MS: u64 = 20;
/// Windows with sound in a row that begin a segment: a click is shorter.
const ONSET: u32 = 3;
/// Audio before the first sound that belongs to a segment: soft consonants begin words.
const PRE_ROLL_MS: u64 = 300;
/// Speech is so much louder than the line, decibels. Whisper makes words up where there are none, so noise is not worth a try.
const ABOVE_FLOOR_DB: f32 = 8.0;
/// With less sound than this nobody said anything.
const LEAST_SOUND_MS: u64 = 150;
/// Whisper looks at 30 s.
const LONGEST_MS: u64 = 25_000;
/// Silence that ends a segment: the session waits longer before it answers, so the words are on their way by then.
const SILENCE_MS: u64 = 400;
/// Looks at a segment that goes on. The session gives up speech that has no words for 4 s.
const INTERIM_MS: u64 = 2_000;

/// A stretch of audio, and where it stands in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub began_ms: u64,
    pub pcm: Vec<i16>,
}

/// What a window of audio changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Began {
        at_ms: u64,
    },
    /// All of a segment; `by_silence` where nothing more was said, or it has become too long.
    Over {
        segment: Segment,
        by_silence: bool,
    },
}

/// How a stream is cut.
#[derive(Clone, Copy, Debug)]
pub struct Cuts {
    /// Silence that ends a segment.
    pub silence_ms: u64,
    /// Audio between two looks at a segment that goes on; `None` for no such looks.
    pub interim_ms: Option<u64>,
}

impl Cuts {
    /// As a bot's settings say.
    ///
    /// # Errors
    /// `Refused` for a setting of the wrong type.
    pub fn from_settings(settings: &SttSettings) -> Result<Self, Failure> {
        let extra = Extra::new(&TRANSCRIPTION, &settings.extra)?;
        let silence_ms = extra.number("silence_duration_ms").map_or(SILENCE_MS, |ms| ms as u64);
        Ok(Self { silence_ms, interim_ms: extra.timer("interim_ms", INTERIM_MS) })
    }
}

/// Cuts a stream into segments.
#[derive(Debug)]
pub struct Segmenter {
    rate_hz: u32,
    cuts: Cuts,
    floor: Floor,
    /// Less than a window.
    piece: Vec<i16>,
    /// Audio that no segment has yet, newest last.
    kept: VecDeque<i16>,
    sounds: u32,
    /// Samples judged since the stream began.
    taken: u64,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    start: u64,
    pcm: Vec<i16>,
    sound_ms: u64,
    silence_ms: u64,
    looked_at: usize,
}

impl Segmenter {
    pub fn new(rate_hz: u32, cuts: Cuts) -> Self {
        Self {
            rate_hz,
            cuts,
            floor: Floor::new(ABOVE_FLOOR_DB),
            piece: Vec::new(),
            kept: VecDeque::new(),
            sounds: 0,
            taken: 0,
            open: None,
        }
    }

    /// Take audio.
    pub fn push(&mut self, samples: &[i16]) -> Vec<Change> {
        self.piece.extend_from_slice(samples);
        let window = self.samples(WINDOW_MS).max(1);
        let whole = self.piece.len() / window * window;
        let pieces: Vec<i16> = self.piece.drain(..whole).collect();
        pieces.chunks_exact(window).filter_map(|window| self.judge(window)).collect()
    }

    /// The segment that is open ends here.
    pub fn finish(&mut self) -> Option<Segment> {
        let open = self.open.take()?;
        self.sounds = 0;
        (open.sound_ms >= LEAST_SOUND_MS).then(|| self.segment(open))
    }

    /// The segment that is open, where it is time for a look at it.
    pub fn look(&mut self) -> Option<Segment> {
        let interval = self.samples(self.cuts.interim_ms?);
        let rate_hz = self.rate_hz;
        let open = self.open.as_mut().filter(|open| open.pcm.len() >= open.looked_at + interval)?;
        open.looked_at = open.pcm.len();
        let began_ms = open.start * 1000 / u64::from(rate_hz);
        (open.sound_ms >= LEAST_SOUND_MS).then(|| Segment { began_ms, pcm: open.pcm.clone() })
    }

    fn judge(&mut self, window: &[i16]) -> Option<Change> {
        let is_sound = self.floor.is_sound(window, self.rate_hz);
        self.taken += window.len() as u64;
        self.sounds = if is_sound { self.sounds + 1 } else { 0 };
        let longest = self.samples(LONGEST_MS);
        let Some(open) = &mut self.open else { return self.wait(window) };
        open.pcm.extend_from_slice(window);
        if is_sound {
            open.sound_ms += WINDOW_MS;
            open.silence_ms = 0;
        } else {
            open.silence_ms += WINDOW_MS;
        }
        let by_silence = open.silence_ms >= self.cuts.silence_ms;
        if !by_silence && open.pcm.len() < longest {
            return None;
        }
        self.finish().map(|segment| Change::Over { segment, by_silence })
    }

    /// Nobody speaks yet.
    fn wait(&mut self, window: &[i16]) -> Option<Change> {
        self.kept.extend(window);
        let most = self.samples(PRE_ROLL_MS);
        let too_many = self.kept.len().saturating_sub(most);
        self.kept.drain(..too_many);
        if self.sounds < ONSET {
            return None;
        }
        let pcm: Vec<i16> = self.kept.drain(..).collect();
        let start = self.taken - pcm.len() as u64;
        let sound_ms = u64::from(ONSET) * WINDOW_MS;
        self.open = Some(Open { start, pcm, sound_ms, silence_ms: 0, looked_at: 0 });
        let heard = self.taken - self.samples(sound_ms) as u64;
        Some(Change::Began { at_ms: heard * 1000 / u64::from(self.rate_hz) })
    }

    fn segment(&self, open: Open) -> Segment {
        Segment { began_ms: open.start * 1000 / u64::from(self.rate_hz), pcm: open.pcm }
    }

    fn samples(&self, ms: u64) -> usize {
        (ms * u64::from(self.rate_hz) / 1000) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 1000;

    fn segmenter(interim_ms: Option<u64>) -> Segmenter {
        Segmenter::new(RATE, Cuts { silence_ms: 500, interim_ms })
    }

    fn tone(ms: usize) -> Vec<i16> {
        (0..ms).map(|at| if at % 2 == 0 { 8000 } else { -8000 }).collect()
    }

    #[test]
    fn speech_is_cut_out_with_what_stands_before_it() {
        let mut segmenter = segmenter(None);
        assert_eq!(segmenter.push(&[0; 1000]), []);
        assert_eq!(segmenter.push(&tone(600)), [Change::Began { at_ms: 1000 }]);
        let changes = segmenter.push(&[0; 700]);
        let [Change::Over { segment, by_silence: true }] = changes.as_slice() else { panic!("{changes:?}") };
        assert_eq!((segment.began_ms, segment.pcm.len()), (760, 240 + 600 + 500));
        assert_eq!(segmenter.finish(), None);
    }

    #[test]
    fn a_click_is_no_segment_and_a_short_sound_is_not_sent() {
        let mut segmenter = segmenter(None);
        segmenter.push(&[0; 500]);
        assert_eq!(segmenter.push(&tone(40)), []);
        segmenter.push(&[0; 500]);
        assert_eq!(segmenter.push(&tone(100)).len(), 1);
        assert_eq!(segmenter.push(&[0; 1000]), []);
        assert_eq!(segmenter.push(&tone(200)).len(), 1, "the next one begins anew");
    }

    #[test]
    fn a_segment_ends_when_asked_and_when_it_is_too_long() {
        let mut segmenter = segmenter(None);
        segmenter.push(&tone(400));
        assert_eq!(segmenter.finish().map(|segment| segment.pcm.len()), Some(400));
        let long: Vec<i16> = (0..200).flat_map(|_| [tone(100), vec![0; 100]].concat()).collect();
        let changes = segmenter.push(&long);
        assert!(
            changes.iter().any(|change| matches!(change, Change::Over { by_silence: false, .. })),
            "{changes:?}"
        );
    }

    #[test]
    fn a_segment_that_goes_on_is_looked_at_from_time_to_time() {
        let mut segmenter = segmenter(Some(1000));
        segmenter.push(&tone(600));
        assert_eq!(segmenter.look(), None);
        segmenter.push(&tone(600));
        assert_eq!(segmenter.look().map(|segment| segment.pcm.len()), Some(1200));
        assert_eq!(segmenter.look(), None);
    }
}
