//! Several voices into one, without overdriving.

/// How much of its way back to full loudness the mix goes in a frame.
const RELEASE: f32 = 0.05;

/// Adds frames up; where the sum is too loud for 16 bits, all of it becomes quieter, smoothly.
#[derive(Debug)]
pub(crate) struct Mixer {
    gain: f32,
    sum: Vec<i32>,
}

impl Mixer {
    pub(crate) fn new() -> Self {
        Self { gain: 1.0, sum: Vec::new() }
    }

    /// The mix of frames of the same length; silence of `length` samples if there are none.
    pub(crate) fn mix<'a>(&mut self, length: usize, frames: impl Iterator<Item = &'a [i16]>) -> Vec<i16> {
        self.sum.clear();
        self.sum.resize(length, 0);
        for frame in frames {
            for (sum, sample) in self.sum.iter_mut().zip(frame) {
                *sum += i32::from(*sample);
            }
        }
        let peak = self.sum.iter().map(|sum| sum.unsigned_abs()).max().unwrap_or_default();
        let fits = if peak > 32_767 { 32_767.0 / peak as f32 } else { 1.0 };
        let before = self.gain;
        let after = if fits < before { fits } else { (before + RELEASE).min(fits) };
        self.gain = after;
        if before == 1.0 && after == 1.0 {
            return self.sum.iter().map(|sum| *sum as i16).collect();
        }
        // Down within the first quarter of the frame, so that little is cut off; up over all of it.
        let ramp = if after < before { length / 4 } else { length }.max(1);
        let at_gain = |(at, sum): (usize, &i32)| {
            let gain = before + (after - before) * (at.min(ramp) as f32 / ramp as f32);
            (*sum as f32 * gain).clamp(-32_768.0, 32_767.0) as i16
        };
        self.sum.iter().enumerate().map(at_gain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_add_up_and_silence_stays() {
        let mut mixer = Mixer::new();
        assert_eq!(mixer.mix(3, [&[1, 2, 3][..], &[10, 20, 30][..]].into_iter()), [11, 22, 33]);
        assert_eq!(mixer.mix(2, std::iter::empty()), [0, 0]);
    }

    #[test]
    fn too_loud_becomes_quieter_and_comes_back() {
        let mut mixer = Mixer::new();
        let loud = [30_000_i16; 160];
        for _ in 0..3 {
            mixer.mix(160, [&loud[..], &loud[..]].into_iter());
        }
        let mixed = mixer.mix(160, [&loud[..], &loud[..]].into_iter());
        assert!(mixed.iter().all(|sample| (32_000..=32_767).contains(sample)), "{mixed:?}");
        for _ in 0..40 {
            mixer.mix(160, [&loud[..]].into_iter());
        }
        assert_eq!(mixer.mix(160, [&loud[..]].into_iter()), loud);
    }
}
