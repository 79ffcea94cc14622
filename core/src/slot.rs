//! The worker's one call slot. Whoever holds the guard has it.

use std::sync::Arc;

use tokio::sync::watch;
use vox_shared::ids::SessionId;

/// What the slot is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occupancy {
    Free,
    /// Taken; the call's id once it has one.
    Busy(Option<SessionId>),
}

/// The slot. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Slot(Arc<watch::Sender<Occupancy>>);

/// Holds the slot; dropping it frees it.
#[derive(Debug)]
pub struct SlotGuard(Slot);

impl Default for Slot {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Occupancy::Free)))
    }
}

impl Slot {
    /// Take the slot, if it is free.
    pub fn take(&self) -> Option<SlotGuard> {
        let taken = self.0.send_if_modified(|occupancy| {
            let free = *occupancy == Occupancy::Free;
            if free {
                *occupancy = Occupancy::Busy(None);
            }
            free
        });
        taken.then(|| SlotGuard(self.clone()))
    }

    /// Whether a call is on.
    pub fn is_busy(&self) -> bool {
        *self.0.borrow() != Occupancy::Free
    }

    /// The running call.
    pub fn session_id(&self) -> Option<SessionId> {
        match &*self.0.borrow() {
            Occupancy::Busy(id) => id.clone(),
            Occupancy::Free => None,
        }
    }

    /// Follow its changes.
    pub fn watch(&self) -> watch::Receiver<Occupancy> {
        self.0.subscribe()
    }

    /// Wait until no call is on.
    pub async fn free(&self) {
        let mut changes = self.watch();
        // The sender lives as long as `self`.
        let _closed = changes.wait_for(|o| *o == Occupancy::Free).await;
    }
}

impl SlotGuard {
    /// Name the call that holds the slot.
    pub fn name(&self, session_id: SessionId) {
        self.0.0.send_replace(Occupancy::Busy(Some(session_id)));
    }
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        self.0.0.send_replace(Occupancy::Free);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_at_a_time() {
        let slot = Slot::default();
        let guard = slot.take().unwrap();
        assert!(slot.take().is_none() && slot.is_busy());
        drop(guard);
        assert!(slot.take().is_some());
    }
}
