//! The sending to one endpoint. One bridge at a time holds its lane, by a lease with a fence; what one endpoint does with its
//! time is no other's concern.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use vox_egress::Egress;
use vox_shared::clock::Clock;
use vox_shared::ids::{TenantId, WebhookId};

use super::exchange::{Verdict, attempt};
use super::schedule::{allowance, free_at, pause};
use crate::metrics::Metrics;
use crate::store::deliveries::{Attempt, Delivery, DeliveryState};
use crate::store::events::Event;
use crate::store::webhooks::{Endpoint, Lane, Progress};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Attempts at one endpoint at the same time.
pub const AT_ONCE: usize = 4;
/// How long a lane is held without news: twice as long as attempts may take. What a killed bridge held waits so long.
pub const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// Attempts that take longer give their place to lanes that wait for one.
const SLOW: Duration = Duration::from_secs(1);
/// An endpoint that takes nothing for so long is switched off.
pub const FAILING_LIMIT: SignedDuration = SignedDuration::from_hours(5 * 24);
/// Attempts of a delivery that are kept.
const KEPT_ATTEMPTS: usize = 20;

/// An endpoint was switched off.
pub const DISABLED: &str = "webhook.disabled";
/// Why it was.
pub const GONE: &str = "gone";
pub const FAILING: &str = "failing";

/// Sends what is due. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    pub stores: Stores,
    pub clock: Clock,
    pub egress: Arc<Egress>,
    pub metrics: Arc<Metrics>,
}

/// How long a lane may be worked.
#[derive(Clone, Debug)]
pub struct Turn {
    pub stop: CancellationToken,
    /// Of the lanes that are worked at once. When none is free others may wait.
    pub places: Arc<Semaphore>,
}

impl Turn {
    fn is_over(&self, next: Next) -> bool {
        let others_wait = matches!(next, Next::AfterOthers) && self.places.available_permits() == 0;
        self.stop.is_cancelled() || others_wait
    }
}

/// A lane that is held.
struct Held {
    lane: Stored<Lane>,
    tenant: TenantId,
    webhook: WebhookId,
    progress: Progress,
}

/// When a lane has something to do.
#[derive(Clone, Copy, Debug)]
enum Next {
    Now,
    /// Now, and its endpoint takes its time: others that wait come first.
    AfterOthers,
    At(Stamp),
    /// Until it is woken.
    Never,
}

impl Sender {
    /// Take a lane, send what is due and leave it; `false` when somebody else holds it.
    pub async fn work(&self, lane: &Stored<Lane>, turn: &Turn) -> Result<bool, StoreError> {
        let now = Stamp(self.clock.now());
        let Some(lane) = self.stores.webhook_lanes().lease(&lane.id, now, now + LEASE).await? else {
            return Ok(false);
        };
        let Lane { tenant_id, paced_at, failing_since, .. } = lane.value.clone();
        let webhook = lane.id.parse().map_err(|_| StoreError::NotFound)?;
        let held = Held { lane, tenant: tenant_id, webhook, progress: Progress { paced_at, failing_since } };
        self.go_on(held, turn).await?;
        Ok(true)
    }

    /// Until nothing is due, the lane is somebody else's, or its turn is over.
    async fn go_on(&self, mut held: Held, turn: &Turn) -> Result<(), StoreError> {
        let lanes = self.stores.webhook_lanes();
        loop {
            let next = self.send_some(&mut held).await?;
            let now = Stamp(self.clock.now());
            let rest = match next {
                Next::Now | Next::AfterOthers => turn.is_over(next).then_some(now),
                Next::At(at) => Some(at),
                Next::Never => {
                    if lanes.leave(&held.lane, (now, None), held.progress).await?.is_some() {
                        return Ok(());
                    }
                    None
                }
            };
            if let Some(at) = rest
                && lanes.leave(&held.lane, (now, Some(at)), held.progress).await?.is_some()
            {
                return Ok(());
            }
            // There is more to do, or it was woken meanwhile.
            match lanes.renew(&held.lane, now + LEASE, held.progress).await? {
                Some(lane) => held.lane = lane,
                None => return Ok(()),
            }
        }
    }

    /// The endpoint, if it is there and gets anything.
    async fn endpoint(&self, held: &Held) -> Result<Option<Stored<Endpoint>>, StoreError> {
        match self.stores.webhooks(&held.tenant).get_endpoint(&held.webhook).await {
            Ok(endpoint) => Ok(Some(endpoint).filter(|e| e.value.enabled)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Up to [`AT_ONCE`] attempts.
    async fn send_some(&self, held: &mut Held) -> Result<Next, StoreError> {
        let Some(endpoint) = &self.endpoint(held).await? else { return Ok(Next::Never) };
        let began = Instant::now();
        let (deliveries, now) = (self.stores.deliveries(&held.tenant), Stamp(self.clock.now()));
        let due = deliveries.list_due(&held.webhook, now, AT_ONCE).await?;
        if due.is_empty() {
            return Ok(deliveries.next_due(&held.webhook).await?.map_or(Next::Never, Next::At));
        }
        let (allowed, paced_at) = allowance(held.progress.paced_at, now, due.len());
        if allowed == 0 {
            return Ok(Next::At(free_at(paced_at)));
        }
        held.progress.paced_at = Some(paced_at);
        let rules = &self.stores.tenants().egress_rules(&held.tenant).await?;
        let attempts = due.into_iter().take(allowed).map(|delivery| async move {
            let span = span(&delivery);
            let sending = attempt((&self.egress, rules), &endpoint.value, &delivery.value, now);
            let came = sending.instrument(span.clone()).await;
            note_in_trace(&span, &came);
            (delivery, came)
        });
        let came = join_all(attempts).await;
        let next = if began.elapsed() > SLOW { Next::AfterOthers } else { Next::Now };
        for (delivery, (attempt, verdict)) in came {
            self.note(held, (endpoint, delivery), (attempt, verdict)).await?;
        }
        Ok(next)
    }

    /// Write down what came of an attempt.
    async fn note(
        &self,
        held: &mut Held,
        (to, mut delivery): (&Stored<Endpoint>, Stored<Delivery>),
        (attempt, verdict): (Attempt, Verdict),
    ) -> Result<(), StoreError> {
        let now = Stamp(self.clock.now());
        tracing::debug!(
            webhook.id = %held.webhook, delivery.id = %delivery.id, status = attempt.status, ?verdict, "an event was sent"
        );
        settle(&mut delivery.value, attempt, (verdict, now));
        self.metrics.webhook_attempted(match delivery.value.state {
            DeliveryState::Delivered => "delivered",
            DeliveryState::Pending => "retried",
            DeliveryState::Failed => "failed",
        });
        match self.stores.deliveries(&held.tenant).replace_delivery(delivery).await {
            // Somebody replayed it, or holds the lane by now: theirs counts.
            Err(StoreError::Conflict) => {}
            written => drop(written?),
        }
        match verdict {
            Verdict::Taken => held.progress.failing_since = None,
            Verdict::Gone => self.switch_off((held, &to.value.url), GONE, now).await?,
            Verdict::TryAgain(_) => {
                let since = *held.progress.failing_since.get_or_insert(now);
                if since + FAILING_LIMIT <= now {
                    self.switch_off((held, &to.value.url), FAILING, now).await?;
                }
            }
        }
        Ok(())
    }

    /// The event is stored first, under an id that is made of the endpoint as it is now: killed in between, both happen later.
    /// An address that somebody changed since has not failed.
    async fn switch_off(
        &self,
        (held, url): (&mut Held, &str),
        because: &str,
        now: Stamp,
    ) -> Result<(), StoreError> {
        // It begins anew when a person switches it on.
        held.progress.failing_since = None;
        let endpoints = self.stores.webhooks(&held.tenant);
        let endpoint = match endpoints.get_endpoint(&held.webhook).await {
            Ok(endpoint) if endpoint.value.enabled && endpoint.value.url == url => endpoint,
            Ok(_) | Err(StoreError::NotFound) => return Ok(()),
            Err(error) => return Err(error),
        };
        let told = disabled(&held.tenant, &endpoint, (because, now));
        self.stores.all_events().insert_events(vec![told]).await?;
        if endpoints.disable(&held.webhook, because).await?.is_some() {
            tracing::warn!(tenant.id = %held.tenant, webhook.id = %held.webhook, because, "an endpoint is switched off");
        }
        Ok(())
    }
}

/// An attempt as a part of the trace that its event is from. The endpoint is told nothing of it.
fn span(delivery: &Stored<Delivery>) -> Span {
    let Delivery { tenant_id, webhook_id, tries, traceparent, .. } = &delivery.value;
    tracing::info_span!(
        "webhook",
        otel.kind = "client",
        trace.parent = traceparent.map(|place| place.to_string()),
        tenant.id = %tenant_id,
        webhook.id = %webhook_id,
        attempt = u64::from(*tries) + 1,
        status = Empty,
        "error.type" = Empty
    )
}

fn note_in_trace(span: &Span, (attempt, verdict): &(Attempt, Verdict)) {
    if let Some(status) = attempt.status {
        span.record("status", status);
    }
    if *verdict != Verdict::Taken {
        span.record("error.type", if attempt.status.is_some() { "refused" } else { "unreachable" });
    }
}

fn disabled(
    tenant: &TenantId,
    endpoint: &Stored<Endpoint>,
    (because, now): (&str, Stamp),
) -> (String, Event) {
    let data = json!({"webhook_id": endpoint.id, "reason": because});
    let event = Event::of_tenant(tenant, DISABLED, data, now);
    (Event::id_of(&format!("{}:{DISABLED}.{}", endpoint.id, endpoint.version)).to_string(), event)
}

/// What an attempt makes of its delivery.
fn settle(delivery: &mut Delivery, attempt: Attempt, (verdict, now): (Verdict, Stamp)) {
    delivery.attempts.push(attempt);
    let surplus = delivery.attempts.len().saturating_sub(KEPT_ATTEMPTS);
    delivery.attempts.drain(..surplus);
    delivery.tries += 1;
    let again = match verdict {
        Verdict::Taken | Verdict::Gone => None,
        Verdict::TryAgain(asked) => pause(delivery.tries, asked, rand::random_range(0.0..1.0)),
    };
    delivery.due_at = again.map(|pause| now + pause);
    delivery.state = match (verdict, again) {
        (Verdict::Taken, _) => DeliveryState::Delivered,
        (_, Some(_)) => DeliveryState::Pending,
        (_, None) => DeliveryState::Failed,
    };
}
