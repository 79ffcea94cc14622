//! The body of an answer, as it comes.

use std::time::Duration;

use super::NAME;
use super::answer::{Transcript, parse_answer};
use crate::provider::{Failure, FailureClass};

/// From the question to the whole answer. The session gives up much earlier; this ends what it forgot.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// Much more than half a minute of speech needs.
const ANSWER_BYTES: usize = 1 << 20;

/// What has come of an answer that is no refusal.
#[derive(Debug, Default)]
pub struct Body {
    bytes: Vec<u8>,
}

impl Body {
    /// Some of it has come.
    ///
    /// # Errors
    /// `Malformed` where it is longer than an answer can be.
    pub fn piece(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.bytes.extend_from_slice(piece);
        if self.bytes.len() > ANSWER_BYTES {
            let detail = format!("{NAME} answers with more than {ANSWER_BYTES} bytes");
            return Err(Failure::new(FailureClass::Malformed, detail));
        }
        Ok(())
    }

    /// All of it is there.
    ///
    /// # Errors
    /// `Malformed` where it is no answer of this protocol.
    pub fn end(&self) -> Result<Transcript, Failure> {
        parse_answer(&self.bytes).map_err(|error| {
            Failure::new(FailureClass::Malformed, format!("{NAME} sends what it should not: {error}"))
        })
    }

    /// It was not there after [`ANSWER_DEADLINE`].
    pub fn late() -> Failure {
        late("no answer in time")
    }
}

/// Something was not there in time.
pub(super) fn late(what: &str) -> Failure {
    Failure::new(FailureClass::TimedOut, format!("{NAME}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_come_in_pieces_and_has_an_end() {
        let mut body = Body::default();
        for piece in [&br#"{"text":"#[..], br#""yes"}"#] {
            assert_eq!(body.piece(piece), Ok(()));
        }
        assert_eq!(body.end().map(|transcript| transcript.text), Ok("yes".to_owned()));
        let malformed = |failure: Failure| failure.class == FailureClass::Malformed;
        assert!(body.piece(&vec![b' '; ANSWER_BYTES]).is_err_and(malformed));
        assert!(Body::default().end().is_err_and(malformed));
    }
}
