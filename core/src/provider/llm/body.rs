//! The body of an answer without its connection: bytes in, events out. What reads them is what reads them in a call; a simulation that
//! has its own clock and no network says when they come.

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::LlmEvent;
use super::exchange::Reader;
use super::reply::{Codec, EventReader};
use crate::provider::Failure;
use crate::provider::outlet::Outlet;

/// A reply that is read.
pub struct Body {
    /// `None` after the last event.
    reader: Option<Box<dyn Reading>>,
    out: Outlet<LlmEvent>,
}

impl Body {
    /// An answer of server-sent events, whose form this codec knows.
    pub fn of_events(codec: impl Codec + Send + 'static) -> Self {
        Self::of(EventReader::new(codec))
    }

    pub(super) fn of(reader: impl Reader + Send + 'static) -> Self {
        // Nobody waits at the other end: the events are taken out here.
        let (sender, _) = mpsc::channel(1);
        Self { reader: Some(Box::new(reader)), out: Outlet::new(sender) }
    }

    /// Some bytes of it have come, cut anywhere. `Done` or `Failed` is the last event.
    pub fn piece(&mut self, bytes: &[u8]) -> Vec<LlmEvent> {
        self.read(|reader, out| reader.take(bytes, out))
    }

    /// It ended as HTTP says a body ends.
    pub fn end(&mut self) -> Vec<LlmEvent> {
        self.read(|reader, out| reader.over(out))
    }

    /// The connection was lost.
    pub fn cut(&mut self, failure: Failure) -> Vec<LlmEvent> {
        self.read(|reader, out| reader.cut(failure, out))
    }

    /// [`Self::late_at`] has come.
    pub fn late(&mut self) -> Vec<LlmEvent> {
        self.read(|reader, _| reader.late())
    }

    /// How long the next bytes are waited for, as of now; nothing after the last event.
    pub fn late_at(&self) -> Option<Instant> {
        self.reader.as_ref().map(|reader| reader.wait_until())
    }

    fn read(
        &mut self,
        step: impl FnOnce(&mut dyn Reading, &mut Outlet<LlmEvent>) -> Result<(), Failure>,
    ) -> Vec<LlmEvent> {
        let Some(reader) = &mut self.reader else { return Vec::new() };
        let read = step(reader.as_mut(), &mut self.out);
        let last = match read {
            Ok(()) if !reader.is_over() => None,
            Ok(()) => self.reader.take().map(|reader| reader.done(&mut self.out)),
            Err(failure) => {
                self.reader = None;
                Some(Err(failure))
            }
        };
        let last = last.map(|last| last.unwrap_or_else(LlmEvent::Failed));
        self.out.take().chain(last).collect()
    }
}

/// A reader of any kind.
trait Reading: Send {
    fn wait_until(&self) -> Instant;
    fn take(&mut self, piece: &[u8], out: &mut Outlet<LlmEvent>) -> Result<(), Failure>;
    fn over(&mut self, out: &mut Outlet<LlmEvent>) -> Result<(), Failure>;
    fn cut(&mut self, failure: Failure, out: &mut Outlet<LlmEvent>) -> Result<(), Failure>;
    fn late(&mut self) -> Result<(), Failure>;
    fn is_over(&self) -> bool;
    fn done(self: Box<Self>, out: &mut Outlet<LlmEvent>) -> Result<LlmEvent, Failure>;
}

impl<R: Reader + Send> Reading for R {
    fn wait_until(&self) -> Instant {
        Reader::wait_until(self)
    }

    fn take(&mut self, piece: &[u8], out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        Reader::take(self, piece, out)
    }

    fn over(&mut self, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        Reader::over(self, out)
    }

    fn cut(&mut self, failure: Failure, out: &mut Outlet<LlmEvent>) -> Result<(), Failure> {
        Reader::cut(self, failure, out)
    }

    fn late(&mut self) -> Result<(), Failure> {
        Reader::late(self)
    }

    fn is_over(&self) -> bool {
        Reader::is_over(self)
    }

    fn done(self: Box<Self>, out: &mut Outlet<LlmEvent>) -> Result<LlmEvent, Failure> {
        Reader::done(*self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::FailureClass;
    use crate::provider::llm::{Finish, openai};

    fn text(text: &str) -> LlmEvent {
        LlmEvent::Text(text.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_that_are_cut_anywhere_become_a_reply_with_one_end() {
        let mut body = openai::body("openai");
        assert!(body.piece(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"con").is_empty());
        assert_eq!(body.piece(b"tent\":\"Yes.\"}}]}\n\n"), [text("Yes.")]);
        assert!(body.late_at().is_some());
        let done = LlmEvent::Done { finish: Finish::Stop, usage: None };
        assert_eq!(body.piece(b"data: [DONE]\n\n"), [done]);
        assert_eq!((body.end(), body.late_at()), (Vec::new(), None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_and_a_halt_are_failures() {
        let failure = Failure::new(FailureClass::Unavailable, "cut");
        assert_eq!(openai::body("openai").cut(failure.clone()), [LlmEvent::Failed(failure)]);
        let late = openai::body("openai").late();
        assert!(matches!(&late[..], [LlmEvent::Failed(failure)] if failure.class == FailureClass::TimedOut));
    }
}
