//! Where a campaign goes without anybody's order: to its end, into a pause, into failure, and on again when somebody came in while it
//! ended. Whatever becomes of one is told here.

use serde_json::json;
use vox_shared::ids::CampaignId;

use crate::error::with_source;
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::contacts::ContactStatus;
use crate::store::events::Event;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// Why a campaign is over of which nobody was left.
pub const FINISHED: &str = "finished";
/// Tries of a change against others that write the same campaign.
const MAX_TRIES: usize = 12;

/// Where it goes, and why.
#[derive(Clone, Copy, Debug)]
pub enum Turn<'a> {
    Pauses(&'a str),
    Completes(&'a str),
    Fails(&'a str),
    GoesOn,
}

impl<'a> Turn<'a> {
    /// The state, why, and the event that tells of it.
    fn parts(self) -> (CampaignState, Option<&'a str>, &'static str) {
        match self {
            Self::Pauses(why) => (CampaignState::Paused, Some(why), "campaign.paused"),
            Self::Completes(why) => (CampaignState::Completed, Some(why), "campaign.completed"),
            Self::Fails(why) => (CampaignState::Failed, Some(why), "campaign.failed"),
            Self::GoesOn => (CampaignState::Running, None, "campaign.resumed"),
        }
    }
}

/// Have a campaign stand elsewhere, if it is as `wanted`, and tell of it. Answers whether it was.
pub async fn turn(
    stores: &Stores,
    id: &CampaignId,
    wanted: impl Fn(&Campaign) -> bool,
    turn: Turn<'_>,
    now: Stamp,
) -> Result<bool, StoreError> {
    let (state, why, event) = turn.parts();
    for _ in 0..MAX_TRIES {
        let Some(mut campaign) = stores.all_campaigns().find_campaign(id).await? else { return Ok(false) };
        let value = &mut campaign.value;
        if !wanted(value) {
            return Ok(false);
        }
        let is_over = matches!(state, CampaignState::Completed | CampaignState::Failed);
        (value.state, value.why, value.updated_at) = (state, why.map(str::to_owned), now);
        value.ended_at = is_over.then_some(now);
        value.draining &= !is_over;
        let tenant = value.tenant_id.clone();
        match stores.campaigns(&tenant).replace_campaign(campaign).await {
            Ok(turned) => {
                tracing::info!(tenant.id = %tenant, campaign.id = %id, state = state.as_str(), why, "a campaign stands elsewhere");
                // What cannot be told stands in the campaign all the same.
                if let Err(error) = tell(stores, &turned, event).await {
                    let error = with_source(&error);
                    tracing::warn!(campaign.id = %id, error, "how a campaign stands could not be told");
                }
                return Ok(true);
            }
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict)
}

/// Have a campaign run on that ended because nobody was left, if somebody is. Whoever adds people writes them and then asks this, and
/// whoever ends a campaign writes its end and then asks this: one of both sees the other, and nobody waits in a campaign that is over.
/// Answers whether it runs again.
pub async fn go_on_if_fed(stores: &Stores, id: &CampaignId, now: Stamp) -> Result<bool, StoreError> {
    let ended_by_itself = |campaign: &Campaign| {
        campaign.state == CampaignState::Completed && campaign.why.as_deref() == Some(FINISHED)
    };
    let Some(campaign) = stores.all_campaigns().find_campaign(id).await? else { return Ok(false) };
    let contacts = stores.contacts(&campaign.value.tenant_id);
    if !ended_by_itself(&campaign.value) || !contacts.has_any(id, ContactStatus::Ready).await? {
        return Ok(false);
    }
    turn(stores, id, ended_by_itself, Turn::GoesOn, now).await
}

/// Tell whoever hears the tenant's events that something became of a campaign: once for each version of it.
pub async fn tell(stores: &Stores, campaign: &Stored<Campaign>, event: &str) -> Result<(), StoreError> {
    let Campaign { tenant_id, name, state, why, run_number, updated_at, .. } = &campaign.value;
    let data = json!({
        "campaign_id": campaign.id, "name": name, "state": state, "why": why, "run_number": run_number,
    });
    let once = Event::id_of(&format!("{event} {} {}", campaign.id, campaign.version)).to_string();
    let event = Event::of_tenant(tenant_id, event, data, *updated_at);
    stores.all_events().insert_events(vec![(once, event)]).await
}
