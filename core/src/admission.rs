//! Whether a worker takes a call, however the call comes: through a WebSocket, a dispatch or a SIP invite. Each of them gives
//! the reason its own form.

use tokio::sync::oneshot;
use vox_shared::outbox::Outbox;

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

/// How the worker stands to a call that may come, as load balancers and the dispatcher are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Free,
    /// A call is on, or there is no place for the record of another one.
    Busy,
    Draining,
}

/// How it stands now.
pub fn standing(app: &App) -> Standing {
    if app.drain.is_cancelled() {
        return Standing::Draining;
    }
    let has_room = !app.courier.books().is_full() && Place::reserve(&app.outbox).is_ok();
    if has_room && !app.slot.is_busy() { Standing::Free } else { Standing::Busy }
}

/// Let a call in. `held` is the slot of one that was handed over with it. What the bot's owner demands of the caller the
/// bridge decides when it gives the config.
pub fn admit(app: &App, held: Option<SlotGuard>) -> Result<Admission, Reason> {
    if app.drain.is_cancelled() {
        return Err(Reason::Draining);
    }
    let guard = held.or_else(|| app.slot.take()).ok_or(Reason::Busy)?;
    if app.courier.books().is_full() {
        tracing::error!("too many ends of calls are in no record yet; the call is refused");
        return Err(Reason::NoRecord);
    }
    let place = Place::reserve(&app.outbox).map_err(|error| {
        tracing::error!(%error, "the outbox is full; the call is refused");
        Reason::OutboxFull
    })?;
    Ok(Admission { guard, place })
}

/// Let the call of a dead worker in, whose journal goes on in that one's outbox. With what ends with it.
pub fn admit_again(app: &App, outbox: &Outbox) -> Result<(Admission, oneshot::Receiver<()>), Reason> {
    if app.drain.is_cancelled() {
        return Err(Reason::Draining);
    }
    let guard = app.slot.take().ok_or(Reason::Busy)?;
    if app.courier.books().is_full() {
        return Err(Reason::NoRecord);
    }
    let (place, over) = Place::go_on(outbox).map_err(|_| Reason::OutboxFull)?;
    Ok((Admission { guard, place }, over))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::courier::desk::HELD_MAX;

    /// Each call was let in and refused a moment later, and load balancers kept sending more.
    #[tokio::test]
    async fn a_worker_whose_disk_takes_no_ends_of_calls_says_that_it_takes_no_call() {
        let dir = tempfile::tempdir().unwrap();
        let app = App::for_tests(dir.path());
        assert_eq!(standing(&app), Standing::Free);
        (0..HELD_MAX).for_each(|_| app.courier.books().hold());
        assert_eq!(standing(&app), Standing::Busy);
        assert_eq!(admit(&app, None).unwrap_err(), Reason::NoRecord);
        assert!(!app.slot.is_busy());
    }
}
