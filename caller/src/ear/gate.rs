//! Decides what is audible: the energy of 5 ms blocks against a threshold, with a hangover between sounds.

use super::Span;

/// Block length. Short enough to place an onset within a frame, long enough for a man's lowest pitch period
/// to show at least a peak.
const BLOCK_MS: u32 = 5;
/// Blocks in a row that make a sound: a single click of a codec is none.
const ONSET_BLOCKS: u32 = 2;

/// A change of what is audible. Positions are samples on the line's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The first audible sample after silence.
    Onset(u64),
    /// One past the last audible sample; known only after the hangover has passed.
    Offset(u64),
}

/// Streaming detector for one channel.
#[derive(Debug)]
pub struct Gate {
    /// Samples of the block that is not complete yet.
    block: Vec<i16>,
    block_len: usize,
    /// Mean square above which a block is audible.
    loud_mean_square: i64,
    hangover: u64,
    /// Samples taken into whole blocks.
    position: u64,
    loud_run: u32,
    candidate: u64,
    last_audible: u64,
    sounding: bool,
}

impl Gate {
    /// A gate for a channel of `rate_hz` that opens above `threshold_dbfs` (RMS) and closes after `hangover_ms`.
    pub fn new(rate_hz: u32, threshold_dbfs: f64, hangover_ms: u32) -> Self {
        let rms = 32_768.0 * 10f64.powf(threshold_dbfs / 20.0);
        let block_len = (rate_hz * BLOCK_MS / 1_000) as usize;
        Self {
            block: Vec::with_capacity(block_len),
            block_len,
            loud_mean_square: (rms * rms) as i64,
            hangover: u64::from(rate_hz) * u64::from(hangover_ms) / 1_000,
            position: 0,
            loud_run: 0,
            candidate: 0,
            last_audible: 0,
            sounding: false,
        }
    }

    /// Hear the next samples; `heard` is told of each change.
    pub fn push(&mut self, mut samples: &[i16], mut heard: impl FnMut(Change)) {
        while !samples.is_empty() {
            if self.block.is_empty() && samples.len() >= self.block_len {
                let (block, rest) = samples.split_at(self.block_len);
                self.judge(block, &mut heard);
                samples = rest;
                continue;
            }
            let (part, rest) = samples.split_at(samples.len().min(self.block_len - self.block.len()));
            self.block.extend_from_slice(part);
            samples = rest;
            if self.block.len() == self.block_len {
                let block = std::mem::take(&mut self.block);
                self.judge(&block, &mut heard);
                self.block = block;
                self.block.clear();
            }
        }
    }

    /// The channel ends: a sound that is still on ends with its last audible sample.
    pub fn finish(mut self, mut heard: impl FnMut(Change)) {
        let rest = std::mem::take(&mut self.block);
        if !rest.is_empty() {
            self.judge(&rest, &mut heard);
        }
        if self.sounding {
            heard(Change::Offset(self.last_audible));
        }
    }

    fn judge(&mut self, block: &[i16], heard: &mut impl FnMut(Change)) {
        let start = self.position;
        self.position += block.len() as u64;
        if mean_square(block) <= self.loud_mean_square {
            self.loud_run = 0;
            if self.sounding && self.position >= self.last_audible + self.hangover {
                self.sounding = false;
                heard(Change::Offset(self.last_audible));
            }
            return;
        }
        if self.loud_run == 0 {
            self.candidate = start + self.first_loud(block);
        }
        self.loud_run += 1;
        if self.loud_run >= ONSET_BLOCKS || self.sounding {
            self.last_audible = start + self.last_loud(block);
        }
        if !self.sounding && self.loud_run >= ONSET_BLOCKS {
            self.sounding = true;
            heard(Change::Onset(self.candidate));
        }
    }

    fn is_loud(&self, sample: i16) -> bool {
        i64::from(sample) * i64::from(sample) > self.loud_mean_square
    }

    fn first_loud(&self, block: &[i16]) -> u64 {
        block.iter().position(|&sample| self.is_loud(sample)).unwrap_or(0) as u64
    }

    fn last_loud(&self, block: &[i16]) -> u64 {
        block.iter().rposition(|&sample| self.is_loud(sample)).map_or(block.len(), |at| at + 1) as u64
    }
}

/// Mean of the squares of some samples; 0 for none.
pub(crate) fn mean_square(samples: &[i16]) -> i64 {
    if samples.is_empty() {
        return 0;
    }
    samples.iter().map(|&sample| i64::from(sample) * i64::from(sample)).sum::<i64>() / samples.len() as i64
}

/// The audible spans of a whole recording.
pub(crate) fn spans_of(samples: &[i16], mut gate: Gate) -> Vec<Span> {
    let mut spans = Vec::new();
    gate.push(samples, |change| collect(&mut spans, change));
    gate.finish(|change| collect(&mut spans, change));
    spans
}

/// Turn changes into spans; the last span ends with its start while the sound is on.
pub(crate) fn collect(spans: &mut Vec<Span>, change: Change) {
    match change {
        Change::Onset(at) => spans.push(Span { start: at, end: at }),
        Change::Offset(at) => {
            if let Some(last) = spans.last_mut() {
                last.end = at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 8_000;

    fn tone(from: usize, to: usize, length: usize) -> Vec<i16> {
        let wave =
            |at: usize| (6_000.0 * (at as f64 * 2.0 * std::f64::consts::PI * 400.0 / 8_000.0).cos()) as i16;
        (0..length).map(|at| if (from..to).contains(&at) { wave(at - from) } else { 0 }).collect()
    }

    fn check(signal: &[i16], expected: &[(u64, u64)]) {
        for piece in [1, 7, 40, 160, signal.len()] {
            let mut spans = Vec::new();
            let mut gate = Gate::new(RATE, -50.0, 200);
            for part in signal.chunks(piece) {
                gate.push(part, |change| collect(&mut spans, change));
            }
            gate.finish(|change| collect(&mut spans, change));
            let near = |span: &Span, &(start, end): &(u64, u64)| {
                span.start.abs_diff(start) <= 2 && span.end.abs_diff(end) <= 8
            };
            assert_eq!(spans.len(), expected.len(), "pieces of {piece}: {spans:?}");
            assert!(
                spans.iter().zip(expected).all(|(span, want)| near(span, want)),
                "pieces of {piece}: {spans:?}"
            );
        }
    }

    #[test]
    fn finds_a_tone_to_the_sample_wherever_its_blocks_fall() {
        check(&tone(1_003, 3_011, 8_000), &[(1_003, 3_011)]);
    }

    #[test]
    fn joins_what_the_hangover_joins_and_parts_the_rest() {
        let mut signal = tone(800, 1_600, 8_000);
        for (at, sample) in tone(2_400, 3_200, 8_000).into_iter().enumerate() {
            signal[at] += sample;
        }
        for (at, sample) in tone(6_000, 7_000, 8_000).into_iter().enumerate() {
            signal[at] += sample;
        }
        check(&signal, &[(800, 3_200), (6_000, 7_000)]);
    }

    #[test]
    fn a_click_and_line_noise_are_silence() {
        let mut signal: Vec<i16> = (0..8_000).map(|at| if at % 3 == 0 { 40 } else { -35 }).collect();
        signal[4_003] = 20_000;
        check(&signal, &[]);
    }

    #[test]
    fn a_sound_that_is_cut_off_ends_where_the_channel_ends() {
        check(&tone(4_000, 8_000, 8_000), &[(4_000, 8_000)]);
    }
}
