//! From a file that somebody sent to what workers read: a WAV of 16 kHz, mono, 16 bit.

use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};
use vox_audio::resample::Resampler;

use crate::soundfile::{self, Form};

/// Largest file that is sent, bytes.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;
/// Shortest and longest sound, milliseconds. A worker holds those of its call in memory: two minutes are 2 MB at a telephone's rate.
pub const LENGTH_MS: std::ops::RangeInclusive<u64> = 100..=120_000;
/// Of what is kept, the highest rate that a line has; telephones get half of it.
pub const RATE_HZ: u32 = 16_000;
/// The loudest sample of a sound that is not silent: -50 dB of full scale.
const MIN_PEAK: f32 = 0.003;

/// A sound in the form in which it is kept.
#[derive(Debug)]
pub struct Decoded {
    pub form: Form,
    /// WAV, [`RATE_HZ`], mono, 16 bit.
    pub wav: Vec<u8>,
}

/// Decode a file. It takes the time of a decoder, so not on a thread that serves.
///
/// # Errors
///
/// In words for whoever sent it.
pub fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(format!("has {} bytes; at most {MAX_FILE_BYTES}", bytes.len()));
    }
    let (mut resampler, mut mono, mut pcm) = (None, Vec::<i16>::new(), Vec::<i16>::new());
    let form = soundfile::read(bytes, *LENGTH_MS.end(), &mut |samples, form| {
        let channels = form.channels as usize;
        mono.clear();
        mono.extend(samples.chunks_exact(channels).map(mixed));
        resampler.get_or_insert_with(|| Resampler::new(form.rate, RATE_HZ)).push(&mono, &mut pcm);
    })?;
    if let Some(resampler) = &mut resampler {
        resampler.finish(&mut pcm);
    }
    check(form)?;
    let wav = written(&pcm).map_err(|error| format!("cannot be kept: {error}"))?;
    Ok(Decoded { form, wav })
}

fn mixed(together: &[f32]) -> i16 {
    let mean = together.iter().sum::<f32>() / together.len() as f32;
    (mean * 32_767.0).clamp(-32_768.0, 32_767.0) as i16
}

fn check(form: Form) -> Result<(), String> {
    let duration_ms = form.duration_ms();
    if !LENGTH_MS.contains(&duration_ms) {
        return Err(format!("lasts {duration_ms} ms; {} to {} ms", LENGTH_MS.start(), LENGTH_MS.end()));
    }
    if form.peak < MIN_PEAK { Err("is silent".into()) } else { Ok(()) }
}

fn written(pcm: &[i16]) -> Result<Vec<u8>, hound::Error> {
    let spec =
        WavSpec { channels: 1, sample_rate: RATE_HZ, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut file = Cursor::new(Vec::with_capacity(pcm.len() * 2 + 44));
    let mut writer = WavWriter::new(&mut file, spec)?;
    pcm.iter().try_for_each(|sample| writer.write_sample(*sample))?;
    writer.finalize()?;
    Ok(file.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of 440 Hz.
    fn tone(rate: u32, channels: u16, ms: u32, peak: f32) -> Vec<u8> {
        let spec =
            WavSpec { channels, sample_rate: rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let mut file = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut file, spec).unwrap();
        for n in 0..rate * ms / 1_000 {
            let phase = n as f32 * 440.0 * std::f32::consts::TAU / rate as f32;
            for _ in 0..channels {
                writer.write_sample((phase.sin() * peak * 32_767.0) as i16).unwrap();
            }
        }
        writer.finalize().unwrap();
        file.into_inner()
    }

    fn samples(wav: &[u8]) -> Vec<i16> {
        let mut reader = hound::WavReader::new(wav).unwrap();
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, RATE_HZ, 16));
        reader.samples::<i16>().map(Result::unwrap).collect()
    }

    #[test]
    fn whatever_was_sent_is_kept_in_one_form() {
        for (rate, channels) in [(8_000, 1), (16_000, 2), (44_100, 2), (48_000, 1)] {
            let decoded = decode(&tone(rate, channels, 1_000, 0.5)).unwrap();
            let kept = samples(&decoded.wav);
            assert!((15_900..=16_100).contains(&kept.len()), "{rate}: {}", kept.len());
            let middle = &kept[4_000..12_000];
            let crossings = middle.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
            assert!((218..=222).contains(&crossings), "440 Hz in half a second, at {rate}: {crossings}");
            let loudest = middle.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((15_500..=17_000).contains(&loudest), "{rate}: {loudest}");
            assert_eq!(decoded.form.duration_ms(), 1_000);
        }
    }

    #[cfg(feature = "clips")]
    #[test]
    fn compressed_files_are_kept_in_it_too() {
        for bytes in [
            include_bytes!("../../tests/it/clips/tone.ogg").as_slice(),
            include_bytes!("../../tests/it/clips/tone.mp3").as_slice(),
        ] {
            let kept = samples(&decode(bytes).unwrap().wav);
            assert!(kept.iter().any(|sample| sample.unsigned_abs() > 1_000));
        }
    }

    #[test]
    fn what_cannot_be_played_is_refused_in_words() {
        let refused = |bytes: &[u8], part: &str| {
            let fault = decode(bytes).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        };
        refused(b"hello", "neither");
        refused(&tone(16_000, 1, 50, 0.5), "100 to");
        refused(&tone(8_000, 1, 121_000, 0.5), "120000 ms");
        refused(&tone(16_000, 1, 500, 0.001), "silent");
        refused(&vec![0; MAX_FILE_BYTES + 1], "at most");
    }
}
