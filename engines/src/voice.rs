//! The flite engine: takes orders on one thread, speaks them on the other.

mod orders;
mod script;
mod sentence;

use std::ffi::CString;
use std::path::Path;
use std::thread;

use vox_engines::message::{Failure, FailureKind, MAX_TEXT_BYTES, Readiness, Reply, Request, WordTime};
use vox_engines::{EngineInfo, EngineKind, FliteVoice};

use crate::ffi::Missing;
use crate::ffi::flite::{Flite, Flow, Sink, Token};
use crate::pipe::{Pipes, Replies, Requests, bad_request};
use orders::{Order, Orders};
use script::Word;

/// Longest piece of audio in one reply, milliseconds, so that a cancel finds little in the pipe.
const AUDIO_MS: u32 = 100;

/// flite's own version macro is not in the library; its soname stands for this interface.
const VERSION: &str = "2.x (libflite.so.1)";

/// Load every voice once and say what was found.
pub fn check(library_dir: Option<&Path>) -> Result<EngineInfo, Failure> {
    let voices = [FliteVoice::Kal8k, FliteVoice::Slt16k].map(FliteVoice::name);
    let mut libraries = Vec::new();
    for voice in voices {
        libraries
            .extend(Flite::load(voice, library_dir).map_err(|error| not_installed(&error))?.library_names());
    }
    libraries.sort();
    libraries.dedup();
    Ok(EngineInfo {
        kind: EngineKind::Flite,
        version: VERSION.to_owned(),
        libraries,
        voices: voices.map(str::to_owned).to_vec(),
        model_dir: None,
    })
}

/// Speak what the client orders until it closes its end.
pub fn run(voice: FliteVoice, library_dir: Option<&Path>, pipes: &mut Pipes) -> Result<(), Failure> {
    let mut flite = Flite::load(voice.name(), library_dir).map_err(|error| not_installed(&error))?;
    let Pipes { requests, replies } = pipes;
    // The client is gone when a reply cannot be written; that is an end like any other.
    if replies.send(&Reply::Ready(Readiness::default())).is_err() {
        return Ok(());
    }
    let orders = Orders::default();
    thread::scope(|scope| {
        // The reader may still wait in its read when speaking ends because the client is gone; the process
        // ends then without it.
        scope.spawn(|| take_orders(requests, &orders));
        speak_orders(&mut flite, &orders, replies)
    })
}

fn take_orders(requests: &mut Requests, orders: &Orders) {
    loop {
        let failure = match requests.next() {
            Ok(Some(Request::Synthesise { id, text })) => match orders.add(Order { id, text }) {
                Ok(()) => continue,
                Err(orders::Full) => bad_request("too many texts are waiting"),
            },
            Ok(Some(Request::Cancel { id })) => {
                orders.cancel(id);
                continue;
            }
            Ok(Some(_)) => bad_request("a voice takes no audio"),
            Ok(None) => return orders.close(Ok(())),
            Err(failure) => failure,
        };
        return orders.close(Err(failure));
    }
}

fn speak_orders(flite: &mut Flite, orders: &Orders, replies: &mut Replies) -> Result<(), Failure> {
    while let Some(order) = orders.next()? {
        let reply = match speak(flite, &order, orders, replies) {
            Ok(()) => Reply::Done { id: order.id },
            Err(failure) => Reply::Failed(failure),
        };
        if replies.send(&reply).is_err() {
            // Nobody listens: end now, though the reader may still wait for the client's end of the pipe.
            std::process::exit(0);
        }
    }
    Ok(())
}

/// Speak one text, sentence by sentence, so that audio starts after the first of them.
fn speak(flite: &mut Flite, order: &Order, orders: &Orders, replies: &mut Replies) -> Result<(), Failure> {
    let failed = |kind, message: &str| Failure { id: Some(order.id), kind, message: message.to_owned() };
    if order.text.len() > MAX_TEXT_BYTES {
        return Err(failed(FailureKind::BadRequest, "the text is too long"));
    }
    let words = script::words(&order.text);
    if !words.is_empty() && words.iter().all(Word::is_silent) {
        return Err(failed(FailureKind::BadRequest, "the text has nothing that an English voice can speak"));
    }
    let mut mouth =
        Mouth { id: order.id, orders, replies, sentence: &[], pcm: Vec::new(), rate: 0, spoken: 0 };
    for sentence in sentence::split(&words) {
        if orders.is_cancelled() {
            break;
        }
        mouth.sentence = sentence;
        if sentence.iter().all(Word::is_silent) {
            mouth.tokens(Vec::new());
            continue;
        }
        let text = CString::new(script::spoken_text(sentence)).expect("spoken text is printable ASCII");
        flite
            .speak(&text, &mut mouth)
            .map_err(|_| failed(FailureKind::Engine, "flite could not make sense of the text"))?;
    }
    mouth.flush();
    Ok(())
}

/// Sends what flite yields for one order.
struct Mouth<'a> {
    id: u64,
    orders: &'a Orders,
    replies: &'a mut Replies,
    sentence: &'a [Word],
    pcm: Vec<i16>,
    rate: u32,
    /// Samples that flite yielded for this order so far.
    spoken: u64,
}

impl Mouth<'_> {
    /// Milliseconds of this order's audio before the current sentence.
    fn offset_ms(&self) -> u32 {
        let ms = self.spoken * 1000 / u64::from(self.rate.max(1));
        u32::try_from(ms).unwrap_or(u32::MAX)
    }

    fn flush(&mut self) {
        if self.pcm.is_empty() {
            return;
        }
        let pcm = std::mem::take(&mut self.pcm);
        self.send(&Reply::Spoken { id: self.id, rate: self.rate, pcm });
    }

    fn send(&mut self, reply: &Reply) {
        if self.replies.send(reply).is_err() {
            self.orders.close(Ok(()));
        }
    }
}

impl Sink for Mouth<'_> {
    fn tokens(&mut self, tokens: Vec<Token>) {
        self.flush();
        let words: Vec<WordTime> = script::align(self.sentence, &tokens, self.offset_ms());
        self.send(&Reply::Words { id: self.id, words });
    }

    fn audio(&mut self, rate: u32, pcm: &[i16]) -> Flow {
        if self.orders.is_cancelled() {
            self.pcm.clear();
            return Flow::Stop;
        }
        // The first piece leaves at once: it is what the caller waits for.
        let first = self.spoken == 0;
        self.rate = rate;
        self.spoken += pcm.len() as u64;
        let whole = (rate * AUDIO_MS / 1000).max(1) as usize;
        let mut rest = pcm;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(whole - self.pcm.len()));
            self.pcm.extend_from_slice(piece);
            rest = after;
            if first || self.pcm.len() >= whole {
                self.flush();
            }
        }
        Flow::Continue
    }
}

fn not_installed(error: &Missing) -> Failure {
    Failure { id: None, kind: FailureKind::NotInstalled, message: error.to_string() }
}
