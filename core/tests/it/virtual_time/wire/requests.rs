//! A voice that is asked over HTTP, in virtual time: every text is a request, and its answer comes in frames that name it.

use std::collections::{BTreeMap, VecDeque};

use serde_json::json;
use tokio::time::Instant;
use vox_core::provider::link::Outgoing;
use vox_core::provider::tts::asked::{Body, Requests};
use vox_core::provider::tts::{TtsEvent, TtsInput};
use vox_core::provider::{Failure, FailureClass};

use super::frame::Frame;
use super::line::{Out, Sent, Wire};

/// Longest text of one request, characters.
const TEXT_CHARS_MAX: usize = 2_000;

/// Some of the body of a request's answer.
pub fn piece(request: &str, bytes: &[u8]) -> Frame {
    let number: u64 = request.parse().unwrap_or_default();
    Frame::Bytes([&number.to_le_bytes()[..], bytes].concat())
}

/// Its end.
pub fn end(request: &str) -> Frame {
    Frame::Text(request.to_owned())
}

/// `None` is the end of the body.
type Part = Option<Vec<u8>>;

/// The requests of one voice.
pub struct Asked<B: Body + 'static> {
    requests: Requests<B>,
    vendor: &'static str,
    body: fn() -> B,
    stands: bool,
    is_over: bool,
    orders: VecDeque<TtsInput>,
    /// What has come of answers that are not read yet.
    parts: BTreeMap<u64, VecDeque<Part>>,
}

impl<B: Body + 'static> Asked<B> {
    /// Of this vendor, whose sound is wanted at this rate; `body` reads an answer.
    pub fn new(vendor: &'static str, rate_hz: u32, body: fn() -> B) -> Self {
        Self {
            requests: Requests::new(vendor, TEXT_CHARS_MAX, rate_hz),
            vendor,
            body,
            stands: false,
            is_over: false,
            orders: VecDeque::new(),
            parts: BTreeMap::new(),
        }
    }

    fn settle(&mut self, now: Instant, out: &mut Out<TtsEvent>) {
        if let Err(failure) = self.go_on(now, out) {
            self.fail(failure, out);
        }
        let asked = self.requests.asked().into_iter();
        out.sent.extend(asked.map(|(request, text)| {
            Sent::Message(Outgoing::Text(json!({"request": request, "text": text}).to_string()))
        }));
    }

    /// Take what is ordered and what has come, as far as it goes.
    fn go_on(&mut self, now: Instant, out: &mut Out<TtsEvent>) -> Result<(), Failure> {
        loop {
            if self.requests.takes_orders()
                && let Some(order) = self.orders.pop_front()
            {
                out.events.extend(self.requests.order(order, now)?);
                continue;
            }
            let known = [self.requests.asking(), self.requests.waiting(), self.requests.reading()];
            self.parts.retain(|request, _| known.contains(&Some(*request)));
            if self.requests.asking().is_some_and(|request| self.parts.contains_key(&request)) {
                out.events.extend(self.requests.answered(Ok((self.body)()))?);
                continue;
            }
            let reading = self.requests.reading().and_then(|request| self.parts.get_mut(&request));
            match reading.and_then(VecDeque::pop_front) {
                Some(Some(bytes)) => out.events.extend(self.requests.piece(&bytes)?),
                Some(None) => out.events.extend(self.requests.end()?),
                None => return Ok(()),
            }
        }
    }

    /// Keep it with its request. What names none is more of the body that is read.
    fn keep(&mut self, request: Option<u64>, part: Part) {
        if let Some(request) = request.or(self.requests.reading()) {
            self.parts.entry(request).or_default().push_back(part);
        }
    }
}

impl<B: Body + 'static> Wire<TtsInput, TtsEvent> for Asked<B> {
    fn connected(&mut self, now: Instant, out: &mut Out<TtsEvent>) {
        if !self.is_over && !std::mem::replace(&mut self.stands, true) {
            out.sent.push(Sent::Opened);
            out.events.push(TtsEvent::Ready);
            self.settle(now, out);
        }
    }

    fn fail(&mut self, failure: Failure, out: &mut Out<TtsEvent>) {
        if !std::mem::replace(&mut self.is_over, true) {
            out.events.push(TtsEvent::Failed(failure));
        }
    }

    fn order(&mut self, order: TtsInput, now: Instant, out: &mut Out<TtsEvent>) {
        if !self.is_over {
            self.orders.push_back(order);
        }
        if self.stands && !self.is_over {
            self.settle(now, out);
        }
    }

    fn hear(&mut self, frame: Frame, now: Instant, out: &mut Out<TtsEvent>) {
        if !self.stands || self.is_over {
            return;
        }
        match frame {
            Frame::Bytes(bytes) => {
                if let Some((number, rest)) = bytes.split_first_chunk::<8>() {
                    self.keep(Some(u64::from_le_bytes(*number)), Some(rest.to_vec()));
                }
            }
            Frame::Text(text) => match text.parse() {
                Ok(request) => self.keep(Some(request), None),
                Err(_) => self.keep(None, Some(text.into_bytes())),
            },
            Frame::Closed { .. } => {
                let detail = format!("{}: the connection was cut", self.vendor);
                return self.fail(Failure::new(FailureClass::Unavailable, detail), out);
            }
            Frame::Unreadable(why) => {
                return self.fail(Failure::new(FailureClass::Malformed, why), out);
            }
            Frame::Answer { .. } => panic!("a voice's answers come in pieces of sound"),
        }
        self.settle(now, out);
    }

    /// Only the session waits here: the vendor's own patience is far longer.
    fn due(&self) -> Option<Instant> {
        None
    }

    fn wake(&mut self, _now: Instant, _out: &mut Out<TtsEvent>) {}
}
