//! What a clip must be: a recording of one voice, long enough to learn it from, that decodes to its end and is not silent.

use sha2::{Digest, Sha256};

use crate::auth::secret_token::hex;
use crate::soundfile::{self, Form};
use crate::store::voices::{Clip, ClipFormat};

/// Largest clip, bytes. Two minutes of 16-bit mono at 32 kHz as WAV, or more than five of an MP3 of 192 kbit/s.
pub const MAX_CLIP_BYTES: usize = 8 * 1024 * 1024;
/// Shortest clip, milliseconds. Vendors ask for ten seconds or more; from less nobody learns a voice.
pub const MIN_CLIP_MS: u64 = 5_000;
/// Longest clip, milliseconds.
pub const MAX_CLIP_MS: u64 = 300_000;
/// The loudest sample of a clip that is not silent: -40 dB of full scale.
const MIN_PEAK: f32 = 0.01;

/// Look at a clip: decode it as far as the longest one goes. It takes the time of a decoder, so not on a thread that serves.
///
/// # Errors
///
/// In words for whoever sent it: what it is, and what it must be.
pub fn examine(bytes: &[u8]) -> Result<Clip, String> {
    if bytes.len() > MAX_CLIP_BYTES {
        return Err(format!("has {} bytes; at most {MAX_CLIP_BYTES}", bytes.len()));
    }
    let form = soundfile::read(bytes, MAX_CLIP_MS, &mut |_, _| {})?;
    Ok(Clip {
        format: form.format,
        size_bytes: bytes.len() as u64,
        sha256: hex(&Sha256::digest(bytes)),
        duration_ms: check(form)?,
        sample_rate: form.rate,
        channels: form.channels,
    })
}

/// Its length in milliseconds, or what is wrong with it.
fn check(form: Form) -> Result<u64, String> {
    let duration_ms = form.duration_ms();
    if duration_ms < MIN_CLIP_MS {
        return Err(format!("lasts {duration_ms} ms; at least {MIN_CLIP_MS}"));
    }
    if duration_ms > MAX_CLIP_MS {
        return Err(format!("lasts longer than {MAX_CLIP_MS} ms; cut it"));
    }
    if form.peak < MIN_PEAK {
        return Err("is silent".into());
    }
    Ok(duration_ms)
}

impl ClipFormat {
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Mp3 => "audio/mpeg",
            Self::Ogg => "audio/ogg",
        }
    }

    /// What a file of it is called.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Wav => "clip.wav",
            Self::Mp3 => "clip.mp3",
            Self::Ogg => "clip.ogg",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use hound::SampleFormat;

    use super::*;

    /// A tone of so many milliseconds as 16-bit mono.
    fn tone(rate: u32, channels: u16, ms: u32, peak: f32) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        for n in 0..rate * ms / 1_000 * u32::from(channels) {
            let phase = n as f32 * 200.0 * std::f32::consts::TAU / rate as f32;
            writer.write_sample((phase.sin() * peak * 32_767.0) as i16).unwrap();
        }
        writer.finalize().unwrap();
        file.into_inner()
    }

    #[test]
    fn a_clip_is_measured() {
        let bytes = tone(16_000, 1, 6_000, 0.3);
        let clip = examine(&bytes).unwrap();
        assert_eq!((clip.format, clip.duration_ms, clip.sample_rate), (ClipFormat::Wav, 6_000, 16_000));
        assert_eq!((clip.channels, clip.size_bytes), (1, bytes.len() as u64));
        assert_eq!(examine(&tone(8_000, 2, 5_000, 0.3)).unwrap().channels, 2);
    }

    #[test]
    fn what_no_voice_can_be_learnt_from_is_refused_in_words() {
        let check = |bytes: &[u8], part: &str| {
            let fault = examine(bytes).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        };
        check(b"", "neither");
        check(b"RIFF....WAVEfmt ", "no WAV");
        check(&tone(16_000, 1, 4_900, 0.3), "at least 5000");
        check(&tone(8_000, 1, 301_000, 0.3), "longer than");
        check(&tone(16_000, 1, 6_000, 0.005), "silent");
        check(&tone(4_000, 1, 6_000, 0.3), "4000 samples a second");
        check(&tone(8_000, 3, 6_000, 0.3), "3 channels");
        check(&vec![0; MAX_CLIP_BYTES + 1], "at most");
        let mut cut = tone(16_000, 1, 6_000, 0.3);
        cut.truncate(cut.len() / 2);
        check(&cut, "no WAV");
    }
}
