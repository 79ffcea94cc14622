//! From the courier, which finds what dead workers left, to the audio's thread, which goes on with their calls.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use vox_shared::ids::SessionId;
use vox_shared::outbox::Outbox;
use vox_shared::wire::seat::RoomSeat;

use super::Wreck;
use crate::slot::{Occupancy, Slot};

/// A worker has one slot; what else is offered meanwhile is somebody else's.
const DEPTH: usize = 4;

/// Something for the audio's thread.
#[derive(Debug)]
pub enum Offer {
    GoOn(GoOn),
    /// Nobody goes on with a call: whoever it was with is not to sit in a silent room.
    Clear {
        session_id: SessionId,
        seat: RoomSeat,
    },
}

/// Go on with a call.
#[derive(Debug)]
pub struct GoOn {
    pub wreck: Box<Wreck>,
    /// The dead worker's: the call's journal goes on there.
    pub outbox: Outbox,
    /// The answer, when the slot is taken. Its receiver ends with the journal.
    pub taken: oneshot::Sender<oneshot::Receiver<()>>,
}

/// How a worker stands to the call of a dead one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It goes on with it.
    Takes,
    /// It has a call, goes down or is not up yet: another one may take it.
    StandsBack,
    /// It takes no calls in rooms at all.
    Never,
}

/// The way there. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Offers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    takes_rooms: bool,
    slot: Slot,
    drain: CancellationToken,
    sender: mpsc::Sender<Offer>,
    receiver: Mutex<Option<mpsc::Receiver<Offer>>>,
    /// Somebody listens at the other end.
    is_open: watch::Sender<bool>,
}

impl Offers {
    /// Of a worker that takes calls in rooms, or does not.
    pub fn new(takes_rooms: bool, slot: Slot, drain: CancellationToken) -> Self {
        let (sender, receiver) = mpsc::channel(DEPTH);
        let (receiver, is_open) = (Mutex::new(Some(receiver)), watch::Sender::new(false));
        Self(Arc::new(Inner { takes_rooms, slot, drain, sender, receiver, is_open }))
    }

    /// The other end, once.
    pub fn open(&self) -> Option<mpsc::Receiver<Offer>> {
        let receiver = self.0.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        self.0.is_open.send_replace(true);
        Some(receiver)
    }

    /// How it stands now.
    pub fn standing(&self) -> Standing {
        let Inner { takes_rooms, slot, drain, is_open, .. } = &*self.0;
        match takes_rooms {
            false => Standing::Never,
            true if *is_open.borrow() && !drain.is_cancelled() && !slot.is_busy() => Standing::Takes,
            true => Standing::StandsBack,
        }
    }

    /// Wait until a worker that stood back then takes calls; for ever, where it took them, or goes down.
    pub async fn changed(&self, then: Standing) {
        if then != Standing::StandsBack || self.0.drain.is_cancelled() {
            return std::future::pending().await;
        }
        let (mut open, mut slot) = (self.0.is_open.subscribe(), self.0.slot.watch());
        // The senders are there as long as this is.
        drop(open.wait_for(|open| *open).await);
        drop(slot.wait_for(|occupancy| *occupancy == Occupancy::Free).await);
    }

    /// Offer a call. `None` when the slot was taken meanwhile; else what ends with the call's journal.
    pub async fn go_on(&self, wreck: Wreck, outbox: Outbox) -> Option<oneshot::Receiver<()>> {
        let (taken, answer) = oneshot::channel();
        let offer = Offer::GoOn(GoOn { wreck: Box::new(wreck), outbox, taken });
        self.0.sender.send(offer).await.ok()?;
        answer.await.ok()
    }

    /// Have a room cleared. One that cannot be told of now is left to its gateway's own limits.
    pub fn clear(&self, session_id: SessionId, seat: RoomSeat) {
        if self.0.takes_rooms && self.0.sender.try_send(Offer::Clear { session_id, seat }).is_err() {
            tracing::error!("whoever is left in the room of a lost call could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn only_a_worker_that_is_up_and_free_takes_a_call() {
        let (slot, drain) = (Slot::default(), CancellationToken::new());
        assert_eq!(Offers::new(false, slot.clone(), drain.clone()).standing(), Standing::Never);
        let offers = Offers::new(true, slot.clone(), drain.clone());
        let then = offers.standing();
        assert_eq!(then, Standing::StandsBack, "nobody listens yet");
        let _receiver = offers.open().unwrap();
        // It was opened before anybody waited.
        offers.changed(then).await;
        assert_eq!(offers.standing(), Standing::Takes);
        assert!(offers.open().is_none(), "once");
        let call = slot.take().unwrap();
        let then = offers.standing();
        assert_eq!(then, Standing::StandsBack);
        let mut waiting = std::pin::pin!(offers.changed(then));
        assert!((&mut waiting).now_or_never().is_none(), "the slot is taken");
        drop(call);
        waiting.await;
        assert_eq!(offers.standing(), Standing::Takes);
        assert!(offers.changed(Standing::Takes).now_or_never().is_none(), "nothing to wait for");
        drain.cancel();
        let then = offers.standing();
        assert_eq!(then, Standing::StandsBack);
        assert!(offers.changed(then).now_or_never().is_none(), "it takes no more");
    }
}
