//! Samples to bytes and base64 and back.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use vox_audio::g711::{linear_to_ulaw, ulaw_to_linear};

use super::{Intake, Scratch};
use crate::violation::Rule;

/// How a carrier's payload holds samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Linear16,
    Ulaw,
}

impl Form {
    /// Append the samples in base64 to `json`.
    pub(super) fn encode(self, samples: &[i16], bytes: &mut Vec<u8>, json: &mut String) {
        match self {
            Self::Linear16 => encode(samples, bytes, json),
            Self::Ulaw => {
                bytes.clear();
                bytes.extend(samples.iter().map(|sample| linear_to_ulaw(*sample)));
                STANDARD.encode_string(bytes, json);
            }
        }
    }

    /// Read a payload into [`Scratch::samples`]; how many there are, or `None` when it holds no audio.
    pub(super) fn decode(self, payload: &str, intake: &mut Intake<'_>) -> Option<usize> {
        match self {
            Self::Linear16 => decode(payload, intake).map(|size| size / 2),
            Self::Ulaw => {
                let Scratch { bytes, samples } = &mut *intake.scratch;
                bytes.clear();
                if let Err(error) = STANDARD.decode_vec(payload, bytes) {
                    intake.note(Rule::PayloadEncoding, || error.to_string());
                    return None;
                }
                samples.clear();
                samples.extend(bytes.iter().map(|byte| ulaw_to_linear(*byte)));
                Some(samples.len())
            }
        }
    }
}

/// Append the samples in base64 to `json`.
pub(super) fn encode(samples: &[i16], bytes: &mut Vec<u8>, json: &mut String) {
    bytes.clear();
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    STANDARD.encode_string(bytes, json);
}

/// Read a payload into [`Scratch::samples`]; returns its size in bytes, or `None` when it holds no audio.
pub(super) fn decode(payload: &str, intake: &mut Intake<'_>) -> Option<usize> {
    let Scratch { bytes, .. } = &mut *intake.scratch;
    bytes.clear();
    if let Err(error) = STANDARD.decode_vec(payload, bytes) {
        intake.note(Rule::PayloadEncoding, || error.to_string());
        return None;
    }
    let bytes = std::mem::take(&mut intake.scratch.bytes);
    let size = bytes.len();
    read(&bytes, intake);
    intake.scratch.bytes = bytes;
    Some(size)
}

/// Take little-endian samples into [`Scratch::samples`]; half a sample at the end is noted and left out.
pub(super) fn read(bytes: &[u8], intake: &mut Intake<'_>) {
    if bytes.len() % 2 == 1 {
        intake.note(Rule::OddPayload, || format!("{} bytes are not whole 16-bit samples", bytes.len()));
    }
    let samples = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    intake.scratch.samples.clear();
    intake.scratch.samples.extend(samples);
}
