//! An agent on the network: the rules of [`rules`](crate::rules) with sockets, a clock and a task.

mod call;
mod command;
mod connection;
mod driver;
mod inbox;
mod line;
mod ports;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket, lookup_host};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub use call::{Call, Events, Incoming, Sound};
pub use command::CallError;
use command::{CALL_EVENTS, Command};
use driver::Driver;
use ports::Ports;

use crate::digest::Credentials;
use crate::message::{Headers, NameAddr, Scheme, Uri, is_token};
use crate::rules::{self, Counts};
use crate::settings::Settings;
use crate::transport::{Flow, Transport};

/// Requests that wait for the agent's task.
const COMMANDS: usize = 256;
/// Calls to us that wait to be seen to.
const CALLS: usize = 64;
/// How long a name may be looked up.
const LOOK_UP: Duration = Duration::from_secs(5);

/// A telephone on the network, for many calls. Cheap to clone. When the last one is dropped, and the last call, it ends.
#[derive(Clone, Debug)]
pub struct Agent {
    commands: mpsc::Sender<Command>,
    ports: Arc<Ports>,
    address: SocketAddr,
}

/// Calls to us.
#[derive(Debug)]
pub struct Calls {
    calls: mpsc::Receiver<Incoming>,
}

impl Calls {
    /// The next call; `None` when the agent has ended. While nobody asks, callers wait; when too many do, the next are refused.
    pub async fn next(&mut self) -> Option<Incoming> {
        self.calls.recv().await
    }
}

/// An agent does not begin.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("{0} cannot be listened at: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    #[error("no address to tell others: listen at one of the machine's own, or set what to advertise")]
    Unspecified,
    #[error("no codec is given: at least one is needed")]
    NoCodec,
}

/// A call is not begun.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error(
        "only sip: addresses can be called: sips: needs TLS, which is not there, and tel: needs a trunk's address"
    )]
    Scheme,
    #[error("{0} cannot be looked up")]
    Unknown(String),
    #[error("'{0}' is no header that may be set, or its value holds a line break")]
    Header(String),
    #[error("no port for sound is free: widen the range of them")]
    NoPort,
    #[error("the agent has as many calls as it may have")]
    TooMany,
    #[error("the agent has ended")]
    Ended,
}

/// Whom to call, as whom.
#[derive(Clone, Debug)]
pub struct Dial {
    pub to: Uri,
    pub from: NameAddr,
    pub transport: Transport,
    /// Headers besides those that each call has. Not those that make it a call.
    pub headers: Vec<(String, String)>,
    /// For a 401 or 407.
    pub credentials: Option<Credentials>,
    /// How long it may ring.
    pub ring_for: Duration,
    /// Our tag; one is made if there is none.
    pub tag: Option<String>,
}

impl Agent {
    /// Begin to listen.
    pub async fn bind(settings: Settings) -> Result<(Self, Calls), BindError> {
        if settings.codecs.is_empty() {
            return Err(BindError::NoCodec);
        }
        let ip = settings.advertise.unwrap_or(settings.listen.ip());
        if ip.is_unspecified() {
            return Err(BindError::Unspecified);
        }
        let (udp, tcp) = listen(settings.listen).await.map_err(|e| BindError::Listen(settings.listen, e))?;
        let port = udp.local_addr().map_err(|e| BindError::Listen(settings.listen, e))?.port();
        let address = SocketAddr::new(ip, port);
        let (commands, received) = mpsc::channel(COMMANDS);
        let (calls, read_calls) = mpsc::channel(CALLS);
        let ports = Arc::new(Ports::new(settings.listen.ip(), ip, settings.rtp_ports.clone()));
        let ends = driver::Ends { udp, tcp, commands: commands.downgrade(), received, calls };
        let driver = Driver::new(settings, address, Arc::clone(&ports), ends);
        tokio::spawn(Box::pin(driver.run()));
        Ok((Self { commands, ports, address }, Calls { calls: read_calls }))
    }

    /// The address that others reach it by.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Call somebody. It returns when the call is under way: what becomes of it comes as events.
    pub async fn dial(&self, dial: Dial) -> Result<(Call, Events), DialError> {
        if dial.to.scheme != Scheme::Sip {
            return Err(DialError::Scheme);
        }
        let mut headers = Headers::default();
        for (name, value) in dial.headers {
            if !may_set(&name) || value.contains(['\r', '\n', '\0']) {
                return Err(DialError::Header(name));
            }
            headers.push(name, value);
        }
        let peer = self.look_up(&dial.to).await?;
        let (socket, sound_at) = self.ports.take().ok_or(DialError::NoPort)?;
        let mut to = dial.to.clone();
        to.params.clear();
        let dial = rules::Dial {
            uri: dial.to.to_string(),
            to: NameAddr::new(to),
            from: dial.from,
            flow: Flow { transport: dial.transport, peer },
            tag: dial.tag,
            headers,
            credentials: dial.credentials,
            ring_for: dial.ring_for,
            sound_at,
        };
        let (reply, answer) = oneshot::channel();
        let (events, read_events) = mpsc::channel(CALL_EVENTS);
        let command = Command::Dial { dial: Box::new(dial), socket, events, reply };
        self.commands.send(command).await.map_err(|_| DialError::Ended)?;
        let parts = answer.await.map_err(|_| DialError::Ended)?.ok_or(DialError::TooMany)?;
        Ok(parts.into_call(self.commands.clone(), read_events))
    }

    /// What is counted.
    pub async fn counts(&self) -> Counts {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Counts(reply)).await.is_err() {
            return Counts::default();
        }
        answer.await.unwrap_or_default()
    }

    /// End it: calls are hung up, without waiting for what the other sides say to that.
    pub async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Close(reply)).await.is_ok() {
            let _ended = answer.await;
        }
    }

    /// The address of a host. Names are looked up as the system does; services of a domain (SRV) are not asked for.
    async fn look_up(&self, uri: &Uri) -> Result<SocketAddr, DialError> {
        let port = uri.port.unwrap_or(5060);
        if let Some(ip) = uri.ip() {
            return Ok(SocketAddr::new(ip, port));
        }
        let unknown = || DialError::Unknown(uri.host.clone());
        let found = timeout(LOOK_UP, lookup_host((uri.host.as_str(), port))).await.map_err(|_| unknown())?;
        let is_reachable = |found: &SocketAddr| found.is_ipv4() == self.address.is_ipv4();
        found.map_err(|_| unknown())?.find(is_reachable).ok_or_else(unknown)
    }
}

/// UDP and TCP at the same port.
async fn listen(at: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    for _ in 0..16 {
        let udp = UdpSocket::bind(at).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            // A free port of the one need not be one of the other.
            Err(error) if at.port() != 0 => return Err(error),
            Err(_) => {}
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Whether a header may be set from outside: not those that make a message what it is.
fn may_set(name: &str) -> bool {
    const OURS: [&str; 17] = [
        "Via",
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "Contact",
        "Route",
        "Record-Route",
        "Max-Forwards",
        "Content-Length",
        "Content-Type",
        "Authorization",
        "Proxy-Authorization",
        "Require",
        "Supported",
        "Allow",
        "Session-Expires",
    ];
    is_token(name) && name.len() > 1 && !OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}
