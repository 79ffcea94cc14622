//! What is said to Soniox' voices, and what their messages mean.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::NAME;
use super::event::{Event, parse_event};
use crate::provider::link::{Flaw, Outgoing};
use crate::provider::tts::replies::{Cancelled, Reaction, Told, Tongue, reported};
use crate::provider::tts::spelling::{Spelling, TimedChar};
use crate::provider::tts::{UtteranceId, WordMark};

/// A connection has five streams at most; interrupted ones count until they are closed.
const STREAMS_MAX: usize = 4;
/// The vendor wants a sign of life every 20 to 30 s.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// The words of Soniox' voices.
#[derive(Debug)]
pub struct SonioxTongue {
    opening: Map<String, Value>,
    rate_hz: u32,
    streams: Vec<Stream>,
}

/// The stream in which a reply is spoken now.
#[derive(Debug)]
struct Stream {
    utterance: UtteranceId,
    /// Counts up when a stream was closed for want of text before its reply was at its end.
    number: u32,
    is_open: bool,
    is_ended: bool,
    /// The vendor closes it for want of text.
    is_starved: bool,
    /// Texts that were sent into it since its last sound: where it is closed meanwhile they were on their way and are sent into the next.
    unanswered: Vec<String>,
    /// That was done, and no sound came since: it is done once.
    is_repeated: bool,
    spelling: Spelling,
    /// Bytes of sound of this stream, and of the reply's streams before it.
    bytes: u64,
    earlier_bytes: u64,
}

impl Stream {
    fn id(&self) -> String {
        format!("u{}-{}", self.utterance, self.number)
    }

    /// The vendor has closed it. True when texts that were on their way are to be sent into another one.
    fn close(&mut self) -> bool {
        let is_starved = std::mem::take(&mut self.is_starved);
        self.is_open = false;
        self.number += 1;
        self.earlier_bytes += std::mem::take(&mut self.bytes);
        let crossed = (is_starved || !self.is_ended) && !self.unanswered.is_empty();
        if !crossed || std::mem::replace(&mut self.is_repeated, true) {
            self.unanswered.clear();
            return false;
        }
        true
    }

    /// The word that has begun, which is the last.
    fn take_word(&mut self, to: &mut Reaction) {
        let words: Vec<_> = self.spelling.end().into_iter().collect();
        if !words.is_empty() {
            to.tell(Told::Words { of: Some(self.utterance), words });
        }
    }
}

impl SonioxTongue {
    /// Every stream begins with `opening`; sound is asked for at `rate_hz`.
    pub fn new(opening: Map<String, Value>, rate_hz: u32) -> Self {
        Self { opening, rate_hz, streams: Vec::new() }
    }

    fn find(&mut self, id: &str) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.id() == id)
    }

    fn of(&mut self, utterance: UtteranceId) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.utterance == utterance)
    }

    /// Send what crossed the end of a stream into the next one.
    fn repeat(&mut self, utterance: UtteranceId, to: &mut Reaction) {
        let Some(stream) = self.of(utterance) else { return };
        stream.is_open = true;
        let (id, texts, is_ended) = (stream.id(), stream.unanswered.clone(), stream.is_ended);
        to.send(self.opening(&id));
        texts.iter().for_each(|text| to.send(piece(&id, text)));
        if is_ended {
            to.send(last(&id));
        }
    }

    fn opening(&self, id: &str) -> Value {
        let mut opening = self.opening.clone();
        opening.insert("stream_id".into(), id.into());
        opening.insert("sample_rate".into(), self.rate_hz.into());
        Value::Object(opening)
    }
}

/// More of a stream's text.
fn piece(id: &str, text: &str) -> Value {
    json!({"stream_id": id, "text": format!("{text} "), "text_end": false})
}

/// There is no more.
fn last(id: &str) -> Value {
    json!({"stream_id": id, "text": "", "text_end": true})
}

impl Tongue for SonioxTongue {
    fn vendor(&self) -> &'static str {
        NAME
    }

    fn replies_max(&self) -> usize {
        STREAMS_MAX
    }

    fn sound_hz(&self) -> u32 {
        self.rate_hz
    }

    fn open(&mut self, _to: &mut Reaction) {
        self.streams.clear();
    }

    fn speak(&mut self, utterance: UtteranceId, text: &str, _now: Instant, to: &mut Reaction) {
        if self.of(utterance).is_none() {
            self.streams.push(Stream {
                utterance,
                number: 0,
                is_open: false,
                is_ended: false,
                is_starved: false,
                unanswered: Vec::new(),
                is_repeated: false,
                spelling: Spelling::default(),
                bytes: 0,
                earlier_bytes: 0,
            });
        }
        let Some(stream) = self.of(utterance) else { return };
        stream.unanswered.push(text.to_owned());
        let was_open = std::mem::replace(&mut stream.is_open, true);
        let id = stream.id();
        if !was_open {
            to.send(self.opening(&id));
        }
        to.send(piece(&id, text));
    }

    fn end(&mut self, utterance: UtteranceId, to: &mut Reaction) {
        let Some(stream) = self.of(utterance) else { return };
        stream.is_ended = true;
        if stream.is_open {
            to.send(last(&stream.id()));
        } else {
            to.tell(Told::Over { of: Some(utterance) });
        }
    }

    fn cancel(&mut self, utterance: UtteranceId, to: &mut Reaction) -> Cancelled {
        let Some(stream) = self.of(utterance).filter(|stream| stream.is_open) else {
            return Cancelled::Forgotten;
        };
        // After the end of the text there is no such message any more.
        if !stream.is_ended {
            to.send(json!({"stream_id": stream.id(), "cancel": true}));
        }
        stream.is_ended = true;
        stream.unanswered.clear();
        Cancelled::Told
    }

    fn forget(&mut self, utterance: UtteranceId) {
        self.streams.retain(|stream| stream.utterance != utterance);
    }

    fn last_word(&mut self, utterance: UtteranceId) -> Option<WordMark> {
        self.of(utterance).and_then(|stream| stream.spelling.end())
    }

    fn text(&mut self, text: &str, _now: Instant, to: &mut Reaction) -> Result<(), Flaw> {
        let rate_hz = u64::from(self.rate_hz);
        match parse_event(text).map_err(|error| Flaw::Malformed(error.to_string()))? {
            Event::Audio { stream, pcm, chars } => {
                if let Some(stream) = self.find(&stream) {
                    let earlier_ms = (stream.earlier_bytes * 500 / rate_hz) as f64;
                    let spell = |c: TimedChar| {
                        stream.spelling.take(&c.text, c.started_ms + earlier_ms, c.ended_ms + earlier_ms)
                    };
                    let words: Vec<_> = chars.into_iter().filter_map(spell).collect();
                    let of = Some(stream.utterance);
                    // Words first, so that they are known when their sound is heard.
                    if !words.is_empty() {
                        to.tell(Told::Words { of, words });
                    }
                    stream.bytes += pcm.len() as u64;
                    if !pcm.is_empty() {
                        stream.unanswered.clear();
                        stream.is_repeated = false;
                    }
                    to.tell(Told::Sound { of, bytes: pcm });
                }
            }
            Event::Terminated { stream } => {
                let Some(stream) = self.find(&stream) else { return Ok(()) };
                stream.take_word(to);
                let (of, utterance) = (Some(stream.utterance), stream.utterance);
                if stream.close() {
                    self.repeat(utterance, to);
                } else if stream.is_ended {
                    // Whether it was spoken to its end or interrupted; if neither, more text opens another stream.
                    to.tell(Told::Silent { of });
                    to.tell(Told::Over { of });
                }
            }
            // A stream that waited too long for text is closed next, which is no failure: nor is it when more text, or the end, was on
            // its way. What is said of that then bears a name that nobody has any more.
            Event::Error { stream: Some(id), code: Some(408), .. } => {
                self.find(&id).into_iter().for_each(|stream| stream.is_starved = true);
            }
            Event::Error { stream, code, word } => {
                let of = match stream {
                    None => None,
                    Some(id) => match self.find(&id) {
                        Some(stream) => Some(stream.utterance),
                        None => return Ok(()),
                    },
                };
                to.tell(Told::Failed { of, failure: reported(NAME, code, word.as_deref()) });
            }
            Event::Other => {}
        }
        Ok(())
    }

    fn keep_alive(&self) -> Duration {
        KEEP_ALIVE
    }

    fn stay(&mut self) -> Option<Outgoing> {
        Some(Outgoing::Text(json!({"keep_alive": true}).to_string()))
    }
}
