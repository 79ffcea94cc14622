//! What the call routes share: the slot, the outbox's place, the upgrade, and the start of the call.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use vox_shared::ids::BotId;

use super::address::CallAddress;
use super::recordings::error;
use crate::access::{Origin, Presented};
use crate::admission::admit;
use crate::app::App;
use crate::call::boot::{self, Incoming};
use crate::slot::SlotGuard;
use crate::transport::line::{Codec, LineIn};
use crate::transport::reason::Reason;
use crate::transport::socket;

/// How long a refused carrier should wait, seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");
/// A few frames, bytes: the buffer is zeroed for every read, and a larger message makes it grow.
const READ_BUFFER: usize = 4 * 1024;
/// Most bytes waiting to be written to one carrier.
const WRITE_BUFFER: usize = 512 * 1024;

/// A slot that was taken when the connection was handed over, for the one call it carries.
#[derive(Clone, Debug, Default)]
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

/// How a route wants its line.
pub struct Protocol {
    pub codec: Box<dyn Codec>,
    /// Messages that the address already said.
    pub opening: Vec<LineIn>,
    pub ticket: Option<String>,
}

/// What a request for a call says.
pub struct Asked {
    pub address: CallAddress,
    pub presented: Presented,
    held: Option<HeldSlot>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
}

impl FromRequestParts<Arc<App>> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let address = CallAddress::of(&parts.uri);
        let origin = parts.extensions.get::<Origin>().copied().unwrap_or(Origin::LocalProxy);
        let proxies = &app.config.trusted_proxies;
        let presented = Presented::read(&parts.headers, &address.query, origin, proxies);
        let held = parts.extensions.get::<HeldSlot>().cloned();
        let upgrade = WebSocketUpgrade::from_request_parts(parts, app).await;
        Ok(Self { address, presented, held, upgrade })
    }
}

/// Let a call in, or say why not before the upgrade: 426 without one, 400 for a name that is no bot id, 503 with
/// `Retry-After` when the worker is busy, going down or out of disk.
pub fn open(app: Arc<App>, asked: Asked, protocol: Protocol) -> Response {
    let Asked { address, presented, held, upgrade } = asked;
    let Ok(upgrade) = upgrade else {
        return error(StatusCode::UPGRADE_REQUIRED, "websocket_upgrade_required");
    };
    let Ok(bot_id) = address.bot_id.parse::<BotId>() else {
        return error(StatusCode::BAD_REQUEST, "bad_bot_id");
    };
    let admission = match admit(&app, held.as_ref().and_then(HeldSlot::take)) {
        Ok(admission) => admission,
        Err(reason) => return refused(&reason),
    };
    let (ends, pump) = socket::channel();
    let traits = protocol.codec.traits();
    let Protocol { codec, opening, ticket } = protocol;
    let incoming = Incoming { bot_id, ticket, presented, ends, traits, admission };
    let clock = app.clock.clone();
    upgrade
        .max_message_size(traits.max_message_bytes)
        .max_frame_size(traits.max_message_bytes)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER)
        .on_upgrade(move |socket| async move {
            let call = tokio::spawn(boot::run(app, incoming));
            pump.run(socket, codec, opening, clock).await;
            if let Err(error) = call.await {
                tracing::error!(%error, "a call's task broke off");
            }
        })
}

/// 503 as proxies and diallers expect it.
fn refused(reason: &Reason) -> Response {
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, &reason.to_string());
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    response
}
