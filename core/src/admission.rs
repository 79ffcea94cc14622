//! Whether a worker takes a call, however the call comes: through a WebSocket, a dispatch or a SIP invite. Each of them gives
//! the reason its own form.

use crate::app::App;
use crate::journal::Place;
use crate::slot::SlotGuard;
use crate::transport::reason::Reason;

/// What a call holds from before its first message until its record is on disk.
#[derive(Debug)]
pub struct Admission {
    /// The worker's slot.
    pub guard: SlotGuard,
    /// Room in the outbox for the call's records.
    pub place: Place,
}

/// Let a call in. `held` is the slot of one that was handed over with it. What the bot's owner demands of the caller the
/// bridge decides when it gives the config.
pub fn admit(app: &App, held: Option<SlotGuard>) -> Result<Admission, Reason> {
    if app.drain.is_cancelled() {
        return Err(Reason::Draining);
    }
    let guard = held.or_else(|| app.slot.take()).ok_or(Reason::Busy)?;
    let place = Place::reserve(&app.outbox).map_err(|error| {
        tracing::error!(%error, "the outbox is full; the call is refused");
        Reason::OutboxFull
    })?;
    Ok(Admission { guard, place })
}
