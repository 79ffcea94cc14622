//! The far ends of the models: how each streams words, calls of tools and its end.

mod anthropic;
mod chat;
mod gemini;
mod responses;

use serde_json::Value;
use vox_core::provider::llm::anthropic::MessageCodec;
use vox_core::provider::llm::gemini::GenerateCodec;
use vox_core::provider::llm::responses::ResponseCodec;
use vox_core::provider::llm::{Body, Keepsakes, LlmEvent, LlmUsage, openai};

use super::super::random::Random;

/// A model's server within one answer.
pub trait Writer {
    /// How it says this: server-sent events, each whole.
    fn write(&mut self, meaning: &LlmEvent) -> Vec<String>;
    /// How it breaks off by itself.
    fn break_off(&mut self) -> String;
}

/// The reading and the far end of a vendor of the catalogue; `api` tells the two forms of one of them apart.
pub fn of(vendor: &str, api: Option<&str>) -> Option<(Body, Box<dyn Writer>)> {
    Some(match (vendor, api) {
        ("openai", Some("responses")) => {
            (Body::of_events(ResponseCodec::new("openai")), Box::new(responses::Far::default()))
        }
        ("openai", _) => (openai::body("openai"), Box::new(chat::Far::default())),
        ("groq", _) => (openai::body("groq"), Box::new(chat::Far::default())),
        ("anthropic", _) => {
            let codec = MessageCodec::new(Keepsakes::default());
            (Body::of_events(codec), Box::new(anthropic::Far::default()))
        }
        ("gemini", _) => {
            let codec = GenerateCodec::new("gemini", Keepsakes::default());
            (Body::of_events(codec), Box::new(gemini::Far))
        }
        ("vertex", _) => {
            let codec = GenerateCodec::new("vertex", Keepsakes::default());
            (Body::of_events(codec), Box::new(gemini::Far))
        }
        _ => return None,
    })
}

/// An event without a name.
fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// An event that is named by its type.
fn named(data: &Value) -> String {
    let name = data["type"].as_str().expect("it has a type");
    format!("event: {name}\ndata: {data}\n\n")
}

fn usage(meaning: &LlmEvent) -> Option<LlmUsage> {
    match meaning {
        LlmEvent::Done { usage, .. } => *usage,
        _ => None,
    }
}

/// How often a server lies in its answer, and the event that it keeps back.
#[derive(Debug, Default)]
pub struct Liar {
    percent: u64,
    late: Option<String>,
}

impl Liar {
    pub fn of(random: &mut Random) -> Self {
        let percent = if random.chance(10) { random.range(1, 20) } else { 0 };
        Self { percent, late: None }
    }

    pub fn lies(&self) -> bool {
        self.percent > 0
    }

    /// The bytes that go out in place of an event.
    pub fn tell(&mut self, event: String, random: &mut Random) -> Vec<u8> {
        let late = self.late.take().unwrap_or_default().into_bytes();
        let event = event.into_bytes();
        if self.percent == 0 || !random.chance(self.percent) {
            return [event, late].concat();
        }
        let lie = match random.range(0, 100) {
            0..20 => [&event[..event.len() / 2], &b"\n\n"[..], &event[..]].concat(),
            20..40 => [&event[..], &event[..]].concat(),
            40..55 => {
                self.late = Some(String::from_utf8(event).expect("it was a text"));
                Vec::new()
            }
            55..70 => [&b"data: {\"type\":\"brand.new\",\"n\":1}\n\n"[..], &event[..]].concat(),
            70..80 => [&b"data: \xff\xfe{not utf-8}\n\n"[..], &event[..]].concat(),
            80..88 => [&b": keep-alive\n\n"[..], &event[..]].concat(),
            88..96 => [&b"data: [[[\n\n"[..], &event[..]].concat(),
            96..98 => Vec::new(),
            _ => [vec![b'x'; (1 << 20) + 1], event].concat(),
        };
        [lie, late].concat()
    }
}
