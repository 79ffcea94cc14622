//! The accepted TCP connection with the faults that live below HTTP: a slow drip, a reader that stops, a reset.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{extract::connect_info::Connected, serve::IncomingStream};
use futures_util::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::Sleep,
};

/// A dripping connection writes in steps of this length.
const DRIP_STEP: Duration = Duration::from_millis(50);
/// Pause after a failed `accept` (out of descriptors), so that the loop does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// The controls of one connection, held by whoever serves it.
#[derive(Default)]
pub(crate) struct Wire {
    controls: Mutex<Controls>,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

#[derive(Default)]
struct Controls {
    reset: bool,
    deaf: bool,
    drip_bytes_per_s: Option<u32>,
    bytes_left: Option<u64>,
}

impl Wire {
    /// Send a TCP reset at once, from whichever side of the connection is touched next.
    pub(crate) fn reset(&self) {
        self.change(|controls| controls.reset = true);
    }

    /// Stop reading for good; the client's writes fill the kernel's buffers and then block.
    pub(crate) fn stop_reading(&self) {
        self.change(|controls| controls.deaf = true);
    }

    /// Begin a request: limit the writing rate, and reset once so many more bytes have been written. The limits of
    /// an earlier request on the same connection are lifted.
    pub(crate) fn limit(&self, bytes_per_s: Option<u32>, reset_after_bytes: Option<u64>) {
        self.change(|controls| {
            controls.drip_bytes_per_s = bytes_per_s.map(|rate| rate.max(1));
            controls.bytes_left = reset_after_bytes;
        });
    }

    fn change(&self, edit: impl FnOnce(&mut Controls)) {
        edit(&mut self.lock());
        self.reader.wake();
        self.writer.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Controls> {
        self.controls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every connection of one server, so that stopping the server ends them all.
#[derive(Clone, Default)]
pub(crate) struct Wires(Arc<Mutex<Vec<Weak<Wire>>>>);

impl Wires {
    /// Reset every open connection.
    pub(crate) fn reset_all(&self) {
        let mut wires = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for wire in wires.drain(..).filter_map(|weak| weak.upgrade()) {
            wire.reset();
        }
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        let wires = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wires.iter().filter(|weak| weak.strong_count() > 0).count()
    }

    fn add(&self, wire: &Arc<Wire>) {
        let mut wires = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wires.retain(|weak| weak.strong_count() > 0);
        wires.push(Arc::downgrade(wire));
    }
}

/// Listens on loopback and wraps what it accepts.
pub(crate) struct FaultListener {
    inner: TcpListener,
    wires: Wires,
}

impl FaultListener {
    pub(crate) async fn bind(port: u16, wires: Wires) -> io::Result<Self> {
        let inner = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).await?;
        Ok(Self { inner, wires })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

impl axum::serve::Listener for FaultListener {
    type Io = FaultStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.inner.accept().await {
                Ok((stream, peer)) => {
                    // Small frames must leave at once; a failure here only costs latency.
                    let _ = stream.set_nodelay(true);
                    let wire = Arc::new(Wire::default());
                    self.wires.add(&wire);
                    return (FaultStream { stream, wire, pause: None }, peer);
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// Given to handlers through `ConnectInfo`.
#[derive(Clone)]
pub(crate) struct WireOf(pub(crate) Arc<Wire>);

impl Connected<IncomingStream<'_, FaultListener>> for WireOf {
    fn connect_info(stream: IncomingStream<'_, FaultListener>) -> Self {
        Self(stream.io().wire.clone())
    }
}

/// A TCP stream under the control of its [`Wire`].
pub(crate) struct FaultStream {
    stream: TcpStream,
    wire: Arc<Wire>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl FaultStream {
    fn give_up(&self) -> io::Error {
        // With zero linger the close is a reset; failing to set it leaves an ordinary close, which also ends it.
        let _ = self.stream.set_zero_linger();
        io::ErrorKind::ConnectionReset.into()
    }
}

impl AsyncRead for FaultStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.wire.reader.register(cx.waker());
        let (reset, deaf) = {
            let controls = self.wire.lock();
            (controls.reset, controls.deaf)
        };
        if reset {
            return Poll::Ready(Err(self.give_up()));
        }
        if deaf {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for FaultStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.wire.writer.register(cx.waker());
        let reset = self.wire.lock().reset;
        if let Some(pause) = self.pause.as_mut().filter(|_| !reset) {
            ready!(pause.as_mut().poll(cx));
        }
        self.pause = None;
        let (drip, left) = {
            let controls = self.wire.lock();
            if controls.reset || controls.bytes_left == Some(0) {
                drop(controls);
                self.wire.reset();
                return Poll::Ready(Err(self.give_up()));
            }
            (controls.drip_bytes_per_s, controls.bytes_left)
        };
        let per_step = drip.map(|rate| (rate as usize * DRIP_STEP.as_millis() as usize / 1000).max(1));
        let most = buf.len().min(per_step.unwrap_or(usize::MAX)).min(left.unwrap_or(u64::MAX) as usize);
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &buf[..most]))?;
        if let Some(left) = &mut self.wire.lock().bytes_left {
            *left -= written as u64;
        }
        if let Some(rate) = drip {
            let wait = Duration::from_secs_f64(written as f64 / f64::from(rate));
            self.pause = Some(Box::pin(tokio::time::sleep(wait)));
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
