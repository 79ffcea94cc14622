//! The endpoints of a tenant: made, changed, tried, and sent to again.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use url::Url;
use vox_egress::Egress;
use vox_shared::clock::Clock;
use vox_shared::egress::HostRules;
use vox_shared::ids::{DeliveryId, TenantId, WebhookId};

use super::message::{KEPT, Message};
use super::post::Post;
use super::sign;
use crate::fields::FieldError;
use crate::store::deliveries::{Delivery, DeliveryState};
use crate::store::webhooks::{Endpoint, Previous};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Most endpoints of a tenant.
pub const MAX_ENDPOINTS: u32 = 20;
/// A secret that was rotated away signs so much longer.
pub const OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// Longest address, bytes.
const MAX_URL_BYTES: usize = 2048;
/// Longest description, characters.
const MAX_DESCRIPTION: usize = 500;
/// Tries to change an endpoint that others change too.
const MAX_TRIES: usize = 5;

/// The names of events that an endpoint can ask for.
pub const EVENTS: &[&str] = &[
    "analysis.ready",
    "call.connected",
    "call.dialing",
    "call.ended",
    "call.failed",
    "call.ringing",
    "call.transfer_requested",
    "call.transferred",
    "campaign.archived",
    "campaign.card_accepted",
    "campaign.card_skipped",
    "campaign.completed",
    "campaign.draining",
    "campaign.failed",
    "campaign.imported",
    "campaign.paused",
    "campaign.restarted",
    "campaign.resumed",
    "campaign.started",
    "carrier.refuses_calls",
    "number.rests",
    "recording.ready",
    "quota.warning",
    "report.ready",
    "retention.done",
    "tool.called",
    "transcript.turn",
    "usage.minute",
    "vendor.target_met",
    "vendor.target_missed",
    "webhook.disabled",
];

/// Why an endpoint is not made, changed or sent to.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("{} fields are not acceptable", .0.len())]
    Invalid(Vec<FieldError>),
    #[error("the tenant has {MAX_ENDPOINTS} endpoints, which is the most; delete one first")]
    TooMany,
    #[error("the endpoint is switched off; switch it on first")]
    Disabled,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a person says about an endpoint; what is absent stays as it is.
#[derive(Debug, Default)]
pub struct Wish {
    pub url: Option<String>,
    /// An empty one takes it away.
    pub description: Option<String>,
    pub events: Option<Vec<String>>,
    pub enabled: Option<bool>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    pub stores: Stores,
    pub clock: Clock,
    pub egress: Arc<Egress>,
    pub post: Post,
}

impl Webhooks {
    fn now(&self) -> Stamp {
        Stamp(self.clock.now())
    }

    /// Make an endpoint. The answer has its secret, which no other does.
    pub async fn create(&self, tenant: &TenantId, wish: Wish) -> Result<Stored<Endpoint>, EndpointError> {
        let now = self.now();
        let mut endpoint = Endpoint {
            tenant_id: tenant.clone(),
            url: String::new(),
            description: None,
            events: Vec::new(),
            enabled: true,
            disabled_because: None,
            secret: sign::generate(),
            previous: None,
            created_at: now,
            updated_at: now,
            place: 0,
        };
        let wish = Wish { url: Some(wish.url.unwrap_or_default()), ..wish };
        let rules = self.stores.tenants().egress_rules(tenant).await?;
        self.apply(&mut endpoint, &wish, &rules)?;
        let (endpoints, id) = (self.stores.webhooks(tenant), WebhookId::generate());
        let mut taken: BTreeSet<u32> = BTreeSet::new();
        for held in endpoints.list_endpoints(MAX_ENDPOINTS as usize, None).await?.items {
            taken.insert(held.value.place);
        }
        while let Some(free) = (0..MAX_ENDPOINTS).find(|place| !taken.contains(place)) {
            endpoint.place = free;
            match endpoints.insert_endpoint(&id, &endpoint).await {
                // Another request was faster.
                Err(StoreError::Duplicate) => drop(taken.insert(free)),
                inserted => {
                    inserted?;
                    return Ok(Stored { id: id.to_string(), version: 1, value: endpoint });
                }
            }
        }
        Err(EndpointError::TooMany)
    }

    /// Change what the wish names. One that is switched on gets what waited.
    pub async fn change(
        &self,
        tenant: &TenantId,
        id: &WebhookId,
        wish: &Wish,
    ) -> Result<Stored<Endpoint>, EndpointError> {
        let rules = self.stores.tenants().egress_rules(tenant).await?;
        let mut was_off = false;
        let change = |endpoint: &mut Endpoint| {
            was_off = !endpoint.enabled;
            self.apply(endpoint, wish, &rules)
        };
        let changed = self.write(tenant, id, change).await?;
        if changed.value.enabled {
            if was_off {
                self.stores.webhook_lanes().begin_anew(id).await?;
            }
            self.wake(tenant, id).await?;
        }
        Ok(changed)
    }

    /// Give it another secret; the one before signs too for [`OVERLAP`].
    pub async fn rotate(&self, tenant: &TenantId, id: &WebhookId) -> Result<Stored<Endpoint>, EndpointError> {
        let (secret, until) = (sign::generate(), self.now() + OVERLAP);
        let rotated = |endpoint: &mut Endpoint| {
            let before = std::mem::replace(&mut endpoint.secret, secret.clone());
            endpoint.previous = Some(Previous { secret: before, until });
            Ok(())
        };
        self.write(tenant, id, rotated).await
    }

    /// Delete it. What waited is not sent.
    pub async fn delete(&self, tenant: &TenantId, id: &WebhookId) -> Result<(), EndpointError> {
        let endpoints = self.stores.webhooks(tenant);
        for _ in 0..MAX_TRIES {
            match endpoints.delete_endpoint(&endpoints.get_endpoint(id).await?).await {
                Err(StoreError::Conflict) => {}
                deleted => {
                    deleted?;
                    return Ok(self.stores.webhook_lanes().delete(id).await?);
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Send a message that tries the endpoint.
    pub async fn test(&self, tenant: &TenantId, id: &WebhookId) -> Result<Stored<Delivery>, EndpointError> {
        self.enabled(tenant, id).await?;
        let now = self.now();
        let (delivery_id, value) = Message::test(tenant.clone(), id, now).to(id, now);
        self.stores.deliveries(tenant).insert_delivery(&delivery_id, &value).await?;
        self.wake(tenant, id).await?;
        Ok(Stored { id: delivery_id.to_string(), version: 1, value })
    }

    /// Send a delivery once more, with the same `webhook-id`, and with the whole schedule before it.
    pub async fn replay(
        &self,
        tenant: &TenantId,
        (id, delivery): (&WebhookId, &DeliveryId),
    ) -> Result<Stored<Delivery>, EndpointError> {
        self.enabled(tenant, id).await?;
        let again = self.again(tenant, (id, delivery)).await?;
        self.wake(tenant, id).await?;
        Ok(again)
    }

    /// Have a delivery due now.
    pub(super) async fn again(
        &self,
        tenant: &TenantId,
        (id, delivery): (&WebhookId, &DeliveryId),
    ) -> Result<Stored<Delivery>, StoreError> {
        let (deliveries, now) = (self.stores.deliveries(tenant), self.now());
        for _ in 0..MAX_TRIES {
            let mut stored = deliveries.get_delivery(id, delivery).await?;
            stored.value.state = DeliveryState::Pending;
            (stored.value.due_at, stored.value.tries) = (Some(now), 0);
            stored.value.forget_at = now + KEPT;
            match deliveries.replace_delivery(stored).await {
                // An attempt was just written down.
                Err(StoreError::Conflict) => {}
                replaced => return replaced,
            }
        }
        Err(StoreError::Conflict)
    }

    pub(super) async fn enabled(&self, tenant: &TenantId, id: &WebhookId) -> Result<(), EndpointError> {
        let endpoint = self.stores.webhooks(tenant).get_endpoint(id).await?;
        if endpoint.value.enabled { Ok(()) } else { Err(EndpointError::Disabled) }
    }

    /// There is something for the endpoint.
    pub(super) async fn wake(&self, tenant: &TenantId, id: &WebhookId) -> Result<(), StoreError> {
        self.stores.webhook_lanes().wake(tenant, id, self.now()).await?;
        self.post.ring();
        Ok(())
    }

    async fn write(
        &self,
        tenant: &TenantId,
        id: &WebhookId,
        mut change: impl FnMut(&mut Endpoint) -> Result<(), EndpointError>,
    ) -> Result<Stored<Endpoint>, EndpointError> {
        let endpoints = self.stores.webhooks(tenant);
        for _ in 0..MAX_TRIES {
            let mut stored = endpoints.get_endpoint(id).await?;
            change(&mut stored.value)?;
            stored.value.updated_at = self.now();
            match endpoints.replace_endpoint(stored).await {
                Err(StoreError::Conflict) => {}
                replaced => return Ok(replaced?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Put a wish into an endpoint, or say all that is wrong with it.
    fn apply(&self, endpoint: &mut Endpoint, wish: &Wish, rules: &HostRules) -> Result<(), EndpointError> {
        let mut faults = Vec::new();
        if let Some(url) = &wish.url {
            faults.extend(self.fault_of(url, rules).map(|fault| FieldError::new("url", fault)));
            endpoint.url.clone_from(url);
        }
        if let Some(text) = &wish.description {
            if text.chars().count() > MAX_DESCRIPTION || text.contains('\0') {
                faults.push(FieldError::new("description", format!("at most {MAX_DESCRIPTION} characters")));
            }
            endpoint.description = Some(text.clone()).filter(|text| !text.is_empty());
        }
        if let Some(events) = &wish.events {
            faults.extend(unknown(events));
            endpoint.events.clone_from(events);
        }
        if let Some(enabled) = wish.enabled {
            endpoint.enabled = enabled;
            endpoint.disabled_because = endpoint.disabled_because.take().filter(|_| !enabled);
        }
        if faults.is_empty() { Ok(()) } else { Err(EndpointError::Invalid(faults)) }
    }

    fn fault_of(&self, url: &str, rules: &HostRules) -> Option<String> {
        if url.len() > MAX_URL_BYTES {
            return Some(format!("at most {MAX_URL_BYTES} bytes"));
        }
        let Ok(parsed) = Url::parse(url) else {
            return Some("must be an address, like https://crm.example.com/vox".into());
        };
        if !matches!(parsed.scheme(), "http" | "https") {
            return Some("must begin with https:// or http://".into());
        }
        self.egress.check_under(rules, &parsed).err().map(|failure| failure.detail)
    }
}

fn unknown(events: &[String]) -> Vec<FieldError> {
    let known = || EVENTS.join(", ");
    let mut faults = Vec::new();
    if events.len() > EVENTS.len() {
        return vec![FieldError::new("events", format!("at most {}: {}", EVENTS.len(), known()))];
    }
    for (at, event) in events.iter().enumerate() {
        if !EVENTS.contains(&event.as_str()) {
            faults.push(FieldError::new(format!("events.{at}"), format!("must be one of {}", known())));
        } else if events[..at].contains(event) {
            faults.push(FieldError::new(format!("events.{at}"), "is named twice"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::EVENTS;

    /// Two of them could not be asked for.
    #[test]
    fn every_event_of_a_tenant_that_is_documented_can_be_asked_for() {
        let (_, of_tenants) =
            include_str!("../../../docs/events.md").split_once("# Events of a tenant").unwrap();
        let (of_tenants, _) = of_tenants.split_once("\n## ").expect("what follows is of channels");
        let rows = of_tenants.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let mut documented: Vec<&str> = rows.map(|(name, _)| name).collect();
        documented.sort_unstable();
        let mut known = EVENTS.to_vec();
        known.sort_unstable();
        assert_eq!(documented, known);
    }
}
