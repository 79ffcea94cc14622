//! From a slot to a worker's yes or no (contracts, sections 3.5 and 6).

use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use vox_shared::ids::ReservationId;

use super::order::Order;
use super::{Dialler, DialoutError};
use crate::fleet::client::{Answer, AskError};
use crate::fleet::hand_over::{UNREACHED, accepted, word};
use crate::fleet::reserve::{ReserveError, Reserved, Wanted};

const PATH: &str = "/livekit/dialout";
/// How long the slot is kept: the deadline, and a worker's report that the call runs.
const SLOT_KEPT: SignedDuration = SignedDuration::from_secs(90);
/// Workers tried while they refuse without having done anything.
const MAX_TRIES: usize = 3;

/// A call that a worker took.
pub struct Placed {
    pub call_id: String,
    pub reservation_id: ReservationId,
}

/// What to do after a worker did not take the call.
enum Next {
    /// It did nothing: another may.
    TryAnother(DialoutError),
    Stop(DialoutError),
}

impl Dialler {
    /// Reserve a slot and post the call there. A slot whose worker did not take it is given back.
    pub(super) async fn place(&self, order: &Order) -> Result<Placed, DialoutError> {
        let until = Instant::now() + self.patience;
        let body = body(order, &self.config_url);
        let mut wanted = Wanted { purpose: "dialout", ttl: SLOT_KEPT, spared: Vec::new() };
        let mut last = None;
        for _ in 0..MAX_TRIES {
            let Reserved { id, reservation } = match self.fleet.reserve(&wanted).await {
                Ok(reserved) => reserved,
                // A refusal says more than that nobody else is there.
                Err(error @ ReserveError::NoneFree) => return Err(last.unwrap_or(error.into())),
                Err(error) => return Err(error.into()),
            };
            let left = until.saturating_duration_since(Instant::now());
            let asked = self.client.post(&reservation.address, PATH, &body, left).await;
            let next = match taken(asked) {
                Ok(call_id) => {
                    tracing::info!(reservation.id = %id, host = reservation.host, call.id = call_id, "a call is placed");
                    return Ok(Placed { call_id, reservation_id: id });
                }
                Err(next) => next,
            };
            if let Err(error) = self.fleet.release(&id).await {
                tracing::warn!(reservation.id = %id, %error, "a slot is kept until its time is over");
            }
            match next {
                Next::Stop(error) => return Err(error),
                Next::TryAnother(error) => last = Some(error),
            }
            wanted.spared.push(reservation.address);
        }
        Err(last.unwrap_or(DialoutError::NotReached))
    }
}

fn body(order: &Order, config_url: &str) -> Value {
    let mut body = json!({"bot_id": order.bot, "to_number": order.to, "config_url": config_url});
    if let Some(from) = &order.from {
        body["from_number"] = json!(from);
    }
    if !order.event.is_empty() {
        body["connected_event"] = Value::Object(order.event.clone());
    }
    body
}

/// The call's id, if the worker took it.
fn taken(asked: Result<Answer, AskError>) -> Result<String, Next> {
    let unclear = |status: u16, detail: &str| {
        Next::Stop(DialoutError::Unclear { status, detail: format!("{detail} of the worker") })
    };
    let answer = match asked {
        Ok(answer) => answer,
        Err(AskError::NotConnected) => return Err(Next::TryAnother(DialoutError::NotReached)),
        Err(error) => return Err(unclear(504, &error.to_string())),
    };
    let told = serde_json::from_slice::<Map<String, Value>>(&answer.body).unwrap_or_default();
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return accepted(&told)
            .map(|call| call.to_string())
            .ok_or_else(|| unclear(502, "the answer makes no sense"));
    }
    let word = told.get("error").map(word).unwrap_or_default();
    let detail = if word.is_empty() {
        format!("the worker answered {status}")
    } else {
        format!("the worker answered {status}: {word}")
    };
    let refused = |status| DialoutError::Refused { status, detail: detail.clone() };
    Err(match status {
        404 | 405 => Next::Stop(DialoutError::NotBuilt),
        429 => Next::TryAnother(refused(status)),
        503 if word == UNREACHED => Next::TryAnother(DialoutError::NotReached),
        503 if ["busy", "draining"].contains(&word.as_str()) => Next::TryAnother(refused(status)),
        // Our secret is not the worker's: no fault of whoever asked.
        401 | 403 => Next::Stop(refused(502)),
        400..=499 | 503 => Next::Stop(refused(status)),
        // It, or the balancer before it, failed in the middle of something.
        500..=599 => Next::Stop(DialoutError::Unclear { status, detail }),
        _ => Next::Stop(refused(502)),
    })
}
