//! How many streams may be open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::StatusCode;

use vox_shared::ids::TenantId;

use super::Pacing;
use crate::error::{ApiError, ApiResult};
use crate::metrics::Metrics;

/// Streams of the process: a quarter of its connections, so that they never take the place of requests.
pub const MAX_STREAMS: usize = 512;
/// Streams of a person or a key: a wall with 20 calls, for three.
pub const MAX_STREAMS_OF_ONE: usize = 64;
/// Streams of a tenant: half of all, so that no tenant shuts the others out.
pub const MAX_STREAMS_OF_TENANT: usize = MAX_STREAMS / 2;
/// When to ask again.
const RETRY_SECONDS: u64 = 5;

/// The open streams of the process. Cheap to clone.
#[derive(Clone)]
pub struct Streams {
    open: Arc<Mutex<HashMap<Whose, usize>>>,
    pacing: Pacing,
    metrics: Arc<Metrics>,
}

/// A tenant, and a person or a key of it.
type Whose = (TenantId, String);

/// A stream may be open for as long as this lives.
pub struct Place {
    of: Whose,
    streams: Streams,
}

impl Streams {
    pub fn new(pacing: Pacing, metrics: Arc<Metrics>) -> Self {
        Self { open: Arc::default(), pacing, metrics }
    }

    /// A place for a stream of this person or key; 429 when it or its tenant has too many, 503 when all together have.
    pub fn take(&self, tenant: &TenantId, of: &str) -> ApiResult<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= MAX_STREAMS {
            let detail =
                format!("this bridge has {MAX_STREAMS} streams open, which is the most; try again later");
            return Err(refused(StatusCode::SERVICE_UNAVAILABLE, detail));
        }
        let of_tenant: usize = open.iter().filter(|((whose, _), _)| whose == tenant).map(|(_, n)| n).sum();
        if of_tenant >= MAX_STREAMS_OF_TENANT {
            let detail = format!(
                "your tenant has {MAX_STREAMS_OF_TENANT} streams open at this bridge, which is the most; close some"
            );
            return Err(refused(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        let of = (tenant.clone(), of.to_owned());
        let own = open.entry(of.clone()).or_default();
        if *own >= MAX_STREAMS_OF_ONE {
            let detail = format!(
                "you have {MAX_STREAMS_OF_ONE} streams open, which is the most; close one, or follow the tenant's"
            );
            return Err(refused(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        *own += 1;
        self.metrics.streams().inc();
        Ok(Place { of, streams: self.clone() })
    }
}

fn refused(status: StatusCode, detail: String) -> ApiError {
    let told = ApiError::new(status, "too_many_streams", detail);
    ApiError { retry_after_seconds: Some(RETRY_SECONDS), ..told }
}

impl Place {
    pub(super) fn pacing(&self) -> Pacing {
        self.streams.pacing
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.metrics.streams().dec();
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.of) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> Streams {
        Streams::new(Pacing::default(), Arc::new(Metrics::new(false)))
    }

    fn refusal(taken: ApiResult<Place>) -> (u16, &'static str) {
        taken.map_err(|error| (error.status.as_u16(), error.code)).err().expect("it is refused")
    }

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    #[test]
    fn one_who_opens_too_many_is_refused_until_one_is_closed_and_nobody_else_is() {
        let (streams, t) = (streams(), tenant("t"));
        let mut held: Vec<_> =
            (0..MAX_STREAMS_OF_ONE).map(|_| streams.take(&t, "user_a").ok().unwrap()).collect();
        assert_eq!(refusal(streams.take(&t, "user_a")), (429, "too_many_streams"));
        assert!(streams.take(&t, "user_b").is_ok());
        held.pop();
        assert!(streams.take(&t, "user_a").is_ok());
    }

    #[test]
    fn a_tenant_leaves_room_and_all_together_have_a_limit_and_nothing_is_kept_of_who_left() {
        let streams = streams();
        let mut held = Vec::new();
        for t in [tenant("one"), tenant("two")] {
            held.extend(
                (0..MAX_STREAMS_OF_TENANT).map(|n| streams.take(&t, &format!("user_{n}")).ok().unwrap()),
            );
            if t == tenant("one") {
                assert_eq!(refusal(streams.take(&t, "another")), (429, "too_many_streams"));
            }
        }
        assert_eq!(refusal(streams.take(&tenant("three"), "another")), (503, "too_many_streams"));
        drop(held);
        assert!(streams.open.lock().unwrap().is_empty());
        assert!(streams.take(&tenant("one"), "another").is_ok());
    }
}
