//! What the call routes share: who asks, the upgrade, and the start of the call.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming as Content;
use hyper::upgrade::{OnUpgrade, on};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use vox_shared::ids::BotId;
use vox_shared::trace::{Place, TRACEPARENT};

use super::address::CallAddress;
use super::answer::{Answer, empty, error};
use crate::access::{Origin, Presented};
use crate::admission::admit;
use crate::app::App;
use crate::call::life::{self, Incoming};
use crate::server::patient::Patient;
use crate::slot::SlotGuard;
use crate::transport::line::{Codec, LineIn};
use crate::transport::reason::Reason;
use crate::transport::socket::{self, Connection, Pump};

/// How long a refused carrier should wait, seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");
/// A few frames, bytes: the buffer is zeroed for every read, and a larger message makes it grow.
const READ_BUFFER: usize = 4 * 1024;
/// Most bytes waiting to be written to one carrier.
const WRITE_BUFFER: usize = 512 * 1024;

/// A slot that was taken when the connection was handed over, for the one call it carries.
#[derive(Clone, Debug)]
pub struct HeldSlot(Arc<Mutex<Option<SlotGuard>>>);

impl HeldSlot {
    /// Hold a slot for a connection.
    pub fn new(guard: SlotGuard) -> Self {
        Self(Arc::new(Mutex::new(Some(guard))))
    }

    /// Take it out, once.
    pub fn take(&self) -> Option<SlotGuard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whoever sends requests over a connection.
#[derive(Clone, Debug)]
pub struct Asker {
    pub origin: Origin,
    pub held: Option<HeldSlot>,
}

impl Asker {
    /// Without a slot of its own.
    pub fn at(origin: Origin) -> Self {
        Self { origin, held: None }
    }
}

/// How a route wants its line.
pub struct Protocol {
    pub codec: Box<dyn Codec>,
    /// Messages that the address already said.
    pub opening: Vec<LineIn>,
    pub ticket: Option<String>,
}

/// What is wrong with an address, as it is answered.
pub type Misaddressed = (StatusCode, &'static str);

/// Let a call in, or say why not before the upgrade: what the route finds wrong with the address, 426 without an upgrade,
/// 400 for a name that is no bot id, 503 with `Retry-After` when the worker is busy, going down or out of disk.
pub fn open<S: Connection>(
    app: Arc<App>,
    asker: Asker,
    mut request: Request<Content>,
    protocol: fn(&CallAddress) -> Result<Protocol, Misaddressed>,
) -> Answer {
    let address = CallAddress::of(request.uri());
    let Protocol { codec, opening, ticket } = match protocol(&address) {
        Ok(protocol) => protocol,
        Err((status, code)) => return error(status, code),
    };
    let Ok(switch) = create_response_with_body(&request, || ()) else {
        return error(StatusCode::UPGRADE_REQUIRED, "websocket_upgrade_required");
    };
    let Ok(bot_id) = address.bot_id.parse::<BotId>() else {
        return error(StatusCode::BAD_REQUEST, "bad_bot_id");
    };
    let admission = match admit(&app, asker.held.as_ref().and_then(HeldSlot::take)) {
        Ok(admission) => admission,
        Err(reason) => return refused(&reason),
    };
    let presented =
        Presented::read(request.headers(), &address.query, asker.origin, &app.config.trusted_proxies)
            .signed(request.headers(), request.uri());
    let (ends, pump) = socket::channel();
    let trace = request.headers().get(TRACEPARENT).and_then(|value| Place::parse(value.to_str().ok()?));
    let incoming =
        Incoming { bot_id, ticket, presented, trace, ends, traits: codec.traits(), admission, ordered: None };
    let side = SocketSide { pump, codec, opening };
    tokio::spawn(carry::<S>(app, on(&mut request), incoming, side));
    empty(switch)
}

/// The socket's side of a call.
struct SocketSide {
    pump: Pump,
    codec: Box<dyn Codec>,
    opening: Vec<LineIn>,
}

/// From the upgrade to the end of the call. A client that is gone before it was upgraded frees everything.
async fn carry<S: Connection>(app: Arc<App>, upgrade: OnUpgrade, incoming: Incoming, side: SocketSide) {
    let Ok(upgraded) = upgrade.await else { return };
    let Ok(parts) = upgraded.downcast::<TokioIo<Patient<S>>>() else {
        return tracing::error!("a connection is not of the type that it was served with");
    };
    let SocketSide { pump, codec, opening } = side;
    let limit = codec.traits().max_message_bytes;
    let config = WebSocketConfig::default()
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER);
    // The bytes of the raw socket, without the layers of HTTP in between.
    let (stream, read) = (parts.io.into_inner().into_inner(), parts.read_buf.to_vec());
    let socket = WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await;
    let clock = app.clock.clone();
    let call = tokio::spawn(life::run(app, incoming));
    pump.run(socket, codec, opening, clock).await;
    if let Err(error) = call.await {
        tracing::error!(%error, "a call's task broke off");
    }
}

/// 503 as proxies and diallers expect it.
fn refused(reason: &Reason) -> Answer {
    let mut answer = error(StatusCode::SERVICE_UNAVAILABLE, &reason.to_string());
    answer.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    answer
}
