//! Voices that are asked over HTTP: a body for each text, of samples, of a file, or of lines with times.

use serde_json::json;
use vox_core::provider::link::Outgoing;

use super::super::frame::{Frame, base64, pcm};
use super::super::requests::{end, piece};
use super::{Asked, HZ, Mouth, Spoken, letters, read, text_of};

/// The rate of a file, which no reader takes lower.
pub const FILE_HZ: u32 = 8_000;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Samples,
    File,
    Lines,
}

pub struct Far(pub Form);

impl Far {
    fn body(&self, spoken: Spoken<'_>) -> Vec<u8> {
        match self.0 {
            Form::Samples => pcm(spoken.ms, HZ),
            Form::File if spoken.started_ms == 0 => [header(), pcm(spoken.ms, FILE_HZ)].concat(),
            Form::File => pcm(spoken.ms, FILE_HZ),
            Form::Lines => {
                let letters = letters(spoken);
                let since = f64::from(spoken.started_ms);
                let chars: Vec<_> = letters.iter().map(|(text, ..)| text).collect();
                let starts: Vec<_> = letters.iter().map(|(_, from, _)| (since + from) / 1000.0).collect();
                let ends: Vec<_> = letters.iter().map(|(_, _, to)| (since + to) / 1000.0).collect();
                let alignment = json!({
                    "characters": chars, "character_start_times_seconds": starts, "character_end_times_seconds": ends,
                });
                let line = json!({"audio_base64": base64(spoken.ms, HZ), "alignment": alignment});
                format!("{line}\n").into_bytes()
            }
        }
    }
}

/// Of mono samples of 16 bits, whose end is not known yet.
fn header() -> Vec<u8> {
    let mut bytes = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    bytes.extend(FILE_HZ.to_le_bytes());
    bytes.extend((FILE_HZ * 2).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data\xff\xff\xff\xff");
    bytes
}

impl Mouth for Far {
    fn hz(&self) -> u32 {
        if self.0 == Form::File { FILE_HZ } else { HZ }
    }

    fn read(&mut self, message: &Outgoing) -> Vec<Asked> {
        let value = read(message);
        let key = value["request"].to_string();
        vec![Asked::Text { key: key.clone(), text: text_of(&value["text"]) }, Asked::End { key }]
    }

    fn say(&mut self, key: &str, spoken: Spoken<'_>) -> Vec<Frame> {
        vec![piece(key, &self.body(spoken))]
    }

    fn over(&mut self, key: &str) -> Vec<Frame> {
        vec![end(key)]
    }

    /// Its connection is dropped.
    fn silent(&mut self, _key: &str, _was_active: bool) -> Vec<Frame> {
        Vec::new()
    }
}
