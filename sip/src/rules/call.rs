//! A call, as the rules know it.

use std::net::SocketAddr;
use std::time::Instant;

use super::session::Refresh;
use crate::dialog::Dialog;
use crate::digest::Credentials;
use crate::message::Request;
use crate::sdp::{Agreed, Direction, Offer, Origin};
use crate::transaction::{ClientId, ServerKey};

/// A call's number here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CallKey(pub u64);

/// Where a call is.
#[derive(Debug)]
pub(super) enum Phase {
    /// Somebody calls us and waits.
    Offered { key: ServerKey, invite: Box<Request> },
    /// We call somebody and wait.
    Calling(Calling),
    /// It is answered.
    Up,
}

/// A call of ours that is not answered yet.
#[derive(Debug)]
pub(super) struct Calling {
    pub client: ClientId,
    /// Something came back: it may be cancelled.
    pub is_under_way: bool,
    /// It is given up.
    pub is_cancelled: bool,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(super) dialog: Dialog,
    pub(super) phase: Phase,
    /// Where we take sound; unknown until we answer.
    pub(super) sound_at: Option<SocketAddr>,
    pub(super) origin: Origin,
    /// Our side as it was described last.
    pub(super) described: Option<String>,
    /// An offer of ours that is not answered.
    pub(super) offer: Option<Offer>,
    pub(super) agreed: Option<Agreed>,
    pub(super) credentials: Option<Credentials>,
    /// Our 2xx that is not acknowledged, and the number of what it answers.
    pub(super) unacknowledged: Option<(ServerKey, u32)>,
    pub(super) refresh: Option<Refresh>,
    /// When it is given up: it rings too long, or nothing comes after it was cancelled.
    pub(super) until: Option<Instant>,
    /// Its end was told.
    pub(super) told: bool,
}

impl Call {
    pub(super) fn new(dialog: Dialog, phase: Phase) -> Self {
        Self {
            dialog,
            phase,
            sound_at: None,
            // Below 2^63: some read it as a signed number.
            origin: Origin { session: u64::from(rand::random::<u32>()), version: 1 },
            described: None,
            offer: None,
            agreed: None,
            credentials: None,
            unacknowledged: None,
            refresh: None,
            until: None,
            told: false,
        }
    }

    /// What it is found by.
    pub(super) fn id(&self) -> (String, String) {
        (self.dialog.call_id.clone(), self.dialog.local.tag().unwrap_or_default().to_owned())
    }

    /// When something must be done about it.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.until, self.refresh.as_ref().map(Refresh::due)].into_iter().flatten().min()
    }

    /// Whether the other side does not listen.
    pub(super) fn is_held(&self) -> bool {
        self.agreed.is_some_and(|agreed| agreed.direction != Direction::Both)
    }
}
