//! A room: what a program holds of it.

mod address;
mod driver;
pub(crate) mod impair;
mod inbound;
mod line;
mod net;
mod peer;
mod people;
mod recovery;
mod relay;
mod sdp;
mod session;
pub(crate) mod strangers;
mod texts;
mod wall;

use std::collections::BTreeMap;

use tokio::sync::{mpsc, oneshot};

use crate::error::{JoinError, PublishError, SendError};
use crate::event::{Event, Heard, Participant};
use crate::leaving::Leaving;
use crate::media::Rate;
use crate::options::{Options, Publish};
use driver::{Command, Driver};
pub use net::RelayStats;
pub use session::{Stats, VoiceStats};
pub use texts::TextHead;

/// Requests that wait for the room's task.
const COMMANDS: usize = 64;
/// Events that wait to be read; as many again wait behind before the room is given up.
const EVENTS: usize = 256;
/// Frames of sound that wait to be read: a second.
const SOUND: usize = 50;

/// A joined room. Cheap to clone; when the last one is dropped, and what was made by it, the room is left.
#[derive(Clone, Debug)]
pub struct Room {
    commands: mpsc::Sender<Command>,
    name: String,
    own: Participant,
}

/// What happens in a room, in order. It must be read: with more than a thousand events unread the room ends.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Event>,
    sound: Option<Sound>,
}

/// What is heard in a room: a frame every 20 ms, also of silence. A second of it waits; what is not read then is lost.
#[derive(Debug)]
pub struct Sound {
    frames: mpsc::Receiver<Heard>,
}

/// A track that is published: what is written to it is heard by the others. When it is dropped, it falls silent; the track stays
/// until [`unpublish`](Self::unpublish).
#[derive(Debug)]
pub struct Microphone {
    frames: mpsc::Sender<Vec<i16>>,
    commands: mpsc::Sender<Command>,
    sid: String,
    rate: Rate,
}

/// A text that is written piece by piece.
#[derive(Debug)]
pub struct TextWriter {
    commands: mpsc::Sender<Command>,
    id: String,
    to: Vec<String>,
    next: u64,
}

impl Room {
    /// Join the room that a token is for, at a server's address (`wss://…`). Returns when the server has let us in; media follows
    /// ([`Event::Connected`]), usually within 100 ms.
    pub async fn join(server: &str, token: &str, options: Options) -> Result<(Self, Events), JoinError> {
        let (commands, received) = mpsc::channel(COMMANDS);
        let (events, read_events) = mpsc::channel(EVENTS);
        let (sound, frames) = mpsc::channel(SOUND);
        let (driver, name, own) =
            Box::pin(Driver::join(server, token, options, driver::Ends { received, events, sound })).await?;
        tokio::spawn(Box::pin(driver.run()));
        let room = Self { commands, name, own };
        Ok((room, Events { events: read_events, sound: Some(Sound { frames }) }))
    }

    /// The room's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ourselves as we joined.
    pub fn own(&self) -> &Participant {
        &self.own
    }

    /// Everybody else who is here now.
    pub async fn participants(&self) -> Vec<Participant> {
        self.ask(Command::Participants).await.unwrap_or_default()
    }

    /// Publish a track of sound. There is one; it is published again by itself when the connection had to be made anew.
    pub async fn publish(&self, publish: Publish) -> Result<Microphone, PublishError> {
        let (frames, received) = mpsc::channel(1);
        let rate = publish.rate;
        let sid = self
            .ask(|reply| Command::Publish { publish, frames: received, reply })
            .await
            .unwrap_or(Err(PublishError::Ended))?;
        Ok(Microphone { frames, commands: self.commands.clone(), sid, rate })
    }

    /// Send bytes to all, or to those named.
    pub async fn send_data(&self, data: Packet) -> Result<(), SendError> {
        self.ask(|reply| Command::Data { data, reply }).await.unwrap_or(Err(SendError::Ended))
    }

    /// Press a key of a phone: a SIP participant hears it as DTMF.
    pub async fn send_digit(&self, digit: char, to: Vec<String>) -> Result<(), SendError> {
        self.ask(|reply| Command::Digit { digit, to, reply }).await.unwrap_or(Err(SendError::Ended))
    }

    /// Send a text that is whole, as a stream. Its id.
    pub async fn send_text(&self, head: TextHead, text: impl Into<String>) -> Result<String, SendError> {
        let id = stream_id();
        let values = texts::whole(&id, &head, &text.into(), wall::millis());
        self.send_values(values, &head.to).await?;
        Ok(id)
    }

    /// Begin a text that is written piece by piece: what a bot says, as it says it.
    pub async fn write_text(&self, head: TextHead) -> Result<TextWriter, SendError> {
        let id = stream_id();
        self.send_values(vec![texts::header(&id, &head, None, wall::millis())], &head.to).await?;
        Ok(TextWriter { commands: self.commands.clone(), id, to: head.to, next: 0 })
    }

    /// Set attributes of ours that others see; one that is set to nothing is deleted. The token must allow it: if not,
    /// [`Event::Refused`] follows.
    pub async fn set_attributes(&self, attributes: BTreeMap<String, String>) -> Result<(), SendError> {
        self.tell(Command::UpdateOwn { attributes, metadata: None }).await
    }

    /// Set our metadata.
    pub async fn set_metadata(&self, metadata: impl Into<String>) -> Result<(), SendError> {
        self.tell(Command::UpdateOwn { attributes: BTreeMap::new(), metadata: Some(metadata.into()) }).await
    }

    /// Subscribe to a voice, or no longer.
    pub async fn subscribe(
        &self,
        track_sid: impl Into<String>,
        subscribe: Subscribe,
    ) -> Result<(), SendError> {
        self.tell(Command::Subscribe { track_sid: track_sid.into(), subscribe }).await
    }

    /// What is counted.
    pub async fn stats(&self) -> Stats {
        self.ask(Command::Stats).await.unwrap_or_default()
    }

    /// Leave, and wait until the server has been told. [`Event::Disconnected`] is the last event.
    pub async fn leave(&self) {
        self.leave_because(Leaving::ClientInitiated).await;
    }

    /// Leave with a reason that others are told, as gateways do for a phone that is busy. The server decides which it passes on.
    pub async fn leave_because(&self, reason: Leaving) {
        self.ask(|reply| Command::Leave { reason, reply }).await;
    }

    /// Ask the server to do something to us that happens otherwise by itself: for tests.
    #[doc(hidden)]
    pub async fn simulate(&self, what: Simulation) {
        let _ended = self.tell(Command::Simulate(what)).await;
    }

    async fn send_values(
        &self,
        values: Vec<crate::wire::data::Value>,
        to: &[String],
    ) -> Result<(), SendError> {
        send_values(&self.commands, values, to).await
    }

    async fn tell(&self, command: Command) -> Result<(), SendError> {
        self.commands.send(command).await.map_err(|_| SendError::Ended)
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}

impl Events {
    /// The next event; `None` after [`Event::Disconnected`]. Safe to cancel.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// What is heard, once.
    pub fn sound(&mut self) -> Option<Sound> {
        self.sound.take()
    }
}

impl Sound {
    /// The next 20 ms; `None` when the room has ended. Safe to cancel.
    pub async fn next(&mut self) -> Option<Heard> {
        self.frames.recv().await
    }
}

impl Microphone {
    /// The track's id.
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// The rate that frames must have.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Say 20 ms. Waits while [`Publish::queue_frames`] are queued, and while media cannot flow.
    pub async fn write(&self, frame: Vec<i16>) -> Result<(), SendError> {
        if frame.len() != self.rate.frame() {
            return Err(SendError::FrameLength { samples: frame.len(), wanted: self.rate.frame() });
        }
        let sent = self.frames.send(frame).await;
        sent.map_err(|_| if self.commands.is_closed() { SendError::Ended } else { SendError::Unpublished })
    }

    /// Throw away what was written and not sent: the speaker was interrupted. How many frames that were.
    pub async fn clear(&self) -> usize {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Clear(reply)).await.is_err() {
            return 0;
        }
        answer.await.unwrap_or_default()
    }

    /// Wait until all that was written before has been sent or thrown away. What is written meanwhile is not waited for.
    pub async fn drained(&self) {
        let _ended = self.mark().await.await;
    }

    /// What [`Self::drained`] waits for, to be waited for elsewhere: an answer, or an error when the room has ended.
    pub async fn mark(&self) -> oneshot::Receiver<()> {
        let (reply, answer) = oneshot::channel();
        let _ended = self.commands.send(Command::Drained(reply)).await;
        answer
    }

    /// End the track: others see it go. Another may be published then.
    pub async fn unpublish(self) -> Result<(), SendError> {
        self.commands.send(Command::Unpublish).await.map_err(|_| SendError::Ended)
    }

    /// Tell the others that we are muted, or no longer. What is written while muted is not sent.
    pub async fn mute(&self, muted: Muted) -> Result<(), SendError> {
        self.commands.send(Command::Mute(muted)).await.map_err(|_| SendError::Ended)
    }
}

impl TextWriter {
    /// The stream's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The next piece.
    pub async fn write(&mut self, piece: &str) -> Result<(), SendError> {
        let values = texts::chunks(&self.id, self.next, piece);
        self.next += values.len() as u64;
        send_values(&self.commands, values, &self.to).await
    }

    /// The end. A text that is not ended is not shown as whole.
    pub async fn end(self) -> Result<(), SendError> {
        send_values(&self.commands, vec![texts::trailer(&self.id)], &self.to).await
    }
}

/// Bytes to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    pub payload: Vec<u8>,
    pub topic: Option<String>,
    /// Loses nothing, and keeps the order; else what is lost is lost.
    pub reliable: bool,
    /// Identities of those who get it; empty: everybody.
    pub to: Vec<String>,
}

/// Whether a voice is subscribed to, and heard in the mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribe {
    /// It comes, and is in the mix.
    Mixed,
    /// It comes, and is handed out by itself alone ([`Options::separate`]).
    Apart,
    /// It does not come.
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Muted {
    Yes,
    No,
}

/// What a server can be asked to do to its client.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulation {
    /// Our own end of the line is dropped, without a word.
    LineLost,
    /// The server forgets us.
    NodeFailure,
    ServerLeave,
}

async fn send_values(
    commands: &mpsc::Sender<Command>,
    values: Vec<crate::wire::data::Value>,
    to: &[String],
) -> Result<(), SendError> {
    let (reply, answer) = oneshot::channel();
    let command = Command::Values { values, to: to.to_vec(), reply };
    commands.send(command).await.map_err(|_| SendError::Ended)?;
    answer.await.unwrap_or(Err(SendError::Ended))
}

fn stream_id() -> String {
    format!("vox-{:032x}", rand::random::<u128>())
}
