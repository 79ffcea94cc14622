//! Received bytes to samples, for the encodings that need no codec library.

use vox_audio::g711::{alaw_to_linear, ulaw_to_linear};

/// A WAV header longer than this is not one.
const MAX_HEADER_BYTES: usize = 4_096;

/// How the audio of a session is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Linear16,
    Linear32,
    Mulaw,
    Alaw,
    /// Unsaid: the first bytes must be a container's, of which only WAV is decoded here.
    Container,
}

/// Why bytes are not audio of the promised kind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAudio;

/// Turns frames into interleaved samples, whatever the frame boundaries.
pub(crate) struct Decoder {
    encoding: Encoding,
    rest: Vec<u8>,
    /// Samples per second; known late for a container.
    pub(crate) sample_rate: u32,
    /// Interleaved channels.
    pub(crate) channels: u16,
}

impl Decoder {
    pub(crate) fn new(encoding: Encoding, sample_rate: u32, channels: u16) -> Self {
        Self { encoding, rest: Vec::new(), sample_rate, channels }
    }

    /// Whether a frame boundary fell inside a sample.
    pub(crate) fn is_split(&self) -> bool {
        self.encoding != Encoding::Container && !self.rest.is_empty()
    }

    pub(crate) fn decode(&mut self, bytes: &[u8]) -> Result<Vec<i16>, NotAudio> {
        self.rest.extend_from_slice(bytes);
        if self.encoding == Encoding::Container && !self.read_header()? {
            return Ok(Vec::new());
        }
        let width = match self.encoding {
            Encoding::Linear16 => 2,
            Encoding::Linear32 => 4,
            Encoding::Mulaw | Encoding::Alaw => 1,
            Encoding::Container => return Err(NotAudio),
        };
        let frame = width * usize::from(self.channels.max(1));
        let whole = self.rest.len() / frame * frame;
        let samples = self.rest[..whole].chunks_exact(width).map(|raw| self.sample(raw)).collect();
        self.rest.drain(..whole);
        Ok(samples)
    }

    fn sample(&self, raw: &[u8]) -> i16 {
        match self.encoding {
            Encoding::Mulaw => ulaw_to_linear(raw[0]),
            Encoding::Alaw => alaw_to_linear(raw[0]),
            // Little-endian: the two most significant bytes are the last ones.
            _ => i16::from_le_bytes([raw[raw.len() - 2], raw[raw.len() - 1]]),
        }
    }

    /// True once the header has been read and only samples remain.
    fn read_header(&mut self) -> Result<bool, NotAudio> {
        let start = &self.rest[..self.rest.len().min(4)];
        if !b"RIFF".starts_with(start) {
            return Err(NotAudio);
        }
        match find_data(&self.rest) {
            Some((format, data_at)) => {
                let Some(format) = format else { return Err(NotAudio) };
                (self.encoding, self.channels, self.sample_rate) = format;
                self.rest.drain(..data_at);
                Ok(true)
            }
            None if self.rest.len() > MAX_HEADER_BYTES => Err(NotAudio),
            None => Ok(false),
        }
    }
}

type Format = (Encoding, u16, u32);

/// Where the `data` chunk's bytes begin, and the format announced before it.
fn find_data(bytes: &[u8]) -> Option<(Option<Format>, usize)> {
    let mut format = None;
    let mut at = 12;
    loop {
        let header = bytes.get(at..at + 8)?;
        let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        match &header[..4] {
            b"data" => return Some((format, at + 8)),
            b"fmt " => format = wave_format(bytes.get(at + 8..at + 24)?),
            _ => {}
        }
        at = at.checked_add(8)?.checked_add(size)?.checked_add(size % 2)?;
    }
}

fn wave_format(fmt: &[u8]) -> Option<Format> {
    let word = |at: usize| u16::from_le_bytes([fmt[at], fmt[at + 1]]);
    let rate = u32::from_le_bytes([fmt[4], fmt[5], fmt[6], fmt[7]]);
    let encoding = match (word(0), word(14)) {
        (1, 16) => Encoding::Linear16,
        (1, 32) => Encoding::Linear32,
        (6, 8) => Encoding::Alaw,
        (7, 8) => Encoding::Mulaw,
        _ => return None,
    };
    (rate > 0 && word(2) > 0).then_some((encoding, word(2), rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder(encoding: Encoding) -> Decoder {
        Decoder::new(encoding, 8_000, 1)
    }

    #[test]
    fn samples_may_straddle_frames() {
        let mut decoder = decoder(Encoding::Linear16);
        assert_eq!(decoder.decode(&[0x34, 0x12, 0xff]).unwrap(), [0x1234]);
        assert!(decoder.is_split());
        assert_eq!(decoder.decode(&[0xff]).unwrap(), [-1]);
        assert!(!decoder.is_split());
    }

    #[test]
    fn a_wav_container_tells_its_own_format() {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\xff\xff\xff\xff".to_vec();
        wav.extend([1, 0, 2, 0]);
        let mut decoder = decoder(Encoding::Container);
        assert!(decoder.decode(&wav[..30]).unwrap().is_empty());
        assert_eq!(decoder.decode(&wav[30..]).unwrap(), [1, 2]);
        assert_eq!((decoder.sample_rate, decoder.channels), (16_000, 1));
    }

    #[test]
    fn raw_samples_without_an_encoding_are_not_audio() {
        assert_eq!(decoder(Encoding::Container).decode(&[0, 0, 1, 0]), Err(NotAudio));
    }
}
