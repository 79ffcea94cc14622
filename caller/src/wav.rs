//! WAV files: a streaming 16-bit writer and a reader that takes what people have.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use thiserror::Error;

/// Why a WAV file could not be used.
#[derive(Debug, Error)]
pub enum WavError {
    #[error("could not read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("could not write {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} is not a WAV file ({fault}); convert it to 16-bit PCM WAV")]
    Malformed { path: PathBuf, fault: &'static str },
    #[error("{path} holds {found}; convert it to 16-bit PCM WAV")]
    Format { path: PathBuf, found: String },
    #[error("{path} is larger than {limit_mb} MB; cut it into shorter pieces")]
    TooLarge { path: PathBuf, limit_mb: u64 },
}

const HEADER_BYTES: u32 = 44;
/// Largest file that is read: half an hour of 48 kHz mono, far more than a caller says.
const FILE_BYTES_MAX: u64 = 192 << 20;
const FORMAT_PCM: u16 = 1;
const FORMAT_EXTENSIBLE: u16 = 0xFFFE;

/// Writes 16-bit PCM as it comes. The header is right after [`WavWriter::finish`]; before, it claims the longest
/// length, which players take as "until the end of the file", so a killed program leaves a file that plays.
#[derive(Debug)]
pub struct WavWriter {
    path: PathBuf,
    file: BufWriter<File>,
    channels: u16,
    rate_hz: u32,
    data_bytes: u64,
}

impl WavWriter {
    /// Create or replace the file at `path`.
    pub fn create(path: &Path, rate_hz: u32, channels: u16) -> Result<Self, WavError> {
        let failed = |source| WavError::Write { path: path.to_owned(), source };
        let file = BufWriter::new(File::create(path).map_err(failed)?);
        let mut writer = Self { path: path.to_owned(), file, channels, rate_hz, data_bytes: 0 };
        let header = writer.header(u32::MAX - HEADER_BYTES);
        writer.file.write_all(&header).map_err(failed)?;
        Ok(writer)
    }

    /// Append samples of a mono file.
    pub fn write_mono(&mut self, samples: &[i16]) -> Result<(), WavError> {
        self.write(samples.iter().copied())
    }

    /// Append to both channels; the shorter of the two decides how much.
    pub fn write_stereo(&mut self, left: &[i16], right: &[i16]) -> Result<(), WavError> {
        self.write(left.iter().zip(right).flat_map(|(&left, &right)| [left, right]))
    }

    /// Put the true length into the header and close the file.
    pub fn finish(mut self) -> Result<(), WavError> {
        let header = self.header(u32::try_from(self.data_bytes).unwrap_or(u32::MAX - HEADER_BYTES));
        self.file
            .flush()
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .map_err(|error| self.failed(error))?;
        self.file.write_all(&header).and_then(|()| self.file.flush()).map_err(|error| self.failed(error))
    }

    fn write(&mut self, samples: impl Iterator<Item = i16>) -> Result<(), WavError> {
        for sample in samples {
            self.data_bytes += 2;
            if let Err(error) = self.file.write_all(&sample.to_le_bytes()) {
                return Err(self.failed(error));
            }
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> WavError {
        WavError::Write { path: self.path.clone(), source }
    }

    fn header(&self, data_bytes: u32) -> Vec<u8> {
        let frame_bytes = self.channels * 2;
        let mut header = Vec::with_capacity(HEADER_BYTES as usize);
        header.extend_from_slice(b"RIFF");
        header.extend_from_slice(&(data_bytes + HEADER_BYTES - 8).to_le_bytes());
        header.extend_from_slice(b"WAVEfmt ");
        header.extend_from_slice(&16u32.to_le_bytes());
        header.extend_from_slice(&FORMAT_PCM.to_le_bytes());
        header.extend_from_slice(&self.channels.to_le_bytes());
        header.extend_from_slice(&self.rate_hz.to_le_bytes());
        header.extend_from_slice(&(self.rate_hz * u32::from(frame_bytes)).to_le_bytes());
        header.extend_from_slice(&frame_bytes.to_le_bytes());
        header.extend_from_slice(&16u16.to_le_bytes());
        header.extend_from_slice(b"data");
        header.extend_from_slice(&data_bytes.to_le_bytes());
        header
    }
}

/// Samples of a file, its channels apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Wav {
    pub rate_hz: u32,
    /// One vector per channel, all of one length.
    pub channels: Vec<Vec<i16>>,
}

impl Wav {
    /// Read a 16-bit PCM file. A length in the header beyond the end of the file (a recorder that was killed) is
    /// taken as the end of the file.
    pub fn read(path: &Path) -> Result<Self, WavError> {
        let failed = |source| WavError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(WavError::TooLarge { path: path.to_owned(), limit_mb: FILE_BYTES_MAX >> 20 });
        }
        Self::parse(&bytes, path)
    }

    /// The channels mixed to one.
    pub fn mixed(self) -> Vec<i16> {
        let count = self.channels.len() as i32;
        let mut channels = self.channels.into_iter();
        let Some(first) = channels.next() else { return Vec::new() };
        if count == 1 {
            return first;
        }
        let mut sums: Vec<i32> = first.into_iter().map(i32::from).collect();
        for channel in channels {
            sums.iter_mut().zip(channel).for_each(|(sum, sample)| *sum += i32::from(sample));
        }
        sums.into_iter().map(|sum| (sum / count) as i16).collect()
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self, WavError> {
        let malformed = |fault| WavError::Malformed { path: path.to_owned(), fault };
        if bytes.len() < 12 || &bytes[..4] != b"RIFF" || &bytes[8..12] != b"WAVE" {
            return Err(malformed("it does not begin with RIFF and WAVE"));
        }
        let mut rest = &bytes[12..];
        let mut format = None;
        while rest.len() >= 8 {
            let (head, body) = rest.split_at(8);
            let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
            let chunk = &body[..length.min(body.len())];
            match &head[..4] {
                b"fmt " => {
                    format = Some(Format::parse(chunk).ok_or_else(|| malformed("its fmt chunk is short"))?)
                }
                b"data" => {
                    let format = format.ok_or_else(|| malformed("its data comes before its fmt chunk"))?;
                    return format.samples(chunk, path);
                }
                _ => {}
            }
            rest = body.get(length.saturating_add(length & 1)..).unwrap_or_default();
        }
        Err(malformed("it has no data chunk"))
    }
}

#[derive(Clone, Copy)]
struct Format {
    encoding: u16,
    channels: u16,
    rate_hz: u32,
    bits: u16,
}

impl Format {
    fn parse(chunk: &[u8]) -> Option<Self> {
        let short = |at: usize| Some(u16::from_le_bytes([*chunk.get(at)?, *chunk.get(at + 1)?]));
        let encoding = match short(0)? {
            FORMAT_EXTENSIBLE => short(24)?,
            encoding => encoding,
        };
        let rate_hz = u32::from(short(4)?) | (u32::from(short(6)?) << 16);
        Some(Self { encoding, channels: short(2)?, rate_hz, bits: short(14)? })
    }

    fn samples(self, data: &[u8], path: &Path) -> Result<Wav, WavError> {
        let Self { encoding, channels, rate_hz, bits } = self;
        if encoding != FORMAT_PCM || bits != 16 || channels == 0 {
            let found = format!("format {encoding} with {bits} bits and {channels} channels");
            return Err(WavError::Format { path: path.to_owned(), found });
        }
        let count = usize::from(channels);
        let mut split = vec![Vec::with_capacity(data.len() / 2 / count); count];
        for frame in data.chunks_exact(2 * count) {
            for (channel, sample) in split.iter_mut().zip(frame.chunks_exact(2)) {
                channel.push(i16::from_le_bytes([sample[0], sample[1]]));
            }
        }
        Ok(Wav { rate_hz, channels: split })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("call.wav");
        let mut writer = WavWriter::create(&path, 16_000, 2).unwrap();
        writer.write_stereo(&[1, 2, 3], &[-1, -2, -3]).unwrap();
        writer.write_stereo(&[i16::MAX], &[i16::MIN]).unwrap();
        writer.finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 44 + 16);
        let wav = Wav::read(&path).unwrap();
        assert_eq!(wav.rate_hz, 16_000);
        assert_eq!(wav.channels, [vec![1, 2, 3, i16::MAX], vec![-1, -2, -3, i16::MIN]]);
    }

    #[test]
    fn a_file_whose_writer_was_killed_still_plays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("killed.wav");
        let mut writer = WavWriter::create(&path, 8_000, 1).unwrap();
        writer.write_mono(&[5; 9]).unwrap();
        drop(writer);
        assert_eq!(Wav::read(&path).unwrap().mixed(), [5; 9]);
    }

    #[test]
    fn other_files_are_refused_with_advice() {
        let path = Path::new("x.wav");
        let message = |bytes: &[u8]| Wav::parse(bytes, path).unwrap_err().to_string();
        assert!(message(b"OggS............").contains("convert it to 16-bit PCM WAV"));
        let mut float = WavBytes::default().0;
        float[20] = 3;
        assert!(message(&float).contains("format 3"));
        assert!(message(&WavBytes::default().0[..36]).contains("no data chunk"));
    }

    struct WavBytes(Vec<u8>);

    impl Default for WavBytes {
        fn default() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("bytes.wav");
            WavWriter::create(&path, 8_000, 1).unwrap().finish().unwrap();
            Self(std::fs::read(&path).unwrap())
        }
    }
}
