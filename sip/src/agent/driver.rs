//! The agent's task: it owns the rules and the sockets, and everything else asks it.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::call::Incoming;
use super::command::{CALL_EVENTS, CallError, Command, HEARD, Parts, SAID};
use super::connection::{self, Told, Writer};
use super::line::{self, Tell};
use super::ports::Ports;
use crate::event::{Ending, Event};
use crate::message::{Headers, phrase};
use crate::rules::{CallKey, Called, Core, Dial, Output, Ring};
use crate::settings::Settings;
use crate::transport::{Flow, Transport};

/// Messages of connections that wait.
const TOLD: usize = 256;
/// The largest datagram that is read; UDP has none that is larger.
const LARGEST: usize = 65_535;
/// How long to sleep when nothing is due.
const LONG: Duration = Duration::from_secs(3600);

/// What the task is given.
pub(super) struct Ends {
    pub udp: UdpSocket,
    pub tcp: TcpListener,
    pub commands: mpsc::WeakSender<Command>,
    pub received: mpsc::Receiver<Command>,
    pub calls: mpsc::Sender<Incoming>,
}

/// Frames of a call: ours on their way out, and where the other side's go.
type Frames = (mpsc::Receiver<Vec<i16>>, mpsc::Sender<Vec<i16>>);

/// A call's ends here.
struct Entry {
    events: mpsc::Sender<Event>,
    /// Until its line begins.
    waiting: Option<Frames>,
    line: Option<(mpsc::Sender<Tell>, SocketAddr)>,
}

pub(super) struct Driver {
    core: Core,
    settings: Settings,
    ports: Arc<Ports>,
    ends: Ends,
    entries: HashMap<CallKey, Entry>,
    connections: HashMap<SocketAddr, Writer>,
    told: (mpsc::Sender<Told>, mpsc::Receiver<Told>),
    closing: Option<oneshot::Sender<()>>,
}

impl Driver {
    pub(super) fn new(settings: Settings, address: SocketAddr, ports: Arc<Ports>, ends: Ends) -> Self {
        Self {
            core: Core::new(Instant::now(), settings.clone(), address),
            settings,
            ports,
            ends,
            entries: HashMap::new(),
            connections: HashMap::new(),
            told: mpsc::channel(TOLD),
            closing: None,
        }
    }

    pub(super) async fn run(mut self) {
        let mut bytes = vec![0; LARGEST];
        loop {
            let due = self.core.next_timeout().unwrap_or_else(|| Instant::now() + LONG);
            tokio::select! {
                command = self.ends.received.recv() => match command {
                    Some(command) => self.is_commanded(command),
                    None => self.hang_all_up(),
                },
                came = self.ends.udp.recv_from(&mut bytes) => {
                    // An error is that of a datagram we sent to where nobody is.
                    if let Ok((length, peer)) = came {
                        let flow = Flow { transport: Transport::Udp, peer };
                        self.core.at(Instant::now()).receive(flow, &bytes[..length]);
                    }
                }
                Some(told) = self.told.1.recv() => self.is_told(told),
                Ok((stream, peer)) = self.ends.tcp.accept() => self.is_connected(stream, peer),
                () = sleep_until(due.into()) => self.core.at(Instant::now()).tick(),
            }
            self.put_out().await;
            if let Some(closing) = self.closing.take() {
                let _gone = closing.send(());
                return;
            }
            if self.ends.received.is_closed() && self.entries.is_empty() {
                return;
            }
        }
    }

    fn is_commanded(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Dial { dial, socket, events, reply } => self.dial(*dial, socket, events, reply),
            Command::Ring { key, ring, early, reply } => {
                let _gone = reply.send(self.ring(now, key, ring, early));
            }
            Command::Answer { key, headers, reply } => {
                let _gone = reply.send(self.answer(now, key, &headers));
            }
            Command::Refuse { key, status, reason } => {
                self.core.at(now).refuse(key, status, &reason, &Headers::default());
            }
            Command::Proves { key, credentials, reply } => {
                let _gone = reply.send(self.core.at(now).proves(key, &credentials));
            }
            Command::Challenge(key) => self.core.at(now).challenge(key),
            Command::HangUp(key) => self.core.at(now).hang_up(key, Ending::Local),
            Command::Refer { key, to, headers } => self.core.at(now).refer(key, &to, &headers),
            Command::Press { key, keys, reply } => self.tell_line(key, Tell::Press { keys, reply }),
            Command::Heard { key, reply } => self.tell_line(key, Tell::Counts(reply)),
            Command::Silent(key) => self.core.at(now).media_lost(key),
            Command::Unread(key) => self.core.at(now).hang_up(key, Ending::ReaderTooSlow),
            Command::Counts(reply) => {
                let _gone = reply.send(self.core.counts());
            }
            Command::Close(reply) => {
                self.hang_all_up();
                self.closing = Some(reply);
            }
        }
    }

    fn hang_all_up(&mut self) {
        let now = Instant::now();
        for key in self.entries.keys().copied().collect::<Vec<_>>() {
            self.core.at(now).hang_up(key, Ending::Local);
        }
    }

    fn dial(
        &mut self,
        dial: Dial,
        socket: StdSocket,
        events: mpsc::Sender<Event>,
        reply: oneshot::Sender<Option<Parts>>,
    ) {
        if self.core.calls() >= self.settings.most_calls {
            let _gone = reply.send(None);
            return;
        }
        let sound_at = dial.sound_at;
        let key = self.core.at(Instant::now()).dial(dial);
        let Some((call_id, tag)) = self.core.id(key) else { return };
        let (entry, frames, sound) = entry(events);
        self.entries.insert(key, entry);
        self.begin_line(key, socket, sound_at);
        let _gone = reply.send(Some(Parts { key, frames, sound, call_id, tag }));
    }

    /// A line, if the call has none yet: where it listens.
    fn line_at(&mut self, key: CallKey) -> Result<SocketAddr, CallError> {
        match self.entries.get(&key) {
            None => Err(CallError::Over),
            Some(Entry { line: Some((_, at)), .. }) => Ok(*at),
            Some(_) => {
                let (socket, at) = self.ports.take().ok_or(CallError::NoPort)?;
                self.begin_line(key, socket, at);
                Ok(at)
            }
        }
    }

    fn begin_line(&mut self, key: CallKey, socket: StdSocket, at: SocketAddr) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let Some((frames, sound)) = entry.waiting.take() else { return };
        let ends = line::Ends {
            key,
            frames,
            sound,
            events: entry.events.clone(),
            driver: self.ends.commands.clone(),
            first_within: self.settings.first_sound_within,
            within: self.settings.sound_within,
        };
        entry.line = line::begin(socket, ends).ok().map(|tell| (tell, at));
    }

    fn ring(&mut self, now: Instant, key: CallKey, mut ring: Ring, early: bool) -> Result<(), CallError> {
        if early {
            ring.sound_at = Some(self.line_at(key)?);
        }
        Ok(self.core.at(now).ring(key, ring)?)
    }

    fn answer(&mut self, now: Instant, key: CallKey, headers: &Headers) -> Result<(), CallError> {
        let sound_at = self.line_at(key)?;
        self.core.at(now).answer(key, sound_at, headers)?;
        self.tell_line(key, Tell::Up);
        Ok(())
    }

    fn tell_line(&mut self, key: CallKey, tell: Tell) {
        if let Some((line, _)) = self.entries.get(&key).and_then(|entry| entry.line.as_ref()) {
            // A line that is so far behind has lost its processor; what is asked is answered with an error by being dropped.
            let _full = line.try_send(tell);
        }
    }

    fn is_told(&mut self, told: Told) {
        match told {
            Told::Message(flow, bytes) => self.core.at(Instant::now()).receive(flow, &bytes),
            Told::Gone(flow) => {
                self.connections.remove(&flow.peer);
                self.core.at(Instant::now()).flow_failed(flow);
            }
        }
    }

    fn is_connected(&mut self, stream: TcpStream, peer: SocketAddr) {
        let most = self.settings.most_connections;
        let of_one = self.connections.keys().filter(|other| other.ip() == peer.ip()).count();
        if self.connections.len() < most && of_one < (most / 4).max(2) {
            let writer = connection::accepted(stream, peer, self.told.0.clone());
            self.connections.insert(peer, writer);
        }
    }

    async fn put_out(&mut self) {
        while let Some(output) = self.core.poll() {
            match output {
                Output::Send(flow, bytes) => self.send(flow, bytes).await,
                Output::Called(key, called) => self.is_called(key, *called),
                Output::Tell(key, event) => self.tell(key, event),
                Output::Sound(key, agreed) => {
                    let signalled = self.core.signalled_from(key);
                    self.tell_line(key, Tell::Agreed(agreed, signalled));
                }
                Output::Over(key) => {
                    self.entries.remove(&key);
                }
            }
        }
    }

    async fn send(&mut self, flow: Flow, bytes: Vec<u8>) {
        if flow.transport == Transport::Udp {
            let sent = self.ends.udp.send_to(&bytes, flow.peer).await;
            if let Err(error) = sent {
                tracing::debug!(%error, "a SIP message was not sent");
            }
            return;
        }
        if !self.connections.contains_key(&flow.peer) {
            if self.connections.len() >= self.settings.most_connections {
                return self.core.at(Instant::now()).flow_failed(flow);
            }
            self.connections.insert(flow.peer, connection::connect(flow.peer, self.told.0.clone()));
        }
        let is_taken = self.connections.get(&flow.peer).is_some_and(|writer| writer.try_send(bytes).is_ok());
        if !is_taken {
            self.connections.remove(&flow.peer);
            self.core.at(Instant::now()).flow_failed(flow);
        }
    }

    fn is_called(&mut self, key: CallKey, called: Called) {
        let now = Instant::now();
        let Some(commands) = self.ends.commands.upgrade() else {
            return self.core.at(now).refuse(key, 480, phrase(480), &Headers::default());
        };
        let (events, read_events) = mpsc::channel(CALL_EVENTS);
        let (entry, frames, sound) = entry(events);
        let call_id = called.invite.headers.get("Call-ID").unwrap_or_default().to_owned();
        let parts = Parts { key, frames, sound, call_id, tag: called.tag };
        let (call, events) = parts.into_call(commands, read_events);
        let incoming = Incoming { call, events, invite: called.invite, from: called.flow.peer };
        self.entries.insert(key, entry);
        if self.ends.calls.try_send(incoming).is_err() {
            self.entries.remove(&key);
            let mut headers = Headers::default();
            headers.push("Retry-After", "5");
            self.core.at(now).refuse(key, 503, phrase(503), &headers);
        }
    }

    fn tell(&mut self, key: CallKey, event: Event) {
        if matches!(event, Event::Answered(_)) {
            self.tell_line(key, Tell::Up);
        }
        let is_last = matches!(event, Event::Failed(_) | Event::Ended(_));
        let is_read = self.entries.get(&key).is_some_and(|entry| entry.events.try_send(event).is_ok());
        if is_last {
            // Its sound ends here, whatever is still said about it.
            self.entries.remove(&key);
        } else if !is_read {
            self.entries.remove(&key);
            self.core.at(Instant::now()).hang_up(key, Ending::ReaderTooSlow);
        }
    }
}

fn entry(events: mpsc::Sender<Event>) -> (Entry, mpsc::Sender<Vec<i16>>, mpsc::Receiver<Vec<i16>>) {
    let (frames, said) = mpsc::channel(SAID);
    let (heard, sound) = mpsc::channel(HEARD);
    (Entry { events, waiting: Some((said, heard)), line: None }, frames, sound)
}
