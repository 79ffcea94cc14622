//! Audio on its way through carriers' messages: 16-bit linear samples, little endian, as bytes and as base64.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::field::plain;
use super::untidy::Untidy;

/// Takes what lacks its padding or has bits left over at its end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Audio that came before the line was ready is kept for so long, seconds of the newest.
const EARLY_SECS: usize = 1;
/// No line has more samples, or bytes of one, in a second.
const MAX_RATE_HZ: usize = 48_000;

/// Bytes to samples. Of an odd number it is not known which byte is too many, so none is taken.
pub fn from_bytes(bytes: &[u8]) -> Result<Vec<i16>, Untidy> {
    match bytes.len() {
        0 => Err(Untidy::Empty),
        n if !n.is_multiple_of(2) => Err(Untidy::HalfSample),
        _ => Ok(bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()),
    }
}

/// Base64 to samples.
pub fn from_base64(text: &str) -> Result<Vec<i16>, Untidy> {
    from_bytes(&bytes_of(text)?)
}

/// Base64 to bytes: in the plain form, and in every other that can be decoded. Carriers break lines (MIME), leave the
/// padding out, use the URL-safe alphabet, put pieces with a padding each behind one another, or a `data:` prefix before it.
pub fn bytes_of(text: &str) -> Result<Vec<u8>, Untidy> {
    if let Ok(bytes) = STANDARD.decode(text) {
        return Ok(bytes);
    }
    let text = match text.split_once("base64,") {
        Some((prefix, rest)) if prefix.starts_with("data:") => rest,
        _ => text,
    };
    let tidy: String = text.chars().filter(|c| !c.is_whitespace()).map(standard).collect();
    let mut bytes = Vec::with_capacity(tidy.len() / 4 * 3);
    for piece in tidy.split('=') {
        LENIENT.decode_vec(piece, &mut bytes).map_err(|_| Untidy::NotBase64)?;
    }
    Ok(bytes)
}

/// A sign of the URL-safe alphabet in the standard one.
fn standard(sign: char) -> char {
    match sign {
        '-' => '+',
        '_' => '/',
        other => other,
    }
}

/// Samples to bytes.
pub fn to_bytes(pcm: &[i16]) -> Vec<u8> {
    pcm.iter().flat_map(|s| s.to_le_bytes()).collect()
}

/// Bytes to base64.
pub fn base64_of(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Samples to base64.
pub fn to_base64(pcm: &[i16]) -> String {
    base64_of(&to_bytes(pcm))
}

/// Whether a carrier's word for an encoding means 16-bit linear samples: `LINEAR16`, `audio/l16;rate=8000`, `raw/slin`, and
/// `base64`, which some documents of Exotel's say.
pub fn is_linear16(encoding: &str) -> bool {
    let word = plain(encoding);
    if word.contains("law") {
        return false;
    }
    let linear = ["linear", "l16", "slin", "raw", "s16", "base64"];
    let pcm = word.contains("pcm") && !["pcmu", "pcma", "adpcm"].iter().any(|other| word.contains(other));
    pcm || linear.iter().any(|name| word.contains(name))
}

/// What the caller said before the line was ready, samples or bytes of a payload: the newest second of it.
#[derive(Debug)]
pub struct Early<T = i16>(Vec<T>);

impl<T> Default for Early<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> Early<T> {
    pub fn keep(&mut self, more: &[T]) {
        self.0.extend_from_slice(more);
        let over = self.0.len().saturating_sub(EARLY_SECS * MAX_RATE_HZ);
        self.0.drain(..over);
    }

    /// All of it that is not too old on a line that has so many of them in a second; nothing is left.
    pub fn take(&mut self, per_second: u32) -> Option<Vec<T>> {
        let mut kept = std::mem::take(&mut self.0);
        let over = kept.len().saturating_sub(EARLY_SECS * per_second as usize);
        kept.drain(..over);
        (!kept.is_empty()).then_some(kept)
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn samples_survive_the_round_trip() {
        let pcm = [0, 1, -1, i16::MAX, i16::MIN];
        assert_eq!(from_base64(&to_base64(&pcm)).unwrap(), pcm);
        assert_eq!(from_bytes(&[1, 2, 3]), Err(Untidy::HalfSample));
        assert_eq!(from_base64(""), Err(Untidy::Empty));
    }

    #[test]
    fn whatever_can_be_decoded_is_taken() {
        let pcm: Vec<i16> = (0..398).map(|n| (n * 193 % 7_919) as i16 - 4_000).collect();
        let plain = to_base64(&pcm);
        assert!(plain.ends_with("==") && plain.contains(['+', '/']));
        let broken_at = |width: usize, with: &str| {
            plain
                .as_bytes()
                .chunks(width)
                .map(|l| std::str::from_utf8(l).unwrap())
                .collect::<Vec<_>>()
                .join(with)
        };
        let (head, tail) = (to_base64(&pcm[..200]), to_base64(&pcm[200..]));
        for form in [
            broken_at(76, "\n"),
            broken_at(76, "\r\n"),
            broken_at(4, " "),
            broken_at(10, "\t"),
            format!("  {plain}\n"),
            plain.trim_end_matches('=').to_owned(),
            URL_SAFE_NO_PAD.encode(to_bytes(&pcm)),
            format!("{}==", URL_SAFE_NO_PAD.encode(to_bytes(&pcm))),
            format!("data:audio/x-raw;base64,{plain}"),
            format!("{plain}=="),
            format!("{head}{tail}"),
        ] {
            assert_eq!(from_base64(&form).as_deref(), Ok(&*pcm), "{form}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_not() {
        for text in ["%%%%", "no base64!", "A", "AAAAA", "AA\u{0}A", "ÄÄÄÄ"] {
            assert_eq!(from_base64(text), Err(Untidy::NotBase64), "{text}");
        }
    }

    #[test]
    fn linear_audio_has_many_names() {
        for linear in [
            "LINEAR",
            "LINEAR16",
            "linear-16",
            "raw/slin",
            "audio/x-raw",
            "audio/L16;rate=8000",
            "base64",
            "PCM",
            "pcm_s16le",
        ] {
            assert!(is_linear16(linear), "{linear}");
        }
        for other in [
            "audio/x-mulaw",
            "PCMU",
            "pcma",
            "alaw",
            "G722",
            "opus",
            "mp3",
            "ADPCM",
            "PCM_MULAW",
            "audio/x-wav",
        ] {
            assert!(!is_linear16(other), "{other}");
        }
    }

    #[test]
    fn a_second_of_early_audio_is_kept_the_newest() {
        let mut early: Early = Early::default();
        assert_eq!(early.take(8_000), None);
        for n in 0..100 {
            early.keep(&[n; 1_600]);
        }
        let kept = early.take(8_000).unwrap();
        assert_eq!((kept.len(), kept[0], kept[7_999]), (8_000, 95, 99));
        assert_eq!(early.take(8_000), None);
    }
}
