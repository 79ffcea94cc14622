//! Campaigns as operators make, change and run them.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};
use vox_shared::clock::Clock;
use vox_shared::ids::{BotId, CampaignId, TenantId};

use super::orders::{NotNow, Order};
use super::outcome::AttemptResult;
use super::preflight::{self, Blocker};
use super::proofs;
use super::settings::{Settings, name_fault};
use super::turns;
use crate::fields::FieldError;
use crate::store::bots::Creation;
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::contacts::Contact;
use crate::store::engine::MAX_PAGE;
use crate::store::{SWEPT, Stamp, StoreError, Stored, Stores};

/// Partitions of a campaign; the second is for lists of more than 100,000.
pub const PARTITIONS: [u32; 2] = [16, 64];

/// Dry runs and preflights at once, of all tenants.
pub const REHEARSALS: usize = 1;
pub const PREFLIGHTS: usize = 4;

/// Why a campaign is not made, changed or run.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    #[error("{} fields are not acceptable", .0.len())]
    Invalid(Vec<FieldError>),
    #[error("this Idempotency-Key was used with another body; choose a new one")]
    KeyReused,
    #[error("the campaign was started, and keeps its settings: clone it to change them")]
    Locked,
    #[error(transparent)]
    NotNow(#[from] NotNow),
    #[error("the campaign cannot begin: {}", told(.0))]
    NotReady(Vec<Blocker>),
    #[error("archive the campaign before you delete it")]
    NotArchived,
    #[error("{0}; delete the campaign when that is over")]
    UnderWay(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn told(blockers: &[Blocker]) -> String {
    blockers.iter().map(|blocker| blocker.detail.as_str()).collect::<Vec<_>>().join("; ")
}

/// A campaign that is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    pub name: String,
    pub bot_id: BotId,
    pub partitions: u32,
    pub settings: Settings,
}

/// What of a campaign is to be another.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub bot_id: Option<BotId>,
    pub settings: Option<Settings>,
    /// The version that the change expects.
    pub version: Option<u64>,
}

/// The campaigns of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct CampaignDesk {
    pub stores: Stores,
    pub clock: Clock,
    /// An event was stored.
    pub stored: Arc<Notify>,
    /// Places for dry runs, each of which takes a processor.
    pub rehearsals: Arc<Semaphore>,
    /// Places for preflights, each of which reads some ten thousand documents.
    pub preflights: Arc<Semaphore>,
}

impl CampaignDesk {
    fn now(&self) -> Stamp {
        Stamp(self.clock.now())
    }

    /// Make a draft. A repeat of the same request finds what it made before.
    pub async fn create(
        &self,
        (tenant, author): (&TenantId, &str),
        creation: Option<Creation>,
        wish: Wish,
    ) -> Result<Stored<Campaign>, DeskError> {
        let campaigns = self.stores.campaigns(tenant);
        if let Some(creation) = &creation
            && let Some(made) = campaigns.find_by_creation_key(&creation.key).await?
        {
            return repeat(made, creation);
        }
        self.check(tenant, &wish).await?;
        let (id, now) = (CampaignId::generate(), self.now());
        let campaign = Campaign {
            tenant_id: tenant.clone(),
            created_at: now,
            updated_at: now,
            created_by: author.to_owned(),
            name: wish.name,
            bot_id: wish.bot_id,
            state: CampaignState::Draft,
            draining: false,
            why: None,
            settings: wish.settings,
            run_number: 0,
            partitions: wish.partitions,
            started_at: None,
            canary_from: None,
            ended_at: None,
            creation: creation.clone(),
        };
        match (campaigns.insert_campaign(&id, &campaign).await, creation) {
            // Another request with the key was faster.
            (Err(StoreError::Duplicate), Some(creation)) => {
                let made = campaigns.find_by_creation_key(&creation.key).await?;
                repeat(made.ok_or(StoreError::Conflict)?, &creation)
            }
            (inserted, _) => {
                inserted?;
                Ok(Stored { id: id.to_string(), version: 1, value: campaign })
            }
        }
    }

    /// Change a draft.
    pub async fn change(
        &self,
        tenant: &TenantId,
        id: &CampaignId,
        change: Change,
    ) -> Result<Stored<Campaign>, DeskError> {
        let mut campaign = self.stores.campaigns(tenant).get_campaign(id).await?;
        if change.version.is_some_and(|version| version != campaign.version) {
            return Err(StoreError::Conflict.into());
        }
        if campaign.value.state != CampaignState::Draft {
            return Err(DeskError::Locked);
        }
        let value = &mut campaign.value;
        value.name = change.name.unwrap_or_else(|| value.name.clone());
        value.bot_id = change.bot_id.unwrap_or_else(|| value.bot_id.clone());
        value.settings = change.settings.unwrap_or_else(|| value.settings.clone());
        value.updated_at = self.now();
        let wish = Wish {
            name: value.name.clone(),
            bot_id: value.bot_id.clone(),
            partitions: value.partitions,
            settings: value.settings.clone(),
        };
        self.check(tenant, &wish).await?;
        Ok(self.stores.campaigns(tenant).replace_campaign(campaign).await?)
    }

    /// Carry an order out. What begins calls is carried out only when nothing would be in their way.
    pub async fn order(
        &self,
        tenant: &TenantId,
        id: &CampaignId,
        order: Order,
    ) -> Result<Stored<Campaign>, DeskError> {
        let mut campaign = self.stores.campaigns(tenant).get_campaign(id).await?;
        order.apply(&mut campaign.value, self.now())?;
        if order == Order::Restart {
            is_ready(preflight::blockers_beside_contacts(&self.stores, &campaign).await?)?;
            if self.stores.campaigns(tenant).get_campaign(id).await?.version != campaign.version {
                return Err(StoreError::Conflict.into());
            }
            // Before the state: whoever dies in between leaves contacts that wait, and the same order goes on.
            let (run, contacts) = ((id, campaign.value.run_number), self.stores.contacts(tenant));
            while contacts.reopen(run, was_not_reached, self.now()).await? > 0 {}
        }
        if order.begins_calls() {
            is_ready(preflight::blockers(&self.stores, &campaign, self.clock.now()).await?)?;
        }
        let campaign = self.stores.campaigns(tenant).replace_campaign(campaign).await?;
        turns::tell(&self.stores, &campaign, order.event()).await?;
        self.stored.notify_one();
        Ok(campaign)
    }

    /// A draft with the settings of a campaign, and none of its contacts.
    pub async fn copy(
        &self,
        (tenant, author): (&TenantId, &str),
        id: &CampaignId,
        name: Option<String>,
    ) -> Result<Stored<Campaign>, DeskError> {
        let Campaign { name: old, bot_id, settings, partitions, .. } =
            self.stores.campaigns(tenant).get_campaign(id).await?.value;
        let name = name.unwrap_or_else(|| format!("{} (copy)", old.chars().take(100).collect::<String>()));
        self.create((tenant, author), None, Wish { name, bot_id, partitions, settings }).await
    }

    /// Delete an archived campaign with all that hangs on it. Its calls stay. Broken off, the same request goes on. While a call of it runs,
    /// or its worker has not told how it went, it is refused: of a call whose attempt is gone nobody could hear that somebody wishes not to
    /// be called any more.
    pub async fn remove(&self, tenant: &TenantId, id: &CampaignId) -> Result<(), DeskError> {
        let campaign = self.stores.campaigns(tenant).get_campaign(id).await?;
        if campaign.value.state != CampaignState::Archived {
            return Err(DeskError::NotArchived);
        }
        if self.stores.all_attempts().is_under_way(id).await? {
            return Err(DeskError::UnderWay("a call of the campaign runs, or its result is not known yet"));
        }
        if self.stores.campaign_imports(tenant).is_reading(id).await? {
            return Err(DeskError::UnderWay("a file of the campaign is being read"));
        }
        // What is to be proved of its calls is written before they go.
        if Box::pin(proofs::write_due(&self.stores, self.now())).await? == proofs::Written::Some {
            return Err(DeskError::UnderWay("what its calls came to is still being written down: try again"));
        }
        while self.stores.contacts(tenant).remove_some(id).await? == SWEPT {}
        while self.stores.attempts(tenant).remove_some(id).await? == SWEPT {}
        while self.stores.campaign_imports(tenant).remove_some(id).await?.len() == MAX_PAGE {}
        self.stores.campaign_leases(tenant).forget_campaign(id).await?;
        Ok(self.stores.campaigns(tenant).delete_campaign(&campaign).await?)
    }

    async fn check(&self, tenant: &TenantId, wish: &Wish) -> Result<(), DeskError> {
        let mut faults: Vec<FieldError> = name_fault(&wish.name).into_iter().collect();
        if !PARTITIONS.contains(&wish.partitions) {
            faults.push(FieldError::new("partitions", "must be 16, or 64 for lists of more than 100,000"));
        }
        faults.extend(wish.settings.faults("settings"));
        let bots = self.stores.bots(tenant);
        let named = std::iter::once(("bot_id".to_owned(), &wish.bot_id)).chain(
            (wish.settings.choices.iter().enumerate())
                .map(|(at, choice)| (format!("settings.choices.{at}.bot_id"), &choice.bot_id)),
        );
        for (path, bot) in named {
            match bots.get_bot(bot).await {
                Ok(_) => {}
                Err(StoreError::NotFound) => faults.push(FieldError::new(path, "there is no such bot")),
                Err(error) => return Err(error.into()),
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(DeskError::Invalid(faults)) }
    }
}

/// Whether somebody is to be called again in a new run.
fn was_not_reached(contact: &Contact) -> bool {
    let reached = [AttemptResult::Done, AttemptResult::OptOut, AttemptResult::Answered];
    !contact.is_unwilling() && contact.results.last().is_none_or(|last| !reached.contains(last))
}

fn is_ready(blockers: Vec<Blocker>) -> Result<(), DeskError> {
    if blockers.is_empty() { Ok(()) } else { Err(DeskError::NotReady(blockers)) }
}

fn repeat(made: Stored<Campaign>, creation: &Creation) -> Result<Stored<Campaign>, DeskError> {
    match &made.value.creation {
        Some(first) if first.request == creation.request => Ok(made),
        _ => Err(DeskError::KeyReused),
    }
}
