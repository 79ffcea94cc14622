//! What a program holds of a call.

use std::net::SocketAddr;

use tokio::sync::{mpsc, oneshot};

use super::command::{CallError, Command, Parts};
use crate::digest::{Credentials, Proved};
use crate::event::Event;
use crate::message::{Headers, Request, Uri, is_token};
use crate::rtp::{FRAME, RtpCounts};
use crate::rules::{CallKey, Ring};

/// A call. Cheap to clone. It is hung up when its [`Events`] are dropped.
#[derive(Clone, Debug)]
pub struct Call {
    key: CallKey,
    commands: mpsc::Sender<Command>,
    frames: mpsc::Sender<Vec<i16>>,
    call_id: String,
    tag: String,
}

/// What happens in a call, in order.
#[derive(Debug)]
pub struct Events {
    key: CallKey,
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
    sound: Option<Sound>,
}

/// What is heard: 20 ms at 8 kHz each, also of silence. A second of it waits; what is not read then is lost.
#[derive(Debug)]
pub struct Sound {
    frames: mpsc::Receiver<Vec<i16>>,
}

/// Somebody calls.
#[derive(Debug)]
pub struct Incoming {
    pub call: Call,
    pub events: Events,
    /// As it came.
    pub invite: Request,
    pub from: SocketAddr,
}

impl Parts {
    pub(super) fn into_call(
        self,
        commands: mpsc::Sender<Command>,
        events: mpsc::Receiver<Event>,
    ) -> (Call, Events) {
        let Self { key, frames, sound, call_id, tag } = self;
        let events = Events { key, commands: commands.clone(), events, sound: Some(Sound { frames: sound }) };
        (Call { key, commands, frames, call_id, tag }, events)
    }
}

impl Call {
    /// The `Call-ID` of its messages.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Our tag in its messages.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Tell the caller that it rings. May be said again and again.
    pub async fn ring(&self) -> Result<(), CallError> {
        let ring = Ring { status: 180, ..Ring::default() };
        self.ask(|reply| Command::Ring { key: self.key, ring, early: false, reply }).await?
    }

    /// Let the caller hear us before the call is answered (183): what is written then is sent.
    pub async fn ring_with_sound(&self) -> Result<(), CallError> {
        let ring = Ring { status: 183, ..Ring::default() };
        self.ask(|reply| Command::Ring { key: self.key, ring, early: true, reply }).await?
    }

    /// Answer it. With an error the call is still there, and is to be refused.
    pub async fn answer(&self, headers: Vec<(String, String)>) -> Result<(), CallError> {
        let headers = checked(headers)?;
        self.ask(|reply| Command::Answer { key: self.key, headers, reply }).await?
    }

    /// Refuse it with a status of 300 to 699.
    pub async fn refuse(&self, status: u16, reason: &str) -> Result<(), CallError> {
        self.tell(Command::Refuse { key: self.key, status, reason: reason.to_owned() }).await
    }

    /// Whether the caller proved a password.
    pub async fn proves(&self, credentials: Credentials) -> Result<Proved, CallError> {
        self.ask(|reply| Command::Proves { key: self.key, credentials, reply }).await
    }

    /// Ask the caller for a password (407). The call is over by it; with the password comes another one.
    pub async fn challenge(&self) -> Result<(), CallError> {
        self.tell(Command::Challenge(self.key)).await
    }

    /// Hang up; cancel, if it is ours and not answered; refuse, if it is to us and not answered.
    pub async fn hang_up(&self) -> Result<(), CallError> {
        self.tell(Command::HangUp(self.key)).await
    }

    /// Ask the other side to call somebody else in our place (REFER). How it goes comes as events.
    pub async fn refer(&self, to: &Uri, headers: Vec<(String, String)>) -> Result<(), CallError> {
        let headers = checked(headers)?;
        self.tell(Command::Refer { key: self.key, to: to.to_string(), headers }).await
    }

    /// Press keys, one after another. Returns when they are sent.
    pub async fn press(&self, keys: &str) -> Result<(), CallError> {
        let keys = keys.to_owned();
        self.ask(|reply| Command::Press { key: self.key, keys, reply }).await?
    }

    /// Say 20 ms at 8 kHz. Waits while 200 ms are queued.
    pub async fn write(&self, frame: Vec<i16>) -> Result<(), CallError> {
        if frame.len() != FRAME {
            return Err(CallError::FrameLength(frame.len()));
        }
        self.frames.send(frame).await.map_err(|_| CallError::Over)
    }

    /// What is counted of its sound.
    pub async fn counts(&self) -> Result<RtpCounts, CallError> {
        self.ask(|reply| Command::Heard { key: self.key, reply }).await
    }

    async fn tell(&self, command: Command) -> Result<(), CallError> {
        self.commands.send(command).await.map_err(|_| CallError::Over)
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, CallError> {
        let (reply, answer) = oneshot::channel();
        self.tell(command(reply)).await?;
        answer.await.map_err(|_| CallError::Over)
    }
}

impl Events {
    /// The next event; `None` after the last one. Safe to cancel.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// What is heard, once.
    pub fn sound(&mut self) -> Option<Sound> {
        self.sound.take()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // Nobody sees to the call any more. If even this does not get through, its next event does not either, and ends it.
        let _full = self.commands.try_send(Command::HangUp(self.key));
    }
}

impl Sound {
    /// The next 20 ms; `None` when the call is over. Safe to cancel.
    pub async fn next(&mut self) -> Option<Vec<i16>> {
        self.frames.recv().await
    }
}

fn checked(headers: Vec<(String, String)>) -> Result<Headers, CallError> {
    let mut checked = Headers::default();
    for (name, value) in headers {
        if !super::may_set(&name) || !is_token(&name) || value.contains(['\r', '\n', '\0']) {
            return Err(CallError::Header(name));
        }
        checked.push(name, value);
    }
    Ok(checked)
}
