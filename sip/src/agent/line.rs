//! A call's sound on the network: a socket, a beat of 20 ms, and the stream in between.

use std::net::{IpAddr, SocketAddr, UdpSocket as StdSocket};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::time::interval;

use super::command::{CallError, Command};
use crate::event::Event;
use crate::rtp::{Heard, RtpCounts, Stream};
use crate::rules::CallKey;
use crate::sdp::Agreed;

/// Requests that wait for a line.
const COMMANDS: usize = 32;
const BEAT: Duration = Duration::from_millis(20);

/// What a line is told.
#[derive(Debug)]
pub(super) enum Tell {
    /// Sound goes so from now on; the call's messages come from that machine.
    Agreed(Agreed, Option<IpAddr>),
    /// The call is answered: lack of sound counts from now on.
    Up,
    Press {
        keys: String,
        reply: oneshot::Sender<Result<(), CallError>>,
    },
    Counts(oneshot::Sender<RtpCounts>),
}

/// What a line is given.
pub(super) struct Ends {
    pub key: CallKey,
    pub frames: mpsc::Receiver<Vec<i16>>,
    pub sound: mpsc::Sender<Vec<i16>>,
    pub events: mpsc::Sender<Event>,
    pub driver: mpsc::WeakSender<Command>,
    /// Longest silence at the beginning and later.
    pub first_within: Duration,
    pub within: Duration,
}

/// Begin one. It ends when the sender is dropped.
pub(super) fn begin(socket: StdSocket, ends: Ends) -> std::io::Result<mpsc::Sender<Tell>> {
    let socket = UdpSocket::from_std(socket)?;
    let (tell, told) = mpsc::channel(COMMANDS);
    let line = Line { socket, ends, stream: None, up: None, pressing: None, is_heard: false, is_lost: false };
    tokio::spawn(line.run(told));
    Ok(tell)
}

struct Line {
    socket: UdpSocket,
    ends: Ends,
    stream: Option<Stream>,
    /// Since when sound is waited for.
    up: Option<Instant>,
    pressing: Option<oneshot::Sender<Result<(), CallError>>>,
    is_heard: bool,
    is_lost: bool,
}

impl Line {
    async fn run(mut self, mut told: mpsc::Receiver<Tell>) {
        let mut beat = interval(BEAT);
        let mut bytes = vec![0; 2048];
        loop {
            tokio::select! {
                tell = told.recv() => match tell {
                    Some(tell) => self.is_told(tell),
                    None => return,
                },
                _ = beat.tick() => self.beat().await,
                came = self.socket.recv_from(&mut bytes) => {
                    // An error is that of a packet we sent to where nobody is.
                    if let Ok((length, from)) = came {
                        self.receive(from, &bytes[..length]);
                    }
                }
            }
        }
    }

    fn is_told(&mut self, tell: Tell) {
        match tell {
            Tell::Agreed(agreed, signalled) => {
                // While one side was on hold nothing was to be heard: it is waited for anew.
                self.up = self.up.map(|_| Instant::now());
                match &mut self.stream {
                    Some(stream) => stream.renegotiate(agreed, signalled),
                    None => self.stream = Some(Stream::new(agreed, signalled)),
                }
            }
            Tell::Up => self.up = Some(Instant::now()),
            Tell::Press { keys, reply } => self.press(&keys, reply),
            Tell::Counts(reply) => {
                let _gone = reply.send(self.stream.as_ref().map(Stream::counts).unwrap_or_default());
            }
        }
    }

    fn press(&mut self, keys: &str, reply: oneshot::Sender<Result<(), CallError>>) {
        let Some(stream) = &mut self.stream else {
            let _gone = reply.send(Err(CallError::Over));
            return;
        };
        for key in keys.chars() {
            if !stream.press(key) {
                let _gone = reply.send(Err(CallError::NoKey(key)));
                return;
            }
        }
        // Those before are pressed no later than these: they need not wait longer.
        if let Some(before) = self.pressing.replace(reply) {
            let _gone = before.send(Ok(()));
        }
    }

    fn receive(&mut self, from: SocketAddr, bytes: &[u8]) {
        let Some(stream) = &mut self.stream else { return };
        match stream.receive(Instant::now(), from, bytes) {
            Heard::Key(key) => self.event(Event::Key(key)),
            Heard::Sound if !self.is_heard => {
                self.is_heard = true;
                self.event(Event::Heard);
            }
            Heard::Sound | Heard::Nothing => {}
        }
    }

    async fn beat(&mut self) {
        let now = Instant::now();
        let Some(stream) = &mut self.stream else { return };
        let frame = self.ends.frames.try_recv().ok();
        for (to, packet) in stream.say(frame.as_deref()) {
            let _unreachable = self.socket.send_to(&packet, to).await;
        }
        if stream.is_idle()
            && let Some(reply) = self.pressing.take()
        {
            let _gone = reply.send(Ok(()));
        }
        // A reader that is behind loses what comes, and the call goes on.
        let _full = self.ends.sound.try_send(stream.hear(now));
        self.watch(now);
    }

    /// Whether the other side has been silent for too long.
    fn watch(&mut self, now: Instant) {
        let (Some(up), Some(stream)) = (self.up, &self.stream) else { return };
        if self.is_lost || !stream.expects_sound() {
            return;
        }
        let (since, within) = match stream.last_heard() {
            Some(heard) => (heard.max(up), self.ends.within),
            None => (up, self.ends.first_within),
        };
        if now - since >= within
            && let Some(driver) = self.ends.driver.upgrade()
        {
            self.is_lost = driver.try_send(Command::Silent(self.ends.key)).is_ok();
        }
    }

    fn event(&self, event: Event) {
        if self.ends.events.try_send(event).is_err()
            && let Some(driver) = self.ends.driver.upgrade()
        {
            let _full = driver.try_send(Command::Unread(self.ends.key));
        }
    }
}
