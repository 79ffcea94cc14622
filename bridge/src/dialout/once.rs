//! One answer for one `Idempotency-Key`.

use std::future::Future;

use super::order::Order;
use super::place::Placed;
use super::{Dialler, DialoutError};
use crate::store::bots::Bot;
use crate::store::dialouts::{Dialout, Outcome};
use crate::store::{Stamp, StoreError};
use crate::vendors::permits::Kept;

/// Longest time that a request is under way: placing has a minute. An older one without an outcome was broken off, by a
/// bridge that was killed.
const LONGEST: jiff::SignedDuration = jiff::SignedDuration::from_secs(120);
/// The status of what is not known.
const UNCLEAR: u16 = 504;

/// A call that is placed otherwise than by a worker.
pub enum Elsewhere<T> {
    /// Now; what came of it.
    Now(T),
    /// By an earlier request with the same key: how the carrier calls it, and what it said of it.
    Before { call_sid: Option<String>, status: Option<String> },
}

/// What a carrier that was asked made of a call.
pub enum Came {
    Placed {
        call_sid: Option<String>,
        status: Option<String>,
    },
    /// Nothing: it can be asked again.
    Refused,
    /// Nobody knows.
    Unclear(String),
}

/// A request that was claimed; `None` when it has no key.
pub struct Begun(Option<String>);

impl Dialler {
    /// What an earlier request with the same key was answered.
    pub(super) async fn answered_before(
        &self,
        order: &Order,
    ) -> Result<Option<Result<String, DialoutError>>, DialoutError> {
        Ok(match self.earlier(order).await? {
            None => None,
            Some(Ok(Outcome::Placed { call_id, .. })) => Some(Ok(call_id)),
            // Requests of another form are another's.
            Some(Ok(_)) => Some(Err(DialoutError::KeyReused)),
            Some(Err(error)) => Some(Err(error)),
        })
    }

    /// What became of an earlier request with the same key.
    async fn earlier(&self, order: &Order) -> Result<Option<Result<Outcome, DialoutError>>, DialoutError> {
        let Some(creation) = &order.creation else { return Ok(None) };
        let Some(earlier) = self.stores.dialouts(&order.tenant).find_by_key(creation).await? else {
            return Ok(None);
        };
        let Dialout { request, made_at, outcome, .. } = earlier.value;
        if request != creation.request {
            return Err(DialoutError::KeyReused);
        }
        Ok(Some(match outcome {
            Some(Outcome::Unclear { status, detail }) => Err(DialoutError::Unclear { status, detail }),
            Some(outcome) => Ok(outcome),
            None if self.clock.now().duration_since(made_at.0) < LONGEST => Err(DialoutError::UnderWay),
            None => {
                Err(DialoutError::Unclear { status: UNCLEAR, detail: "the bridge was interrupted".into() })
            }
        }))
    }

    /// Have a call placed otherwise than by a worker, if it may be placed now: `placing` is begun once for one key. It is gone on with
    /// when whoever asked goes away.
    pub async fn dial_elsewhere<T: Send + 'static>(
        &self,
        order: Order,
        bot: &Bot,
        placing: impl Future<Output = (T, Came)> + Send + 'static,
    ) -> Result<Elsewhere<T>, DialoutError> {
        if let Some(earlier) = self.earlier(&order).await? {
            return before(earlier);
        }
        self.count(&order).await?;
        self.admit(&order, bot).await?;
        let kept = self.keep(&order, bot).await?;
        let Some(begun) = self.begin(&order).await? else {
            let earlier = self.earlier(&order).await?;
            return before(earlier.unwrap_or(Err(DialoutError::UnderWay)));
        };
        let dialler = self.clone();
        let placing = tokio::spawn(async move {
            let (told, came) = placing.await;
            if !matches!(came, Came::Refused) {
                kept.leave_standing();
            }
            if let Begun(Some(id)) = begun
                && let Err(error) = dialler.note_elsewhere(&order, &id, came).await
            {
                tracing::error!(%error, "what became of a dialout could not be noted");
            }
            told
        });
        placing.await.map(Elsewhere::Now).map_err(|_| DialoutError::BrokenOff)
    }

    async fn note_elsewhere(&self, order: &Order, id: &str, came: Came) -> Result<(), StoreError> {
        let dialouts = self.stores.dialouts(&order.tenant);
        match came {
            Came::Placed { call_sid, status } => {
                dialouts.finish(id, &Outcome::Elsewhere { call_sid, status }).await
            }
            Came::Refused => dialouts.forget(id).await,
            Came::Unclear(detail) => dialouts.finish(id, &Outcome::Unclear { status: UNCLEAR, detail }).await,
        }
    }

    /// Claim the key before anything is done; `None` when somebody else has.
    pub(super) async fn begin(&self, order: &Order) -> Result<Option<Begun>, DialoutError> {
        let Some(creation) = &order.creation else { return Ok(Some(Begun(None))) };
        let id = format!("{}:{}", order.tenant, creation.key);
        let dialout = Dialout {
            tenant_id: order.tenant.clone(),
            creation_key: creation.key.clone(),
            request: creation.request.clone(),
            made_at: Stamp(self.clock.now()),
            outcome: None,
            call_id: None,
        };
        match self.stores.dialouts(&order.tenant).begin(&id, &dialout).await {
            Ok(()) => Ok(Some(Begun(Some(id)))),
            Err(StoreError::Duplicate) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Place it, and write down what became of it.
    pub(super) async fn place_and_note(
        &self,
        order: Order,
        begun: Begun,
        kept: Kept,
    ) -> Result<String, DialoutError> {
        let placed = self.place(&order).await;
        if let Begun(Some(id)) = begun
            && let Err(error) = self.note(&order, &id, &placed).await
        {
            // A retry is told that it is not known, and nobody is called twice.
            tracing::error!(%error, "what became of a dialout could not be noted");
        }
        let call_id = placed?.call_id;
        kept.pass_on(&call_id).await;
        self.tell(&order, &call_id).await;
        Ok(call_id)
    }

    async fn note(
        &self,
        order: &Order,
        id: &str,
        placed: &Result<Placed, DialoutError>,
    ) -> Result<(), StoreError> {
        let dialouts = self.stores.dialouts(&order.tenant);
        match placed {
            Ok(Placed { call_id, reservation_id }) => {
                let (call_id, reservation_id) = (call_id.clone(), reservation_id.clone());
                dialouts.finish(id, &Outcome::Placed { call_id, reservation_id }).await
            }
            Err(DialoutError::Unclear { status, detail }) => {
                dialouts.finish(id, &Outcome::Unclear { status: *status, detail: detail.clone() }).await
            }
            Err(error) if error.is_unclear() => Ok(()),
            Err(_) => dialouts.forget(id).await,
        }
    }
}

fn before<T>(earlier: Result<Outcome, DialoutError>) -> Result<Elsewhere<T>, DialoutError> {
    match earlier? {
        Outcome::Elsewhere { call_sid, status } => Ok(Elsewhere::Before { call_sid, status }),
        _ => Err(DialoutError::KeyReused),
    }
}
