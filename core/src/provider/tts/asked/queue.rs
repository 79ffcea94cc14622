//! Which text is asked for, which answer is read, and what its sound means to the reply.

use std::collections::VecDeque;
use std::pin::Pin;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::body::{Body, Heard};
use super::{Answer, Asked, IDLE_DEADLINE};
use crate::provider::egress::http_failure;
use crate::provider::tts::parts::Parts;
use crate::provider::tts::replies::Reply;
use crate::provider::tts::retired::Retired;
use crate::provider::tts::{TtsEvent, TtsInput, UtteranceId, WordMark};
use crate::provider::{Failure, FailureClass};

/// Replies that are kept before orders wait with whoever gives them.
const REPLIES_MAX: usize = 8;

type Answered<A> = Result<Answer<<A as Asked>::Body>, Failure>;
type Asking<A> = Pin<Box<dyn Future<Output = Answered<A>> + Send>>;

/// What happened.
pub(super) enum Step<A: Asked> {
    Answered(Answered<A>),
    Piece(Bytes),
    End,
    Failed(Failure),
}

/// A reply with its text.
struct Spoken {
    reply: Reply,
    parts: Parts,
}

/// A request, and the reply it is for.
struct Of<T> {
    utterance: UtteranceId,
    it: T,
}

/// The replies in their order. One answer is read at a time, and one more is asked for ahead.
pub(super) struct Queue<A: Asked> {
    asked: A,
    rate_hz: u32,
    replies: VecDeque<Spoken>,
    asking: Option<Of<Asking<A>>>,
    waiting: Option<Of<Answered<A>>>,
    reading: Option<Of<Answer<A::Body>>>,
    /// Sound of the reply before the answer that is read, milliseconds.
    earlier_ms: f64,
    retired: Retired,
}

impl<A: Asked> Queue<A> {
    pub fn new(asked: A, rate_hz: u32) -> Self {
        Self {
            asked,
            rate_hz,
            replies: VecDeque::new(),
            asking: None,
            waiting: None,
            reading: None,
            earlier_ms: 0.0,
            retired: Retired::default(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }

    pub fn takes_orders(&self) -> bool {
        self.replies.len() < REPLIES_MAX
    }

    /// Do what is ordered.
    pub fn order(&mut self, order: TtsInput, now: Instant) -> Vec<TtsEvent> {
        let utterance = order.utterance();
        if self.retired.has(utterance) {
            return Vec::new();
        }
        let known = self.replies.iter().position(|spoken| spoken.reply.utterance == utterance);
        match (order, known) {
            (TtsInput::Cancel { .. }, known) => return self.cancel(utterance, known),
            // There is nothing to say in it, and some servers would refuse it.
            (TtsInput::Speak { text, .. }, _) if !text.chars().any(char::is_alphanumeric) => {}
            (TtsInput::Speak { text, .. }, known) => {
                let at = known.unwrap_or_else(|| self.begin(utterance, now));
                let spoken = &mut self.replies[at];
                if !spoken.reply.is_ended {
                    spoken.parts.add(&text);
                }
            }
            (TtsInput::End { .. }, known) => {
                let at = known.unwrap_or_else(|| self.begin(utterance, now));
                self.replies[at].reply.is_ended = true;
                self.replies[at].parts.end();
            }
        }
        Vec::new()
    }

    fn begin(&mut self, utterance: UtteranceId, now: Instant) -> usize {
        let reply = Reply::new(utterance, (self.rate_hz, self.rate_hz), now);
        self.replies.push_back(Spoken { reply, parts: Parts::new(self.asked.text_chars_max()) });
        self.replies.len() - 1
    }

    fn cancel(&mut self, utterance: UtteranceId, known: Option<usize>) -> Vec<TtsEvent> {
        self.asking.take_if(|of| of.utterance == utterance);
        self.waiting.take_if(|of| of.utterance == utterance);
        self.reading.take_if(|of| of.utterance == utterance);
        self.retired.add(utterance);
        let removed = known.and_then(|at| self.replies.remove(at));
        removed.and_then(|mut spoken| spoken.reply.take_usage()).into_iter().collect()
    }

    /// What is not told yet of what was paid.
    pub fn bills(&mut self) -> impl Iterator<Item = TtsEvent> {
        self.replies.iter_mut().filter_map(|spoken| spoken.reply.take_usage())
    }

    /// No more text follows for any reply.
    pub fn end_all(&mut self) {
        for spoken in &mut self.replies {
            spoken.reply.is_ended = true;
            spoken.parts.end();
        }
    }

    /// Finish what is spoken, read what waits, and ask for what comes next.
    pub fn arrange(&mut self) -> Result<Vec<TtsEvent>, Failure> {
        let mut events = Vec::new();
        while let Some(spoken) = self.replies.front().filter(|spoken| spoken.parts.is_over()) {
            let utterance = spoken.reply.utterance;
            if [self.asks(), self.waits(), self.reads()].contains(&Some(utterance)) {
                break;
            }
            let Some(mut spoken) = self.replies.pop_front() else { break };
            events.extend(spoken.reply.finish(self.asked.vendor())?);
            self.retired.add(utterance);
        }
        let front = self.replies.front().map(|spoken| spoken.reply.utterance);
        if self.reading.is_none()
            && let Some(of) = self.waiting.take_if(|of| Some(of.utterance) == front)
        {
            let answer = of.it?;
            let reply = &mut self.replies[0].reply;
            self.earlier_ms = reply.sound_ms();
            events.extend(answer.billed.map(|characters| reply.bill(characters)));
            self.reading = Some(Of { utterance: of.utterance, it: answer });
        }
        self.ask();
        Ok(events)
    }

    pub fn asks(&self) -> Option<UtteranceId> {
        self.asking.as_ref().map(|of| of.utterance)
    }

    pub fn waits(&self) -> Option<UtteranceId> {
        self.waiting.as_ref().map(|of| of.utterance)
    }

    pub fn reads(&self) -> Option<UtteranceId> {
        self.reading.as_ref().map(|of| of.utterance)
    }

    /// Ask for the next text, of a later reply only when nothing more can come of the earlier ones.
    fn ask(&mut self) {
        if self.asking.is_some() || self.waiting.is_some() {
            return;
        }
        for spoken in &mut self.replies {
            if let Some(text) = spoken.parts.next() {
                // The next part need not wait for this one: the answers are kept in order.
                spoken.parts.over();
                spoken.reply.say(&text, Instant::now());
                let asked = self.asked.clone();
                let it = Box::pin(async move { asked.ask(text).await });
                self.asking = Some(Of { utterance: spoken.reply.utterance, it });
                return;
            }
            if !spoken.reply.is_ended {
                return;
            }
        }
    }

    /// The next thing that happens; nothing is read while the reader of the events is slow. Safe to cancel.
    pub async fn next(&mut self, reads: bool) -> Step<A> {
        let vendor = self.asked.vendor();
        let asking = &mut self.asking;
        let reading = self.reading.as_mut().filter(|_| reads);
        tokio::select! {
            biased;
            answer = async { asking.as_mut().expect("guarded").it.as_mut().await }, if asking.is_some() => {
                Step::Answered(answer)
            }
            piece = async { timeout(IDLE_DEADLINE, reading.expect("guarded").it.response.chunk()).await }, if reading.is_some() => {
                match piece {
                    Ok(Ok(Some(piece))) => Step::Piece(piece),
                    Ok(Ok(None)) => Step::End,
                    Ok(Err(error)) => Step::Failed(http_failure(error)),
                    Err(_) => Step::Failed(halt(vendor)),
                }
            }
            else => std::future::pending().await,
        }
    }

    /// A request was answered.
    pub fn answered(&mut self, answer: Answered<A>) {
        if let Some(of) = self.asking.take() {
            self.waiting = Some(Of { utterance: of.utterance, it: answer });
        }
    }

    /// A piece of the answer that is read.
    pub fn take(&mut self, piece: &[u8]) -> Result<Vec<TtsEvent>, Failure> {
        let heard = self.reading.as_mut().map(|of| of.it.body.take(piece));
        self.hear(heard)
    }

    /// The answer that is read has ended.
    pub fn end(&mut self) -> Result<Vec<TtsEvent>, Failure> {
        let heard = self.reading.as_mut().map(|of| of.it.body.end());
        let events = self.hear(heard);
        self.reading = None;
        events
    }

    fn hear(
        &mut self,
        heard: Option<Result<Vec<Heard>, super::BodyError>>,
    ) -> Result<Vec<TtsEvent>, Failure> {
        let vendor = self.asked.vendor();
        let malformed = |error| Failure::new(FailureClass::Malformed, format!("{vendor}: {error}"));
        let heard = heard.transpose().map_err(malformed)?.unwrap_or_default();
        let earlier_ms = self.earlier_ms as u32;
        let Some(Spoken { reply, .. }) = self.replies.front_mut() else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        for heard in heard {
            match heard {
                Heard::Sound { hz, samples } => events.extend(reply.hear_samples(hz, samples)),
                Heard::Words(words) => {
                    let later = |word: WordMark| WordMark {
                        started_ms: word.started_ms.saturating_add(earlier_ms),
                        ended_ms: word.ended_ms.saturating_add(earlier_ms),
                        ..word
                    };
                    events.extend(reply.mark(words.into_iter().map(later).collect()));
                }
            }
        }
        Ok(events)
    }
}

fn halt(vendor: &str) -> Failure {
    Failure::new(FailureClass::TimedOut, format!("{vendor}: an answer came to a halt"))
}
