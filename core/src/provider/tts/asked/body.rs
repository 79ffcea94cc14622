//! What the body of an answer is, piece by piece.

use super::wav::{WavError, WavReader, is_header};
use crate::provider::tts::WordMark;
use crate::provider::tts::sound::samples;

/// What a piece of a body brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Mono samples at this rate.
    Sound { hz: u32, samples: Vec<i16> },
    /// Words, by the time since the answer's first sample.
    Words(Vec<WordMark>),
}

/// A body that is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error(transparent)]
    Wav(#[from] WavError),
    #[error("{0}")]
    Malformed(&'static str),
}

/// Makes sound of a body. Pure.
pub trait Body: Send {
    /// Take the next piece of the body, however it is cut.
    ///
    /// # Errors
    /// When it is not what was asked for.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<Heard>, BodyError>;
    /// The body ended.
    ///
    /// # Errors
    /// When it ended in the middle of something.
    fn end(&mut self) -> Result<Vec<Heard>, BodyError> {
        Ok(Vec::new())
    }
}

/// Sound as it is: a WAV file, or samples without a header at a rate that is known.
#[derive(Debug)]
pub struct SoundBody {
    /// The rate of samples without a header; `None` where there must be one.
    hz: Option<u32>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// Too little has come to tell.
    Unknown(Vec<u8>),
    Wav(WavReader),
    Samples {
        odd: Option<u8>,
    },
}

/// So much tells a header from samples.
const TELLING: usize = 12;

impl SoundBody {
    /// Samples without a header are at `hz`; without it there must be a header.
    pub fn new(hz: Option<u32>) -> Self {
        Self { hz, form: Form::Unknown(Vec::new()) }
    }

    fn begin(&mut self, begun: Vec<u8>) -> Result<Vec<Heard>, BodyError> {
        self.form = match self.hz {
            Some(_) if !is_header(&begun) => Form::Samples { odd: None },
            _ => Form::Wav(WavReader::default()),
        };
        self.take(&begun)
    }
}

impl Body for SoundBody {
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<Heard>, BodyError> {
        let (hz, samples) = match &mut self.form {
            Form::Unknown(begun) => {
                begun.extend_from_slice(bytes);
                if begun.len() < TELLING {
                    return Ok(Vec::new());
                }
                let begun = std::mem::take(begun);
                return self.begin(begun);
            }
            Form::Wav(reader) => {
                let samples = reader.take(bytes)?;
                (reader.hz(), samples)
            }
            Form::Samples { odd } => (self.hz, samples(bytes, odd)),
        };
        let sound = hz.filter(|_| !samples.is_empty()).map(|hz| Heard::Sound { hz, samples });
        Ok(sound.into_iter().collect())
    }

    fn end(&mut self) -> Result<Vec<Heard>, BodyError> {
        match &mut self.form {
            Form::Unknown(begun) if !begun.is_empty() => {
                let begun = std::mem::take(begun);
                self.begin(begun)
            }
            _ => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &mut SoundBody, pieces: &[&[u8]]) -> Result<Vec<Heard>, BodyError> {
        let mut heard = Vec::new();
        for piece in pieces {
            heard.extend(body.take(piece)?);
        }
        heard.extend(body.end()?);
        Ok(heard)
    }

    #[test]
    fn samples_are_told_from_a_file() {
        let sound = |samples: &[i16]| vec![Heard::Sound { hz: 24_000, samples: samples.to_vec() }];
        let known = || SoundBody::new(Some(24_000));
        assert_eq!(read(&mut known(), &[&[1, 0, 2], &[0]]).unwrap(), sound(&[1, 2]));
        let long: Vec<u8> = [5_i16; 6].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(read(&mut known(), &[&long[..5], &long[5..]]).unwrap(), sound(&[5; 6]));
        assert_eq!(read(&mut known(), &[]).unwrap(), []);
        let refused = read(&mut SoundBody::new(None), &[b"{\"error\":\"no such voice\"}"]);
        assert_eq!(refused.unwrap_err(), BodyError::Wav(WavError::NotWav));
        assert_eq!(read(&mut SoundBody::new(None), &[b"RIF"]).unwrap(), []);
    }
}
