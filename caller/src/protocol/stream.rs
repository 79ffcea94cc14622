//! What the strict callers of Twilio, Plivo and Telnyx have in common: sound in JSON, counted, and whole frames of it.

use serde_json::{Map, Value};
use tokio_tungstenite::tungstenite::Message;

use super::payload::Form;
use super::{Effect, Intake};
use crate::options::Options;
use crate::violation::Rule;

/// A message of these carriers is so long.
const FRAME_MS: u32 = 20;
/// Shortest and longest piece of sound that these carriers are sent, milliseconds.
const PIECE_MS: std::ops::RangeInclusive<usize> = 20..=30_000;

/// The sound of one stream.
#[derive(Debug)]
pub(super) struct Sound {
    pub(super) form: Form,
    pub(super) rate_hz: u32,
    /// Messages of any kind, and those of sound.
    sequence: u64,
    chunk: u64,
    bytes: Vec<u8>,
}

impl Sound {
    /// µ-law at 8 kHz, 16-bit linear above it.
    pub(super) fn at(rate_hz: u32) -> Self {
        let form = if rate_hz == 8_000 { Form::Ulaw } else { Form::Linear16 };
        Self { form, rate_hz, sequence: 0, chunk: 0, bytes: Vec::new() }
    }

    /// The next number of a message.
    pub(super) fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// A frame: `head`, the numbers as the carrier writes them, and the payload. `{n}`, `{chunk}` and `{ms}` stand for the numbers.
    pub(super) fn frame(&mut self, shape: &str, frame: &[i16]) -> Message {
        self.chunk += 1;
        let sent_ms = (self.chunk - 1) * u64::from(FRAME_MS);
        let (number, chunk) = (self.next(), self.chunk);
        let numbers = [("{n}", number), ("{chunk}", chunk), ("{ms}", sent_ms)];
        let head =
            numbers.iter().fold(shape.to_owned(), |text, (name, n)| text.replace(name, &n.to_string()));
        let (before, after) = head.split_once("{payload}").expect("every shape has a place for its payload");
        let mut json = String::with_capacity(head.len() + frame.len() * 3);
        json.push_str(before);
        self.form.encode(frame, &mut self.bytes, &mut json);
        json.push_str(after);
        Message::text(json)
    }

    /// Play what the server sends: whole frames are not asked for, but a sensible length is.
    pub(super) fn play(&self, payload: &str, intake: &mut Intake<'_>) -> Option<Effect> {
        let samples = self.form.decode(payload, intake)?;
        let ms = samples * 1_000 / self.rate_hz as usize;
        if !PIECE_MS.contains(&ms) {
            intake.note(Rule::PayloadSize, || format!("{ms} ms of sound; a piece is 20 ms to 30 s"));
        }
        (samples > 0).then_some(Effect::Audio)
    }
}

/// What the customer sends along: who calls, where the carrier does not say it, and the call's own parameters.
pub(super) fn parameters(options: &Options) -> Map<String, Value> {
    let own = [
        ("from", options.caller_id.as_str()),
        ("to", options.did.as_str()),
        ("direction", options.direction.as_str()),
    ];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
    own.chain(options.query.iter().map(|(name, value)| (name.clone(), value.as_str().into()))).collect()
}
