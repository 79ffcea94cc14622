//! Handing a call to a worker that has a free slot: the slot is kept first, and given back when the worker did not take the call.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Map, Value};
use tokio::time::Instant;
use vox_shared::ids::SessionId;

use super::client::{Answer, AskError, FleetClient};
use super::reserve::{Fleet, ReserveError, Reserved, Wanted};

/// Longest word of a worker's that is passed on, characters.
const MAX_ERROR: usize = 200;

/// What the nginx before a worker says when it sent the worker nothing.
pub const UNREACHED: &str = "worker_unavailable";

/// A call that is to be handed over.
pub struct Parcel<'a> {
    /// Of the worker's route.
    pub path: &'static str,
    /// A word for the history of reservations.
    pub purpose: &'static str,
    pub body: &'a Value,
    /// How long workers are waited for, all tries together.
    pub within: Duration,
    /// How long the slot is kept: the deadline, and a worker's report that the call runs.
    pub kept: SignedDuration,
    /// Workers that are tried at most.
    pub tries: usize,
    pub after: After,
}

/// After what another worker is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// One that refused without having done anything, or could not be reached.
    Refusal,
    /// One that could not be reached, and no other: whoever refuses this has done something.
    Silence,
}

/// Why no worker took it, or none that is known.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    #[error(transparent)]
    NoSlot(#[from] ReserveError),
    #[error("no worker that has a free slot could be reached; try again")]
    NotReached,
    /// It said no, and did nothing.
    #[error("the worker answered {status}{}", colon(.word))]
    Refused { status: u16, word: String },
    /// It may have taken the call.
    #[error("it is not known whether the worker took the call: {0}")]
    Unclear(String),
}

fn colon(word: &str) -> String {
    if word.is_empty() { String::new() } else { format!(": {word}") }
}

enum Next {
    TryAnother(HandOverError),
    Stop(HandOverError),
}

impl Fleet {
    /// Keep a slot and post the call there; answers the call's id.
    pub async fn hand_over(
        &self,
        client: &FleetClient,
        parcel: &Parcel<'_>,
    ) -> Result<SessionId, HandOverError> {
        let until = Instant::now() + parcel.within;
        let mut wanted = Wanted { purpose: parcel.purpose, ttl: parcel.kept, spared: Vec::new() };
        let mut last = None;
        for _ in 0..parcel.tries {
            let Reserved { id, reservation } = match self.reserve(&wanted).await {
                Ok(reserved) => reserved,
                // A refusal says more than that nobody else is there.
                Err(error @ ReserveError::NoneFree) => return Err(last.unwrap_or(error.into())),
                Err(error) => return Err(error.into()),
            };
            let left = until.saturating_duration_since(Instant::now());
            let asked = client.post(&reservation.address, parcel.path, parcel.body, left).await;
            let next = match taken(asked) {
                Ok(call) => {
                    tracing::info!(reservation.id = %id, host = reservation.host, call.id = %call, purpose = parcel.purpose, "a call is handed over");
                    return Ok(call);
                }
                Err(next) => next,
            };
            if let Err(error) = self.release(&id).await {
                tracing::warn!(reservation.id = %id, %error, "a slot is kept until its time is over");
            }
            match next {
                Next::Stop(error) => return Err(error),
                Next::TryAnother(error @ HandOverError::Refused { .. }) if parcel.after == After::Silence => {
                    return Err(error);
                }
                Next::TryAnother(error) => last = Some(error),
            }
            wanted.spared.push(reservation.address);
        }
        Err(last.unwrap_or(HandOverError::NotReached))
    }
}

fn taken(asked: Result<Answer, AskError>) -> Result<SessionId, Next> {
    let answer = match asked {
        Ok(answer) => answer,
        Err(AskError::NotConnected) => return Err(Next::TryAnother(HandOverError::NotReached)),
        Err(error) => return Err(Next::Stop(HandOverError::Unclear(error.to_string()))),
    };
    let told = serde_json::from_slice::<Map<String, Value>>(&answer.body).unwrap_or_default();
    if answer.status.is_success() {
        let unclear = || Next::Stop(HandOverError::Unclear("its answer makes no sense".into()));
        return accepted(&told).ok_or_else(unclear);
    }
    let (status, word) = (answer.status.as_u16(), told.get("error").map(word).unwrap_or_default());
    let did_nothing = status == 429 || status == 503 && ["busy", "draining"].contains(&word.as_str());
    Err(match status {
        503 if word == UNREACHED => Next::TryAnother(HandOverError::NotReached),
        _ if did_nothing => Next::TryAnother(HandOverError::Refused { status, word }),
        400..=499 | 503 => Next::Stop(HandOverError::Refused { status, word }),
        // It, or the balancer before it, failed in the middle of something.
        _ => Next::Stop(HandOverError::Unclear(format!("it answered {status}"))),
    })
}

/// The call's id, of an answer that says that the worker took it.
pub fn accepted(told: &Map<String, Value>) -> Option<SessionId> {
    let text = |name: &str| told.get(name).and_then(Value::as_str);
    let id: SessionId = text("call_id")?.parse().ok()?;
    (text("status")? == "accepted").then_some(id)
}

/// A worker's error as it may be shown: a word, or `{"code": …}`.
pub fn word(error: &Value) -> String {
    let text = error.as_str().or_else(|| error.get("code")?.as_str()).unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(MAX_ERROR).collect()
}
