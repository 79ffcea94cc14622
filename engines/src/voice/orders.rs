//! The texts that wait to be spoken, shared by the thread that reads orders and the one that speaks.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use vox_engines::message::Failure;

/// Most orders waiting; a well-behaved client keeps to half of it.
const MAX_WAITING: usize = 64;

/// One text to speak.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    pub id: u64,
    pub text: String,
}

/// The client ordered more than any client should.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

/// Orders in the order they came, and whether the current one is still wanted.
#[derive(Default)]
pub struct Orders {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Order>,
    current: Option<u64>,
    current_cancelled: bool,
    /// Set once the client ordered its last; with the failure if it misbehaved.
    closed: Option<Result<(), Failure>>,
}

impl Orders {
    pub fn add(&self, order: Order) -> Result<(), Full> {
        let mut state = self.lock();
        if state.waiting.len() >= MAX_WAITING {
            return Err(Full);
        }
        state.waiting.push_back(order);
        self.changed.notify_one();
        Ok(())
    }

    /// Stop the current order, or empty the waiting one; it is still answered in its turn.
    pub fn cancel(&self, id: u64) {
        let mut state = self.lock();
        if state.current == Some(id) {
            state.current_cancelled = true;
        }
        for order in state.waiting.iter_mut().filter(|order| order.id == id) {
            order.text.clear();
        }
    }

    /// No more orders: nothing that waits is spoken, and the current one stops. The first reason stays.
    pub fn close(&self, reason: Result<(), Failure>) {
        let mut state = self.lock();
        state.current_cancelled = true;
        state.closed.get_or_insert(reason);
        self.changed.notify_one();
    }

    /// Whether the order that is being spoken shall stop.
    pub fn is_cancelled(&self) -> bool {
        self.lock().current_cancelled
    }

    /// Wait for the next order; `None` once closed, or the failure that closed it.
    pub fn next(&self) -> Result<Option<Order>, Failure> {
        let state = self.lock();
        let mut state = self
            .changed
            .wait_while(state, |state| state.waiting.is_empty() && state.closed.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = state.closed.clone() {
            return reason.map(|()| None);
        }
        let order = state.waiting.pop_front();
        state.current = order.as_ref().map(|order| order.id);
        state.current_cancelled = false;
        Ok(order)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is a single assignment or queue operation, so a panic leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vox_engines::message::FailureKind;

    fn order(id: u64) -> Order {
        Order { id, text: format!("text {id}") }
    }

    #[test]
    fn a_waiting_order_that_is_cancelled_keeps_its_turn_and_loses_its_text() {
        let orders = Orders::default();
        orders.add(order(1)).unwrap();
        orders.add(order(2)).unwrap();
        orders.cancel(2);
        assert_eq!(orders.next(), Ok(Some(order(1))));
        assert!(!orders.is_cancelled());
        assert_eq!(orders.next(), Ok(Some(Order { id: 2, text: String::new() })));
    }

    #[test]
    fn cancelling_the_current_order_does_not_touch_the_next() {
        let orders = Orders::default();
        orders.add(order(1)).unwrap();
        orders.next().unwrap();
        orders.cancel(1);
        assert!(orders.is_cancelled());
        orders.add(order(2)).unwrap();
        orders.next().unwrap();
        assert!(!orders.is_cancelled());
    }

    #[test]
    fn closing_drops_what_waits_and_keeps_the_first_reason() {
        let failure = Failure { id: None, kind: FailureKind::BadRequest, message: "why".to_owned() };
        let orders = Orders::default();
        orders.add(order(1)).unwrap();
        orders.close(Err(failure.clone()));
        orders.close(Ok(()));
        assert_eq!(orders.next(), Err(failure));
    }

    #[test]
    fn a_client_that_orders_without_end_is_refused() {
        let orders = Orders::default();
        for id in 0..MAX_WAITING as u64 {
            orders.add(order(id)).unwrap();
        }
        assert_eq!(orders.add(order(1000)), Err(Full));
    }
}
