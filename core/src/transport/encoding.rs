//! How audio is written into a carrier's payload. Inside, all audio is 16-bit linear samples.

use vox_audio::g711::{alaw_to_linear, linear_to_alaw, linear_to_ulaw, ulaw_to_linear};

use super::field::plain;
use super::media;
use super::untidy::Untidy;

/// An encoding of telephone audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// G.711 µ-law, one byte a sample.
    Ulaw,
    /// G.711 A-law, one byte a sample.
    Alaw,
    /// 16-bit linear, little endian.
    Linear16,
}

impl Encoding {
    /// A carrier's word for it: `audio/x-mulaw;rate=8000`, `PCMU`, `pcma`, `audio/x-l16;rate=16000`, `L16`.
    pub fn named(word: &str) -> Option<Self> {
        let name = plain(word);
        let is = |names: &[&str]| names.iter().any(|n| name.contains(n));
        match () {
            () if is(&["ulaw", "pcmu"]) => Some(Self::Ulaw),
            () if is(&["alaw", "pcma"]) => Some(Self::Alaw),
            () if media::is_linear16(word) => Some(Self::Linear16),
            () => None,
        }
    }

    /// Bytes of one sample.
    pub fn sample_bytes(self) -> usize {
        match self {
            Self::Ulaw | Self::Alaw => 1,
            Self::Linear16 => 2,
        }
    }

    /// A payload's samples.
    pub fn decode(self, bytes: &[u8]) -> Result<Vec<i16>, Untidy> {
        match self {
            Self::Linear16 => media::from_bytes(bytes),
            _ if bytes.is_empty() => Err(Untidy::Empty),
            Self::Ulaw => Ok(bytes.iter().map(|byte| ulaw_to_linear(*byte)).collect()),
            Self::Alaw => Ok(bytes.iter().map(|byte| alaw_to_linear(*byte)).collect()),
        }
    }

    /// Samples as a payload.
    pub fn encode(self, pcm: &[i16]) -> Vec<u8> {
        match self {
            Self::Linear16 => media::to_bytes(pcm),
            Self::Ulaw => pcm.iter().map(|sample| linear_to_ulaw(*sample)).collect(),
            Self::Alaw => pcm.iter().map(|sample| linear_to_alaw(*sample)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_words_name_encodings() {
        for (word, encoding) in [
            ("audio/x-mulaw", Some(Encoding::Ulaw)),
            ("audio/x-mulaw;rate=8000", Some(Encoding::Ulaw)),
            ("PCMU", Some(Encoding::Ulaw)),
            ("mu-law", Some(Encoding::Ulaw)),
            ("PCMA", Some(Encoding::Alaw)),
            ("audio/x-alaw", Some(Encoding::Alaw)),
            ("L16", Some(Encoding::Linear16)),
            ("audio/x-l16;rate=16000", Some(Encoding::Linear16)),
            ("G722", None),
            ("OPUS", None),
            ("AMR-WB", None),
        ] {
            assert_eq!(Encoding::named(word), encoding, "{word}");
        }
    }

    #[test]
    fn samples_survive_as_well_as_the_encoding_can() {
        let pcm: Vec<i16> = (-160..160).map(|n| n * 200).collect();
        for encoding in [Encoding::Ulaw, Encoding::Alaw, Encoding::Linear16] {
            let bytes = encoding.encode(&pcm);
            assert_eq!(bytes.len(), pcm.len() * encoding.sample_bytes());
            let back = encoding.decode(&bytes).unwrap();
            assert_eq!(encoding.encode(&back), bytes, "{encoding:?}: what was decoded is written as it came");
            let worst = pcm.iter().zip(&back).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs()).max();
            let step = if encoding == Encoding::Linear16 { 0 } else { 1_024 };
            assert!(worst.unwrap() <= step, "{encoding:?}: {worst:?}");
            assert_eq!(encoding.decode(&[]), Err(Untidy::Empty));
        }
        assert_eq!(Encoding::Linear16.decode(&[1, 2, 3]), Err(Untidy::HalfSample));
        assert_eq!(Encoding::Ulaw.decode(&[0xff]), Ok(vec![0]));
    }
}
