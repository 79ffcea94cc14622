//! What the carrier saw: one JSON line for each INVITE, and for what became of it. It is only ever appended to, and it is all that the
//! checker knows of calls.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::callees::Class;

/// A line. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub at_us: i64,
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum What {
    /// The carrier began to serve.
    Opened,
    /// It lost its memory: all rooms are gone, and all calls have ended.
    Restarted,
    /// A dial died before its INVITE.
    NotSent { attempt: String, to: String, room: String, why: String },
    /// An INVITE went out.
    Invite {
        /// `SCL_…`, for the lines that follow.
        call: String,
        /// By the call's header or attribute, or its room's name.
        attempt: String,
        to: String,
        from: String,
        trunk: String,
        room: String,
        /// Whether the room was there when the INVITE went out, and not made again by the dial itself.
        room_existed: bool,
    },
    /// Somebody took it.
    Answered { call: String, class: Class },
    /// It is over, for the callee too.
    Ended {
        call: String,
        how: How,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
    },
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By the callee or the network, before the answer.
    Refused,
    /// By the carrier: too many calls in a second, or at once.
    Throttled,
    RangOut,
    /// Nothing ever came back.
    Dead,
    /// By us, before the answer.
    Cancelled,
    CalleeHungUp,
    /// By us, after the answer.
    HungUp,
    /// The longest call was over.
    TooLong,
    Restarted,
}

/// The lines of one carrier: in memory, and in a file if there is one.
#[derive(Debug)]
pub struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    lines: Vec<Line>,
    file: Option<File>,
    /// The first line that could not be written.
    broken: Option<io::Error>,
}

impl Journal {
    /// Append to this file, or keep lines in memory alone.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose()?;
        Ok(Self { inner: Mutex::new(Inner { lines: Vec::new(), file, broken: None }) })
    }

    /// The next line. It is in the file, if there is one, before anything else happens.
    pub(super) fn write(&self, at_us: i64, what: What) {
        let line = Line { at_us, what };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &mut inner.file {
            let mut text = serde_json::to_vec(&line).unwrap_or_default();
            text.push(b'\n');
            if let Err(error) = file.write_all(&text) {
                inner.broken.get_or_insert(error);
            }
        }
        inner.lines.push(line);
    }

    /// All lines of this carrier.
    pub fn lines(&self) -> Vec<Line> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    /// Why the file is not whole, if it is not.
    pub fn fault(&self) -> Option<String> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.broken.as_ref().map(ToString::to_string)
    }
}

/// Read a file of lines, whatever number of carriers wrote it one after the other. A last line that is cut is left out.
///
/// # Errors
/// When it cannot be read, or a line other than the last is none.
pub fn read(path: &Path) -> io::Result<Vec<Line>> {
    let text = std::fs::read_to_string(path)?;
    let (whole, _cut) = text.rsplit_once('\n').unwrap_or_default();
    let line = |(at, text): (usize, &str)| {
        serde_json::from_str(text)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("line {}: {error}", at + 1)))
    };
    whole.lines().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_a_cut_line_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let ended = |call: &str| What::Ended { call: call.into(), how: How::Refused, code: Some(486) };
        for call in ["SCL_1", "SCL_2"] {
            let journal = Journal::open(Some(&path)).unwrap();
            journal.write(7, What::Opened);
            journal.write(9, ended(call));
            assert_eq!((journal.lines().len(), journal.fault()), (2, None));
        }
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"at_us\": 1").unwrap();
        let lines = read(&path).unwrap();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[3], Line { at_us: 9, what: ended("SCL_2") });
        file.write_all(b"\nx\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 5"));
    }
}
