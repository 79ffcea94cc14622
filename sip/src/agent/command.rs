//! What calls ask of the agent's task.

use std::net::UdpSocket as StdSocket;

use tokio::sync::{mpsc, oneshot};

use crate::digest::{Credentials, Proved};
use crate::event::Event;
use crate::message::Headers;
use crate::rtp::{FRAME, RtpCounts};
use crate::rules::{CallKey, Counts, Dial, Ring};
use crate::sdp::NoAgreement;

/// Events of a call that wait to be read.
pub(super) const CALL_EVENTS: usize = 64;
/// Frames of sound that wait to be read: a second.
pub(super) const HEARD: usize = 50;
/// Frames that wait to be said: who writes faster waits.
pub(super) const SAID: usize = 10;

/// What is asked of the task.
#[derive(Debug)]
pub(super) enum Command {
    Dial {
        dial: Box<Dial>,
        socket: StdSocket,
        events: mpsc::Sender<Event>,
        reply: oneshot::Sender<Option<Parts>>,
    },
    Ring {
        key: CallKey,
        ring: Ring,
        early: bool,
        reply: oneshot::Sender<Result<(), CallError>>,
    },
    Answer {
        key: CallKey,
        headers: Headers,
        reply: oneshot::Sender<Result<(), CallError>>,
    },
    Refuse {
        key: CallKey,
        status: u16,
        reason: String,
    },
    Proves {
        key: CallKey,
        credentials: Credentials,
        reply: oneshot::Sender<Proved>,
    },
    Challenge(CallKey),
    HangUp(CallKey),
    Refer {
        key: CallKey,
        to: String,
        headers: Headers,
    },
    Press {
        key: CallKey,
        keys: String,
        reply: oneshot::Sender<Result<(), CallError>>,
    },
    Heard {
        key: CallKey,
        reply: oneshot::Sender<RtpCounts>,
    },
    /// Nothing was heard for too long.
    Silent(CallKey),
    /// Its events are not read.
    Unread(CallKey),
    Counts(oneshot::Sender<Counts>),
    Close(oneshot::Sender<()>),
}

/// What was asked of a call cannot be done.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    NoAgreement(#[from] NoAgreement),
    #[error("no port for sound is free: widen the range of them")]
    NoPort,
    #[error("'{0}' is no key of a telephone, too many wait, or the other side takes none")]
    NoKey(char),
    #[error("a frame of {0} samples: {FRAME} are 20 ms")]
    FrameLength(usize),
    #[error("'{0}' is no header that may be set, or its value holds a line break")]
    Header(String),
    #[error("the call is over")]
    Over,
}

/// What the driver gives for a call that has begun.
#[derive(Debug)]
pub(super) struct Parts {
    pub key: CallKey,
    pub frames: mpsc::Sender<Vec<i16>>,
    pub sound: mpsc::Receiver<Vec<i16>>,
    pub call_id: String,
    pub tag: String,
}
