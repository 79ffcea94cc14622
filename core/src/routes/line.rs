//! What the call routes share: the slot, the outbox's place, the upgrade, and the start of the call.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use vox_shared::ids::BotId;

use super::recordings::error;
use crate::app::App;
use crate::call::boot::{self, Incoming};
use crate::journal::Place;
use crate::media::playout::Pacing;
use crate::slot::SlotGuard;
use crate::transport::line::{Codec, LineIn};
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
    pub pacing: fn(u32) -> Pacing,
    /// Messages that the address already said.
    pub opening: Vec<LineIn>,
    pub ticket: Option<String>,
}

/// Let a call in, or say why not before the upgrade: 426 without one, 400 for a name that is no bot id, 503 with
/// `Retry-After` when the worker is busy, going down or out of disk.
pub fn open(
    app: Arc<App>,
    held: Option<&HeldSlot>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    bot_id: &str,
    protocol: Protocol,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return error(StatusCode::UPGRADE_REQUIRED, "websocket_upgrade_required");
    };
    let Ok(bot_id) = bot_id.parse::<BotId>() else {
        return error(StatusCode::BAD_REQUEST, "bad_bot_id");
    };
    if app.drain.is_cancelled() {
        return busy("draining");
    }
    let Some(guard) = held.and_then(HeldSlot::take).or_else(|| app.slot.take()) else { return busy("busy") };
    let Ok(place) = Place::reserve(&app.outbox) else {
        tracing::error!("the outbox is full; the call is refused");
        return busy("outbox_full");
    };
    let (ends, pump) = socket::channel();
    let traits = protocol.codec.traits();
    let incoming =
        Incoming { bot_id, ticket: protocol.ticket, ends, traits, pacing: protocol.pacing, guard, place };
    let clock = app.clock.clone();
    upgrade
        .max_message_size(traits.max_message_bytes)
        .max_frame_size(traits.max_message_bytes)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER)
        .on_upgrade(move |socket| async move {
            let call = tokio::spawn(boot::run(app, incoming));
            pump.run(socket, protocol.codec, protocol.opening, clock).await;
            if let Err(error) = call.await {
                tracing::error!(%error, "a call's task broke off");
            }
        })
}

/// 503 as proxies and diallers expect it.
fn busy(code: &str) -> Response {
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, code);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    response
}
