//! A stream over questions and answers: segments are asked for as soon as they are over, their words are told in the order in which
//! they were said, and one that goes on is looked at now and then.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::sync::mpsc;
use vox_shared::wire::result::Word;

use super::super::fit::Fit;
use super::super::owed::nothing_more;
use super::super::{SttEvent, SttInput};
use super::answer::Transcript;
use super::ask::Server;
use super::segments::{Change, Cuts, Segment, Segmenter};
use crate::provider::Failure;
use crate::provider::outlet::Outlet;

/// Segments whose words are not there yet; with so many nothing more is taken.
const WAITING_MOST: usize = 4;
/// What Whisper was made for.
pub(super) const RATE_HZ: u32 = 16_000;

type Answer = Pin<Box<dyn Future<Output = Result<Transcript, Failure>> + Send>>;

/// What an answer will be told as.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    began_ms: u64,
    sent_s: f64,
    /// Silence followed.
    is_end: bool,
    /// It answers a request for the final words.
    asked: bool,
}

/// The state of one stream.
pub(super) struct Listener {
    server: Server,
    fit: Fit,
    segmenter: Segmenter,
    answers: FuturesOrdered<Answer>,
    awaited: VecDeque<Awaited>,
    look: Option<Answer>,
    billed_s: f64,
}

/// What ends a wait.
enum Woken {
    Input(Option<SttInput>),
    Words(Option<Result<Transcript, Failure>>),
    Look(Result<Transcript, Failure>),
    Delivered,
    ReaderGone,
}

impl Listener {
    pub fn new(server: Server, rate_hz: u32, cuts: Cuts) -> Self {
        let fit = Fit::new(rate_hz, &[RATE_HZ]);
        Self {
            segmenter: Segmenter::new(fit.rate_hz(), cuts),
            fit,
            server,
            answers: FuturesOrdered::new(),
            awaited: VecDeque::new(),
            look: None,
            billed_s: 0.0,
        }
    }

    /// Serve until the input ends, the reader goes or the server fails.
    pub async fn run(mut self, mut input: mpsc::Receiver<SttInput>, events: mpsc::Sender<SttEvent>) {
        let greeted = tokio::select! {
            greeted = self.server.greet() => greeted,
            () = events.closed() => return,
        };
        let mut outlet = Outlet::new(events);
        let last = match greeted {
            Ok(()) => {
                outlet.push(SttEvent::Ready);
                self.serve(&mut input, &mut outlet).await
            }
            Err(failure) => Some(failure),
        };
        outlet.finish(last.map(SttEvent::Failed)).await;
    }

    async fn serve(
        &mut self,
        input: &mut mpsc::Receiver<SttInput>,
        outlet: &mut Outlet<SttEvent>,
    ) -> Option<Failure> {
        loop {
            let takes = self.awaited.len() < WAITING_MOST;
            let tells = outlet.is_empty();
            let (waits, has_look) = (!self.answers.is_empty(), self.look.is_some());
            let (answers, look) = (&mut self.answers, &mut self.look);
            let woken = tokio::select! {
                next = input.recv(), if takes => Woken::Input(next),
                answer = answers.next(), if tells && waits => Woken::Words(answer),
                answer = looked(look.as_mut()), if tells && has_look => Woken::Look(answer),
                delivered = outlet.run() => if delivered.is_ok() { Woken::Delivered } else { Woken::ReaderGone },
            };
            match woken {
                Woken::Input(None) | Woken::ReaderGone => return None,
                Woken::Input(Some(SttInput::Audio(samples))) => self.hear(&samples, outlet),
                Woken::Input(Some(SttInput::Finalize)) => self.finalize(outlet),
                Woken::Words(Some(Ok(transcript))) => self.words(transcript, outlet),
                Woken::Words(Some(Err(failure))) => return Some(failure),
                Woken::Words(None) | Woken::Delivered => {}
                Woken::Look(answer) => {
                    self.look = None;
                    if let Some(failure) = self.glimpse(answer, outlet) {
                        return Some(failure);
                    }
                }
            }
        }
    }

    fn hear(&mut self, samples: &[i16], outlet: &mut Outlet<SttEvent>) {
        let fitted = self.fit.fit(samples).into_owned();
        for change in self.segmenter.push(&fitted) {
            match change {
                Change::Began { at_ms } => outlet.push(SttEvent::SpeechStarted { at_ms }),
                Change::Over { segment, by_silence } => self.ask(segment, (by_silence, false)),
            }
        }
        if self.look.is_none()
            && let Some(segment) = self.segmenter.look()
        {
            self.look = Some(self.question(segment));
        }
    }

    /// The words of what is open, else of what is on its way, else there are none.
    fn finalize(&mut self, outlet: &mut Outlet<SttEvent>) {
        if let Some(segment) = self.segmenter.finish() {
            self.ask(segment, (false, true));
        } else if let Some(last) = self.awaited.back_mut() {
            last.asked = true;
        } else {
            outlet.push(nothing_more());
        }
    }

    fn ask(&mut self, segment: Segment, (is_end, asked): (bool, bool)) {
        // What it looked like so far does not matter any more.
        self.look = None;
        let sent_s = segment.pcm.len() as f64 / f64::from(self.fit.rate_hz());
        self.awaited.push_back(Awaited { began_ms: segment.began_ms, sent_s, is_end, asked });
        let question = self.question(segment);
        self.answers.push_back(question);
    }

    fn question(&self, segment: Segment) -> Answer {
        let (server, rate_hz) = (self.server.clone(), self.fit.rate_hz());
        Box::pin(async move { server.transcribe(&segment, rate_hz).await })
    }

    fn words(&mut self, transcript: Transcript, outlet: &mut Outlet<SttEvent>) {
        let Some(awaited) = self.awaited.pop_front() else { return };
        self.billed_s += transcript.seconds.unwrap_or(awaited.sent_s);
        if transcript.text.is_empty() && !awaited.asked {
            // A sound without words; what was seen of it is taken back.
            outlet.push(SttEvent::Partial { text: String::new() });
        } else {
            outlet.push(SttEvent::Final {
                utterance_end: awaited.is_end && !transcript.text.is_empty(),
                text: transcript.text,
                confidence: transcript.confidence,
                words: placed(transcript.words, awaited.began_ms),
                from_finalize: awaited.asked,
            });
        }
        outlet.push(SttEvent::Usage { seconds: self.billed_s });
    }

    /// A look that failed is none; only what will not pass ends the stream.
    fn glimpse(
        &mut self,
        answer: Result<Transcript, Failure>,
        outlet: &mut Outlet<SttEvent>,
    ) -> Option<Failure> {
        match answer {
            Ok(transcript) => {
                self.billed_s += transcript.seconds.unwrap_or_default();
                outlet.push(SttEvent::Partial { text: transcript.text });
                None
            }
            Err(failure) if failure.class.is_transient() => {
                tracing::debug!(%failure, "a segment could not be looked at before its end");
                None
            }
            Err(failure) => Some(failure),
        }
    }
}

async fn looked(look: Option<&mut Answer>) -> Result<Transcript, Failure> {
    match look {
        Some(answer) => answer.await,
        None => std::future::pending().await,
    }
}

/// Words on the stream's clock.
fn placed(words: Vec<Word>, began_ms: u64) -> Vec<Word> {
    let place = |word: Word| Word {
        started_ms: word.started_ms + began_ms,
        ended_ms: word.ended_ms + began_ms,
        ..word
    };
    words.into_iter().map(place).collect()
}
