//! The engine's end of the protocol: blocking reads of requests, blocking writes of replies.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use vox_engines::frame::FrameParser;
use vox_engines::message::{Failure, FailureKind, MessageError, Reply, Request};

/// Bytes read from stdin at once: several 20 ms frames of audio.
const READ_BYTES: usize = 8 * 1024;

/// Both directions of the talk with the client.
pub struct Pipes {
    pub requests: Requests,
    pub replies: Replies,
}

impl Pipes {
    /// Take stdin and stdout for the protocol. The C libraries' own stdout becomes `/dev/null`, so that a
    /// diagnostic of theirs cannot land between two frames.
    pub fn take_stdio() -> io::Result<Self> {
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdout(&nowhere)?;
        Ok(Self {
            requests: Requests { input, parser: FrameParser::default(), buffer: vec![0; READ_BYTES] },
            replies: Replies { output },
        })
    }
}

/// Requests as they come in.
pub struct Requests {
    input: File,
    parser: FrameParser,
    buffer: Vec<u8>,
}

impl Requests {
    /// Wait for the next request; `None` once the client has closed its end.
    pub fn next(&mut self) -> Result<Option<Request>, Failure> {
        loop {
            if let Some(frame) = self.parser.next_frame().map_err(|error| malformed(&error.into()))? {
                return Request::decode(&frame).map(Some).map_err(|error| malformed(&error));
            }
            match self.input.read(&mut self.buffer) {
                Ok(0) => {
                    self.parser.finish().map_err(|error| malformed(&error.into()))?;
                    return Ok(None);
                }
                Ok(count) => self.parser.push(&self.buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Ok(None),
            }
        }
    }
}

/// Replies on their way out. A client that does not read makes the engine wait, not grow.
pub struct Replies {
    output: File,
}

impl Replies {
    /// Write one reply. Fails when the client is gone, or if the reply does not fit a frame.
    pub fn send(&mut self, reply: &Reply) -> io::Result<()> {
        let wire = reply.encode().map_err(io::Error::other)?;
        self.output.write_all(&wire)
    }
}

/// A request out of place or outside the limits.
pub fn bad_request(message: impl Into<String>) -> Failure {
    Failure { id: None, kind: FailureKind::BadRequest, message: message.into() }
}

fn malformed(error: &MessageError) -> Failure {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    bad_request(message)
}
