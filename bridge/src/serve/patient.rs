//! An accepted socket that does not wait for ever. The framework limits the time of a connection's first headers and of the
//! pause between requests; a peer that drips its later headers, or never reads what it asked for, would keep its
//! connection, and enough of them all connections.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// Longest time for a request's headers, and for an idle connection between requests.
const HEADER_DEADLINE: Duration = Duration::from_secs(30);
/// Longest time in which a peer takes nothing of an answer that is sent to it.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// How long a body that nobody wants is still read after its refusal, so that its sender gets to read the answer.
const LINGER: Duration = Duration::from_secs(15);

/// How long a peer may keep its connection without doing its part.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a request's headers, and between two requests.
    pub headers: Duration,
    /// For the next piece of an answer to be taken.
    pub write: Duration,
    /// For the rest of a body that was refused unread.
    pub linger: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { headers: HEADER_DEADLINE, write: WRITE_DEADLINE, linger: LINGER }
    }
}

/// A socket with deadlines.
pub struct Patient {
    stream: TcpStream,
    pace: Pace,
    /// The pace's step at which the wait for headers began.
    step: u64,
    headers: Deadline,
    write: Deadline,
}

/// Where a connection stands, told by those who handle its requests. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pace(Rc<Steps>);

#[derive(Debug, Default)]
struct Steps {
    /// Requests that are being answered: 0 or 1.
    answering: Cell<u32>,
    /// Goes up with everything that lets a new wait begin.
    step: Cell<u64>,
    /// No other request is taken after this answer.
    closes: Cell<bool>,
}

/// A request is being answered for as long as this lives.
#[derive(Debug)]
pub struct Answering(Pace);

impl Pace {
    /// A request's headers are complete; from now on its handler has deadlines of its own.
    pub fn answering(&self) -> Answering {
        self.0.answering.set(self.0.answering.get() + 1);
        Answering(self.clone())
    }

    /// The answer that is about to be written, in one piece, is the last one. Its end is told at once, while the rest of
    /// what the peer sends is still read: a socket that is closed with unread bytes in it is reset, and the reset takes
    /// the answer away from a peer that writes before it reads.
    pub fn close(&self) {
        self.0.closes.set(true);
    }

    fn go_on(&self) {
        self.0.step.set(self.0.step.get() + 1);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let steps = &self.0.0;
        steps.answering.set(steps.answering.get().saturating_sub(1));
        self.0.go_on();
    }
}

impl Patient {
    pub fn new(stream: TcpStream, patience: Patience) -> Self {
        Self {
            stream,
            pace: Pace::default(),
            step: 0,
            headers: Deadline::after(patience.headers),
            write: Deadline::after(patience.write),
        }
    }

    pub fn pace(&self) -> Pace {
        self.pace.clone()
    }

    /// No bytes are there. Those that came do not begin the wait anew: headers that drip are late all the same.
    fn wait_for_headers(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        if self.pace.0.answering.get() > 0 {
            return Poll::Pending;
        }
        let step = self.pace.0.step.get();
        if step != self.step {
            self.step = step;
            self.headers.stop();
        }
        self.headers.poll(context)
    }

    fn judged<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            return Poll::Ready(Err(ready!(self.write.poll(context))));
        }
        self.write.stop();
        self.pace.go_on();
        written
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_read(context, into) {
            Poll::Pending => this.wait_for_headers(context).map(Err),
            read => read,
        }
    }
}

impl AsyncWrite for Patient {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.judged(written, context)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_flush(context))?;
        if this.pace.0.closes.take() {
            return Pin::new(&mut this.stream).poll_shutdown(context);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// A wait that ends with an error. It runs from the first poll to the next stop; its timer is kept for the next wait.
struct Deadline {
    after: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    runs: bool,
}

impl Deadline {
    fn after(after: Duration) -> Self {
        Self { after, timer: None, runs: false }
    }

    fn stop(&mut self) {
        self.runs = false;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.after)));
        if !self.runs {
            timer.as_mut().reset(Instant::now() + self.after);
            self.runs = true;
        }
        timer.as_mut().poll(context).map(|()| io::ErrorKind::TimedOut.into())
    }
}
