//! WAV files by `hound`: a streaming 16-bit writer whose file plays after every checkpoint, and a reader that takes what
//! people have.

use std::fs::File;
use std::io::{self, BufWriter, Cursor, Read};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec};
use thiserror::Error;

/// Why a WAV file could not be used.
#[derive(Debug, Error)]
pub enum WavError {
    /// The file is not there or cannot be read.
    #[error("could not read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be made or written.
    #[error("could not write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system or the format says.
        source: hound::Error,
    },
    /// The file is something else.
    #[error("{path} is not a WAV file ({fault}); convert it to 16-bit PCM WAV")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where it departs from the format.
        fault: String,
    },
    /// The samples are of another kind.
    #[error("{path} holds {found}; convert it to 16-bit PCM WAV")]
    Format {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// Nobody says so much.
    #[error("{path} is larger than {limit_mb} MB; cut it into shorter pieces")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, MB.
        limit_mb: u64,
    },
}

/// Largest file that is read: half an hour of 48 kHz mono, far more than a caller says.
const FILE_BYTES_MAX: u64 = 192 << 20;
/// Samples between two checkpoints of a writer: 2 s of a stereo telephone line. What a killed program loses.
const CHECKPOINT_SAMPLES: usize = 32_000;
/// Samples handed to the encoder at a time.
const CHUNK_SAMPLES: usize = 512;

/// Writes 16-bit PCM as it comes.
pub struct WavWriter {
    path: PathBuf,
    file: hound::WavWriter<BufWriter<File>>,
    since_checkpoint: usize,
}

impl std::fmt::Debug for WavWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WavWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

impl WavWriter {
    /// Create or replace the file at `path`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path, rate_hz: u32, channels: u16) -> Result<Self, WavError> {
        let failed = |source| WavError::Write { path: path.to_owned(), source };
        let file = File::create(path).map_err(|error| failed(error.into()))?;
        Self::over(file, path, rate_hz, channels)
    }

    /// Write into an open, empty file; `path` is its name in errors.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn over(file: File, path: &Path, rate_hz: u32, channels: u16) -> Result<Self, WavError> {
        let failed = |source| WavError::Write { path: path.to_owned(), source };
        let spec =
            WavSpec { channels, sample_rate: rate_hz, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let file = hound::WavWriter::new(BufWriter::new(file), spec).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, since_checkpoint: 0 })
    }

    /// Go on with the file at `path` behind what its header says that it holds: what a killed program wrote after its last checkpoint
    /// is written over. Answers how many frames there are.
    ///
    /// # Errors
    /// When it cannot be read or written, or has another form than this.
    pub fn append(path: &Path, rate_hz: u32, channels: u16) -> Result<(Self, u64), WavError> {
        let failed = |source| WavError::Write { path: path.to_owned(), source };
        let file = hound::WavWriter::append(path).map_err(failed)?;
        let spec = file.spec();
        if (spec.sample_rate, spec.channels, spec.bits_per_sample) != (rate_hz, channels, 16) {
            let found = format!("{} Hz, {} channels", spec.sample_rate, spec.channels);
            return Err(WavError::Format { path: path.to_owned(), found });
        }
        let frames = file.duration().into();
        Ok((Self { path: path.to_owned(), file, since_checkpoint: 0 }, frames))
    }

    /// Append samples of a mono file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_mono(&mut self, samples: &[i16]) -> Result<(), WavError> {
        self.write(samples.iter().copied())
    }

    /// Append to both channels; the shorter of the two decides how much.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_stereo(&mut self, left: &[i16], right: &[i16]) -> Result<(), WavError> {
        self.write(left.iter().zip(right).flat_map(|(&left, &right)| [left, right]))
    }

    /// Append interleaved samples, whole frames of them.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, samples: impl IntoIterator<Item = i16>) -> Result<(), WavError> {
        let (mut samples, mut chunk) = (samples.into_iter(), [0; CHUNK_SAMPLES]);
        loop {
            let mut count = 0;
            for (place, sample) in chunk.iter_mut().zip(&mut samples) {
                *place = sample;
                count += 1;
            }
            if count == 0 {
                break;
            }
            self.write_chunk(&chunk[..count])?;
        }
        if self.since_checkpoint >= CHECKPOINT_SAMPLES { self.checkpoint() } else { Ok(()) }
    }

    /// Much cheaper than sample by sample, each of which hound checks for itself.
    fn write_chunk(&mut self, samples: &[i16]) -> Result<(), WavError> {
        let count = u32::try_from(samples.len()).expect("a chunk is short");
        let mut into = self.file.get_i16_writer(count);
        samples.iter().for_each(|&sample| into.write_sample(sample));
        into.flush().map_err(|source| WavError::Write { path: self.path.clone(), source })?;
        self.since_checkpoint += samples.len();
        Ok(())
    }

    /// Make the file playable as it stands: what was written so far survives a killed program.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn checkpoint(&mut self) -> Result<(), WavError> {
        self.since_checkpoint = 0;
        self.file.flush().map_err(|source| WavError::Write { path: self.path.clone(), source })
    }

    /// Close the file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(self) -> Result<(), WavError> {
        let Self { path, file, .. } = self;
        file.finalize().map_err(|source| WavError::Write { path, source })
    }
}

/// Samples of a file, its channels apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Wav {
    /// Samples a second.
    pub rate_hz: u32,
    /// One vector per channel, all of one length.
    pub channels: Vec<Vec<i16>>,
}

impl Wav {
    /// Read a 16-bit PCM file. A length in the header beyond the end of the file (a recorder that was killed) is
    /// taken as the end of the file.
    ///
    /// # Errors
    /// When it cannot be read, is too large, or is not 16-bit PCM.
    pub fn read(path: &Path) -> Result<Self, WavError> {
        let failed = |source| WavError::Read { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        File::open(path).map_err(failed)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(WavError::TooLarge { path: path.to_owned(), limit_mb: FILE_BYTES_MAX >> 20 });
        }
        Self::parse(bytes, path)
    }

    /// The same from what was read already; `name` stands in errors.
    ///
    /// # Errors
    /// When it is not 16-bit PCM.
    pub fn of_bytes(bytes: Vec<u8>, name: &Path) -> Result<Self, WavError> {
        Self::parse(bytes, name)
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

    fn parse(mut bytes: Vec<u8>, path: &Path) -> Result<Self, WavError> {
        let malformed = |fault: String| WavError::Malformed { path: path.to_owned(), fault };
        clip_data(&mut bytes);
        let reader = WavReader::new(Cursor::new(bytes)).map_err(|error| malformed(error.to_string()))?;
        let WavSpec { channels, sample_rate, bits_per_sample, sample_format } = reader.spec();
        if sample_format != SampleFormat::Int || bits_per_sample != 16 {
            let found = format!("{sample_format:?} samples of {bits_per_sample} bits in {channels} channels");
            return Err(WavError::Format { path: path.to_owned(), found });
        }
        let count = usize::from(channels.max(1));
        let length = reader.duration() as usize;
        let mut split = vec![Vec::with_capacity(length); count];
        for (at, sample) in reader.into_samples::<i16>().enumerate() {
            split[at % count].push(sample.map_err(|error| malformed(error.to_string()))?);
        }
        Ok(Self { rate_hz: sample_rate, channels: split })
    }
}

/// Programs that stream or were killed leave a length of the sound that the file does not have: what is there counts, in
/// whole frames.
fn clip_data(bytes: &mut [u8]) {
    let length_at = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize)
    };
    let (mut at, mut frame) = (12, 2);
    while let Some(length) = length_at(bytes, at + 4) {
        if &bytes[at..at + 4] == b"fmt "
            && let Some(align) = bytes.get(at + 20..at + 22)
        {
            frame = usize::from(u16::from_le_bytes([align[0], align[1]])).max(1);
        }
        let there = bytes.len() - (at + 8);
        if &bytes[at..at + 4] == b"data" {
            let whole = length.min(there) / frame * frame;
            bytes[at + 4..at + 8].copy_from_slice(&u32::try_from(whole).unwrap_or(u32::MAX).to_le_bytes());
            return;
        }
        at = at.saturating_add(8).saturating_add(length).saturating_add(length & 1);
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
    fn a_file_plays_up_to_the_last_checkpoint_when_its_writer_is_killed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("killed.wav");
        let mut writer = WavWriter::create(&path, 8_000, 1).unwrap();
        writer.write_mono(&[5; CHECKPOINT_SAMPLES]).unwrap();
        writer.write_mono(&[6; 100]).unwrap();
        // A killed program neither drops nor finishes.
        std::mem::forget(writer);
        assert_eq!(Wav::read(&path).unwrap().mixed(), [5; CHECKPOINT_SAMPLES]);
    }

    #[test]
    fn a_killed_programs_file_is_gone_on_with_behind_its_last_checkpoint() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("killed.wav");
        let mut writer = WavWriter::create(&path, 8_000, 2).unwrap();
        writer.write([5; 200]).unwrap();
        writer.checkpoint().unwrap();
        writer.write([6; 2]).unwrap();
        std::mem::forget(writer);
        let (mut writer, frames) = WavWriter::append(&path, 8_000, 2).unwrap();
        assert_eq!(frames, 100);
        writer.write([7; 4]).unwrap();
        writer.finish().unwrap();
        let channel = [vec![5; 100], vec![7; 2]].concat();
        assert_eq!(Wav::read(&path).unwrap().channels, [channel.clone(), channel]);
        assert!(matches!(WavWriter::append(&path, 16_000, 2), Err(WavError::Format { .. })));
    }

    #[test]
    fn lengths_that_the_file_does_not_have_are_its_end() {
        let path = Path::new("x.wav");
        for claimed in [0xFFFF_FFFFu32, 0xFFFF_FFD3, 1_000] {
            let mut bytes = stereo(&[7; 8]);
            bytes[40..44].copy_from_slice(&claimed.to_le_bytes());
            bytes.push(9);
            let wav = Wav::parse(bytes, path).unwrap();
            assert_eq!(wav.channels, [vec![7; 4], vec![7; 4]], "{claimed}");
        }
    }

    #[test]
    fn other_files_are_refused_with_advice() {
        let path = Path::new("x.wav");
        let message = |bytes: &[u8]| Wav::parse(bytes.to_vec(), path).unwrap_err().to_string();
        assert!(message(b"OggS............").contains("convert it to 16-bit PCM WAV"));
        let mut float = stereo(&[1; 8]);
        float[20] = 3;
        float[34] = 32;
        float[32] = 8;
        float[28..32].copy_from_slice(&64_000u32.to_le_bytes());
        assert!(message(&float).contains("Float samples of 32 bits"), "{}", message(&float));
        assert!(message(&stereo(&[])[..36]).contains("not a WAV file"));
        assert!(message(b"").contains("not a WAV file"));
    }

    fn stereo(samples: &[i16]) -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bytes.wav");
        let mut writer = WavWriter::create(&path, 8_000, 2).unwrap();
        writer.write(samples.iter().copied()).unwrap();
        writer.finish().unwrap();
        std::fs::read(&path).unwrap()
    }
}
