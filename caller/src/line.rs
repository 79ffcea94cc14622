//! The task of one call: the socket, the two clocks' deadlines, and everything that happens on the line.
//!
//! The clock is zero when the call is answered. Frame n of the caller is what is spoken from n x 20 ms on, and is
//! sent at (n + 1) x 20 ms: deadlines are absolute, so a late timer is made good by the next one.

use std::{collections::VecDeque, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    connect::Socket,
    ear::{Change, Ear},
    event::{End, EndedBy, Event},
    mouth::{Mouth, Speech},
    options::Options,
    protocol::{Codec, Scratch},
    report::{Log, Report},
    state::State,
    stats::LatenessHistogram,
    violation::{Ledger, Rule},
};

mod ending;
mod incoming;

/// The frame of every line's clock; Exotel's messages gather five.
const FRAME: Duration = Duration::from_millis(20);
const FRAMES_PER_SECOND: u32 = 50;

/// What the holder of the call wants done.
pub(crate) enum Command {
    Say(Speech),
    Dtmf(char),
    TakeOver,
    Hangup,
}

/// What the task shares with the holder of the call.
pub(crate) struct Shared {
    pub(crate) ledger: Ledger,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) state: watch::Sender<State>,
}

pub(crate) struct Line {
    socket: Socket,
    codec: Codec,
    options: Options,
    ear: Ear,
    mouth: Mouth,
    shared: Shared,
    scratch: Scratch,
    log: Log,
    answered_at: Instant,
    /// Frames of the caller's clock that have passed.
    frames: u64,
    frame: Vec<i16>,
    /// Marks that are told when the position before them has been played.
    marks: VecDeque<(u64, String)>,
    /// Something came from the server (`ready`, on `/talk`).
    server_lives: bool,
    own_lateness: LatenessHistogram,
    ending: Option<Ending>,
}

/// The call is over and the socket is not closed yet.
struct Ending {
    end: End,
    /// End of the call on the line's clock.
    position: u64,
    since: Instant,
    /// The socket is closed, or was given up.
    closed: bool,
}

impl Line {
    pub(crate) fn new(socket: Socket, codec: Codec, options: Options, ear: Ear, shared: Shared) -> Self {
        let frame = vec![0; (options.protocol.rate_hz() / FRAMES_PER_SECOND) as usize];
        Self {
            socket,
            codec,
            options,
            ear,
            mouth: Mouth::default(),
            shared,
            scratch: Scratch::default(),
            log: Log::default(),
            answered_at: Instant::now(),
            frames: 0,
            frame,
            marks: VecDeque::new(),
            server_lives: false,
            own_lateness: LatenessHistogram::default(),
            ending: None,
        }
    }

    /// The whole call; returns when the socket is closed. Every wait in it has a deadline.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Report {
        self.shake_hands().await;
        self.answered_at = Instant::now();
        if self.ending.is_none() {
            self.tell(Event::Answered);
            self.shared.state.send_modify(|state| state.is_answered = true);
        }
        while !self.ending.as_ref().is_some_and(|ending| ending.closed) {
            let wake = self.next_deadline();
            tokio::select! {
                message = self.socket.next() => self.receive(message).await,
                command = commands.recv(), if self.ending.is_none() => self.obey(command).await,
                () = sleep_until(wake) => self.pass_time(wake).await,
            }
        }
        drop(commands);
        self.into_report()
    }

    /// Send the carrier's handshake, with its pauses; whatever comes in them is too early.
    async fn shake_hands(&mut self) {
        let opening = self.codec.opening();
        for (sent, message) in opening.into_iter().enumerate() {
            if sent > 0 {
                self.listen_for_haste(sent).await;
            }
            if self.ending.is_some() {
                return;
            }
            self.send(message).await;
        }
    }

    async fn listen_for_haste(&mut self, step: usize) {
        let until = Instant::now() + self.options.deadlines.handshake_gap;
        while let Ok(message) = tokio::time::timeout_at(until, self.socket.next()).await {
            match message {
                Some(Ok(Message::Text(_) | Message::Binary(_))) => {
                    let rule = self.codec.too_early(step);
                    self.shared.ledger.note(rule, 0.0, || format!("after message {step} of the handshake"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => return self.receive(other).await,
            }
        }
    }

    fn next_deadline(&self) -> Instant {
        match &self.ending {
            Some(ending) => ending.since + self.options.deadlines.close,
            None => self.answered_at + FRAME * u32::try_from(self.frames + 1).unwrap_or(u32::MAX),
        }
    }

    async fn pass_time(&mut self, due: Instant) {
        if self.ending.is_some() {
            return self.give_up_closing();
        }
        let now = Instant::now();
        self.own_lateness.record((now - due).as_secs_f64() * 1_000.0);
        self.speak().await;
        self.listen(self.position(now));
        self.echo_marks(self.position(now)).await;
        self.watch_deadlines(now).await;
    }

    /// Send the caller's next frame.
    async fn speak(&mut self) {
        let position = self.frames * self.frame.len() as u64;
        self.frames += 1;
        let is_open = self.codec.is_open();
        let ear = &mut self.ear;
        if is_open {
            self.mouth.fill(position, &mut self.frame, |turn| ear.caller_said(turn));
        } else {
            self.frame.fill(0);
        }
        ear.caller(&self.frame);
        if let Some(message) = is_open.then(|| self.codec.frame(&self.frame)).flatten() {
            self.send(message).await;
        }
        self.mouth.sent();
    }

    /// Hear what the bot said until now.
    fn listen(&mut self, now: u64) {
        let rate = f64::from(self.options.protocol.rate_hz());
        let (shared, deliver) = (&self.shared, self.options.deliver_audio);
        let told = |event| shared.events.try_send(event).is_err();
        let (mut lost, mut lost_audio) = (0, 0);
        self.ear.settle(
            now,
            |change| {
                shared.state.send_modify(|state| state.heard(change, rate));
                let event = match change {
                    Change::Onset(at) => Event::BotAudible { at_ms: at as f64 * 1_000.0 / rate },
                    Change::Offset(at) => Event::BotSilent { at_ms: at as f64 * 1_000.0 / rate },
                };
                lost += u64::from(told(event));
            },
            |samples| {
                if deliver {
                    lost_audio = u64::from(told(Event::BotAudio(samples.into())));
                }
            },
        );
        self.log.events_dropped += lost + lost_audio;
    }

    async fn echo_marks(&mut self, now: u64) {
        while self.marks.front().is_some_and(|(position, _)| *position <= now) {
            let Some((_, name)) = self.marks.pop_front() else { return };
            if let Some(message) = self.codec.mark_played(&name) {
                self.send(message).await;
            }
        }
    }

    async fn watch_deadlines(&mut self, now: Instant) {
        let (deadlines, lasted) = (&self.options.deadlines, now - self.answered_at);
        let (answer, cap) = (deadlines.answer, deadlines.call);
        if !self.server_lives && lasted > answer {
            self.server_lives = true;
            self.note(Rule::AnswerDeadline, || format!("nothing within {} s", answer.as_secs_f64()));
            if self.codec.gives_up() {
                return self.hang_up(EndedBy::Carrier, "no answer within the deadline").await;
            }
        }
        if lasted > cap {
            self.hang_up(EndedBy::Carrier, "the carrier's longest call").await;
        }
    }

    async fn obey(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Say(speech)) => self.mouth.say(speech),
            Some(Command::Dtmf(digit)) => {
                let message = self.codec.dtmf(digit);
                self.send(message).await;
            }
            Some(Command::TakeOver) => self.take_over().await,
            // A call that nobody holds any more ends like one whose caller hangs up.
            Some(Command::Hangup) | None => self.hang_up(EndedBy::Caller, "the caller hung up").await,
        }
    }

    /// Write one message; a server that does not take it ends the call.
    async fn send(&mut self, message: Message) {
        let outcome = timeout(self.options.deadlines.write, self.socket.send(message)).await;
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.lose(format!("could not write: {error}")),
            Err(_) => self.lose("the server does not read".to_owned()),
        }
    }

    /// Tell the holder; one that does not listen misses it.
    fn tell(&mut self, event: Event) {
        if self.shared.events.try_send(event).is_err() {
            self.log.events_dropped += 1;
        }
    }

    fn note(&self, rule: Rule, example: impl FnOnce() -> String) {
        self.shared.ledger.note(rule, self.at_ms(Instant::now()), example);
    }

    /// Samples of the line's clock at `now`.
    fn position(&self, now: Instant) -> u64 {
        let nanos = now.saturating_duration_since(self.answered_at).as_nanos();
        (nanos * u128::from(self.options.protocol.rate_hz()) / 1_000_000_000) as u64
    }

    fn at_ms(&self, now: Instant) -> f64 {
        now.saturating_duration_since(self.answered_at).as_secs_f64() * 1_000.0
    }
}
