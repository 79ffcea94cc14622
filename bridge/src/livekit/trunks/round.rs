//! The health of all carriers: looked at again and again by one bridge of the deployment. What LiveKit lost is made anew, what failed is
//! tried again, and what was changed and not made known is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vox_livekit::service::ServiceError;
use vox_shared::ids::{CarrierId, TenantId};

use super::one::{Found, How, take_away, told};
use super::wanted::{At, Wanted};
use super::{LONGEST, SyncError, TrunkDesk, holder};
use crate::coordination::rounds::{Fault, Rounds, Woken, Work};
use crate::coordination::{Coordination, Fence};
use crate::error::with_source;
use crate::livekit::Server;
use crate::store::carriers::Carrier;
use crate::store::tenants::TenantStatus;
use crate::store::trunks::{SyncStatus, Trunk};
use crate::store::{StoreError, Stored};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(30);
/// In metrics, beside the statuses of carriers that can be read.
const DAMAGED: &str = "damaged";
/// The lease of the bridge that looks, and how long one that is gone holds it. Two that look do no harm: each carrier is in one hand.
const LEASE: &str = "the trunks of all carriers";
const HELD: Duration = Duration::from_secs(90);

/// Why a round did not do all that it should.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    #[error("LiveKit cannot be asked for its trunks")]
    Server(#[source] ServiceError),
    #[error("the carriers could not be listed")]
    Listing(#[from] StoreError),
    #[error("{failed} carriers could not be looked at")]
    Carriers {
        failed: usize,
        /// Why the first of them could not.
        source: Box<SyncError>,
    },
}

impl Fault for RoundError {
    fn fault(&self) -> String {
        match self {
            // A server's own words name numbers and names.
            Self::Server(ServiceError::Refused(refusal)) => {
                format!("{self}: it refuses ({})", refusal.code.as_str())
            }
            Self::Server(source) => format!("{self}: {source}"),
            Self::Listing(source) => format!("{self}: {}", source.fault()),
            Self::Carriers { .. } => self.to_string(),
        }
    }
}

/// Look until `stop`. Without LiveKit there is nothing to look at.
pub async fn run(desk: TrunkDesk, rounds: Rounds, stop: CancellationToken) {
    if !desk.livekit.is_configured() {
        return stop.cancelled().await;
    }
    let (mut fence, holder) = (None, holder());
    while let Some(woken) = rounds.pause(Work::SyncTrunks, PAUSE, &stop).await {
        if !is_ours(&desk.coordination, (&holder, &mut fence)).await && woken == Woken::Due {
            continue;
        }
        let round = rounds.through(Work::SyncTrunks, desk.round());
        match stop.run_until_cancelled(Box::pin(round)).await {
            Some(Err(error)) => {
                tracing::warn!(error = with_source(&error), "not every carrier could be looked at");
            }
            Some(Ok(())) => {}
            None => break,
        }
    }
    if let Some(fence) = fence
        && let Err(error) = desk.coordination.release(LEASE.into(), fence).await
    {
        tracing::debug!(%error, "the lease ends by itself");
    }
}

/// Whether it is this bridge's turn. While the others cannot be asked it is.
async fn is_ours(coordination: &Arc<dyn Coordination>, (holder, fence): (&str, &mut Option<Fence>)) -> bool {
    match coordination.acquire(LEASE.into(), holder.to_owned(), HELD).await {
        Ok(held) => {
            *fence = held;
            held.is_some()
        }
        Err(error) => {
            tracing::debug!(%error, "carriers are looked at without a lease");
            true
        }
    }
}

impl TrunkDesk {
    /// Look at every carrier once. One that fails keeps no other from its turn.
    pub async fn round(&self) -> Result<(), RoundError> {
        let Ok(server) = self.livekit.server() else { return Ok(()) };
        // Before the carriers are listed: whoever has something there and is not listed is gone.
        let found = Found::at(&server.service).await;
        let mark = self.mark().await?;
        let at = At { server: server.settings.url.as_str(), mark: &mark };
        let (mut after, mut statuses, mut known) = (None, BTreeMap::new(), BTreeSet::new());
        let mut seen = Seen::default();
        loop {
            let batch = self.stores.all_carriers().list_by_id(after).await?;
            known.extend(batch.carriers.iter().map(|carrier| carrier.id.clone()));
            // Whatever they are, they are there.
            batch.damaged.iter().for_each(|id| seen.damaged(id));
            known.extend(batch.damaged);
            for carrier in batch.carriers.iter().filter(|carrier| !carrier.value.closing) {
                let Ok(id) = carrier.id.parse::<CarrierId>() else { continue };
                let tenant = &carrier.value.tenant_id;
                let is_gone = self.is_gone(tenant, &mut statuses).await?;
                let looked = match &found {
                    Ok(found) => Box::pin(self.look((server, at), found, (&id, carrier, is_gone))).await,
                    Err(error) => self.cannot_be_asked((tenant, &id), error).await,
                };
                seen.note(looked);
            }
            after = batch.last;
            if after.is_none() {
                break;
            }
        }
        if let Ok(found) = &found
            && let Err(error) = self.take_away_of_gone(server, (found, &mark), &known).await
        {
            seen.fail(error);
        }
        self.metrics.carriers(&seen.statuses);
        found.map_err(RoundError::Server)?;
        match seen.first {
            None => Ok(()),
            Some(source) => Err(RoundError::Carriers { failed: seen.failed, source: Box::new(source) }),
        }
    }

    /// The carriers of a tenant that was deleted are none any more; if it is restored they are made known anew.
    async fn is_gone(
        &self,
        tenant: &TenantId,
        known: &mut BTreeMap<TenantId, bool>,
    ) -> Result<bool, StoreError> {
        if let Some(is_gone) = known.get(tenant) {
            return Ok(*is_gone);
        }
        let found = self.stores.tenants().find(tenant).await?;
        let is_gone = found.is_none_or(|tenant| tenant.value.status == TenantStatus::Deleted);
        known.insert(tenant.clone(), is_gone);
        Ok(is_gone)
    }

    async fn look(
        &self,
        (server, at): (&Server, At<'_>),
        found: &Found,
        (id, carrier, is_gone): (&CarrierId, &Stored<Carrier>, bool),
    ) -> Result<SyncStatus, SyncError> {
        let tenant = &carrier.value.tenant_id;
        let noted = self.stores.trunks(tenant).of_carrier(id).await?;
        if is_gone {
            return self.let_go(server, (tenant, id), (found, &noted)).await;
        }
        let dids = self.stores.dids(tenant).list_all_of(id).await?;
        let wanted = Wanted::of(carrier, &dids, at);
        let is_nothing = wanted.inbound.is_none() && wanted.outbound.is_none();
        let due = if is_nothing { SyncStatus::Pending } else { SyncStatus::Synced };
        let is_as_it_should =
            noted.made_of.as_ref() == Some(&wanted.made_of) && noted.status == due && found.has(id, &noted);
        if is_as_it_should {
            return Ok(noted.status);
        }
        // Whoever has it in hand brings it to where it should be.
        let Some(turn) = self.try_turn(id).await? else { return Ok(noted.status) };
        let synced = timeout(LONGEST, self.sync_one(server, (tenant, id), How::AsNeeded)).await;
        turn.end().await;
        match synced.map_err(|_| SyncError::TooLong)? {
            // It was deleted meanwhile.
            Err(SyncError::Store(StoreError::NotFound)) => Ok(SyncStatus::Pending),
            synced => Ok(synced?.status),
        }
    }

    async fn let_go(
        &self,
        server: &Server,
        (tenant, id): (&TenantId, &CarrierId),
        (found, noted): (&Found, &Trunk),
    ) -> Result<SyncStatus, SyncError> {
        let nothing = Trunk::pending(tenant.clone());
        if *noted == nothing && found.has(id, &nothing) {
            return Ok(SyncStatus::Pending);
        }
        let Some(turn) = self.try_turn(id).await? else { return Ok(noted.status) };
        let gone = timeout(LONGEST, take_away(&server.service, id)).await;
        turn.end().await;
        gone.map_err(|_| SyncError::TooLong)?.map_err(SyncError::NotRemoved)?;
        self.stores.trunks(tenant).forget(id).await?;
        Ok(SyncStatus::Pending)
    }

    async fn cannot_be_asked(
        &self,
        (tenant, id): (&TenantId, &CarrierId),
        error: &ServiceError,
    ) -> Result<SyncStatus, SyncError> {
        let trunks = self.stores.trunks(tenant);
        let mut trunk = trunks.of_carrier(id).await?;
        (trunk.status, trunk.text) = (SyncStatus::Error, Some(told(error)));
        trunks.keep(id, &trunk).await?;
        Ok(SyncStatus::Error)
    }
}

/// What a round found.
#[derive(Default)]
struct Seen {
    statuses: BTreeMap<&'static str, i64>,
    failed: usize,
    first: Option<SyncError>,
}

impl Seen {
    fn note(&mut self, looked: Result<SyncStatus, SyncError>) {
        let status = match looked {
            Ok(status) => status,
            Err(error) => {
                self.fail(error);
                SyncStatus::Error
            }
        };
        *self.statuses.entry(status.as_str()).or_default() += 1;
    }

    /// Nothing can be done for it, and what LiveKit has of it stays.
    fn damaged(&mut self, id: &str) {
        tracing::warn!(carrier.id = id, "a carrier's document is damaged: it is not made known to LiveKit");
        *self.statuses.entry(DAMAGED).or_default() += 1;
    }

    fn fail(&mut self, error: SyncError) {
        self.failed += 1;
        self.first.get_or_insert(error);
    }
}
