//! What LiveKit still has of carriers that are gone: whose tenant was removed while LiveKit could not be asked, or that are not in a store
//! that was restored or changed by hand. Only what bears this deployment's mark is taken away: several may share a server.

use std::collections::BTreeSet;

use rand::distr::{Alphanumeric, SampleString};
use tokio::time::timeout;
use vox_livekit::service::{Service, ServiceError, Trunk as There};
use vox_shared::ids::CarrierId;

use super::one::Found;
use super::wanted::owner;
use super::{LONGEST, SyncError, TrunkDesk};
use crate::livekit::Server;
use crate::store::settings::Owner;
use crate::store::{Stamp, StoreError};

/// Random characters of a mark.
const MARK_CHARS: usize = 16;

impl TrunkDesk {
    /// What this deployment's trunks are marked with at LiveKit: made once, and kept in its store. It is no secret.
    pub(super) async fn mark(&self) -> Result<String, StoreError> {
        let (settings, made) =
            (self.stores.settings(), Alphanumeric.sample_string(&mut rand::rng(), MARK_CHARS));
        if let Some(mark) = settings.get(&Owner::Deployment).await?.livekit_mark {
            return Ok(mark);
        }
        let now = Stamp(self.clock.now());
        let set = |settings: &mut crate::store::settings::Settings| {
            settings.livekit_mark.get_or_insert_with(|| made.clone());
        };
        let settings = settings.change(&Owner::Deployment, now, set).await?;
        Ok(settings.livekit_mark.unwrap_or(made))
    }

    /// Take away what is marked as ours of no carrier that is `known`. What was found must have been found before the carriers were
    /// listed: a trunk is made after its carrier.
    pub(super) async fn take_away_of_gone(
        &self,
        server: &Server,
        (found, mark): (&Found, &str),
        known: &BTreeSet<String>,
    ) -> Result<(), SyncError> {
        let mut first = Ok(());
        for carrier in gone((found, mark), known) {
            // Whoever has it in hand is deleting it.
            let Some(turn) = self.try_turn(&carrier).await? else { continue };
            let gone = timeout(LONGEST, take_away(&server.service, (found, mark), &carrier)).await;
            turn.end().await;
            match gone.map_err(|_| SyncError::TooLong)?.map_err(SyncError::NotRemoved) {
                Ok(()) => {
                    tracing::info!(carrier.id = %carrier, "trunks of a carrier that is gone are taken away")
                }
                Err(error) if first.is_ok() => first = Err(error),
                Err(_) => {}
            }
        }
        first
    }
}

/// The carriers that are not known, and of which something is there.
fn gone((found, mark): (&Found, &str), known: &BTreeSet<String>) -> BTreeSet<CarrierId> {
    let all = found.rules.iter().chain(&found.inbound).chain(&found.outbound);
    let ours = all.filter_map(|there| owner(&there.metadata).filter(|owner| owner.deployment == mark));
    ours.filter(|owner| !known.contains(&owner.carrier))
        .filter_map(|owner| owner.carrier.parse().ok())
        .collect()
}

/// A rule names its trunk: it goes before it.
async fn take_away(
    service: &Service,
    (found, mark): (&Found, &str),
    carrier: &CarrierId,
) -> Result<(), ServiceError> {
    let is_its = |there: &&There| {
        owner(&there.metadata)
            .is_some_and(|owner| owner.deployment == mark && owner.carrier == carrier.as_str())
    };
    for rule in found.rules.iter().filter(is_its) {
        service.delete_rule(&rule.id).await?;
    }
    for trunk in found.inbound.iter().chain(&found.outbound).filter(is_its) {
        service.delete_trunk(&trunk.id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::livekit::trunks::wanted::metadata;

    fn there(id: &str, metadata: &str) -> There {
        let (id, metadata) = (id.to_owned(), metadata.to_owned());
        There { id, metadata, name: String::new(), numbers: Vec::new(), trunk_ids: Vec::new() }
    }

    #[test]
    fn only_what_is_marked_as_ours_of_a_carrier_that_is_not_there_is_of_one_that_is_gone() {
        let found = Found {
            inbound: vec![
                there("ST_1", &metadata("car_here", "ours")),
                there("ST_2", &metadata("car_gone", "ours")),
            ],
            outbound: vec![
                there("ST_3", &metadata("car_theirs", "another's")),
                // From before there were marks: it may be anybody's.
                there("ST_4", r#"{"vox_carrier": "car_old"}"#),
                there("ST_5", "somebody's own words"),
                there("ST_6", ""),
            ],
            rules: vec![there("SDR_1", &metadata("car_ruled", "ours"))],
        };
        let known = BTreeSet::from(["car_here".to_owned()]);
        let gone: Vec<String> = gone((&found, "ours"), &known).iter().map(ToString::to_string).collect();
        assert_eq!(gone, ["car_gone", "car_ruled"]);
    }
}
