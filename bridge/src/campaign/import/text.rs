//! The bytes of a file as text, piece by piece.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a file's characters are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    #[default]
    Utf8,
    Utf16Le,
    Utf16Be,
    /// What western spreadsheets write that know no Unicode.
    Windows1252,
}

/// Windows-1252 from 0x80 to 0x9f; the rest is Latin-1.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Finds the encoding of a file while it arrives: a mark at its beginning, else UTF-8 as long as everything is.
#[derive(Debug, Default)]
pub struct Sniffer {
    head: Vec<u8>,
    rest: Vec<u8>,
    is_other: bool,
}

impl Sniffer {
    pub fn hear(&mut self, piece: &[u8]) {
        let missing = 4usize.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..missing]);
        if self.is_other {
            return;
        }
        self.rest.extend_from_slice(piece);
        match std::str::from_utf8(&self.rest) {
            Ok(_) => self.rest.clear(),
            // The beginning of a character, whose end is in the next piece.
            Err(error) if error.error_len().is_none() => drop(self.rest.drain(..error.valid_up_to())),
            Err(_) => {
                self.is_other = true;
                self.rest = Vec::new();
            }
        }
    }

    /// What it is, now that all was heard.
    pub fn encoding(&self) -> Encoding {
        self.told(self.is_other || !self.rest.is_empty())
    }

    /// What it is as far as it was heard: its end may be within a character.
    pub fn encoding_so_far(&self) -> Encoding {
        self.told(self.is_other)
    }

    fn told(&self, is_other: bool) -> Encoding {
        match self.head.as_slice() {
            [0xff, 0xfe, ..] => Encoding::Utf16Le,
            [0xfe, 0xff, ..] => Encoding::Utf16Be,
            // Text without a mark whose first characters are Latin ones.
            [first, 0, second, 0] if *first != 0 && *second != 0 => Encoding::Utf16Le,
            [0, first, 0, second] if *first != 0 && *second != 0 => Encoding::Utf16Be,
            _ if is_other => Encoding::Windows1252,
            _ => Encoding::Utf8,
        }
    }
}

/// Makes text of bytes that come in pieces of any size.
#[derive(Debug)]
pub struct Decoder {
    encoding: Encoding,
    /// The beginning of a character.
    held: Vec<u8>,
    /// The first of two halves of UTF-16.
    high: Option<u16>,
}

impl Decoder {
    pub fn new(encoding: Encoding) -> Self {
        Self { encoding, held: Vec::new(), high: None }
    }

    /// The characters that are whole now. What is no character of the encoding is U+FFFD.
    pub fn decode(&mut self, piece: &[u8], into: &mut String) {
        match self.encoding {
            Encoding::Windows1252 => into.extend(piece.iter().map(|byte| match byte {
                0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
                byte => char::from(*byte),
            })),
            Encoding::Utf8 => {
                self.held.extend_from_slice(piece);
                let held = std::mem::take(&mut self.held);
                let mut rest = held.as_slice();
                loop {
                    match std::str::from_utf8(rest) {
                        Ok(text) => break into.push_str(text),
                        Err(error) => {
                            let (good, bad) = rest.split_at(error.valid_up_to());
                            into.push_str(&String::from_utf8_lossy(good));
                            match error.error_len() {
                                None => break self.held.extend_from_slice(bad),
                                Some(length) => {
                                    into.push(char::REPLACEMENT_CHARACTER);
                                    rest = &bad[length..];
                                }
                            }
                        }
                    }
                }
            }
            Encoding::Utf16Le | Encoding::Utf16Be => {
                self.held.extend_from_slice(piece);
                let held = std::mem::take(&mut self.held);
                let mut pairs = held.chunks_exact(2);
                for pair in pairs.by_ref() {
                    let bytes = [pair[0], pair[1]];
                    let unit = match self.encoding {
                        Encoding::Utf16Be => u16::from_be_bytes(bytes),
                        _ => u16::from_le_bytes(bytes),
                    };
                    self.unit(unit, into);
                }
                self.held.extend_from_slice(pairs.remainder());
            }
        }
    }

    fn unit(&mut self, unit: u16, into: &mut String) {
        let high = self.high.take();
        match (high, unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                into.extend(
                    char::decode_utf16([high, unit]).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)),
                );
            }
            (high, unit) => {
                if high.is_some() {
                    into.push(char::REPLACEMENT_CHARACTER);
                }
                match unit {
                    0xd800..=0xdbff => self.high = Some(unit),
                    unit => into.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
        }
    }

    /// What is left at the end: half a character is U+FFFD.
    pub fn finish(self, into: &mut String) {
        if !self.held.is_empty() || self.high.is_some() {
            into.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], encoding: Encoding, text: &str) {
        for size in [1, 2, 3, bytes.len().max(1)] {
            let mut sniffer = Sniffer::default();
            bytes.chunks(size).for_each(|piece| sniffer.hear(piece));
            assert_eq!(sniffer.encoding(), encoding, "{bytes:x?} in pieces of {size}");
            let (mut decoder, mut seen) = (Decoder::new(encoding), String::new());
            bytes.chunks(size).for_each(|piece| decoder.decode(piece, &mut seen));
            decoder.finish(&mut seen);
            assert_eq!(seen.trim_start_matches('\u{feff}'), text, "{bytes:x?} in pieces of {size}");
        }
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        check("Müller,हिन्दी,👋".as_bytes(), Encoding::Utf8, "Müller,हिन्दी,👋");
        check("\u{feff}phone".as_bytes(), Encoding::Utf8, "phone");
        check(b"M\xfcller \x80 \x93x\x94", Encoding::Windows1252, "Müller € “x”");
        let utf16 = |big: bool, text: &str| -> Vec<u8> {
            text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
        };
        check(&utf16(false, "\u{feff}ü👋x"), Encoding::Utf16Le, "ü👋x");
        check(&utf16(true, "\u{feff}ü👋x"), Encoding::Utf16Be, "ü👋x");
        check(&utf16(false, "phone"), Encoding::Utf16Le, "phone");
        check(b"", Encoding::Utf8, "");
        check(b"a\xff", Encoding::Windows1252, "aÿ");
    }

    #[test]
    fn what_is_cut_or_wrong_is_marked() {
        let decoded = |encoding, bytes: &[u8]| {
            let (mut decoder, mut text) = (Decoder::new(encoding), String::new());
            decoder.decode(bytes, &mut text);
            decoder.finish(&mut text);
            text
        };
        assert_eq!(decoded(Encoding::Utf8, b"a\xffb\xe2\x82"), "a\u{fffd}b\u{fffd}");
        assert_eq!(decoded(Encoding::Utf16Le, b"\x3d\xd8a\0b"), "\u{fffd}a\u{fffd}");
    }
}
