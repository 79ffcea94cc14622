//! The task of a room: it owns the session, the line and the sockets, waits for all of them, and beats every 20 ms.

mod lines;
mod outputs;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::sleep_until;
use url::Url;

use super::inbound::Inbound;
use super::line::Line;
use super::net::Net;
use super::peer::Datagram;
use super::recovery::Recovery;
use super::session::{Handover, Session, Stats};
use super::{Muted, Packet, Simulation, Subscribe};
use crate::error::{Disconnect, JoinError, PublishError, SendError};
use crate::event::{Event, Heard, Participant};
use crate::leaving::Leaving;
use crate::media::FRAME;
use crate::options::{Mode, Options, Publish};
use crate::wire::data::Value;
use crate::wire::signal::{Request, Response, Scenario, Simulate};

/// Events that wait for a reader who is behind, besides those in its queue.
const UNREAD: usize = 1024;
/// Beats that are made up for after the task was held up; more are left out.
const MISSED: u32 = 10;
/// How often packets that wait for the data channel are tried again.
const RETRY: Duration = Duration::from_millis(20);
/// How long the last events may take to be read.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a program asks of its room.
pub(super) enum Command {
    Participants(oneshot::Sender<Vec<Participant>>),
    Publish {
        publish: Publish,
        frames: mpsc::Receiver<Vec<i16>>,
        reply: oneshot::Sender<Result<String, PublishError>>,
    },
    Unpublish,
    Clear(oneshot::Sender<usize>),
    Drained(oneshot::Sender<()>),
    Mute(Muted),
    Data {
        data: Packet,
        reply: oneshot::Sender<Result<(), SendError>>,
    },
    Values {
        values: Vec<Value>,
        to: Vec<String>,
        reply: oneshot::Sender<Result<(), SendError>>,
    },
    Digit {
        digit: char,
        to: Vec<String>,
        reply: oneshot::Sender<Result<(), SendError>>,
    },
    UpdateOwn {
        attributes: BTreeMap<String, String>,
        metadata: Option<String>,
    },
    Subscribe {
        track_sid: String,
        subscribe: Subscribe,
    },
    Stats(oneshot::Sender<Stats>),
    Simulate(Simulation),
    Leave {
        reason: Leaving,
        reply: oneshot::Sender<()>,
    },
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Command")
    }
}

/// The task's ends of the queues.
pub(super) struct Ends {
    pub received: mpsc::Receiver<Command>,
    pub events: mpsc::Sender<Event>,
    pub sound: mpsc::Sender<Heard>,
}

/// What is written to our track and not sent yet.
#[derive(Default)]
struct Speech {
    frames: Option<mpsc::Receiver<Vec<i16>>>,
    queue: VecDeque<Vec<i16>>,
    most: usize,
    /// Who waits until so many more frames have gone.
    drained: Vec<(usize, oneshot::Sender<()>)>,
    published: Option<oneshot::Sender<Result<String, PublishError>>>,
}

impl Speech {
    /// Frames that were written and have not gone.
    fn waiting(&self) -> usize {
        self.queue.len() + self.frames.as_ref().map_or(0, mpsc::Receiver::len)
    }

    /// Tell those who waited for the frames that have gone; `gone` of them just now.
    fn tell_drained(&mut self, gone: usize) {
        self.drained.iter_mut().for_each(|(left, _)| *left = left.saturating_sub(gone));
        for (_, waiter) in self.drained.extract_if(.., |(left, _)| *left == 0) {
            let _gone = waiter.send(());
        }
    }

    /// The track is no more.
    fn end(&mut self) {
        self.frames = None;
        self.queue.clear();
    }
}

pub(super) struct Driver {
    options: Options,
    server: Url,
    token: String,
    mode: Mode,
    session: Box<Session>,
    net: Net,
    line: Option<Line>,
    recovery: Option<Recovery>,
    connecting: Option<JoinHandle<Result<(Line, Response), JoinError>>>,
    /// What the session before left to one that is not joined yet.
    before: Option<Handover>,
    ends: Ends,
    unread: VecDeque<Event>,
    speech: Speech,
    beat: Instant,
    counted: Stats,
    leaving: Option<(Leaving, oneshot::Sender<()>)>,
    /// New sessions since media last flowed.
    never_connected: u32,
    over: Option<Disconnect>,
}

/// What woke the task.
enum Woke {
    Command(Option<Command>),
    Frame(Option<Vec<i16>>),
    Inbound(Option<Inbound>),
    Signal(Box<Option<Response>>),
    Line(Box<Result<(Line, Response), JoinError>>),
    Read,
    Time,
}

impl Driver {
    pub(super) async fn run(mut self) {
        while self.over.is_none() {
            let woke = self.wait().await;
            let now = Instant::now();
            match woke {
                Woke::Command(Some(command)) => self.command(now, command),
                Woke::Command(None) => self.over = Some(Disconnect::Left),
                Woke::Frame(Some(frame)) => self.speech.queue.push_back(frame),
                Woke::Frame(None) => self.speech.frames = None,
                Woke::Inbound(inbound) => self.inbound(now, inbound),
                Woke::Signal(response) => match *response {
                    Some(response) => self.session.signal(response),
                    None => self.line_lost(now),
                },
                Woke::Line(opened) => self.line_opened(now, *opened).await,
                Woke::Read | Woke::Time => {}
            }
            self.time(now).await;
            self.put_out(now).await;
        }
        self.farewell().await;
    }

    /// Wait for whatever comes first.
    async fn wait(&mut self) -> Woke {
        let due = self.due();
        let Self { ends, net, line, connecting, speech, unread, .. } = self;
        let wants_frames = speech.queue.len() < speech.most;
        tokio::select! {
            biased;
            command = ends.received.recv() => Woke::Command(command),
            response = next(line.as_mut().map(|line| &mut line.incoming)) => Woke::Signal(Box::new(response)),
            opened = opened(connecting) => Woke::Line(Box::new(opened)),
            inbound = net.received.recv() => Woke::Inbound(inbound),
            frame = next(speech.frames.as_mut()), if wants_frames => Woke::Frame(frame),
            room = ends.events.reserve(), if !unread.is_empty() => {
                if let (Ok(room), Some(event)) = (room, unread.pop_front()) {
                    room.send(event);
                }
                Woke::Read
            }
            () = sleep_until(due.into()) => Woke::Time,
        }
    }

    fn due(&self) -> Instant {
        let mut due = self.beat.min(self.session.due());
        if let Some(recovery) = self.recovery.as_ref().filter(|_| self.connecting.is_none()) {
            due = due.min(recovery.at());
        }
        due
    }

    /// What is done because of the time alone.
    async fn time(&mut self, now: Instant) {
        if self.session.due() <= now {
            self.session.timeout(now);
        }
        if self.session.has_waiting() && now >= self.beat {
            self.session.flush();
        }
        while self.beat <= now {
            self.beat += FRAME;
            self.one_beat(now);
            if now.saturating_duration_since(self.beat) > FRAME * MISSED {
                self.beat = now + RETRY;
            }
        }
        if self.connecting.is_none() && self.recovery.as_ref().is_some_and(|recovery| recovery.at() <= now) {
            self.open_line(now).await;
        }
    }

    /// 20 ms of hearing and speaking.
    fn one_beat(&mut self, now: Instant) {
        let heard = self.session.heard(now);
        if let Err(mpsc::error::TrySendError::Full(_)) = self.ends.sound.try_send(heard) {
            self.counted.unheard += 1;
        }
        if self.session.can_speak() {
            let frame = self.speech.queue.pop_front();
            self.session.speak(now, frame.as_deref());
            self.speech.tell_drained(usize::from(frame.is_some()));
        }
        if self.speech.waiting() == 0 {
            self.speech.tell_drained(usize::MAX);
        }
    }

    fn inbound(&mut self, now: Instant, inbound: Option<Inbound>) {
        match inbound {
            Some(Inbound::Packet { target, proto, from, to, bytes }) => {
                self.net.count(target, to);
                let datagram = Datagram { proto, from, to, bytes: &bytes };
                self.session.datagram(now, target, datagram);
            }
            Some(Inbound::Connected { target, local, remote, outgoing }) => {
                self.net.connected(target, local, remote, outgoing);
                self.session.add_local(target, str0m::net::Protocol::Tcp, local);
            }
            Some(Inbound::Closed { target, remote }) => self.net.closed(target, remote),
            Some(Inbound::Relayed { id, target, local, relayed }) if self.net.relay_stands(id, relayed) => {
                self.session.add_relay(target, relayed, local);
            }
            // Of one that has ended meanwhile.
            Some(Inbound::Relayed { .. }) => {}
            Some(Inbound::RelayEnded { id, target, why }) => {
                if let Some(relayed) = self.net.relay_ended(id, why) {
                    self.session.remove_relay(target, relayed);
                }
            }
            None => {}
        }
    }

    fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Participants(reply) => answer(reply, self.session.participants()),
            Command::Publish { publish, frames, reply } => self.publish(publish, frames, reply),
            Command::Unpublish => {
                self.session.unpublish();
                self.speech.end();
            }
            Command::Clear(reply) => {
                let mut cleared = self.speech.queue.len();
                self.speech.queue.clear();
                while self.speech.frames.as_mut().is_some_and(|frames| frames.try_recv().is_ok()) {
                    cleared += 1;
                }
                self.speech.tell_drained(usize::MAX);
                answer(reply, cleared);
            }
            Command::Drained(reply) => {
                self.speech.drained.retain(|(_, waiter)| !waiter.is_closed());
                // Told with the next beat where nothing waits: the last frame has then been on its way for one.
                self.speech.drained.push((self.speech.waiting().max(1), reply));
            }
            Command::Mute(muted) => self.session.mute(muted == Muted::Yes),
            Command::Data { data, reply } => {
                let Packet { payload, topic, reliable, to } = data;
                answer(reply, self.session.send_user(payload, topic, reliable, to));
            }
            Command::Values { values, to, reply } => {
                let mut send = |value| self.session.send_reliable(value, to.clone());
                answer(reply, values.into_iter().try_for_each(&mut send));
            }
            Command::Digit { digit, to, reply } => answer(reply, self.session.send_digit(digit, to)),
            Command::UpdateOwn { attributes, metadata } => self.session.update_own(attributes, metadata),
            Command::Subscribe { track_sid, subscribe } => {
                self.session.mix(track_sid.clone(), subscribe == Subscribe::Mixed);
                self.session.subscribe(track_sid, subscribe != Subscribe::No);
            }
            Command::Stats(reply) => {
                let now = self.session.stats(now);
                let counted = self.counted.clone();
                let relays = self.net.relay_stats();
                let Stats { voices, sent, sent_loss, .. } = now;
                answer(reply, Stats { voices, sent, sent_loss, relays, ..counted });
            }
            Command::Simulate(Simulation::LineLost) => self.line_lost(now),
            Command::Simulate(what) => {
                let scenario = match what {
                    Simulation::NodeFailure => Scenario::NodeFailure(true),
                    _ => Scenario::ServerLeave(true),
                };
                self.session.request(Request::Simulate(Simulate { scenario: Some(scenario) }));
            }
            Command::Leave { reason, reply } => {
                self.leaving = Some((reason, reply));
                self.over = Some(Disconnect::Left);
            }
        }
    }

    fn publish(
        &mut self,
        publish: Publish,
        frames: mpsc::Receiver<Vec<i16>>,
        reply: oneshot::Sender<Result<String, PublishError>>,
    ) {
        if self.speech.published.is_some() || self.speech.frames.is_some() {
            answer(reply, Err(PublishError::Already));
            return;
        }
        self.speech.most = publish.queue_frames.max(1);
        self.speech.frames = Some(frames);
        self.speech.published = Some(reply);
        self.session.publish(publish);
    }

    /// Leave in order: the server is told, the reader gets what is unread and the reason.
    async fn farewell(&mut self) {
        let now = Instant::now();
        let over = self.over.clone().unwrap_or(Disconnect::Lost);
        if let Some(connecting) = self.connecting.take() {
            connecting.abort();
        }
        let reason = self.leaving.as_ref().map_or(Leaving::ClientInitiated, |(reason, _)| *reason);
        match over {
            // The server said so itself, or knows us no more.
            Disconnect::SentAway(_) | Disconnect::Refused { .. } => self.session.close(),
            _ => self.session.leave(reason),
        }
        self.put_out(now).await;
        if let Some(line) = self.line.take() {
            line.finish().await;
        }
        let events = self.ends.events.clone();
        let tell = async {
            for event in self.unread.drain(..) {
                events.send(event).await.ok()?;
            }
            events.send(Event::Disconnected(over)).await.ok()
        };
        let _read = tokio::time::timeout(FAREWELL, tell).await;
        if let Some((_, reply)) = self.leaving.take() {
            answer(reply, ());
        }
    }
}

fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    // Who asked may have gone.
    let _gone = reply.send(value);
}

/// The next of a queue that may not be there.
async fn next<T>(queue: Option<&mut mpsc::Receiver<T>>) -> Option<T> {
    match queue {
        Some(queue) => queue.recv().await,
        None => std::future::pending().await,
    }
}

async fn opened(
    connecting: &mut Option<JoinHandle<Result<(Line, Response), JoinError>>>,
) -> Result<(Line, Response), JoinError> {
    let Some(task) = connecting else { return std::future::pending().await };
    let opened = task.await;
    *connecting = None;
    opened.unwrap_or_else(|error| Err(JoinError::Unreachable(error.to_string())))
}
