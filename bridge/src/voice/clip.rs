//! What a clip must be: a recording of one voice, long enough to learn it from, that decodes to its end and is not silent.

use std::io::Cursor;

use hound::{SampleFormat, WavReader};
use sha2::{Digest, Sha256};

use crate::auth::secret_token::hex;
use crate::store::voices::{Clip, ClipFormat};

/// Largest clip, bytes. Two minutes of 16-bit mono at 32 kHz as WAV, or more than five of an MP3 of 192 kbit/s.
pub const MAX_CLIP_BYTES: usize = 8 * 1024 * 1024;
/// Shortest clip, milliseconds. Vendors ask for ten seconds or more; from less nobody learns a voice.
pub const MIN_CLIP_MS: u64 = 5_000;
/// Longest clip, milliseconds.
pub const MAX_CLIP_MS: u64 = 300_000;
/// Rates that telephones and studios record at.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=96_000;
/// One voice, at most in stereo.
const MAX_CHANNELS: u32 = 2;
/// The loudest sample of a clip that is not silent: -40 dB of full scale.
const MIN_PEAK: f32 = 0.01;

/// What decoding finds.
#[derive(Clone, Copy, Debug, Default)]
struct Sound {
    rate: u32,
    channels: u32,
    /// Samples of one channel.
    frames: u64,
    /// 0 to 1.
    peak: f32,
}

/// Look at a clip: decode it as far as the longest one goes. It takes the time of a decoder, so not on a thread that serves.
///
/// # Errors
///
/// In words for whoever sent it: what it is, and what it must be.
pub fn examine(bytes: &[u8]) -> Result<Clip, String> {
    if bytes.len() > MAX_CLIP_BYTES {
        return Err(format!("has {} bytes; at most {MAX_CLIP_BYTES}", bytes.len()));
    }
    let format = format_of(bytes).ok_or("is neither WAV, MP3 nor Ogg")?;
    let sound = match format {
        ClipFormat::Wav => wav(bytes)?,
        ClipFormat::Mp3 | ClipFormat::Ogg => compressed(bytes, format)?,
    };
    let duration_ms = sound.check()?;
    Ok(Clip {
        format,
        size_bytes: bytes.len() as u64,
        sha256: hex(&Sha256::digest(bytes)),
        duration_ms,
        sample_rate: sound.rate,
        channels: sound.channels,
    })
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

impl Sound {
    /// Its length in milliseconds, or what is wrong with it.
    fn check(self) -> Result<u64, String> {
        self.check_form()?;
        let duration_ms = self.duration_ms();
        if duration_ms < MIN_CLIP_MS {
            return Err(format!("lasts {duration_ms} ms; at least {MIN_CLIP_MS}"));
        }
        if duration_ms > MAX_CLIP_MS {
            return Err(format!("lasts longer than {MAX_CLIP_MS} ms; cut it"));
        }
        if self.peak < MIN_PEAK {
            return Err("is silent".into());
        }
        Ok(duration_ms)
    }

    /// What is known from its first packet: a file may say that it has four thousand million samples a second, and never come to an end.
    fn check_form(self) -> Result<(), String> {
        if !RATES.contains(&self.rate) {
            return Err(format!("has {} samples a second; {} to {}", self.rate, RATES.start(), RATES.end()));
        }
        match (1..=MAX_CHANNELS).contains(&self.channels) {
            true => Ok(()),
            false => Err(format!("has {} channels; one or two", self.channels)),
        }
    }

    fn duration_ms(self) -> u64 {
        self.frames * 1_000 / u64::from(self.rate.max(1))
    }
}

/// By its first bytes: what a file is called says nothing.
fn format_of(bytes: &[u8]) -> Option<ClipFormat> {
    let is_frame = bytes.len() > 1 && bytes[0] == 0xff && bytes[1] & 0xe0 == 0xe0;
    match bytes {
        _ if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE") => Some(ClipFormat::Wav),
        _ if bytes.starts_with(b"OggS") => Some(ClipFormat::Ogg),
        _ if bytes.starts_with(b"ID3") || is_frame => Some(ClipFormat::Mp3),
        _ => None,
    }
}

fn wav(bytes: &[u8]) -> Result<Sound, String> {
    let cannot = |error: hound::Error| format!("is no WAV that can be read: {error}");
    let mut reader = WavReader::new(Cursor::new(bytes)).map_err(cannot)?;
    let spec = reader.spec();
    let mut sound = Sound { rate: spec.sample_rate, channels: spec.channels.into(), ..Sound::default() };
    let (mut samples, mut peak) = (0_u64, 0_f32);
    match spec.sample_format {
        SampleFormat::Float => {
            for sample in reader.samples::<f32>() {
                (samples, peak) = (samples + 1, peak.max(sample.map_err(cannot)?.abs()));
            }
        }
        SampleFormat::Int => {
            let full = (1_u64 << spec.bits_per_sample.saturating_sub(1).min(31)) as f32;
            for sample in reader.samples::<i32>() {
                (samples, peak) =
                    (samples + 1, peak.max(sample.map_err(cannot)?.unsigned_abs() as f32 / full));
            }
        }
    }
    (sound.frames, sound.peak) = (samples / u64::from(sound.channels.max(1)), peak);
    Ok(sound)
}

#[cfg(not(feature = "clips"))]
fn compressed(_: &[u8], _: ClipFormat) -> Result<Sound, String> {
    Err("is compressed, and this build of the bridge reads WAV alone (feature `clips`); send WAV".into())
}

#[cfg(feature = "clips")]
fn compressed(bytes: &[u8], format: ClipFormat) -> Result<Sound, String> {
    compressed::decode(bytes, format)
}

#[cfg(feature = "clips")]
mod compressed {
    use symphonia::core::codecs::audio::AudioDecoderOptions;
    use symphonia::core::errors::Error;
    use symphonia::core::formats::probe::Hint;
    use symphonia::core::formats::{FormatOptions, TrackType};
    use symphonia::core::io::MediaSourceStream;
    use symphonia::core::meta::MetadataOptions;

    use super::{ClipFormat, Cursor, MAX_CLIP_MS, Sound};

    /// Frames that may be broken before the whole is: files are cut in the middle of one, and begin with half of one.
    const MAX_BROKEN: u32 = 8;

    pub fn decode(bytes: &[u8], format: ClipFormat) -> Result<Sound, String> {
        let what = match format {
            ClipFormat::Ogg => "is no Ogg with Vorbis that can be read",
            _ => "is no MP3 that can be read",
        };
        let cannot = |error: Error| format!("{what}: {error}");
        let source = MediaSourceStream::new(Box::new(Cursor::new(bytes.to_vec())), Default::default());
        let (formats, meta) = (FormatOptions::default(), MetadataOptions::default());
        let probe = symphonia::default::get_probe();
        let mut reader = probe.probe(&Hint::new(), source, formats, meta).map_err(cannot)?;
        let track = reader.default_track(TrackType::Audio).ok_or(what)?;
        let parameters = track.codec_params.as_ref().and_then(|codec| codec.audio()).ok_or(what)?;
        let options = AudioDecoderOptions::default();
        let made = symphonia::default::get_codecs().make_audio_decoder(parameters, &options);
        let (mut decoder, track) = (made.map_err(cannot)?, track.id);
        let (mut sound, mut samples, mut broken) = (Sound::default(), Vec::<f32>::new(), 0);
        while let Some(packet) = reader.next_packet().map_err(cannot)? {
            if packet.track_id != track {
                continue;
            }
            match decoder.decode(&packet) {
                Ok(decoded) => {
                    sound.rate = decoded.spec().rate();
                    sound.channels = u32::try_from(decoded.spec().channels().count()).unwrap_or(u32::MAX);
                    sound.check_form()?;
                    samples.resize(decoded.samples_interleaved(), 0.0);
                    decoded.copy_to_slice_interleaved(&mut samples);
                    sound.frames += decoded.frames() as u64;
                    sound.peak = samples.iter().fold(sound.peak, |peak, sample| peak.max(sample.abs()));
                }
                Err(Error::DecodeError(_)) if broken < MAX_BROKEN => broken += 1,
                Err(error) => return Err(cannot(error)),
            }
            if sound.duration_ms() > MAX_CLIP_MS {
                // It is refused for that, however much more there is.
                break;
            }
        }
        Ok(sound)
    }
}

#[cfg(test)]
mod tests {
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

    /// RFC 3533: polynomial 0x04c11db7, from nothing, over the page with this field empty.
    #[cfg(feature = "clips")]
    fn seal_page(page: &mut [u8]) {
        page[22..26].fill(0);
        let step = |sum: u32, _| (sum << 1) ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 };
        let sum = page.iter().fold(0, |sum, byte| (0..8).fold(sum ^ (u32::from(*byte) << 24), step));
        page[22..26].copy_from_slice(&sum.to_le_bytes());
    }

    /// An Ogg that says it has so many samples a second, and goes on with another stream, which no clip has.
    #[cfg(feature = "clips")]
    fn ogg_of(rate: u32) -> Vec<u8> {
        let mut file = include_bytes!("../../tests/it/clips/tone.ogg").to_vec();
        let (end, mut at) = (file.len(), 0);
        file.extend_from_within(..);
        while at < file.len() {
            let head = 27 + usize::from(file[at + 26]);
            let body = file[at + 27..at + head].iter().map(|n| usize::from(*n)).sum::<usize>();
            let page = &mut file[at..at + head + body];
            if at == 0 {
                // Behind the packet's kind, "vorbis", the version and the number of channels.
                page[head + 12..head + 16].copy_from_slice(&rate.to_le_bytes());
            } else if at >= end {
                // The number of its stream.
                page[14] ^= 1;
            }
            seal_page(page);
            at += head + body;
        }
        file
    }

    /// It was decoded to its end first, and one of a rate beyond all bounds never lasts too long.
    #[cfg(feature = "clips")]
    #[test]
    fn an_ogg_is_refused_for_its_rate_at_its_first_packet() {
        for (rate, part) in [(4_000_000_000, "4000000000 samples a second"), (8_000, "no Ogg with Vorbis")] {
            let fault = examine(&ogg_of(rate)).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        }
    }

    #[cfg(feature = "clips")]
    #[test]
    fn compressed_clips_that_are_none_are_refused() {
        for bytes in [&b"OggS\0\x02"[..], b"ID3\x04\0\0\0\0\0\0", &[0xff, 0xfb, 0x90, 0x64], &[0xff; 5_000]] {
            let fault = examine(bytes).unwrap_err();
            assert!(fault.contains("can be read") || fault.contains("samples a second"), "{fault}");
        }
    }
}
