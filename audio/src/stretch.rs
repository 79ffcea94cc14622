//! Playing a little faster or slower without another pitch: one period of the voice is left out or said twice, with a cross-fade
//! (overlap-add, as WSOLA does).

/// Shortest and longest period that is looked for, a second over: 400 Hz to 100 Hz.
const SHORTEST: usize = 400;
const LONGEST: usize = 100;
/// How alike two periods must be, 0 to 1.
const ALIKE: f32 = 0.7;
/// Root mean square below which nobody notices what is left out.
const QUIET: f32 = 200.0;

/// Leave a period out. `false`, and nothing is changed, if none is alike enough to the next.
pub fn shorten(pcm: &mut Vec<i16>, hz: usize) -> bool {
    let Some(period) = period(pcm, hz) else { return false };
    let faded = fade(&pcm[..period], &pcm[period..2 * period]);
    pcm.splice(..2 * period, faded);
    true
}

/// Say a period twice.
pub fn lengthen(pcm: &mut Vec<i16>, hz: usize) -> bool {
    let Some(period) = period(pcm, hz) else { return false };
    let faded = fade(&pcm[period..2 * period], &pcm[..period]);
    pcm.splice(period..period, faded);
    true
}

/// The length after which the sound is most like itself, samples. Of a quiet one, the longest.
fn period(pcm: &[i16], hz: usize) -> Option<usize> {
    let (shortest, longest) = (hz / SHORTEST, hz / LONGEST);
    if pcm.len() < 2 * longest {
        return None;
    }
    let head = &pcm[..2 * longest];
    let power = head.iter().map(|s| f32::from(*s).powi(2)).sum::<f32>() / head.len() as f32;
    if power.sqrt() < QUIET {
        return Some(longest);
    }
    // Every fourth sample is enough to compare at 48 kHz, and a sixteenth of the work.
    let step = (hz / 12_000).max(1);
    let likeness = |lag: usize| {
        let (mut cross, mut own, mut shifted) = (0.0_f32, 1.0_f32, 1.0_f32);
        for at in (0..longest).step_by(step) {
            let (a, b) = (f32::from(pcm[at]), f32::from(pcm[at + lag]));
            cross += a * b;
            own += a * a;
            shifted += b * b;
        }
        cross / (own * shifted).sqrt()
    };
    let best = (shortest..=longest)
        .step_by(step)
        .map(|lag| (lag, likeness(lag)))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (best.1 >= ALIKE).then_some(best.0)
}

/// From one into the other.
fn fade(from: &[i16], to: &[i16]) -> Vec<i16> {
    let length = from.len() as i32;
    let mixed = |(at, (a, b)): (usize, (&i16, &i16))| {
        let at = at as i32;
        ((i32::from(*a) * (length - at) + i32::from(*b) * at) / length) as i16
    };
    from.iter().zip(to).enumerate().map(mixed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: usize, of: f32, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|at| ((at as f32 * of * std::f32::consts::TAU / hz as f32).sin() * 9000.0) as i16)
            .collect()
    }

    /// No step between two samples that the tone itself does not make.
    fn is_smooth(pcm: &[i16], hz: usize, of: f32) -> bool {
        let most = 9000.0 * of * std::f32::consts::TAU / hz as f32;
        pcm.windows(2).all(|pair| f32::from(pair[1].abs_diff(pair[0])) < 1.5 * most + 10.0)
    }

    #[test]
    fn a_tone_becomes_shorter_or_longer_and_stays_smooth() {
        for hz in [8000, 16_000, 24_000, 48_000] {
            let length = hz / 50;
            let mut pcm = tone(hz, 200.0, length);
            assert!(shorten(&mut pcm, hz));
            assert!((length / 2..length).contains(&pcm.len()) && is_smooth(&pcm, hz, 200.0), "{hz}");
            let mut pcm = tone(hz, 200.0, length);
            assert!(lengthen(&mut pcm, hz));
            assert!((length + 1..=length * 3 / 2).contains(&pcm.len()) && is_smooth(&pcm, hz, 200.0), "{hz}");
        }
    }

    #[test]
    fn what_has_no_period_is_left_alone_and_silence_is_not() {
        let mut noise = Vec::new();
        let mut seed = 7_u32;
        for _ in 0..320 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.push((seed >> 18) as i16 - 8192);
        }
        assert!(!shorten(&mut noise, 16_000) && noise.len() == 320);
        let mut silence = vec![0; 320];
        assert!(shorten(&mut silence, 16_000) && silence.len() == 160);
        assert!(!shorten(&mut vec![0; 100], 16_000), "too short to tell");
    }
}
