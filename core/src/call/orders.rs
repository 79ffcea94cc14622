//! Orders from outside on their way into the running call, and its answers on their way out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use vox_shared::ids::SessionId;
use vox_shared::wire::order::Order;
use vox_shared::wire::supervision::SeatGiven;

/// Orders that wait for the call to look at them: it does at once.
const DEPTH: usize = 8;
/// A call that does not answer within this is about to end, or stuck.
const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

/// What the conversation says to an order: done, with the seat that it asked for, if it asked for one; or why it is not possible now.
pub type Verdict = Result<Option<Box<SeatGiven>>, String>;

/// An order and who waits for the verdict.
#[derive(Debug)]
pub struct Placed {
    pub order: Order,
    pub verdict: oneshot::Sender<Verdict>,
}

impl Placed {
    /// Whether somebody waits for the verdict still. Whoever does not was told that the call is busy, and may ask again: such an
    /// order is not carried out.
    pub fn is_wanted(&self) -> bool {
        !self.verdict.is_closed()
    }
}

/// Why an order did not reach a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPlaced {
    /// This worker runs no such call, or it is over.
    UnknownCall,
    /// More orders at once than a call takes, or it does not answer.
    Busy,
}

/// Where the orders for a call go.
#[derive(Clone, Debug)]
struct Inlet {
    session_id: SessionId,
    sender: mpsc::Sender<Placed>,
}

/// The inlet of the one call that runs. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Orders(Arc<Mutex<Option<Inlet>>>);

impl Orders {
    /// Orders for this call come here from now on, until the receiver is dropped.
    pub fn open(&self, session_id: SessionId) -> mpsc::Receiver<Placed> {
        let (sender, receiver) = mpsc::channel(DEPTH);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Inlet { session_id, sender });
        receiver
    }

    /// Have the call carry out an order.
    pub async fn place(&self, session_id: &str, order: Order) -> Result<Verdict, NotPlaced> {
        let inlet = self.inlet(session_id).ok_or(NotPlaced::UnknownCall)?;
        let (verdict, answer) = oneshot::channel();
        inlet.sender.try_send(Placed { order, verdict }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotPlaced::Busy,
            mpsc::error::TrySendError::Closed(_) => NotPlaced::UnknownCall,
        })?;
        match timeout(ANSWER_DEADLINE, answer).await {
            Ok(Ok(verdict)) => Ok(verdict),
            // It ended with the order unread.
            Ok(Err(_)) => Err(NotPlaced::UnknownCall),
            Err(_) => Err(NotPlaced::Busy),
        }
    }

    fn inlet(&self, session_id: &str) -> Option<Inlet> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.clone().filter(|inlet| inlet.session_id.as_str() == session_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SessionId {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_reaches_the_running_call_and_no_other() {
        let orders = Orders::default();
        assert_eq!(orders.place("call_a", Order::Hold).await, Err(NotPlaced::UnknownCall));
        let mut inlet = orders.open(id("call_a"));
        assert_eq!(orders.place("call_b", Order::Hold).await, Err(NotPlaced::UnknownCall));
        let (answer, ()) = tokio::join!(orders.place("call_a", Order::Hold), async {
            let placed = inlet.recv().await.unwrap();
            assert_eq!(placed.order, Order::Hold);
            placed.verdict.send(Err("not now".into())).unwrap();
        });
        assert_eq!(answer, Ok(Err("not now".into())));
        drop(inlet);
        assert_eq!(orders.place("call_a", Order::Hold).await, Err(NotPlaced::UnknownCall));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_does_not_look_takes_a_few_orders_and_keeps_nobody_waiting() {
        let orders = Orders::default();
        let mut inlet = orders.open(id("call_a"));
        let asked = (0..=DEPTH).map(|_| orders.place("call_a", Order::Hold));
        let answers = futures_util::future::join_all(asked).await;
        assert!(answers.iter().all(|answer| *answer == Err(NotPlaced::Busy)), "{answers:?}");
        // Whoever asked may ask again, so the call carries out none of them when it looks at last.
        for _ in 0..DEPTH {
            assert!(!inlet.recv().await.unwrap().is_wanted());
        }
    }
}
