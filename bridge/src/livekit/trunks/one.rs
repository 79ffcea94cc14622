//! One carrier, in hand.

use vox_livekit::service::{Rule, Service, ServiceError, Trunk as There};
use vox_shared::ids::{CarrierId, TenantId};

use super::wanted::{At, ROOM_PREFIX, Wanted, is_of};
use super::{SyncError, TrunkDesk};
use crate::livekit::Server;
use crate::store::trunks::{SyncStatus, Trunk};
use crate::store::{Stamp, StoreError};

/// Whether what LiveKit has already is set again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Where something is not as it should be.
    AsNeeded,
    Anew,
}

/// What a server has, of everybody.
pub struct Found {
    pub inbound: Vec<There>,
    pub outbound: Vec<There>,
    pub rules: Vec<There>,
}

impl Found {
    pub async fn at(service: &Service) -> Result<Self, ServiceError> {
        Ok(Self {
            inbound: service.list_inbound_trunks().await?,
            outbound: service.list_outbound_trunks().await?,
            rules: service.list_rules().await?,
        })
    }

    /// Whether a carrier is there exactly once, as it is noted.
    pub fn has(&self, carrier: &CarrierId, noted: &Trunk) -> bool {
        let is = |there: &[There], noted: &Option<String>| {
            let mine: Vec<&str> = of(there, carrier).map(|there| there.id.as_str()).collect();
            mine == noted.iter().map(String::as_str).collect::<Vec<_>>()
        };
        is(&self.inbound, &noted.inbound_id)
            && is(&self.outbound, &noted.outbound_id)
            && is(&self.rules, &noted.rule_id)
    }
}

fn of<'a>(there: &'a [There], carrier: &'a CarrierId) -> impl Iterator<Item = &'a There> {
    there.iter().filter(|there| is_of(&there.metadata, carrier))
}

impl TrunkDesk {
    /// Bring LiveKit to what is set, and note how that went.
    pub(super) async fn sync_one(
        &self,
        server: &Server,
        (tenant, id): (&TenantId, &CarrierId),
        how: How,
    ) -> Result<Trunk, SyncError> {
        let carrier = self.stores.carriers(tenant).get_carrier(id).await?;
        // It is being deleted: what is made now nobody would take away again.
        if carrier.value.closing {
            return Err(StoreError::NotFound.into());
        }
        let dids = self.stores.dids(tenant).list_all_of(id).await?;
        let mark = self.mark().await?;
        let wanted = Wanted::of(&carrier, &dids, At { server: server.settings.url.as_str(), mark: &mark });
        let trunks = self.stores.trunks(tenant);
        let mut trunk = trunks.of_carrier(id).await?;
        let how = if trunk.made_of.as_ref() == Some(&wanted.made_of) { how } else { How::Anew };
        let made = Box::pin(make(&server.service, id, (&wanted, how), &mut trunk)).await;
        match made {
            Ok(()) => {
                let is_nothing = wanted.inbound.is_none() && wanted.outbound.is_none();
                trunk.status = if is_nothing { SyncStatus::Pending } else { SyncStatus::Synced };
                trunk.text = wanted.lacks;
                trunk.synced_at = Some(Stamp(self.clock.now()));
                trunk.made_of = Some(wanted.made_of);
            }
            Err(error) => {
                tracing::warn!(carrier.id = %id, %error, "a carrier could not be made known to LiveKit");
                (trunk.status, trunk.text, trunk.made_of) = (SyncStatus::Error, Some(told(&error)), None);
            }
        }
        // What was made is noted, whatever failed after it.
        trunks.keep(id, &trunk).await?;
        Ok(trunk)
    }
}

/// Why LiveKit does not have it, for people.
pub fn told(error: &ServiceError) -> String {
    match error {
        error if error.is_without_redis() => {
            "LiveKit runs without Redis, and knows no telephones without it: set `redis` in its configuration"
                .into()
        }
        error => error.to_string(),
    }
}

/// Make, change or take away each of the three; the ids in `trunk` are those of what is there, at any moment.
async fn make(
    service: &Service,
    id: &CarrierId,
    (wanted, how): (&Wanted, How),
    trunk: &mut Trunk,
) -> Result<(), ServiceError> {
    let found = Found::at(service).await?;
    // A rule names its trunk: it goes before it, and comes after it.
    if wanted.inbound.is_none() {
        trunk.rule_id = None;
        for rule in of(&found.rules, id) {
            service.delete_rule(&rule.id).await?;
        }
    }
    let there = only(service, of(&found.inbound, id), trunk.inbound_id.clone()).await?;
    trunk.inbound_id = there.clone();
    match (&wanted.inbound, there) {
        (Some(wanted), None) => trunk.inbound_id = Some(service.create_inbound_trunk(wanted).await?.id),
        (Some(wanted), Some(there)) if how == How::Anew => {
            service.replace_inbound_trunk(&there, wanted).await?;
        }
        (None, Some(there)) => {
            service.delete_trunk(&there).await?;
            trunk.inbound_id = None;
        }
        _ => {}
    }
    let there = only(service, of(&found.outbound, id), trunk.outbound_id.clone()).await?;
    trunk.outbound_id = there.clone();
    match (&wanted.outbound, there) {
        (Some(wanted), None) => trunk.outbound_id = Some(service.create_outbound_trunk(wanted).await?.id),
        (Some(wanted), Some(there)) if how == How::Anew => {
            service.replace_outbound_trunk(&there, wanted).await?;
        }
        (None, Some(there)) => {
            service.delete_trunk(&there).await?;
            trunk.outbound_id = None;
        }
        _ => {}
    }
    let Some(inbound) = trunk.inbound_id.clone() else { return Ok(()) };
    let mut rules = of(&found.rules, id);
    let kept = rules.next();
    for rule in rules {
        service.delete_rule(&rule.id).await?;
    }
    let rule = Rule {
        name: wanted.inbound.as_ref().map(|trunk| trunk.name.clone()).unwrap_or_default(),
        metadata: wanted.metadata.clone(),
        trunk_ids: vec![inbound],
        room_prefix: ROOM_PREFIX.into(),
    };
    match kept {
        None => trunk.rule_id = Some(service.create_rule(&rule).await?.id),
        Some(kept) => {
            trunk.rule_id = Some(kept.id.clone());
            if how == How::Anew || kept.trunk_ids != rule.trunk_ids {
                service.replace_rule(&kept.id, &rule).await?;
            }
        }
    }
    Ok(())
}

/// Of several trunks of one carrier the noted one stays, or the first: the others were made by bridges that could not note them.
async fn only(
    service: &Service,
    mine: impl Iterator<Item = &There>,
    noted: Option<String>,
) -> Result<Option<String>, ServiceError> {
    let ids: Vec<String> = mine.map(|there| there.id.clone()).collect();
    let kept = noted.filter(|noted| ids.contains(noted)).or_else(|| ids.first().cloned());
    for id in ids.iter().filter(|id| Some(*id) != kept.as_ref()) {
        tracing::info!(trunk = id, "a second trunk of a carrier is taken away");
        service.delete_trunk(id).await?;
    }
    Ok(kept)
}

/// Take away everything that is a carrier's.
pub async fn take_away(service: &Service, carrier: &CarrierId) -> Result<(), ServiceError> {
    let found = Found::at(service).await?;
    for rule in of(&found.rules, carrier) {
        service.delete_rule(&rule.id).await?;
    }
    for trunk in of(&found.inbound, carrier).chain(of(&found.outbound, carrier)) {
        service.delete_trunk(&trunk.id).await?;
    }
    Ok(())
}
