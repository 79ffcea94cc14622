//! What a vendor's far end puts on the wire, and how it lies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::random::Random;

/// What comes from a vendor over a socket.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    Text(String),
    Bytes(Vec<u8>),
    Closed {
        code: Option<u16>,
        reason: &'static str,
    },
    /// Longer than the socket takes, or no UTF-8: the socket reads no further.
    Unreadable(&'static str),
    /// Over HTTP: something of the answer to a request.
    Answer {
        request: u64,
        part: Part,
    },
}

/// Of an answer over HTTP. One that is no refusal begins with its body.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Piece(Vec<u8>),
    End,
    /// Its connection is lost.
    Cut,
    /// Another status than 200, with the header that says when to ask again.
    Refused {
        status: u16,
        retry_after_s: Option<u64>,
    },
}

impl Frame {
    pub fn json(value: &Value) -> Self {
        Self::Text(value.to_string())
    }
}

/// Close codes that the vendors' documents name, and reasons.
const CLOSES: [(Option<u16>, &str); 14] = [
    (None, ""),
    (Some(1000), ""),
    (Some(1001), "going away"),
    (Some(1003), "unsupported data"),
    (Some(1008), "Unauthorized"),
    (Some(1008), "quota exceeded"),
    (Some(1009), "message too big"),
    (Some(1011), "internal error"),
    (Some(1012), ""),
    (Some(1013), "try again later"),
    (Some(3005), "Session Cancelled"),
    (Some(3008), "Session Expired"),
    (Some(4008), ""),
    (Some(4429), "Too many requests"),
];

/// The connection is closed, or is lost.
pub fn close(random: &mut Random) -> Frame {
    let (code, reason) = *random.pick(&CLOSES);
    Frame::Closed { code, reason }
}

/// How often a far end lies, and what it keeps back.
#[derive(Debug, Default)]
pub struct Liar {
    percent: u64,
    late: Option<Frame>,
}

impl Liar {
    pub fn of(random: &mut Random) -> Self {
        let percent = if random.chance(12) { random.range(1, 25) } else { 0 };
        Self { percent, late: None }
    }

    /// One that lies all the time.
    pub fn often() -> Self {
        Self { percent: 30, late: None }
    }

    /// Of a hundred messages.
    pub fn percent(&self) -> u64 {
        self.percent
    }

    /// Whether it ever does.
    pub fn lies(&self) -> bool {
        self.percent > 0
    }

    /// What goes out in place of a frame.
    pub fn tell(&mut self, frame: Frame, random: &mut Random) -> Vec<Frame> {
        let late = self.late.take();
        if self.percent == 0 || !random.chance(self.percent) {
            return [frame].into_iter().chain(late).collect();
        }
        let mut frames = match random.range(0, 100) {
            0..20 => vec![half(&frame), frame],
            20..40 => vec![frame.clone(), frame],
            40..55 => {
                self.late = Some(frame);
                Vec::new()
            }
            55..70 => vec![wrong_types(&frame), frame],
            70..80 => vec![Frame::Text(r#"{"type":"Brandnew","event":"brand.new","n":1}"#.into()), frame],
            80..90 => vec![other_kind(&frame), frame],
            // It is lost.
            90..94 => Vec::new(),
            94..96 => vec![Frame::Unreadable("a message is too long")],
            96..98 => vec![Frame::Unreadable("a message is no UTF-8")],
            _ => vec![frame, close(random)],
        };
        frames.extend(late);
        frames
    }
}

fn half(frame: &Frame) -> Frame {
    match frame {
        Frame::Text(text) => {
            let end = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
            Frame::Text(text[..end].to_owned())
        }
        Frame::Bytes(bytes) => Frame::Bytes(bytes[..bytes.len() / 2].to_vec()),
        other => other.clone(),
    }
}

/// Text for sound, and the other way round.
fn other_kind(frame: &Frame) -> Frame {
    match frame {
        Frame::Text(text) => Frame::Bytes(text.clone().into_bytes()),
        Frame::Bytes(_) => Frame::Text("this is no sound".into()),
        other => other.clone(),
    }
}

/// Every text a number, and every number a text.
fn wrong_types(frame: &Frame) -> Frame {
    fn turn(value: &mut Value) {
        match value {
            Value::String(_) => *value = 7.into(),
            Value::Number(_) => *value = "seven".into(),
            Value::Array(list) => list.iter_mut().for_each(turn),
            Value::Object(map) => map.values_mut().for_each(turn),
            Value::Null | Value::Bool(_) => {}
        }
    }
    let Frame::Text(text) = frame else { return frame.clone() };
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return frame.clone() };
    turn(&mut value);
    Frame::json(&value)
}

/// So many milliseconds of sound, which nobody hears here: what is said is in the words.
pub fn pcm(ms: u32, hz: u32) -> Vec<u8> {
    vec![1; (ms * hz / 1000) as usize * 2]
}

/// The same within JSON.
pub fn base64(ms: u32, hz: u32) -> String {
    STANDARD.encode(pcm(ms, hz))
}
