//! Loudness.

/// Loudness of silence, dBFS: nothing counts as quieter.
pub const SILENCE_DB: f32 = -96.0;
/// A frame at least this loud is audible, dBFS.
pub const AUDIBLE_DB: f32 = -50.0;

/// Root-mean-square level of samples, dBFS (0 is a full-scale square wave). Empty input is silence.
pub fn rms_db(pcm: &[i16]) -> f32 {
    if pcm.is_empty() {
        return SILENCE_DB;
    }
    let sum: f64 = pcm.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    let rms = (sum / pcm.len() as f64).sqrt() / 32_768.0;
    if rms <= 0.0 { SILENCE_DB } else { (20.0 * rms.log10() as f32).max(SILENCE_DB) }
}

/// Whether a listener would hear it.
pub fn is_audible(pcm: &[i16]) -> bool {
    rms_db(pcm) >= AUDIBLE_DB
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_relative_to_full_scale() {
        assert_eq!(rms_db(&[0; 160]), SILENCE_DB);
        assert!(rms_db(&[i16::MIN; 160]).abs() < 0.01);
        assert!((rms_db(&[3277, -3277, 3277, -3277]) + 20.0).abs() < 0.01);
        assert!(is_audible(&[300; 160]) && !is_audible(&[30; 160]));
    }
}
