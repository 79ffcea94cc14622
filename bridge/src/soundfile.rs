//! Reading the sound files that people send: WAV, MP3 and Ogg with Vorbis, to their samples.

use std::io::Cursor;

use hound::{SampleFormat, WavReader};
use tokio::task::{JoinError, spawn_blocking};

use crate::store::voices::ClipFormat;

/// Rates that telephones and studios record at.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=96_000;
/// One voice, at most in stereo.
const MAX_CHANNELS: u32 = 2;

/// What decoding finds.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub format: ClipFormat,
    pub rate: u32,
    pub channels: u32,
    /// Samples of one channel.
    pub frames: u64,
    /// 0 to 1.
    pub peak: f32,
}

/// Decode a file as far as `longest_ms`, and a little further where it is longer; `take` is given its samples, interleaved and from -1 to
/// 1. It takes the time of a decoder, so not on a thread that serves.
///
/// # Errors
///
/// In words for whoever sent it.
pub fn read(bytes: &[u8], longest_ms: u64, take: &mut dyn FnMut(&[f32], Form)) -> Result<Form, String> {
    let format = format_of(bytes).ok_or("is neither WAV, MP3 nor Ogg")?;
    let form = match format {
        ClipFormat::Wav => wav(bytes, longest_ms, take)?,
        ClipFormat::Mp3 | ClipFormat::Ogg => compressed(bytes, (format, longest_ms), take)?,
    };
    form.check()?;
    Ok(form)
}

/// Do what decodes a file on a thread that serves nobody. A decoder that panics has refused the file; the outer error is a process that
/// ends.
///
/// # Errors
///
/// The inner one in words for whoever sent it.
pub async fn decoded<T: Send + 'static>(
    decode: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<Result<T, String>, JoinError> {
    match spawn_blocking(decode).await {
        Err(error) if error.is_panic() => Ok(Err("cannot be decoded; send it as WAV".to_owned())),
        decoded => decoded,
    }
}

impl Form {
    fn of(format: ClipFormat) -> Self {
        Self { format, rate: 0, channels: 0, frames: 0, peak: 0.0 }
    }

    /// What is known from its first packet: a file may say that it has four thousand million samples a second, and never come to an end.
    fn check(self) -> Result<(), String> {
        if !RATES.contains(&self.rate) {
            return Err(format!("has {} samples a second; {} to {}", self.rate, RATES.start(), RATES.end()));
        }
        match (1..=MAX_CHANNELS).contains(&self.channels) {
            true => Ok(()),
            false => Err(format!("has {} channels; one or two", self.channels)),
        }
    }

    pub fn duration_ms(self) -> u64 {
        self.frames * 1_000 / u64::from(self.rate.max(1))
    }

    fn add(&mut self, samples: &[f32]) {
        self.frames += samples.len() as u64 / u64::from(self.channels.max(1));
        self.peak = samples.iter().fold(self.peak, |peak, sample| peak.max(sample.abs()));
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

/// Samples of a WAV that are handed on at a time.
const PIECE: usize = 8_192;

fn wav(bytes: &[u8], longest_ms: u64, take: &mut dyn FnMut(&[f32], Form)) -> Result<Form, String> {
    let cannot = |error: hound::Error| format!("is no WAV that can be read: {error}");
    let mut reader = WavReader::new(Cursor::new(bytes)).map_err(cannot)?;
    let spec = reader.spec();
    let mut form =
        Form { rate: spec.sample_rate, channels: spec.channels.into(), ..Form::of(ClipFormat::Wav) };
    form.check()?;
    let full = (1_u64 << spec.bits_per_sample.saturating_sub(1).min(31)) as f32;
    let mut samples: Box<dyn Iterator<Item = hound::Result<f32>>> = match spec.sample_format {
        SampleFormat::Float => Box::new(reader.samples::<f32>()),
        SampleFormat::Int => {
            Box::new(reader.samples::<i32>().map(move |sample| sample.map(|sample| sample as f32 / full)))
        }
    };
    let mut piece = Vec::with_capacity(PIECE);
    while form.duration_ms() <= longest_ms {
        piece.clear();
        for sample in samples.by_ref().take(PIECE / form.channels as usize * form.channels as usize) {
            piece.push(sample.map_err(cannot)?);
        }
        if piece.is_empty() {
            break;
        }
        form.add(&piece);
        take(&piece, form);
    }
    Ok(form)
}

#[cfg(not(feature = "clips"))]
fn compressed(_: &[u8], _: (ClipFormat, u64), _: &mut dyn FnMut(&[f32], Form)) -> Result<Form, String> {
    Err("is compressed, and this build of the bridge reads WAV alone (feature `clips`); send WAV".into())
}

#[cfg(feature = "clips")]
use self::compressed::decode as compressed;

#[cfg(feature = "clips")]
mod compressed {
    use symphonia::core::codecs::audio::AudioDecoderOptions;
    use symphonia::core::errors::Error;
    use symphonia::core::formats::probe::Hint;
    use symphonia::core::formats::{FormatOptions, TrackType};
    use symphonia::core::io::MediaSourceStream;
    use symphonia::core::meta::MetadataOptions;

    use super::{ClipFormat, Cursor, Form};

    /// Frames that may be broken before the whole is: files are cut in the middle of one, and begin with half of one.
    const MAX_BROKEN: u32 = 8;

    pub fn decode(
        bytes: &[u8],
        (format, longest_ms): (ClipFormat, u64),
        take: &mut dyn FnMut(&[f32], Form),
    ) -> Result<Form, String> {
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
        let (mut form, mut samples, mut broken) = (Form::of(format), Vec::<f32>::new(), 0);
        while let Some(packet) = reader.next_packet().map_err(cannot)? {
            if packet.track_id != track {
                continue;
            }
            match decoder.decode(&packet) {
                Ok(decoded) => {
                    let first = (form.rate, form.channels);
                    form.rate = decoded.spec().rate();
                    form.channels = u32::try_from(decoded.spec().channels().count()).unwrap_or(u32::MAX);
                    form.check()?;
                    if form.frames > 0 && first != (form.rate, form.channels) {
                        return Err("changes its rate or its channels in the middle".into());
                    }
                    samples.resize(decoded.samples_interleaved(), 0.0);
                    decoded.copy_to_slice_interleaved(&mut samples);
                    form.add(&samples);
                    take(&samples, form);
                }
                Err(Error::DecodeError(_)) if broken < MAX_BROKEN => broken += 1,
                Err(error) => return Err(cannot(error)),
            }
            if form.duration_ms() > longest_ms {
                // It is refused for that, however much more there is.
                break;
            }
        }
        Ok(form)
    }
}

#[cfg(test)]
#[cfg(feature = "clips")]
mod tests {
    use super::*;

    /// It was the fault of the bridge where a sound was sent, and of the file where a voice was.
    #[tokio::test]
    async fn a_decoder_that_panics_has_refused_the_file() {
        let refused = decoded(|| -> Result<(), String> { panic!("deep in a codec") }).await.unwrap();
        assert!(refused.unwrap_err().contains("send it as WAV"));
        assert_eq!(decoded(|| Ok(7)).await.unwrap(), Ok(7));
    }

    /// RFC 3533: polynomial 0x04c11db7, from nothing, over the page with this field empty.
    fn seal_page(page: &mut [u8]) {
        page[22..26].fill(0);
        let step = |sum: u32, _| (sum << 1) ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 };
        let sum = page.iter().fold(0, |sum, byte| (0..8).fold(sum ^ (u32::from(*byte) << 24), step));
        page[22..26].copy_from_slice(&sum.to_le_bytes());
    }

    /// An Ogg that says it has so many samples a second, and goes on with another stream, which no clip has.
    fn ogg_of(rate: u32) -> Vec<u8> {
        let mut file = include_bytes!("../tests/it/clips/tone.ogg").to_vec();
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
    #[test]
    fn an_ogg_is_refused_for_its_rate_at_its_first_packet() {
        for (rate, part) in [(4_000_000_000, "4000000000 samples a second"), (8_000, "no Ogg with Vorbis")] {
            let fault = read(&ogg_of(rate), 300_000, &mut |_, _| {}).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        }
    }

    #[test]
    fn compressed_clips_that_are_none_are_refused() {
        for bytes in [&b"OggS\0\x02"[..], b"ID3\x04\0\0\0\0\0\0", &[0xff, 0xfb, 0x90, 0x64], &[0xff; 5_000]] {
            let fault = read(bytes, 300_000, &mut |_, _| {}).unwrap_err();
            assert!(fault.contains("can be read") || fault.contains("samples a second"), "{fault}");
        }
    }
}
