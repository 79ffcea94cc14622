//! How `vox up` hands the callers' sockets to its workers, so that no audio passes through it.
//!
//! The dispatcher listens on a unix stream socket; each worker connects to it (`VOXCORE_DISPATCH`) and sends one JSON line,
//! [`Hello`]. Then
//!
//! * dispatcher to worker: one byte, [`Kind`], with exactly one file descriptor as `SCM_RIGHTS`: an accepted TCP socket of
//!   which nothing was read. [`Kind::Call`] takes the worker's slot on receipt, whatever the request turns out to be; a
//!   worker that has no slot answers 503 on that socket itself. On a socket of [`Kind::Other`] a worker answers one
//!   request and closes: a call must not come in through it.
//! * worker to dispatcher: lines of text, [`StateLine`], on every change, after each socket was dealt with, and every
//!   [`STATE_INTERVAL`].
//!
//! A state says how many sockets the worker had received when it was sent. The dispatcher believes it only if that is the
//! number it has handed over: a "free" that crossed a call on its way is not mistaken for news. A worker whose connection
//! closes is gone, so one that drains keeps it until its call has ended.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::WorkerId;

/// A worker says its state at least this often.
pub const STATE_INTERVAL: Duration = Duration::from_millis(500);
/// A worker that said nothing for so long hangs, and gets no sockets until it speaks again.
pub const SILENT_AFTER: Duration = Duration::from_secs(3);
/// Longest line that either side reads, bytes, its end included.
pub const MAX_LINE_BYTES: usize = 256;

/// The worker's first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub worker_id: WorkerId,
    pub pid: u32,
}

/// What a handed-over socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call: the worker's slot is taken with it.
    Call,
    /// Health, metrics, recordings: one short request.
    Other,
}

impl Kind {
    /// The byte that carries the descriptor.
    pub fn byte(self) -> u8 {
        match self {
            Self::Call => b'C',
            Self::Other => b'O',
        }
    }

    /// What a byte means; `None` for one that the protocol does not have.
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'C' => Some(Self::Call),
            b'O' => Some(Self::Other),
            _ => None,
        }
    }
}

/// What a worker can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// A call.
    Free,
    /// Nothing but short requests: its call goes on.
    Busy,
    /// It ends after its call and takes no other.
    Draining,
}

/// A worker's state, as of so many sockets. Written as `F 3` and a line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateLine {
    pub state: WorkerState,
    /// Sockets received on this connection until now, of either kind.
    pub received: u64,
}

impl fmt::Display for StateLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.state {
            WorkerState::Free => 'F',
            WorkerState::Busy => 'B',
            WorkerState::Draining => 'D',
        };
        writeln!(f, "{letter} {}", self.received)
    }
}

/// The line is no worker's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a worker's state: F, B or D, a space and a number")]
pub struct BadStateLine;

impl FromStr for StateLine {
    type Err = BadStateLine;

    /// Reads a line with or without its end.
    fn from_str(line: &str) -> Result<Self, BadStateLine> {
        let (letter, received) = line.trim_end().split_once(' ').ok_or(BadStateLine)?;
        let state = match letter {
            "F" => WorkerState::Free,
            "B" => WorkerState::Busy,
            "D" => WorkerState::Draining,
            _ => return Err(BadStateLine),
        };
        Ok(Self { state, received: received.parse().map_err(|_| BadStateLine)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_line_is_read_as_it_was_written() {
        for (state, text) in
            [(WorkerState::Free, "F 0\n"), (WorkerState::Busy, "B 12\n"), (WorkerState::Draining, "D 3\n")]
        {
            let line: StateLine = text.parse().unwrap();
            assert_eq!((line.state, line.to_string().as_str()), (state, text));
        }
        for bad in ["", "F", "F -1", "X 1", "F 1 2", "f 1", "F  1"] {
            assert_eq!(bad.parse::<StateLine>(), Err(BadStateLine), "{bad}");
        }
    }

    #[test]
    fn kinds_have_their_bytes() {
        for kind in [Kind::Call, Kind::Other] {
            assert_eq!(Kind::from_byte(kind.byte()), Some(kind));
        }
        assert_eq!(Kind::from_byte(b'X'), None);
    }
}
