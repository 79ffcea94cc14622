//! One answer for one `Idempotency-Key`.

use super::order::Order;
use super::place::Placed;
use super::{Dialler, DialoutError};
use crate::store::dialouts::{Dialout, Outcome};
use crate::store::{Stamp, StoreError};

/// Longest time that a request is under way: placing has a minute. An older one without an outcome was broken off, by a
/// bridge that was killed.
const LONGEST: jiff::SignedDuration = jiff::SignedDuration::from_secs(120);
/// The status of what is not known.
const UNCLEAR: u16 = 504;

/// A request that was claimed; `None` when it has no key.
pub struct Begun(Option<String>);

impl Dialler {
    /// What an earlier request with the same key was answered.
    pub(super) async fn answered_before(
        &self,
        order: &Order,
    ) -> Result<Option<Result<String, DialoutError>>, DialoutError> {
        let Some(creation) = &order.creation else { return Ok(None) };
        let Some(earlier) = self.stores.dialouts(&order.tenant).find_by_key(creation).await? else {
            return Ok(None);
        };
        let Dialout { request, made_at, outcome, .. } = earlier.value;
        if request != creation.request {
            return Err(DialoutError::KeyReused);
        }
        Ok(Some(match outcome {
            Some(Outcome::Placed { call_id, .. }) => Ok(call_id),
            Some(Outcome::Unclear { status, detail }) => Err(DialoutError::Unclear { status, detail }),
            None if self.clock.now().duration_since(made_at.0) < LONGEST => Err(DialoutError::UnderWay),
            None => {
                Err(DialoutError::Unclear { status: UNCLEAR, detail: "the bridge was interrupted".into() })
            }
        }))
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
    pub(super) async fn place_and_note(&self, order: Order, begun: Begun) -> Result<String, DialoutError> {
        let placed = self.place(&order).await;
        if let Begun(Some(id)) = begun
            && let Err(error) = self.note(&order, &id, &placed).await
        {
            // A retry is told that it is not known, and nobody is called twice.
            tracing::error!(%error, "what became of a dialout could not be noted");
        }
        let call_id = placed?.call_id;
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
