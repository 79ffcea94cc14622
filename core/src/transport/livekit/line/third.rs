//! Somebody who is asked to take the call, as the line knows them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::dialling::Asked;
use crate::transport::livekit::caller::Caller;
use crate::transport::livekit::server::{DialError, Wanted};

/// What was said to one side has left when the other is spoken to: longer than the bot takes to fall silent.
pub(super) const QUIET: Duration = Duration::from_millis(150);
/// A server that does not put the third out in this time keeps nobody waiting: the bot has left the third's room by then.
pub(super) const BACK_PATIENCE: Duration = Duration::from_secs(5);

/// Somebody who is asked, and then talks with the caller.
pub(super) struct Consult {
    pub(super) identity: String,
    pub(super) third: Caller,
    pub(super) wanted: Wanted,
    /// They may sit in their room, and the bot is there.
    pub(super) is_seated: bool,
    pub(super) has_room: bool,
    pub(super) is_rung: bool,
    pub(super) dialling: Option<Asked<DialError>>,
    pub(super) state: State,
    /// The bot's own words for both, as far as they wait.
    pub(super) own: VecDeque<Vec<i16>>,
    /// What the caller hears meanwhile, where the bot has something for them.
    pub(super) music: Option<Arc<[i16]>>,
}

pub(super) enum State {
    /// They are rung, hear what it is about and decide.
    Asked,
    /// They are gone, or never came: the conversation knows.
    Over,
    /// The caller comes back when the stage is in force and what was said is out.
    Ending { since: Instant },
}

impl Consult {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Ending { since } if since.elapsed() < QUIET => Some(since + QUIET),
            State::Ending { since } => Some(since + BACK_PATIENCE),
            State::Over => None,
            State::Asked => self.third.next_deadline(),
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(self.state, State::Ending { .. })
    }
}
