//! A vendor's bytes become samples at the line's rate, in pieces that a reader can hold.

use crate::media::resample::Resampler;

/// Longest piece of sound handed on at once, samples per second of the rate divided by this: 60 ms. The reader's channel then
/// holds under four seconds, however much the vendor sends at a time.
pub(super) const PIECES_PER_SECOND: usize = 16;

/// The sound of one reply.
#[derive(Debug)]
pub(super) struct Sound {
    from_hz: u32,
    to_hz: u32,
    /// The first half of a sample that was cut between two messages.
    odd: Option<u8>,
    resampler: Option<Resampler>,
    samples: u64,
    /// What came at other rates before, milliseconds.
    earlier_ms: f64,
}

impl Sound {
    /// Sound that comes at `from_hz` and is wanted at `to_hz`, mono.
    pub fn new(from_hz: u32, to_hz: u32) -> Self {
        let resampler = (from_hz != to_hz).then(|| Resampler::new(from_hz, to_hz));
        Self { from_hz, to_hz, odd: None, resampler, samples: 0, earlier_ms: 0.0 }
    }

    /// Take little-endian 16-bit samples; one may be cut anywhere.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Vec<i16>> {
        let samples = samples(bytes, &mut self.odd);
        self.take_samples(samples)
    }

    /// What follows comes at this rate: what the change of the old rate still holds.
    pub fn tune(&mut self, from_hz: u32) -> Vec<Vec<i16>> {
        if from_hz == self.from_hz {
            return Vec::new();
        }
        let rest = self.end();
        let earlier_ms = self.ms();
        *self = Self { earlier_ms, ..Self::new(from_hz, self.to_hz) };
        rest
    }

    /// Take samples.
    pub fn take_samples(&mut self, samples: Vec<i16>) -> Vec<Vec<i16>> {
        self.samples += samples.len() as u64;
        let samples = match &mut self.resampler {
            None => samples,
            Some(resampler) => {
                let mut out = Vec::new();
                resampler.push(&samples, &mut out);
                out
            }
        };
        self.pieces(samples)
    }

    /// Nothing follows: what the change of the rate still holds. Half a sample is lost.
    pub fn end(&mut self) -> Vec<Vec<i16>> {
        self.odd = None;
        let mut out = Vec::new();
        if let Some(resampler) = self.resampler.as_mut().filter(|_| self.samples > 0) {
            resampler.finish(&mut out);
        }
        self.pieces(out)
    }

    /// How much has come, milliseconds.
    pub fn ms(&self) -> f64 {
        self.earlier_ms + self.samples as f64 * 1000.0 / f64::from(self.from_hz)
    }

    fn pieces(&self, samples: Vec<i16>) -> Vec<Vec<i16>> {
        let piece = (self.to_hz as usize / PIECES_PER_SECOND).max(1);
        samples.chunks(piece).map(<[i16]>::to_vec).collect()
    }
}

/// Little-endian 16-bit samples; `odd` is the half of one that was cut from its other half.
pub(super) fn samples(bytes: &[u8], odd: &mut Option<u8>) -> Vec<i16> {
    let mut samples = Vec::with_capacity(bytes.len() / 2 + 1);
    let mut rest = bytes;
    if let (Some(low), Some((high, after))) = (*odd, bytes.split_first()) {
        samples.push(i16::from_le_bytes([low, *high]));
        *odd = None;
        rest = after;
    }
    let (pairs, left) = rest.as_chunks::<2>();
    samples.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
    *odd = left.first().copied().or(*odd);
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_cut_between_messages_is_whole() {
        let all: Vec<i16> = vec![1, -2, 300, -400];
        let bytes: Vec<u8> = all.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        for cut in 0..=bytes.len() {
            let mut sound = Sound::new(16_000, 16_000);
            let mut got = sound.take(&bytes[..cut]).concat();
            got.extend(sound.take(&bytes[cut..]).concat());
            assert_eq!(got, all, "cut at {cut}");
        }
        let mut sound = Sound::new(16_000, 16_000);
        let singly: Vec<i16> = bytes.iter().flat_map(|byte| sound.take(&[*byte]).concat()).collect();
        assert_eq!(singly, all);
    }

    #[test]
    fn a_rate_may_change_in_the_midst() {
        let mut sound = Sound::new(8000, 8000);
        assert_eq!(sound.take_samples(vec![0; 800]).concat().len(), 800);
        sound.tune(16_000);
        let mut samples = sound.take_samples(vec![0; 1600]).concat().len();
        samples += sound.tune(8000).concat().len();
        assert!((samples as i64 - 800).abs() <= 8, "{samples}");
        assert!((sound.ms() - 200.0).abs() < 1e-6);
    }

    #[test]
    fn sound_of_another_rate_is_as_long_as_it_was() {
        for (from_hz, to_hz) in [(24_000, 8000), (22_050, 16_000), (24_000, 16_000), (32_000, 24_000)] {
            let mut sound = Sound::new(from_hz, to_hz);
            let mut samples = 0;
            for _ in 0..100 {
                let pieces = sound.take_samples(vec![100; from_hz as usize / 100]);
                assert!(pieces.iter().all(|piece| piece.len() <= to_hz as usize / PIECES_PER_SECOND));
                samples += pieces.concat().len();
            }
            samples += sound.end().concat().len();
            let second = i64::from(to_hz);
            assert!((samples as i64 - second).abs() <= second / 100, "{from_hz} to {to_hz}: {samples}");
        }
    }
}
