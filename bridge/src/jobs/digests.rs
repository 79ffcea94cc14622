//! Makes the digests of calls that have ended or were changed since: what they are found by, and what they add to the sums. Any number
//! of bridges may do it at once, and each step may be repeated.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::tz::TimeZone;
use tokio::task::yield_now;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;
use vox_shared::ids::{SessionId, TenantId};

use super::fresh::Fresh;
use crate::error::with_source;
use crate::search::digest::digest;
use crate::store::calls::Call;
use crate::store::digests::CallDigest;
use crate::store::engine::EngineError;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Pause between two rounds: so long after its end a call may not be found yet.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause before the next batch while there is more to do: the store belongs to the calls.
const BREATH: Duration = Duration::from_millis(20);
/// Calls of one batch.
const BATCH: usize = 100;
/// Calls that are read at the same time; each may have some MB.
const AT_ONCE: usize = 8;

/// The zones of tenants that one batch has read.
type Zones = Mutex<HashMap<TenantId, TimeZone>>;

/// What came of one call.
struct Made {
    id: String,
    /// What it is marked with as done.
    mark: i64,
    /// `None` of a damaged one.
    digest: Option<CallDigest>,
}

/// Makes digests. Cheap to clone.
#[derive(Clone)]
pub struct Digester {
    pub stores: Stores,
    pub clock: Clock,
    pub fresh: Fresh,
}

impl Digester {
    /// Work until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = PAUSE;
        while stop.run_until_cancelled(sleep(pause)).await.is_some() {
            pause = match self.round().await {
                Ok(BATCH) => BREATH,
                Ok(_) => PAUSE,
                Err(error) => {
                    tracing::warn!(
                        error = with_source(&error),
                        "what calls are found by could not be brought up to date"
                    );
                    PAUSE
                }
            };
        }
    }

    /// One batch; answers of how many calls. One that cannot be read now (an archived one, while the object store is away) keeps no
    /// other from its turn: the first failure is told when the others are done.
    pub async fn round(&self) -> Result<usize, StoreError> {
        let mut due = self.stores.all_calls().list_to_digest(BATCH).await?;
        // The relay has these in memory, and makes their digests.
        due.retain(|call| !self.fresh.holds(&call.id));
        let (found, zones) = (due.len(), Zones::default());
        // Each is made into its digest as it is read: a batch of whole calls might have a gigabyte. And where it is read: while one is
        // waited for here, reads that nobody looks at would keep their turn at the store.
        let made = stream::iter(due).map(|listed| {
            let mark = listed.value.digest.map_or(0, |due| due.mark);
            self.make(listed.id, mark, &zones)
        });
        let mut made = pin!(made.buffer_unordered(AT_ONCE));
        let (mut digests, mut marks, mut failed) = (Vec::new(), Vec::new(), None);
        while let Some(made) = made.next().await {
            match made {
                Ok(Some(Made { id, mark, digest })) => {
                    digests.extend(digest.map(|digest| (id.clone(), digest)));
                    marks.push((id, mark));
                }
                Ok(None) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        self.keep(digests).await?;
        self.stores.all_calls().mark_digested(&marks).await?;
        failed.map_or(Ok(found), Err)
    }

    /// Make and keep the digests of calls as they are here, of those of which one is due.
    pub async fn digest(&self, calls: &[Stored<Call>]) -> Result<(), StoreError> {
        let (zones, now, mut digests) = (Zones::default(), Stamp(self.clock.now()), Vec::new());
        for call in calls.iter().filter(|call| call.value.digest.is_some()) {
            digests.push((call.id.clone(), digest(call, &self.zone(&zones, call).await?, now)));
            // Each is up to some milliseconds of work.
            yield_now().await;
        }
        self.keep(digests).await
    }

    /// One that may not be stored keeps no other from its turn.
    async fn keep(&self, digests: Vec<(String, CallDigest)>) -> Result<(), StoreError> {
        let all = self.stores.all_digests();
        match all.keep(digests.clone()).await {
            Err(StoreError::Engine(EngineError::Malformed(_))) => {}
            done => return done,
        }
        for one in digests {
            let id = one.0.clone();
            match all.keep(vec![one]).await {
                Err(StoreError::Engine(error @ EngineError::Malformed(_))) => {
                    tracing::error!(call.id = %id, %error, "a call is not found by its words, nor counted");
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// The digest of one call; `None` when it was deleted since.
    async fn make(&self, id: String, mark: i64, zones: &Zones) -> Result<Option<Made>, StoreError> {
        let found = match id.parse::<SessionId>() {
            Ok(id) => self.stores.all_calls().find_call(&id).await,
            Err(_) => Ok(None),
        };
        match found {
            Ok(Some(call)) => {
                let zone = self.zone(zones, &call).await?;
                let mark = call.value.digest.as_ref().map_or(mark, |due| due.mark);
                let digest = Some(digest(&call, &zone, Stamp(self.clock.now())));
                Ok(Some(Made { id, mark, digest }))
            }
            Ok(None) => Ok(None),
            Err(StoreError::Engine(error @ EngineError::Malformed(_))) => {
                tracing::error!(call.id = %id, %error, "a damaged call is not found by its words, nor counted");
                Ok(Some(Made { id, mark, digest: None }))
            }
            Err(error) => Err(error),
        }
    }

    async fn zone(&self, known: &Zones, call: &Stored<Call>) -> Result<TimeZone, StoreError> {
        let tenant = &call.value.tenant_id;
        if let Some(zone) = known.lock().unwrap_or_else(PoisonError::into_inner).get(tenant) {
            return Ok(zone.clone());
        }
        let zone = match self.stores.settings().time_zone(tenant).await {
            Err(StoreError::Engine(error @ EngineError::Malformed(_))) => {
                tracing::error!(tenant.id = %tenant, %error, "a tenant's time zone cannot be read: its calls are counted in UTC");
                TimeZone::UTC
            }
            zone => zone?,
        };
        known.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), zone.clone());
        Ok(zone)
    }
}
