//! Sends the events of a stretch of time to an endpoint once more: a job, for they may be many.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vox_shared::ids::{DeliveryId, JobId, TenantId, WebhookId};

use super::endpoints::{EndpointError, Webhooks};
use super::herald::of_event;
use crate::jobs::runner::Failure;
use crate::store::deliveries::Delivery;
use crate::store::events::Event;
use crate::store::jobs::{Job, Queue};
use crate::store::webhooks::Endpoint;
use crate::store::{Cursor, Stamp, StoreError, Stored};

/// The word of these jobs.
pub const KIND: &str = "replay_webhook";
/// Events looked at in one batch.
const BATCH: usize = 100;

/// What to send again, and to whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stretch {
    pub webhook_id: WebhookId,
    /// Events that were stored then or later.
    pub from: Stamp,
    /// Events that were stored before.
    pub to: Stamp,
}

impl Webhooks {
    /// Have a stretch of time sent again.
    pub async fn replay_stretch(
        &self,
        tenant: &TenantId,
        stretch: Stretch,
    ) -> Result<Stored<Job>, EndpointError> {
        self.enabled(tenant, &stretch.webhook_id).await?;
        let Ok(Value::Object(arguments)) = serde_json::to_value(&stretch) else {
            unreachable!("it is an object")
        };
        let (id, now) = (JobId::generate(), Stamp(self.clock.now()));
        let job = Job::new(tenant.clone(), (Queue::Webhooks, KIND), arguments, now);
        self.stores.jobs(tenant).insert_job(&id, &job).await?;
        Ok(Stored { id: id.to_string(), version: 1, value: job })
    }
}

/// Put the events into the endpoint's lane. Repeated, it passes over what was sent since the job was made.
pub async fn carry_out(webhooks: Webhooks, job: Stored<Job>) -> Result<(), Failure> {
    let stretch = stretch(job.value.arguments)?;
    let (tenant, since) = (&job.value.tenant_id, job.value.created_at);
    let endpoint = match webhooks.stores.webhooks(tenant).get_endpoint(&stretch.webhook_id).await {
        Err(StoreError::NotFound) => return Err(Failure::ForGood("the endpoint is gone".into())),
        found => found?,
    };
    let mut after = None;
    loop {
        let events = webhooks.stores.events(tenant);
        let page = events.list_between((stretch.from, stretch.to), BATCH, after).await?;
        let mut is_wanted = false;
        for event in &page.items {
            is_wanted |= put(&webhooks, (event, &endpoint), since).await?;
        }
        if is_wanted {
            webhooks.wake(tenant, &stretch.webhook_id).await?;
        }
        let Some(next) = page.next_cursor else { return Ok(()) };
        after = Some(Cursor::parse(&next).map_err(StoreError::from)?);
    }
}

fn stretch(arguments: Map<String, Value>) -> Result<Stretch, Failure> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| Failure::ForGood(error.to_string()))
}

/// One event into the lane; whether there is something to send.
async fn put(
    webhooks: &Webhooks,
    (event, endpoint): (&Stored<Event>, &Stored<Endpoint>),
    since: Stamp,
) -> Result<bool, StoreError> {
    let now = Stamp(webhooks.clock.now());
    let Some((_, id, delivery)) = of_event(event, std::slice::from_ref(endpoint), now).pop() else {
        return Ok(false);
    };
    let deliveries = webhooks.stores.deliveries(&delivery.tenant_id);
    match deliveries.insert_delivery(&id, &delivery).await {
        Err(StoreError::Duplicate) => {}
        inserted => return inserted.map(|()| true),
    }
    match was_sent(webhooks, &delivery, &id, since).await? {
        true => Ok(false),
        false => webhooks.again(&delivery.tenant_id, (&delivery.webhook_id, &id)).await.map(|_| true),
    }
}

async fn was_sent(
    webhooks: &Webhooks,
    delivery: &Delivery,
    id: &DeliveryId,
    since: Stamp,
) -> Result<bool, StoreError> {
    let deliveries = webhooks.stores.deliveries(&delivery.tenant_id);
    let known = deliveries.get_delivery(&delivery.webhook_id, id).await?;
    Ok(known.value.attempts.last().is_some_and(|attempt| attempt.at >= since))
}
