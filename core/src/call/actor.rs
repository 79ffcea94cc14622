//! The actor around a session: it owns the line's ends, the media clock, the timers and the vendors' streams, feeds
//! events in and carries commands out. It decides nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;
use vox_shared::wire::journal::JournalRecord;

use super::detector::Detector;
use super::meter::Lateness;
use super::outlets::{Heard, Outlets};
use crate::journal::CallJournal;
use crate::media::level::is_audible;
use crate::media::playout::{Carrier, Pacing, Queue};
use crate::media::recorder::{CallerTrack, Recorder};
use crate::media::trim::Trim;
use crate::provider::tts::{TtsEvent, TtsInput, UtteranceId, WordMark};
use crate::session::Session;
use crate::session::event::{Command, Event, Outcome, VoiceEvent};
use crate::transport::line::{LineIn, LineOut, Traits};
use crate::transport::socket::Ends;

/// The media clock's step.
pub const TICK: Duration = Duration::from_millis(20);
/// The line took no message for this long: it is dead.
const LINE_STALL: Duration = Duration::from_secs(2);
/// Audio waiting beyond this holds the voice back.
const QUEUE_LIMIT: Duration = Duration::from_secs(12);
/// A carrier that sends more than this ahead of real time is flooding.
const FLOOD_LIMIT: Duration = Duration::from_secs(10);
/// How long an echo of our mark is waited for before the clock alone decides that the caller has heard it.
const MARK_GRACE: Duration = Duration::from_secs(1);
/// Commands and events handled for one outer event; more would be a loop between session and actor.
const MAX_STEPS: usize = 10_000;

/// The parts of a call that the actor is made of.
pub struct Parts {
    pub session: Session,
    pub ends: Ends,
    pub traits: Traits,
    pub pacing: Pacing,
    pub rate_hz: u32,
    pub detector: Detector,
    pub recorder: Option<Recorder>,
    pub outlets: Outlets,
    pub journal: Arc<CallJournal>,
    pub drain: CancellationToken,
}

/// What the call leaves behind, with what only the actor knows.
#[derive(Debug)]
pub struct Ended {
    pub outcome: Outcome,
    pub lateness_p99_ms: f64,
    pub underruns: u64,
    pub stt_seconds: f64,
    pub recording: Option<crate::media::recorder::Finished>,
}

#[derive(Debug, Default)]
struct Speaking {
    utterance: UtteranceId,
    /// Samples sent to the line.
    sent: u64,
    /// Its first audible sample.
    audible_from: Option<u64>,
    /// All of it was sent and its end is not heard yet: the mark whose echo says so, and the media time from which the
    /// clock alone decides.
    mark: Option<(String, u64)>,
    complete: bool,
}

struct Actor {
    parts: Parts,
    began: Instant,
    tick: u64,
    queue: Queue,
    carrier: Carrier,
    track: CallerTrack,
    received: u64,
    /// Samples that the voice has given of its current utterance.
    arrived: (UtteranceId, u64),
    speaking: Speaking,
    /// The leading silence of the utterance that the voice gives now.
    trim: (UtteranceId, Trim),
    /// A fade is on its way: tell the carrier to stop when it is out.
    clear_due: bool,
    line_full_since: Option<Instant>,
    lateness: Lateness,
    underruns: u64,
    events: VecDeque<Event>,
    commands: Vec<Command>,
    outcome: Option<Box<Outcome>>,
}

/// Run a call whose line is answered, to its end.
pub async fn run(parts: Parts) -> Ended {
    let began = Instant::now();
    let rate_hz = parts.rate_hz;
    let mut actor = Actor {
        parts,
        began,
        tick: 0,
        queue: Queue::default(),
        carrier: Carrier::default(),
        track: CallerTrack::default(),
        received: 0,
        arrived: (UtteranceId::default(), 0),
        speaking: Speaking::default(),
        trim: (0, Trim::new(rate_hz)),
        clear_due: false,
        line_full_since: None,
        lateness: Lateness::default(),
        underruns: 0,
        events: VecDeque::from([Event::Answered]),
        commands: Vec::new(),
        outcome: None,
    };
    actor.settle();
    let mut ticks = interval_at(began, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut draining = false;
    while actor.outcome.is_none() {
        let deadline =
            actor.parts.session.next_deadline().map_or(began + Duration::from_secs(86_400), |d| began + d);
        let hear_voice = actor.queue.samples() < actor.samples(QUEUE_LIMIT);
        tokio::select! {
            biased;
            due = ticks.tick() => actor.on_tick(due),
            () = sleep_until(deadline) => actor.events.push_back(Event::Tick),
            message = actor.parts.ends.incoming.recv() => actor.on_line(message),
            heard = actor.parts.outlets.next(hear_voice) => actor.on_heard(heard),
            () = actor.parts.drain.cancelled(), if !draining => {
                draining = true;
                actor.events.push_back(Event::Drain);
            }
        }
        actor.settle();
    }
    actor.end().await
}

impl Actor {
    fn samples(&self, length: Duration) -> usize {
        (length.as_secs_f64() * f64::from(self.parts.rate_hz)).round() as usize
    }

    /// Media time of the running tick, samples.
    fn now_samples(&self) -> u64 {
        self.tick * u64::from(self.parts.rate_hz) / 50
    }

    /// Media time right now, between ticks, samples.
    fn elapsed_samples(&self) -> u64 {
        (self.began.elapsed().as_secs_f64() * f64::from(self.parts.rate_hz)) as u64
    }

    fn at(&self, samples: u64) -> Duration {
        Duration::from_secs_f64(samples as f64 / f64::from(self.parts.rate_hz))
    }

    /// Feed the session until neither side has anything left to say.
    fn settle(&mut self) {
        for _ in 0..MAX_STEPS {
            if self.commands.is_empty() {
                let Some(event) = self.events.pop_front() else { return };
                let now = self.began.elapsed();
                self.parts.session.on(now, event, &mut self.commands);
            }
            for command in std::mem::take(&mut self.commands) {
                self.carry_out(command);
            }
        }
        tracing::error!("session and actor talk in circles; the call goes on with the next event");
    }

    fn on_tick(&mut self, due: Instant) {
        let now = self.now_samples();
        if let Some(recorder) = &mut self.parts.recorder {
            recorder.advance(now);
        }
        let sent = self.send_due(now);
        if sent {
            self.lateness.add(due.elapsed());
        } else if self.clear_due && self.queue.samples() == 0 {
            self.clear_due = false;
            self.send(LineOut::Clear);
        } else if self.speaking.sent > 0 && !self.speaking.complete && self.carrier.ahead(now) == 0 {
            self.underruns += 1;
        }
        self.tick += 1;
        self.report_played(self.now_samples());
        if self.line_full_since.is_some_and(|since| since.elapsed() > LINE_STALL) {
            self.events.push_back(Event::LineFailed { why: "the line takes no more audio".into() });
        }
    }

    fn send_due(&mut self, now: u64) -> bool {
        let Pacing { chunk, lead } = self.parts.pacing;
        let mut sent = false;
        while self.carrier.ahead(now) < lead {
            let Some(next) = self.queue.take(chunk) else { break };
            let at = self.carrier.send(&next, now);
            if let Some(recorder) = &mut self.parts.recorder {
                recorder.bot(at, &next.pcm);
            }
            self.note_sent(&next, at);
            let ended = (next.last && next.samples > 0).then_some(next.utterance);
            self.send(LineOut::Audio(next.pcm));
            if let Some(utterance) = ended {
                self.mark_end(utterance, at + chunk as u64);
            }
            sent = true;
        }
        sent
    }

    /// The last of an utterance was sent, and is played until media time `until`. Its end counts as heard when the
    /// carrier echoes our mark; without marks when the frame that left just now has been played.
    fn mark_end(&mut self, utterance: UtteranceId, until: u64) {
        let name = format!("u{utterance}");
        let echoes = self.parts.traits.echoes_marks;
        let wait = self.samples(if echoes { MARK_GRACE } else { TICK }) as u64;
        self.speaking.mark = Some((name.clone(), until + wait));
        if echoes {
            self.send(LineOut::Mark(name));
        }
    }

    fn note_sent(&mut self, chunk: &crate::media::playout::Chunk, _at: u64) {
        if chunk.samples == 0 {
            return;
        }
        if self.speaking.utterance != chunk.utterance {
            self.speaking = Speaking { utterance: chunk.utterance, ..Speaking::default() };
        }
        if self.speaking.audible_from.is_none() {
            let frame = self.parts.rate_hz as usize / 50;
            let quiet = chunk.pcm.chunks(frame).take_while(|f| !is_audible(f)).count() * frame;
            if quiet < chunk.samples {
                self.speaking.audible_from = Some(self.speaking.sent + quiet as u64);
            }
        }
        self.speaking.sent += chunk.samples as u64;
        self.speaking.complete |= chunk.last;
    }

    /// Tell the session what has left for the caller's ear by media time `now`.
    fn report_played(&mut self, now: u64) {
        let rate = u64::from(self.parts.rate_hz);
        for (utterance, samples) in self.carrier.played(now) {
            let audible = self.speaking.utterance != utterance
                || self.speaking.audible_from.is_some_and(|from| samples > from);
            let whole = self.speaking.utterance == utterance
                && self.speaking.complete
                && samples >= self.speaking.sent;
            let waits = whole && self.speaking.mark.is_some();
            let played_ms = (samples * 1000 / rate).saturating_sub(u64::from(waits));
            let played_ms = u32::try_from(played_ms).unwrap_or(u32::MAX);
            self.events.push_back(Event::Played { utterance, played_ms, audible });
        }
        if self.speaking.mark.as_ref().is_some_and(|(_, by)| now >= *by) {
            self.mark_echoed();
        }
    }

    fn mark_echoed(&mut self) {
        self.speaking.mark = None;
        let played_ms = self.length_ms(self.speaking.sent as usize);
        self.events.push_back(Event::Played { utterance: self.speaking.utterance, played_ms, audible: true });
    }

    fn on_line(&mut self, message: Option<LineIn>) {
        use vox_shared::wire::result::DisconnectedBy;
        match message {
            Some(LineIn::Audio(pcm)) => self.on_audio(&pcm),
            Some(LineIn::Dtmf(digit)) => self.events.push_back(Event::Dtmf(digit)),
            Some(LineIn::Mark(name)) => {
                if self.speaking.mark.as_ref().is_some_and(|(waiting, _)| *waiting == name) {
                    self.mark_echoed();
                }
            }
            Some(LineIn::HungUp { by }) => self.events.push_back(Event::HungUp { by }),
            Some(LineIn::Violation(violation)) => {
                self.events.push_back(Event::LineFailed { why: violation.to_string() });
            }
            Some(LineIn::Ready(_) | LineIn::Answered) => {}
            None => self.events.push_back(Event::HungUp { by: DisconnectedBy::Customer }),
        }
    }

    fn on_audio(&mut self, pcm: &[i16]) {
        let now = self.elapsed_samples();
        self.received += pcm.len() as u64;
        if self.received > now + self.samples(FLOOD_LIMIT) as u64 {
            return self
                .events
                .push_back(Event::LineFailed { why: "audio comes faster than real time".into() });
        }
        let at = self.track.place(now, pcm.len() as u64, !is_audible(pcm), self.parts.rate_hz);
        if let (Some(recorder), Some(at)) = (&mut self.parts.recorder, at) {
            recorder.caller(at, pcm);
        }
        let ends_at = self.at(at.unwrap_or(now.saturating_sub(pcm.len() as u64)) + pcm.len() as u64);
        self.parts.outlets.hear(pcm);
        let mut windows = Vec::new();
        let speaking = self.parts.session.hears_speech();
        self.parts.detector.push(pcm, ends_at, speaking, &mut windows);
        self.events.extend(windows.into_iter().map(Event::Window));
    }

    fn on_heard(&mut self, heard: Heard) {
        let event = match heard {
            Heard::Stt(event) => Event::Stt(event),
            Heard::Llm(request, event) => Event::Llm { request, event },
            Heard::Voice(event) => return self.take_voice(event),
        };
        self.events.push_back(event);
    }

    /// Audio goes to the queue; the session learns its length.
    fn take_voice(&mut self, event: TtsEvent) {
        match event {
            TtsEvent::Ready => self.tell(VoiceEvent::Ready),
            TtsEvent::Audio { utterance, pcm } => {
                let pcm = self.trim(utterance).audio(&pcm);
                self.take_audio(utterance, &pcm);
                let words = self.trim(utterance).settled_words();
                self.take_words(utterance, words);
            }
            TtsEvent::Words { utterance, words } => {
                let words = self.trim(utterance).words(words);
                self.take_words(utterance, words);
            }
            TtsEvent::Done { utterance } => {
                let rest = self.trim(utterance).finish();
                self.take_audio(utterance, &rest);
                let words = self.trim(utterance).settled_words();
                self.take_words(utterance, words);
                self.queue.complete(utterance);
                self.tell(VoiceEvent::Done { utterance });
            }
            TtsEvent::Usage { characters } => self.tell(VoiceEvent::Usage { characters }),
            TtsEvent::Failed(failure) => self.tell(VoiceEvent::Failed(failure)),
        }
    }

    fn trim(&mut self, utterance: UtteranceId) -> &mut Trim {
        if self.trim.0 != utterance {
            self.trim = (utterance, Trim::new(self.parts.rate_hz));
        }
        &mut self.trim.1
    }

    fn take_audio(&mut self, utterance: UtteranceId, pcm: &[i16]) {
        if pcm.is_empty() || !self.parts.session.is_saying(utterance) {
            return;
        }
        self.queue.push(utterance, pcm);
        let ms = self.arrived_ms(utterance, pcm.len());
        self.tell(VoiceEvent::Audio { utterance, ms });
    }

    fn take_words(&mut self, utterance: UtteranceId, words: Vec<WordMark>) {
        if !words.is_empty() {
            self.tell(VoiceEvent::Words { utterance, words });
        }
    }

    fn tell(&mut self, event: VoiceEvent) {
        self.events.push_back(Event::Voice(event));
    }

    /// The length of a piece, such that the pieces' lengths add up to that of the whole: the end of an utterance is told
    /// from its last millisecond.
    fn arrived_ms(&mut self, utterance: UtteranceId, samples: usize) -> u32 {
        if self.arrived.0 != utterance {
            self.arrived = (utterance, 0);
        }
        let before = self.length_ms(self.arrived.1 as usize);
        self.arrived.1 += samples as u64;
        self.length_ms(self.arrived.1 as usize) - before
    }

    /// Whole milliseconds, rounded down.
    fn length_ms(&self, samples: usize) -> u32 {
        u32::try_from(samples as u64 * 1000 / u64::from(self.parts.rate_hz)).unwrap_or(u32::MAX)
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::OpenStt { provider, replay } => {
                let now = self.began.elapsed();
                if let Err(failure) = self.parts.outlets.open_stt(provider, replay, now) {
                    self.events.push_back(Event::Stt(crate::provider::stt::SttEvent::Failed(failure)));
                }
            }
            Command::FinalizeStt => self.parts.outlets.finalize_stt(),
            Command::Ask { request, provider, ask } => {
                if let Err(failure) = self.parts.outlets.ask(request, provider, *ask) {
                    let event = crate::provider::llm::LlmEvent::Failed(failure);
                    self.events.push_back(Event::Llm { request, event });
                }
            }
            Command::CancelAsk { request } => self.parts.outlets.cancel_ask(request),
            Command::OpenVoice { provider } => {
                let opened = self.parts.outlets.open_voice(provider);
                self.voice_result(opened);
            }
            Command::Say { utterance, text } => {
                let told = self.parts.outlets.tell_voice(TtsInput::Speak { utterance, text });
                self.voice_result(told);
            }
            Command::EndSay { utterance } => {
                let told = self.parts.outlets.tell_voice(TtsInput::End { utterance });
                self.voice_result(told);
            }
            Command::Phrase { utterance, text } => self.phrase(utterance, text),
            Command::StopSaying { utterance, fade } => self.stop_saying(utterance, fade),
            Command::JournalTurn(entry) => {
                let session_id = self.parts.journal.session_id().clone();
                self.parts.journal.note(&JournalRecord::Turn { session_id, entry });
            }
            Command::JournalEvent(event) => {
                let session_id = self.parts.journal.session_id().clone();
                self.parts.journal.note(&JournalRecord::Event { session_id, event });
            }
            Command::Notify(notice) => {
                // A watcher that does not read misses notices, never audio.
                let _missed = self.parts.ends.outgoing.try_send(LineOut::Notice(notice));
            }
            Command::HangUp { by } => self.send(LineOut::HangUp { by }),
            Command::Finish(outcome) => self.outcome = Some(outcome),
        }
    }

    fn voice_result(&mut self, result: Result<(), crate::provider::Failure>) {
        if let Err(failure) = result {
            self.events.push_back(Event::Voice(VoiceEvent::Failed(failure)));
        }
    }

    fn phrase(&mut self, utterance: UtteranceId, text: String) {
        let Some(clip) = self.parts.outlets.clip(&text) else {
            let asked = self.parts.outlets.synthesise_phrase(utterance, text);
            return self.voice_result(asked);
        };
        self.take_voice(TtsEvent::Words { utterance, words: clip.words });
        self.take_voice(TtsEvent::Audio { utterance, pcm: clip.pcm });
        self.take_voice(TtsEvent::Done { utterance });
    }

    fn stop_saying(&mut self, utterance: UtteranceId, fade: Duration) {
        self.parts.outlets.cancel_voice(utterance);
        self.carrier.forget(utterance);
        let now = self.elapsed_samples();
        let buffered = self.parts.traits.buffers && self.carrier.ahead(now) > 0;
        let fade = if self.parts.traits.buffers { 0 } else { self.samples(fade) };
        self.queue.stop(utterance, fade);
        if self.speaking.utterance == utterance {
            self.speaking.complete = true;
            self.speaking.mark = None;
        }
        if buffered {
            self.carrier.clear(now);
            if let Some(recorder) = &mut self.parts.recorder {
                recorder.clear_bot(now);
            }
            self.send(LineOut::Clear);
        } else {
            self.clear_due = self.speaking.utterance == utterance && self.speaking.sent > 0;
        }
    }

    /// Audio and control to the line, without waiting: the media clock must not stand still for a slow socket.
    fn send(&mut self, out: LineOut) {
        match self.parts.ends.outgoing.try_send(out) {
            Ok(()) => self.line_full_since = None,
            Err(TrySendError::Full(_)) => {
                self.line_full_since.get_or_insert_with(Instant::now);
            }
            Err(TrySendError::Closed(_)) => {}
        }
    }

    async fn end(self) -> Ended {
        let Actor { parts, began, lateness, underruns, outcome, .. } = self;
        let Parts { recorder, outlets, rate_hz, ends, .. } = parts;
        let now = (began.elapsed().as_secs_f64() * f64::from(rate_hz)) as u64;
        let estimate = outlets.stt_samples as f64 / f64::from(rate_hz);
        let finish = async {
            match recorder {
                Some(recorder) => tokio::task::spawn_blocking(move || recorder.finish(now)).await.ok(),
                None => None,
            }
        };
        let (recording, billed) = tokio::join!(finish, outlets.close());
        // Dropping the line's end tells the pump that nothing follows.
        drop(ends);
        Ended {
            outcome: *outcome.expect("the loop ends with an outcome"),
            lateness_p99_ms: lateness.quantile_ms(0.99),
            underruns,
            stt_seconds: billed.unwrap_or(estimate),
            recording,
        }
    }
}
