//! Contacts on their way into campaigns: rows of the API, and files. A file is kept as an object until all of its rows are in, so that
//! whichever bridge does the job goes on where another one died.

mod carry;
mod file;
mod keep;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use vox_shared::clock::Clock;
use vox_shared::ids::{CampaignId, ContactId, ImportId};

pub use carry::carry_out;
pub use file::{FileWish, Looked, LookedRow};

use super::import::row::{Counts, Draft, Maker, RowFault};
use super::turns;
use crate::fields::FieldError;
use crate::metrics::Metrics;
use crate::objects::archive::Archive;
use crate::objects::{Key, ObjectError};
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::{Stamp, StoreError, Stored, Stores};

/// The kind of the job.
pub const KIND: &str = "campaign_import";
/// Times that a file is begun with, or gone on with.
pub const MAX_TRIES: i64 = 10;
/// And times that the end of one is written that came to none in those.
pub const MAX_TRIES_TO_END: i64 = 10;
/// Where files are among the objects.
const FILES: &str = "imports";
/// Most rows of one request.
pub const MAX_ASKED: usize = 1_000;

/// Why contacts are not taken.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error("{} fields are not acceptable", .0.len())]
    Invalid(Vec<FieldError>),
    #[error("the campaign is {state}, and takes no more contacts: {instead}")]
    Closed { state: &'static str, instead: &'static str },
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes contacts. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    pub stores: Stores,
    pub clock: Clock,
    pub archive: Archive,
    pub metrics: Arc<Metrics>,
}

/// A row of a request that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// From 0.
    pub row: usize,
    pub fault: RowFault,
}

/// Which contacts were in what was read so far, by the hash that their ids are, and where first: half a million take some 20 MB.
#[derive(Debug, Default)]
struct Seen(HashMap<u128, u64>);

impl Seen {
    /// The line where it stood first, if this is not the first time.
    fn before(&mut self, id: &ContactId, line: u64) -> Option<u64> {
        let hash = id.as_str().rsplit('_').next().and_then(|hash| u128::from_str_radix(hash, 16).ok())?;
        match self.0.entry(hash) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(free) => {
                free.insert(line);
                None
            }
        }
    }
}

impl Intake {
    /// Take rows of a request; each is in, or refused, when this is answered.
    pub async fn take(
        &self,
        campaign: &Stored<Campaign>,
        drafts: Vec<Result<Draft, RowFault>>,
    ) -> Result<(Counts, Vec<Refused>), IntakeError> {
        open(&campaign.value)?;
        let (campaign_id, now) = (id_of(campaign)?, self.clock.now());
        let maker = maker(&campaign.value, &campaign_id, now);
        let (mut counts, mut refused, mut seen, mut made) =
            (Counts::default(), Vec::new(), Seen::default(), Vec::new());
        for (row, draft) in drafts.into_iter().enumerate() {
            counts.rows += 1;
            match draft.and_then(|draft| maker.make(draft)) {
                Err(fault) => refused.push(Refused { row, fault }),
                Ok((id, _)) if seen.before(&id, row as u64).is_some() => counts.duplicate += 1,
                Ok(contact) => made.push((row as u64, contact)),
            }
        }
        let kept = keep::keep(&self.stores, &campaign.value.tenant_id, made).await?;
        (counts.created, counts.updated, counts.unchanged) = (kept.created, kept.updated, kept.unchanged);
        let barred = kept
            .barred
            .into_iter()
            .map(|row| Refused { row: usize::try_from(row).unwrap_or(usize::MAX), fault: keep::barred() });
        refused.extend(barred);
        refused.sort_by_key(|refused| refused.row);
        refused.iter().for_each(|refused| counts.refuse(refused.fault.code));
        self.count(&Counts::default(), &counts);
        // It may have come to its end meanwhile.
        turns::go_on_if_fed(&self.stores, &campaign_id, Stamp(self.clock.now())).await?;
        Ok((counts, refused))
    }

    /// Have the metrics know of rows that came in since.
    fn count(&self, before: &Counts, now: &Counts) {
        let refused = |counts: &Counts| counts.refused.values().sum::<u64>();
        let rows = self.metrics.campaigns();
        rows.rows("created", now.created - before.created);
        rows.rows("updated", now.updated - before.updated);
        rows.rows("unchanged", now.unchanged - before.unchanged);
        rows.rows("duplicate", now.duplicate - before.duplicate);
        rows.rows("refused", refused(now) - refused(before));
    }
}

/// Whether a campaign takes contacts.
fn open(campaign: &Campaign) -> Result<(), IntakeError> {
    let closed = |instead| Err(IntakeError::Closed { state: campaign.state.as_str(), instead });
    match campaign.state {
        CampaignState::Draft | CampaignState::Running | CampaignState::Paused if !campaign.draining => Ok(()),
        CampaignState::Draft | CampaignState::Running | CampaignState::Paused => {
            Err(IntakeError::Closed { state: "draining", instead: "resume it first" })
        }
        CampaignState::Completed => closed(
            "restart it, which calls those again who were not reached; or clone it, with `settings.keep_open` if people are to come at any time",
        ),
        CampaignState::Failed => closed("mend what is in its way, and resume it"),
        CampaignState::Archived => closed("clone it"),
    }
}

fn id_of(campaign: &Stored<Campaign>) -> Result<CampaignId, StoreError> {
    campaign.id.parse().map_err(|_| StoreError::NotFound)
}

fn maker<'a>(campaign: &'a Campaign, id: &'a CampaignId, now: jiff::Timestamp) -> Maker<'a> {
    let (tenant, settings) = (&campaign.tenant_id, &campaign.settings);
    Maker { tenant, campaign: id, settings, partitions: campaign.partitions, now, import: None }
}

/// Where a file is until its rows are in.
///
/// # Errors
///
/// An id that is no key.
pub fn key_of(id: &ImportId) -> Result<Key, ObjectError> {
    Key::parse(&format!("{FILES}/{id}"))
}

/// Now, as it is stored.
fn now(clock: &Clock) -> Stamp {
    Stamp(clock.now())
}
