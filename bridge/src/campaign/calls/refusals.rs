//! A carrier that answers 403. Of one callee it is a matter of the number, which is stopped when it happens again; of several in a short time
//! it is the carrier's: an account without credit, a prefix that is not open, an address that it does not know. Then somebody is told, and
//! no number is stopped for it.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::CallDesk;
use crate::auth::secret_token::hex;
use crate::store::StoreError;
use crate::store::attempts::Attempt;
use crate::store::events::Event;

/// The event.
pub const REFUSES: &str = "carrier.refuses_calls";
/// Of a callee's hash that is kept, hexadecimal digits.
const HASH: usize = 24;

impl CallDesk {
    /// The carrier of an attempt refused its callee.
    pub(super) async fn carrier_refused(&self, attempt: &Attempt) -> Result<(), StoreError> {
        let (tenant, carrier, now) = (&attempt.tenant_id, &attempt.caller.carrier_id, self.now());
        let callee = hex(&Sha256::digest(format!("{tenant} {}", attempt.number)));
        let trunks = self.stores.trunks(tenant);
        let Some(alarm) = trunks.note_refused(carrier, &callee[..HASH], now).await? else { return Ok(()) };
        tracing::warn!(tenant.id = %tenant, carrier.id = %carrier, callees = alarm.callees, "a carrier refuses calls to several callees: look at its account");
        self.metrics.campaigns().carrier_refuses();
        let data = json!({"carrier_id": carrier, "callees": alarm.callees, "since": alarm.since});
        let once = Event::id_of(&format!("{REFUSES} {carrier} {}", alarm.since)).to_string();
        let event = Event::of_tenant(tenant, REFUSES, data, now);
        // What cannot be told is shown with the carrier all the same.
        match self.stores.all_events().insert_events(vec![(once, event)]).await {
            Ok(()) => self.stored.notify_one(),
            Err(error) => {
                tracing::warn!(carrier.id = %carrier, %error, "that a carrier refuses calls could not be told")
            }
        }
        Ok(())
    }

    /// Whether the carrier of an attempt refuses several callees just now.
    pub(super) async fn refuses_many(&self, attempt: &Attempt) -> Result<bool, StoreError> {
        let trunk = self.stores.trunks(&attempt.tenant_id).of_carrier(&attempt.caller.carrier_id).await?;
        Ok(trunk.refuses.alarm(self.now()).is_some())
    }
}
