//! The actor around a session: it owns the line's ends, the media clock, the timers and the vendors' streams, feeds
//! events in and carries commands out. It decides nothing.

mod consulting;
mod ending;
mod hearing;
mod saying;
mod screening;
mod standing;
mod succession;
mod supervision;
mod telling;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use vox_shared::wire::result::DisconnectedBy;
use vox_shared::wire::supervision::SeatGiven;

use super::detector::Detector;
use super::ears::Ears;
use super::meter::Lateness;
use super::mouth::{Given, LineSound, Mouth, Order};
use super::orders::{Placed, Verdict};
use super::record::Ended;
use super::screener::{Screener, Watched};
use super::successor::Successors;
use super::switch::Switch;
use super::tools::Tools;
use super::veil::Veil;
use super::vendors::{Heard, Vendors};
use crate::courier::live::{Fact, Teller};
use crate::journal::CallJournal;
use crate::media::beep::Beeps;
use crate::media::playout::Pacing;
use crate::media::recorder::{CallerTrack, Recorder};
use crate::provider::stt::SttEvent;
use crate::provider::tts::TtsInput;
use crate::provider::{Failure, FailureClass};
use crate::session::Session;
use crate::session::event::{Command, Event, OrderId, Outcome, VoiceEvent};
use crate::transport::line::{Aside, LineOut, Traits};
use crate::transport::socket::Ends;

/// The media clock's step.
pub const TICK: Duration = Duration::from_millis(20);
/// With nothing to play the clock only keeps the recording's memory small: once in so many steps.
const IDLE_TICKS: u64 = 25;
/// What was used is told to a session that has a limit of money once in so many steps, a second.
const METER_TICKS: u64 = 50;
/// No call lasts this long; a deadline for when nothing is armed.
const FAR: Duration = Duration::from_secs(86_400);
/// The line took no message for this long: it is dead.
const LINE_STALL: Duration = Duration::from_secs(2);
/// A carrier that sends more than this ahead of real time is flooding.
const FLOOD_LIMIT: Duration = Duration::from_secs(10);
/// Commands and events handled for one outer event; more would be a loop between session and actor.
const MAX_STEPS: usize = 10_000;

/// The parts of a call that the actor is made of.
pub struct Parts {
    pub session: Session,
    pub ends: Ends,
    /// The carrier, where it is asked beside the line.
    pub switch: Switch,
    pub traits: Traits,
    pub pacing: Pacing,
    pub rate_hz: u32,
    pub detector: Detector,
    pub recorder: Option<Recorder>,
    pub vendors: Vendors,
    /// Beside the caller's.
    pub ears: Ears,
    pub tools: Tools,
    /// Other bots that may go on with the call.
    pub successors: Successors,
    pub journal: Arc<CallJournal>,
    /// Over all that is told of the conversation.
    pub veil: Veil,
    /// To whoever watches from outside.
    pub live: Teller,
    /// The media time at which it begins here.
    pub since: Duration,
    /// From the dial to the answer, where the line saw it ring.
    pub rang: Option<Duration>,
    /// Another worker may have to go on with it: how it stands is journalled.
    pub tallies: bool,
    /// From whoever is outside.
    pub orders: Receiver<Placed>,
    pub drain: CancellationToken,
}

struct Actor {
    parts: Parts,
    began: Instant,
    /// Steps of the media clock that are behind us.
    tick: u64,
    mouth: Mouth,
    /// What the mouth gave and is not carried out yet.
    given: Given,
    track: CallerTrack,
    /// Where the bot asks for them, and nobody else hears them.
    beeps: Option<Beeps>,
    /// Of a call that was placed, where the bot asks for it.
    screener: Option<Screener>,
    /// For whoever waits; without it the line has its own.
    hold_music: Option<Arc<[i16]>>,
    /// Until when there is a recording, samples, if it ended before the call.
    recorded_until: Option<u64>,
    received: u64,
    /// When the newest of it came, samples.
    arrived: u64,
    line_full_since: Option<Instant>,
    lateness: Lateness,
    /// Who waits for what the session says to an order.
    asking: HashMap<OrderId, oneshot::Sender<Verdict>>,
    /// Whoever has taken the call is heard until then, samples: nobody else is written down beside them.
    third_until: u64,
    /// The seat that one of them asked for, which the session is being told of.
    given_seat: Option<(OrderId, Box<SeatGiven>)>,
    newest_order: OrderId,
    events: VecDeque<Event>,
    commands: Vec<Command>,
    /// The last word to the line; it waits for room there.
    hang_up: Option<DisconnectedBy>,
    outcome: Option<Box<Outcome>>,
}

/// Run a call whose line is answered, to its end.
pub async fn run(parts: Parts) -> Ended {
    let now = Instant::now();
    // The media clock goes on where another worker had the call before.
    let began = now.checked_sub(parts.since).unwrap_or(now);
    let (Traits { buffers, echoes_marks, .. }, rate_hz) = (parts.traits, parts.rate_hz);
    let mouth = Mouth::new(LineSound { rate_hz, pacing: parts.pacing, buffers, echoes_marks });
    let answering = parts.session.answering();
    let call = Watched { language: parts.session.language(), rate_hz, since: parts.since, rang: parts.rang };
    let screener = answering.and_then(|of| Screener::new(of, call));
    let beeps = (parts.session.wants_beeps() && screener.is_none()).then(|| Beeps::new(rate_hz));
    let mut actor = Actor {
        parts,
        beeps,
        screener,
        began,
        tick: step_at(began.elapsed()),
        mouth,
        given: Given::default(),
        track: CallerTrack::default(),
        hold_music: None,
        recorded_until: None,
        received: samples_at(began.elapsed(), rate_hz),
        arrived: 0,
        line_full_since: None,
        lateness: Lateness::default(),
        asking: HashMap::new(),
        third_until: 0,
        given_seat: None,
        newest_order: 0,
        events: VecDeque::from([Event::Answered]),
        commands: Vec::new(),
        hang_up: None,
        outcome: None,
    };
    if let Some(standing) = actor.parts.vendors.lookout.news(began) {
        actor.events.push_front(Event::Standing(Box::new(standing)));
    }
    let since = actor.parts.since;
    actor.parts.live.tell(if since.is_zero() { Fact::Connected } else { Fact::GoesOn { since } });
    actor.settle();
    let mut draining = false;
    let mut wake = std::pin::pin!(sleep_until(now));
    while actor.outcome.is_none() {
        // Arming a timer anew costs the runtime two system calls: only when it changed.
        let deadline = actor.next_deadline();
        if wake.deadline() != deadline {
            wake.as_mut().reset(deadline);
        }
        let hear_voice = !actor.mouth.is_full();
        tokio::select! {
            biased;
            () = wake.as_mut() => actor.on_time(),
            message = actor.parts.ends.incoming.recv(), if !actor.parts.switch.is_waiting() => {
                actor.on_line(message);
            }
            answer = actor.parts.switch.next() => actor.events.extend(answer.into_iter().flatten()),
            heard = actor.parts.vendors.next(hear_voice) => actor.on_heard(heard),
            event = actor.parts.ears.next() => actor.events.push_back(event),
            Some(placed) = actor.parts.orders.recv() => actor.on_order(placed),
            event = actor.parts.tools.next() => actor.events.push_back(event),
            () = screening::answered(actor.screener.as_mut()) => {}
            answer = actor.parts.successors.next() => actor.on_bot(answer),
            () = actor.parts.drain.cancelled(), if !draining => {
                draining = true;
                actor.events.push_back(Event::Drain);
            }
        }
        actor.settle();
        actor.begin_at_once();
        actor.look_at_screener();
        actor.settle();
    }
    // Once per call: the whole of it is moved there.
    Box::pin(actor.end()).await
}

/// What the session can ask for and no vendor or line gives. No config leads there.
fn not_built(what: &str) -> Failure {
    Failure::new(FailureClass::NotInstalled, what)
}

/// Steps of the media clock that have passed by then.
fn step_at(elapsed: Duration) -> u64 {
    (elapsed.as_millis() / TICK.as_millis()) as u64
}

/// Samples that have passed by then.
fn samples_at(elapsed: Duration, rate_hz: u32) -> u64 {
    (elapsed.as_secs_f64() * f64::from(rate_hz)) as u64
}

impl Actor {
    fn samples(&self, length: Duration) -> usize {
        (length.as_secs_f64() * f64::from(self.parts.rate_hz)).round() as usize
    }

    /// Media time of the last step, samples.
    fn now_samples(&self) -> u64 {
        self.tick * u64::from(self.parts.rate_hz) / 50
    }

    /// Media time right now, between steps, samples.
    fn elapsed_samples(&self) -> u64 {
        samples_at(self.began.elapsed(), self.parts.rate_hz)
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

    /// When the actor has to act by itself: for the session, or for the media clock.
    fn next_deadline(&self) -> Instant {
        let session = self.parts.session.next_deadline().unwrap_or(FAR);
        self.began + session.min(self.next_tick())
    }

    /// The next step of the media clock that matters.
    fn next_tick(&self) -> Duration {
        let plays = self.line_full_since.is_some() || self.mouth.is_busy(self.now_samples());
        let steps = if plays { 1 } else { IDLE_TICKS };
        TICK * u32::try_from(self.tick + steps).unwrap_or(u32::MAX)
    }

    fn on_time(&mut self) {
        let elapsed = self.began.elapsed();
        if elapsed >= self.next_tick() {
            self.on_tick(elapsed);
        }
        if self.parts.session.next_deadline().is_some_and(|deadline| elapsed >= deadline) {
            self.events.push_back(Event::Tick);
        }
    }

    /// A step of the media clock; steps that were missed are gone, as they are for the caller.
    fn on_tick(&mut self, elapsed: Duration) {
        let before = self.tick;
        self.tick = step_at(elapsed);
        let now = self.now_samples();
        if before / METER_TICKS != self.tick / METER_TICKS && self.parts.session.is_metered() {
            self.events.push_back(Event::Metered {
                usage: self.parts.vendors.metered(self.parts.ears.heard_so_far()),
            });
        }
        self.advance_recording(now);
        if self.mouth.step(now, &mut self.given) {
            for step in before + 1..=self.tick {
                self.lateness.add(elapsed - TICK * u32::try_from(step).unwrap_or(u32::MAX));
            }
        }
        self.take_given();
        if self.parts.ends.outgoing.capacity() > 0 {
            self.line_full_since = None;
        }
        if self.line_full_since.is_some_and(|since| since.elapsed() > LINE_STALL) {
            self.events.push_back(Event::LineFailed { why: "the line takes no more audio".into() });
        }
    }

    /// Sound for a line that plays nothing does not wait for the clock's next step.
    fn begin_at_once(&mut self) {
        let now = self.elapsed_samples();
        if self.outcome.is_none() && self.mouth.may_begin(now) {
            self.tick = step_at(self.began.elapsed());
            if self.mouth.begin(now, &mut self.given) {
                self.take_given();
                self.settle();
            }
        }
    }

    fn on_heard(&mut self, heard: Heard) {
        let event = match heard {
            Heard::Stt(event) => {
                if let Some(screener) = &mut self.screener {
                    screener.understand(&event);
                }
                Event::Stt(event)
            }
            Heard::Llm(request, event) => Event::Llm { request, event },
            Heard::Voice(event) => return self.take_voice(event),
            Heard::Phrase(utterance, clip) => return self.take_clip(utterance, clip),
            Heard::Beside(got) => return self.take_beside(got),
        };
        self.events.push_back(event);
    }

    fn on_order(&mut self, placed: Placed) {
        if !placed.is_wanted() {
            return;
        }
        self.newest_order += 1;
        self.asking.insert(self.newest_order, placed.verdict);
        self.events.push_back(Event::Order { id: self.newest_order, order: placed.order });
    }

    fn answer_order(&mut self, id: OrderId, verdict: Verdict) {
        if let Some(asker) = self.asking.remove(&id) {
            let _gone = asker.send(verdict);
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::OpenStt { provider, replay } => {
                if let Err(failure) = self.parts.vendors.open_stt(provider, replay) {
                    self.events.push_back(Event::Stt(SttEvent::Failed(failure)));
                }
            }
            Command::FinalizeStt => self.parts.vendors.feed.finalize(),
            // No turn model is built yet. One is given `feed.heard_last`.
            Command::JudgeTurn { .. } => {}
            Command::CloseStt => self.parts.vendors.feed.shut(),
            Command::Agent(command) => self.tell_ear(Aside::Aloud, &command),
            Command::Supervisor(command) => self.tell_ear(Aside::Whispered, &command),
            Command::Supervise { id, order } => self.ask_for_seat(id, order),
            Command::Ask { request, provider, mut ask, heard } => {
                self.parts.veil.request(&mut ask);
                let asked = if heard.is_empty() {
                    self.parts.vendors.ask(request, provider, *ask)
                } else {
                    Err(not_built("no model that hears by itself is built yet"))
                };
                if let Err(failure) = asked {
                    let event = crate::provider::llm::LlmEvent::Failed(failure);
                    self.events.push_back(Event::Llm { request, event });
                }
            }
            Command::AskSecond { request, provider, mut ask } => {
                self.parts.veil.request(&mut ask);
                if let Err(failure) = self.parts.vendors.ask_second(request, provider, *ask) {
                    let event = crate::provider::llm::LlmEvent::Failed(failure);
                    self.events.push_back(Event::Llm { request, event });
                }
            }
            Command::Vendor { service, place, did } => {
                self.note_vendor(service, place, &did);
            }
            Command::RunTool { run, call } => {
                let answer = self.parts.tools.run(run, call);
                self.events.extend(answer.map(|answer| Event::ToolDone { run, answer }));
            }
            Command::CancelTool { run } => self.parts.tools.cancel(run),
            Command::CancelAsk { request } => self.parts.vendors.cancel_ask(request),
            Command::OpenVoice { provider } => {
                self.mouth.change_voice();
                let opened = self.parts.vendors.open_voice(provider);
                self.voice_result(opened);
            }
            Command::Say { utterance, text } => {
                if let Some(screener) = &mut self.screener {
                    screener.says(&text);
                }
                let told = self.parts.vendors.tell_voice(TtsInput::Speak { utterance, text });
                self.voice_result(told);
            }
            Command::EndSay { utterance } => {
                let told = self.parts.vendors.tell_voice(TtsInput::End { utterance });
                self.voice_result(told);
            }
            Command::Phrase { utterance, text } => self.phrase(utterance, text),
            Command::Utter { .. } | Command::Recite { .. } => {
                self.voice_result(Err(not_built("no model that speaks by itself is built yet")));
            }
            Command::StopSaying { utterance, fade } => self.stop_saying(utterance, fade),
            Command::HoldTone => self.mouth.hold_tone(),
            Command::KeepSilent { until } => {
                self.mouth.keep_silent(samples_at(until, self.parts.rate_hz));
            }
            Command::OrderTaken { id } => {
                self.tally();
                let seat = self.given_seat.take_if(|(of, _)| *of == id).map(|(_, seat)| seat);
                self.answer_order(id, Ok(seat));
            }
            Command::OrderRefused { id, why } => self.answer_order(id, Err(why)),
            // Not as sound is sent: one that finds no room would leave the caller in silence until somebody should have answered.
            Command::Transfer { to } if self.parts.traits.transfers.is_none() => {
                if !self.parts.switch.transfer(to) {
                    let why = "the call's carrier cannot be asked".to_owned();
                    self.events.push_back(Event::TransferFailed { why });
                }
            }
            Command::Transfer { to } => {
                if self.parts.ends.outgoing.try_send(LineOut::Transfer { to }).is_err() {
                    self.events
                        .push_back(Event::TransferFailed { why: "the line takes nothing more".into() });
                }
            }
            Command::Consult(order) => self.consult(order),
            Command::CallBot { bot } => self.parts.successors.call(bot),
            Command::ChangeBot { .. } => self.change_bot(),
            Command::ChangeLanguage { language } => self.parts.vendors.change_language(&language),
            // Not as sound is sent: one that is missing makes another number of the row.
            Command::PressKey { key } => {
                if self.parts.ends.outgoing.try_send(LineOut::Key(key)).is_err() {
                    self.events.push_back(Event::KeyFailed { why: "the line takes nothing more".into() });
                }
            }
            Command::JournalTurn(entry) => self.tell_line(entry),
            Command::JournalEvent(event) => self.tell_event(event),
            Command::Notify(notice) => self.notify(notice),
            Command::HangUp { by } => self.hang_up = Some(by),
            Command::Finish(outcome) => self.conclude(outcome),
        }
    }

    /// Carry out what the mouth gave.
    fn take_given(&mut self) {
        self.events.extend(self.given.events.drain(..));
        let mut orders = std::mem::take(&mut self.given.orders);
        for order in orders.drain(..) {
            match order {
                Order::Play { at, pcm } => {
                    if let Some(recorder) =
                        self.parts.recorder.as_mut().filter(|_| self.parts.session.is_recorded())
                    {
                        recorder.bot(at, &pcm);
                    }
                    self.send(LineOut::Audio(pcm));
                }
                Order::Mark(name) => self.send(LineOut::Mark(name)),
                Order::Clear { from } => {
                    if let (Some(recorder), Some(from)) = (&mut self.parts.recorder, from) {
                        recorder.clear_bot(from);
                    }
                    self.send(LineOut::Clear);
                }
            }
        }
        self.given.orders = orders;
    }

    fn voice_result(&mut self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.events.push_back(Event::Voice(VoiceEvent::Failed(failure)));
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
}
