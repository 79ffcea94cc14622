//! That a call is being dialled, told once.

use serde_json::{Map, Value, json};
use vox_shared::ids::SessionId;

use super::Dialler;
use super::order::Order;
use crate::live::Whose;
use crate::store::Stamp;
use crate::store::events::Event;

const DIALING: &str = "call.dialing";

impl Dialler {
    /// Tell who follows the tenant, and put it into the tenant's list. The call is placed: what cannot be told is no failure of it.
    pub(super) async fn tell(&self, order: &Order, call: &str) {
        let Ok(call) = call.parse::<SessionId>() else { return };
        let mut data = json!({
            "call_id": call, "tenant_id": order.tenant, "bot_id": order.bot, "direction": "outgoing"
        });
        // Without numbers: a call that never begins has no document by which an erasure could find them here.
        let mut event = Event::of_tenant(&order.tenant, DIALING, data.clone(), Stamp(self.clock.now()));
        (event.session_id, event.bot_id) = (Some(call.clone()), Some(order.bot.clone()));
        let id = Event::id_of(&format!("{call}:dialing")).to_string();
        match self.stores.all_events().insert_events(vec![(id, event)]).await {
            Ok(()) => self.stored.notify_one(),
            Err(error) => tracing::warn!(call.id = %call, %error, "that a call is dialled could not be told"),
        }
        data["to"] = json!(order.to);
        data["from"] = json!(order.from);
        let data: Map<String, Value> = data.as_object().cloned().unwrap_or_default();
        self.live.said(Whose::new(call, order.tenant.clone(), order.bot.clone()), DIALING, data);
    }
}
