//! A WAV file that is read while it is written: its sizes may be nothing or a lie, its header may be cut anywhere and come again.

/// Everything before the samples is shorter.
const HEADER_MAX: usize = 64 * 1024;

/// A body that is no such file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    #[error("the sound is no WAV file")]
    NotWav,
    #[error(
        "the WAV file's samples are of a kind that is not read: 16-bit whole numbers and 32-bit fractions are"
    )]
    Samples,
}

/// How the samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Format {
    hz: u32,
    channels: usize,
    is_float: bool,
}

impl Format {
    fn frame_bytes(self) -> usize {
        self.channels * if self.is_float { 4 } else { 2 }
    }
}

/// Reads one file.
#[derive(Debug, Default)]
pub struct WavReader {
    /// Once the header has been read.
    format: Option<Format>,
    /// The header so far, or the beginning of a frame of samples.
    held: Vec<u8>,
}

impl WavReader {
    /// Take more of the file; the samples of its first channel are returned.
    ///
    /// # Errors
    /// When it is no such file.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<i16>, WavError> {
        // Some servers write a header before every piece.
        if self.format.is_some() && self.held.is_empty() && is_header(bytes) {
            self.format = None;
        }
        self.held.extend_from_slice(bytes);
        let format = match self.format {
            Some(format) => format,
            None => {
                let Some((format, samples_at)) = header(&self.held)? else { return Ok(Vec::new()) };
                self.held.drain(..samples_at);
                *self.format.insert(format)
            }
        };
        let whole = self.held.len() - self.held.len() % format.frame_bytes();
        let frames: Vec<u8> = self.held.drain(..whole).collect();
        Ok(frames.chunks_exact(format.frame_bytes()).map(|frame| sample(frame, format)).collect())
    }

    /// The file's rate, once it is known.
    pub fn hz(&self) -> Option<u32> {
        self.format.map(|format| format.hz)
    }
}

/// Whether a piece begins with a header of its own.
pub fn is_header(bytes: &[u8]) -> bool {
    bytes.len() >= 12 && &bytes[..4] == b"RIFF" && &bytes[8..12] == b"WAVE"
}

/// The first channel's sample of a frame.
fn sample(frame: &[u8], format: Format) -> i16 {
    match frame {
        [a, b, c, d, ..] if format.is_float => {
            let value = f32::from_le_bytes([*a, *b, *c, *d]);
            (value.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16
        }
        [low, high, ..] => i16::from_le_bytes([*low, *high]),
        _ => 0,
    }
}

/// The format and where the samples begin, once all of the header is there.
fn header(bytes: &[u8]) -> Result<Option<(Format, usize)>, WavError> {
    let begins = |expected: &[u8], at: usize| {
        let there = &bytes[bytes.len().min(at)..bytes.len().min(at + expected.len())];
        expected.starts_with(there)
    };
    if !begins(b"RIFF", 0) || !begins(b"WAVE", 8) {
        return Err(WavError::NotWav);
    }
    let mut format = None;
    let mut at = 12;
    while let Some(head) = bytes.get(at..at + 8) {
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if &head[..4] == b"data" {
            return format.map(|format| Some((format, at + 8))).ok_or(WavError::NotWav);
        }
        if size > HEADER_MAX {
            return Err(WavError::NotWav);
        }
        if &head[..4] == b"fmt " {
            let Some(body) = bytes.get(at + 8..at + 8 + size) else { break };
            format = Some(read_format(body)?);
        }
        // Chunks are padded to an even size.
        at += 8 + size + size % 2;
    }
    if bytes.len() > HEADER_MAX { Err(WavError::NotWav) } else { Ok(None) }
}

/// What a `fmt ` chunk says.
fn read_format(body: &[u8]) -> Result<Format, WavError> {
    let word = |at: usize| body.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]])).unwrap_or_default();
    let hz = u32::from(word(4)) | u32::from(word(6)) << 16;
    // One that has a longer form says there what its samples are.
    let kind = if word(0) == 0xfffe { word(24) } else { word(0) };
    let is_float = match (kind, word(14)) {
        (1, 16) => false,
        (3, 32) => true,
        _ => return Err(WavError::Samples),
    };
    let channels = usize::from(word(2));
    if !(1..=8).contains(&channels) || !(4_000..=192_000).contains(&hz) {
        return Err(WavError::Samples);
    }
    Ok(Format { hz, channels, is_float })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header whose sizes are `size`, with a chunk that nobody needs.
    fn file(kind: u16, channels: u16, bits: u16, size: u32, samples: &[u8]) -> Vec<u8> {
        let mut bytes = b"RIFF".to_vec();
        bytes.extend(size.to_le_bytes());
        bytes.extend(b"WAVEJUNK\x03\0\0\0abc\0fmt \x10\0\0\0");
        bytes.extend([kind.to_le_bytes(), channels.to_le_bytes()].concat());
        bytes.extend(24_000_u32.to_le_bytes());
        bytes.extend(48_000_u32.to_le_bytes());
        bytes.extend([(channels * bits / 8).to_le_bytes(), bits.to_le_bytes()].concat());
        bytes.extend(b"data");
        bytes.extend(size.to_le_bytes());
        bytes.extend(samples);
        bytes
    }

    #[test]
    fn samples_come_out_wherever_the_file_is_cut_and_whatever_it_says_of_its_size() {
        let samples: Vec<u8> = [1_i16, -2, 300].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        for size in [0, u32::MAX, 6] {
            let whole = file(1, 1, 16, size, &samples);
            for cut in 0..=whole.len() {
                let mut reader = WavReader::default();
                let mut got = reader.take(&whole[..cut]).unwrap();
                got.extend(reader.take(&whole[cut..]).unwrap());
                assert_eq!((got, reader.hz()), (vec![1, -2, 300], Some(24_000)), "{size} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_long_first_piece_is_no_long_header() {
        let samples = vec![0; 2 * HEADER_MAX];
        assert_eq!(WavReader::default().take(&file(1, 1, 16, 0, &samples)).unwrap().len(), HEADER_MAX);
    }

    #[test]
    fn fractions_and_second_channels_are_read() {
        let halves: Vec<u8> = [0.5_f32, -2.0].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(WavReader::default().take(&file(3, 1, 32, 0, &halves)).unwrap(), [16_383, -32_767]);
        let stereo = [1_u8, 0, 9, 9, 2, 0, 9, 9];
        assert_eq!(WavReader::default().take(&file(1, 2, 16, 0, &stereo)).unwrap(), [1, 2]);
    }

    #[test]
    fn a_header_may_come_again() {
        let mut reader = WavReader::default();
        let piece = file(1, 1, 16, 0, &[7, 0]);
        assert_eq!(reader.take(&piece).unwrap(), [7]);
        assert_eq!(reader.take(&piece).unwrap(), [7]);
        assert_eq!(reader.take(&[8, 0]).unwrap(), [8]);
    }

    #[test]
    fn what_is_no_such_file_is_told() {
        let check = |bytes: &[u8], expected| {
            assert_eq!(WavReader::default().take(bytes).unwrap_err(), expected);
        };
        check(b"{\"error\":\"busy\"}", WavError::NotWav);
        check(b"RIFFxxxxAVI ", WavError::NotWav);
        check(&file(1, 1, 24, 0, &[]), WavError::Samples);
        check(&file(6, 1, 8, 0, &[]), WavError::Samples);
        check(&file(1, 0, 16, 0, &[]), WavError::Samples);
        let mut endless = b"RIFF\0\0\0\0WAVE".to_vec();
        endless.extend(b"LIST\xff\xff\xff\xff");
        check(&endless, WavError::NotWav);
        let mut long = b"RIFF\0\0\0\0WAVE".to_vec();
        long.extend(b"LIST\x00\x80\0\0".repeat(3).iter().chain(&[0; 3 * 0x8000]));
        check(&long, WavError::NotWav);
    }
}
