//! What is said to Resemble, and what its messages mean.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::NAME;
use super::event::{Event, parse_event};
use crate::provider::link::{Flaw, Outgoing};
use crate::provider::tts::parts::Parts;
use crate::provider::tts::replies::{Cancelled, Reaction, Told, Tongue, reported};
use crate::provider::tts::spelling::Spelling;
use crate::provider::tts::{UtteranceId, WordMark};

/// Replies at once on a connection: one that is heard, and the next.
const REPLIES_MAX: usize = 2;
/// Longest text of one request; the vendor names no bound.
const TEXT_CHARS_MAX: usize = 2_000;
/// The vendor names no bound for an idle connection, and no sign of life.
const IDLE_MOST: Duration = Duration::from_secs(120);

/// Resemble's words. The texts of a reply are asked for one after the other.
#[derive(Debug)]
pub struct ResembleTongue {
    fixed: Map<String, Value>,
    sound_hz: u32,
    last_request: u64,
    speaking: Vec<Spoken>,
}

/// A reply under way.
#[derive(Debug)]
struct Spoken {
    utterance: UtteranceId,
    parts: Parts,
    /// The request that is out, or was.
    request: u64,
    spelling: Spelling,
    /// Half a sample.
    odd: Option<u8>,
    /// Bytes of sound of this request, and of the reply's requests before it.
    bytes: u64,
    earlier_bytes: u64,
}

impl ResembleTongue {
    /// Every request holds `fixed`. The vendor has no 24 kHz: for such a line its 32 kHz are converted.
    pub fn new(fixed: Map<String, Value>, rate_hz: u32) -> Self {
        let sound_hz = if rate_hz == 24_000 { 32_000 } else { rate_hz };
        Self { fixed, sound_hz, last_request: 0, speaking: Vec::new() }
    }

    fn at(&self, utterance: UtteranceId) -> Option<usize> {
        self.speaking.iter().position(|spoken| spoken.utterance == utterance)
    }

    fn find(&mut self, request: u64) -> Option<usize> {
        self.speaking.iter().position(|spoken| spoken.request == request && spoken.parts.is_out())
    }

    fn go_on(&mut self, at: usize, to: &mut Reaction) {
        let spoken = &mut self.speaking[at];
        if let Some(text) = spoken.parts.next() {
            self.last_request += 1;
            spoken.request = self.last_request;
            let mut request = self.fixed.clone();
            request.insert("data".into(), text.into());
            request.insert("request_id".into(), self.last_request.into());
            request.insert("sample_rate".into(), self.sound_hz.into());
            to.send(Value::Object(request));
        } else if spoken.parts.is_over() {
            to.tell(Told::Over { of: Some(spoken.utterance) });
        }
    }

    fn hear(&mut self, at: usize, pcm: Vec<u8>, to: &mut Reaction) {
        let spoken = &mut self.speaking[at];
        spoken.parts.hear();
        spoken.bytes += pcm.len() as u64;
        let mut bytes: Vec<u8> = spoken.odd.take().into_iter().chain(pcm).collect();
        if bytes.len() % 2 == 1 {
            spoken.odd = bytes.pop();
        }
        to.tell(Told::Sound { of: Some(spoken.utterance), bytes });
    }
}

impl Tongue for ResembleTongue {
    fn vendor(&self) -> &'static str {
        NAME
    }

    fn replies_max(&self) -> usize {
        REPLIES_MAX
    }

    fn sound_hz(&self) -> u32 {
        self.sound_hz
    }

    fn open(&mut self, _to: &mut Reaction) {
        self.speaking.clear();
    }

    fn speak(&mut self, utterance: UtteranceId, text: &str, _now: Instant, to: &mut Reaction) {
        let at = self.at(utterance).unwrap_or_else(|| {
            self.speaking.push(Spoken {
                utterance,
                parts: Parts::new(TEXT_CHARS_MAX),
                request: 0,
                spelling: Spelling::default(),
                odd: None,
                bytes: 0,
                earlier_bytes: 0,
            });
            self.speaking.len() - 1
        });
        self.speaking[at].parts.add(text);
        self.go_on(at, to);
    }

    fn end(&mut self, utterance: UtteranceId, to: &mut Reaction) {
        if let Some(at) = self.at(utterance) {
            self.speaking[at].parts.end();
            self.go_on(at, to);
        }
    }

    fn cancel(&mut self, _utterance: UtteranceId, _to: &mut Reaction) -> Cancelled {
        Cancelled::Forgotten
    }

    fn forget(&mut self, utterance: UtteranceId) {
        self.speaking.retain(|spoken| spoken.utterance != utterance);
    }

    fn last_word(&mut self, utterance: UtteranceId) -> Option<WordMark> {
        self.at(utterance).and_then(|at| self.speaking[at].spelling.end())
    }

    fn owes(&self, utterance: UtteranceId) -> bool {
        self.at(utterance).is_some_and(|at| self.speaking[at].parts.owes())
    }

    fn text(&mut self, text: &str, _now: Instant, to: &mut Reaction) -> Result<(), Flaw> {
        let sound_hz = u64::from(self.sound_hz);
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            Event::Audio { request, pcm, chars } => {
                if let Some(at) = self.find(request) {
                    let spoken = &mut self.speaking[at];
                    let earlier_ms = (spoken.earlier_bytes * 500 / sound_hz) as f64;
                    let words: Vec<_> = chars
                        .into_iter()
                        .filter_map(|c| {
                            spoken.spelling.take(&c.text, c.started_ms + earlier_ms, c.ended_ms + earlier_ms)
                        })
                        .collect();
                    if !words.is_empty() {
                        to.tell(Told::Words { of: Some(spoken.utterance), words });
                    }
                    self.hear(at, pcm, to);
                }
            }
            Event::AudioEnd { request } => {
                if let Some(at) = self.find(request) {
                    let spoken = &mut self.speaking[at];
                    let words: Vec<_> = spoken.spelling.end().into_iter().collect();
                    if !words.is_empty() {
                        to.tell(Told::Words { of: Some(spoken.utterance), words });
                    }
                    spoken.earlier_bytes += std::mem::take(&mut spoken.bytes);
                    spoken.odd = None;
                    spoken.parts.over();
                    self.go_on(at, to);
                }
            }
            Event::Error { request, status, word } => {
                // These two are about the connection, whatever request they came of.
                let request = request.filter(|_| !matches!(status, Some(401 | 403)));
                let of = match request.map(|request| self.find(request)) {
                    None => None,
                    Some(Some(at)) => Some(self.speaking[at].utterance),
                    // Of a reply that nobody wants any more.
                    Some(None) => return Ok(()),
                };
                to.tell(Told::Failed { of, failure: reported(NAME, status, word.as_deref()) });
            }
            Event::Other => {}
        }
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        IDLE_MOST
    }

    fn stay(&mut self) -> Option<Outgoing> {
        None
    }

    fn idle_most(&self) -> Option<Duration> {
        Some(IDLE_MOST)
    }
}
