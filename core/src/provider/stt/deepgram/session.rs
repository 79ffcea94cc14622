//! One connection: audio up, results down, until the input ends (goodbye) or the vendor does (failure).

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::event::{Event, Results, parse_event};
use super::{SttEvent, SttInput};
use crate::provider::egress::{Incoming, WebSocket};
use crate::provider::outlet::Outlet;
use crate::provider::{Failure, FailureClass};

/// Deepgram closes after 10 s without audio or keep-alive and advises one every 3 to 5 s.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// `Finalize` may stay unanswered when little audio was buffered; then it is answered here. Below the session's own wait for a
/// transcript, so that the session gets an answer and need not guess.
pub(super) const FINALIZE_WAIT: Duration = Duration::from_millis(700);
/// How long the vendor may take to say its last words and the seconds billed.
const GOODBYE_WAIT: Duration = Duration::from_millis(500);
/// Messages in a row that cannot be understood before the stream counts as broken.
pub(super) const MALFORMED_MAX: u32 = 5;

/// Serve an open connection to its end.
pub(super) async fn run(
    socket: WebSocket,
    mut input: mpsc::Receiver<SttInput>,
    events: mpsc::Sender<SttEvent>,
) {
    let mut session = Session {
        socket,
        outlet: Outlet::new(events),
        heard: Heard::default(),
        keep_alive_at: Instant::now() + KEEP_ALIVE,
        finalize_until: None,
        malformed: 0,
    };
    session.outlet.push(SttEvent::Ready);
    let Err(end) = session.serve(&mut input).await;
    match end {
        End::ReaderGone => session.socket.close().await,
        End::InputOver => session.goodbye().await,
        End::Failed(failure) => session.outlet.finish(Some(SttEvent::Failed(failure))).await,
    }
}

enum End {
    InputOver,
    ReaderGone,
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What ends a wait of the session.
enum Woken {
    Input(Option<SttInput>),
    Message(Result<Incoming, Failure>),
    Delivered,
    KeepAlive,
    FinalizeLate,
}

struct Session {
    socket: WebSocket,
    outlet: Outlet<SttEvent>,
    heard: Heard,
    keep_alive_at: Instant,
    finalize_until: Option<Instant>,
    malformed: u32,
}

impl Session {
    async fn serve(&mut self, input: &mut mpsc::Receiver<SttInput>) -> Result<std::convert::Infallible, End> {
        loop {
            let finalize_at = self.finalize_until.unwrap_or(self.keep_alive_at);
            let woken = tokio::select! {
                input = input.recv() => Woken::Input(input),
                message = self.socket.next(), if self.outlet.is_empty() => Woken::Message(message),
                delivered = self.outlet.run() => delivered.map(|()| Woken::Delivered).map_err(|_| End::ReaderGone)?,
                () = sleep_until(self.keep_alive_at) => Woken::KeepAlive,
                () = sleep_until(finalize_at), if self.finalize_until.is_some() => Woken::FinalizeLate,
            };
            match woken {
                Woken::Input(None) => return Err(End::InputOver),
                Woken::Input(Some(input)) => self.send(input).await?,
                Woken::Message(message) => self.take(message?)?,
                Woken::Delivered => {}
                Woken::KeepAlive => {
                    self.socket.send_text(r#"{"type":"KeepAlive"}"#).await?;
                    self.keep_alive_at = Instant::now() + KEEP_ALIVE;
                }
                Woken::FinalizeLate => self.answer_finalize(),
            }
        }
    }

    async fn send(&mut self, input: SttInput) -> Result<(), Failure> {
        match input {
            // An empty binary message means the end of the stream to Deepgram.
            SttInput::Audio(samples) if samples.is_empty() => return Ok(()),
            SttInput::Audio(samples) => {
                let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
                self.socket.send_binary(bytes).await?;
            }
            SttInput::Finalize => {
                self.socket.send_text(r#"{"type":"Finalize"}"#).await?;
                self.finalize_until = Some(Instant::now() + FINALIZE_WAIT);
            }
        }
        self.keep_alive_at = Instant::now() + KEEP_ALIVE;
        Ok(())
    }

    /// The vendor owes an answer to `Finalize`. With an interim still open its words are to come, so the answer waits for them.
    fn answer_finalize(&mut self) {
        self.finalize_until = None;
        if !self.heard.is_open() {
            self.outlet.push(SttEvent::Final {
                text: String::new(),
                confidence: None,
                words: Vec::new(),
                from_finalize: true,
                utterance_end: false,
            });
        }
    }

    fn take(&mut self, message: Incoming) -> Result<(), Failure> {
        match message {
            Incoming::Text(text) => self.take_text(text.as_str()),
            Incoming::Binary(_) => self.count_malformed("a binary message"),
            Incoming::Closed { code, reason } => Err(close_failure(code, &reason)),
        }
    }

    fn take_text(&mut self, text: &str) -> Result<(), Failure> {
        match parse_event(text) {
            Ok(Event::Error { variant }) => {
                tracing::warn!(provider = "deepgram", variant, "the vendor did not understand a message");
                Ok(())
            }
            Ok(event) => {
                self.malformed = 0;
                if matches!(&event, Event::Results(results) if results.from_finalize) {
                    self.finalize_until = None;
                }
                if let Some(event) = self.heard.take(event) {
                    self.outlet.push(event);
                }
                Ok(())
            }
            Err(error) => self.count_malformed(&error.to_string()),
        }
    }

    fn count_malformed(&mut self, what: &str) -> Result<(), Failure> {
        self.malformed += 1;
        tracing::warn!(provider = "deepgram", what, count = self.malformed, "a message was not understood");
        if self.malformed < MALFORMED_MAX {
            return Ok(());
        }
        Err(Failure::new(FailureClass::Malformed, format!("deepgram sends what it should not: {what}")))
    }

    /// Close politely and pass on the last words and the seconds billed.
    async fn goodbye(mut self) {
        let deadline = Instant::now() + GOODBYE_WAIT;
        if self.socket.send_text(r#"{"type":"CloseStream"}"#).await.is_ok() {
            while let Ok(Ok(Incoming::Text(text))) = timeout_at(deadline, self.socket.next()).await {
                if self.take_text(text.as_str()).is_err() {
                    break;
                }
            }
        }
        self.socket.close().await;
        self.outlet.finish(None).await;
    }
}

/// What a connection has transcribed so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Up to where the words will not change, seconds.
    final_until: f64,
    /// An interim with words has not been followed by its final.
    open: bool,
    /// `speech_final` came since the last utterance's end.
    ended: bool,
}

/// Slack when comparing times that the vendor computed in single precision, seconds.
const SLACK: f64 = 0.01;

impl Heard {
    /// Whether words are known that are not final.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// What an event of the vendor means for the reader.
    pub(super) fn take(&mut self, event: Event) -> Option<SttEvent> {
        match event {
            Event::Results(results) if results.is_final => self.take_final(results),
            Event::Results(results) => self.take_interim(results),
            Event::UtteranceEnd => {
                // Only news when endpointing did not see the end itself, as in noise.
                let known = std::mem::take(&mut self.ended);
                (!known).then_some(SttEvent::UtteranceEnd)
            }
            Event::SpeechStarted { at_ms } => Some(SttEvent::SpeechStarted { at_ms }),
            Event::Metadata { seconds } => Some(SttEvent::Usage { seconds }),
            Event::Error { .. } | Event::Other => None,
        }
    }

    fn take_interim(&mut self, results: Results) -> Option<SttEvent> {
        let stale = results.start + results.duration <= self.final_until + SLACK && self.final_until > 0.0;
        if stale {
            return None;
        }
        if results.text.is_empty() {
            // It hears sound and no words: a sign of life.
            return Some(SttEvent::Partial { text: String::new() });
        }
        self.open = true;
        self.ended = false;
        Some(SttEvent::Partial { text: results.text })
    }

    fn take_final(&mut self, mut results: Results) -> Option<SttEvent> {
        let end = results.start + results.duration;
        let repeated = results.start + SLACK < self.final_until && end <= self.final_until + SLACK;
        if repeated {
            results = Results { text: String::new(), words: Vec::new(), confidence: None, ..results };
        } else {
            self.final_until = self.final_until.max(end);
            self.open = false;
        }
        let silent = results.text.is_empty();
        if !silent || results.speech_final {
            self.ended = results.speech_final;
        }
        if silent && !results.from_finalize && !results.speech_final {
            return (!repeated).then(|| SttEvent::Partial { text: String::new() });
        }
        Some(SttEvent::Final {
            confidence: results.confidence.filter(|_| !silent),
            text: results.text,
            words: results.words,
            from_finalize: results.from_finalize,
            utterance_end: results.speech_final,
        })
    }
}

fn close_failure(code: Option<u16>, reason: &str) -> Failure {
    let class = match code {
        // DATA-0000: the audio cannot be decoded. Trying again with the same settings is no use.
        Some(1002 | 1003 | 1007 | 1008) => FailureClass::Refused,
        Some(1009) => FailureClass::Malformed,
        _ => FailureClass::Unavailable,
    };
    let code = code.map_or("no code".to_owned(), |code| code.to_string());
    Failure::new(class, format!("deepgram closed the stream: {code} {reason}").trim_end().to_owned())
}
