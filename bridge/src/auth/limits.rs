//! How much people and keys may ask: each of them, and all keys of a tenant together. As the bridge is set, or as the plan of their
//! tenant says. Counted once it is known who asks, before anything else is looked at, so a refused request costs little and is in no audit log.

use std::time::Duration;

use actix_web::http::StatusCode;
use vox_shared::ids::TenantId;

use crate::config::Limits;
use crate::coordination::{Entered, Gate, Limiter, Place, Rate, Standing, Taken};
use crate::error::ApiError;
use crate::runtime::memory::Memory;

const MINUTE: Duration = Duration::from_secs(60);
/// A place that was not given back is free after this: longer than any request of a person or a key runs.
const PLACE: Duration = Duration::from_secs(150);

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    Person { id: &'a str, tenant: &'a TenantId },
    Key { id: &'a str, tenant: &'a TenantId },
}

/// Lets requests in. Cheap to clone.
#[derive(Clone)]
pub struct RequestLimits {
    pub limiter: Limiter,
    /// Where a tenant's plan says nothing else.
    pub limits: Limits,
    pub memory: Memory,
}

/// What became of a request.
#[derive(Debug)]
pub struct Admission {
    /// What the answer tells, whatever it is.
    pub standing: Standing,
    /// Kept until the request is answered.
    pub places: Result<Vec<Place>, TooMany>,
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum TooMany {
    #[error("more than {} requests in a minute; the next one may come in {} s", .0.limit, .0.wait_seconds())]
    InAMinute(Standing),
    #[error("more than {0} requests at once; wait for an answer first")]
    AtOnce(u32),
}

impl RequestLimits {
    /// Count a request, and give it a place.
    pub async fn admit(&self, asker: Asker<'_>) -> Admission {
        let limits = self.of(asker.tenant()).await;
        match self.limiter.take(rates(asker, limits)).await {
            Taken::Refused(standing) => Admission { standing, places: Err(TooMany::InAMinute(standing)) },
            Taken::Allowed(standing) => Admission { standing, places: self.places(asker, limits).await },
        }
    }

    /// By the plan as it is remembered: of a flood of requests one in two seconds reads the tenant.
    async fn of(&self, tenant: &TenantId) -> Limits {
        match self.memory.tenant(tenant).await {
            Ok(found) => {
                let allowance = found.as_ref().and_then(|tenant| tenant.allowance.as_ref());
                allowance.map_or(self.limits, |allowance| allowance.requests.over(self.limits))
            }
            Err(error) => {
                tracing::debug!(%tenant, %error, "requests are counted without the plan");
                self.limits
            }
        }
    }

    async fn places(&self, asker: Asker<'_>, limits: Limits) -> Result<Vec<Place>, TooMany> {
        let all = shared(asker).map(|name| (name, limits.tenant_requests_at_once));
        let mut places = Vec::new();
        for (name, most) in std::iter::once((own(asker), limits.requests_at_once)).chain(all) {
            match self.limiter.enter(Gate { name, most, ttl: PLACE }).await {
                Entered::Inside(place) => places.push(place),
                Entered::Full => return Err(TooMany::AtOnce(most)),
            }
        }
        Ok(places)
    }
}

impl<'a> Asker<'a> {
    /// Whose plan counts.
    fn tenant(self) -> &'a TenantId {
        let (Self::Person { tenant, .. } | Self::Key { tenant, .. }) = self;
        tenant
    }
}

fn rates(asker: Asker<'_>, limits: Limits) -> Vec<Rate> {
    let rate = |key, most| Rate { key, most, window: MINUTE };
    let own = rate(own(asker), limits.requests_per_minute);
    let all = shared(asker).map(|key| rate(key, limits.tenant_requests_per_minute));
    std::iter::once(own).chain(all).collect()
}

/// What the asker's own requests are counted under.
fn own(asker: Asker<'_>) -> String {
    let (Asker::Person { id, .. } | Asker::Key { id, .. }) = asker;
    format!("api:{id}")
}

/// What the requests of all keys of the tenant are. People are not held up by programs.
fn shared(asker: Asker<'_>) -> Option<String> {
    match asker {
        Asker::Person { .. } => None,
        Asker::Key { tenant, .. } => Some(format!("api:tenant:{tenant}")),
    }
}

impl From<TooMany> for ApiError {
    fn from(refused: TooMany) -> Self {
        let (code, wait_seconds) = match refused {
            TooMany::InAMinute(standing) => ("rate_limited", standing.wait_seconds()),
            TooMany::AtOnce(_) => ("too_many_at_once", 1),
        };
        let told = Self::new(StatusCode::TOO_MANY_REQUESTS, code, refused.to_string());
        Self { retry_after_seconds: Some(wait_seconds), ..told }
    }
}
