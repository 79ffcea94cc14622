//! A campaign of which all contacts are at their end is completed: by count, never for want of activity. One whose bot is not heard is
//! paused, and one that has no bot or no number any more fails.

use vox_shared::ids::CampaignId;

use super::{CallDesk, CallError};
use crate::campaign::outcome::Tally;
use crate::campaign::turns::{self, FINISHED, Turn, go_on_if_fed};
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::contacts::ContactStatus;

/// Answered calls that are looked at when one was abandoned.
const LOOKED_AT: usize = 20;
/// So many of them, and so large a share, and the campaign is paused: a bot that is not heard burns a list faster than a bad trunk.
const MOST_SILENT: usize = 3;
const MOST_SHARE: f64 = 0.2;

impl CallDesk {
    /// Complete a campaign of which no contact is left to come, and of which no file is being read. One that is kept open is only ended by
    /// an order.
    pub async fn complete_if_done(&self, id: &CampaignId) -> Result<(), CallError> {
        let campaign = self.campaign(id).await?.value;
        let is_kept_open = campaign.settings.keep_open && !campaign.draining;
        if campaign.state != CampaignState::Running || is_kept_open {
            return Ok(());
        }
        let contacts = self.stores.contacts(&campaign.tenant_id);
        let open = ContactStatus::OPEN.into_iter();
        // Of one that drains, those that nobody has begun with stay as they are.
        for status in open.filter(|status| !(campaign.draining && *status == ContactStatus::Ready)) {
            if contacts.has_any(id, status).await? {
                return Ok(());
            }
        }
        if campaign.draining {
            return Box::pin(self.turn(id, Turn::Completes("drained"))).await;
        }
        if self.stores.campaign_imports(&campaign.tenant_id).is_reading(id).await? {
            return Ok(());
        }
        Box::pin(self.turn(id, Turn::Completes(FINISHED))).await?;
        if Box::pin(go_on_if_fed(&self.stores, id, self.now())).await? {
            self.stored.notify_one();
        }
        Ok(())
    }

    /// Pause a campaign for a reason that nobody asked for.
    pub async fn pause_for(&self, id: &CampaignId, why: &str) -> Result<(), CallError> {
        Box::pin(self.turn(id, Turn::Pauses(why))).await
    }

    /// It cannot go on until somebody mends what is in the way. Its calls go on.
    pub(super) async fn fail_for(&self, id: &CampaignId, why: &str) -> Result<(), CallError> {
        Box::pin(self.turn(id, Turn::Fails(why))).await
    }

    /// Of a campaign that runs; any other stays where it is.
    async fn turn(&self, id: &CampaignId, turn: Turn<'_>) -> Result<(), CallError> {
        let runs = |campaign: &Campaign| campaign.state == CampaignState::Running;
        if turns::turn(&self.stores, id, runs, turn, self.now()).await? {
            self.stored.notify_one();
        }
        Ok(())
    }

    /// A call was abandoned: pause the campaign if too many of the last ones were.
    pub(super) async fn look_at_the_bot(&self, id: &CampaignId) -> Result<(), CallError> {
        let campaign = self.campaign(id).await?.value;
        let attempts = self.stores.attempts(&campaign.tenant_id);
        let mut answered = Vec::new();
        for tally in [Tally::Human, Tally::Abandoned] {
            let newest = attempts.newest_of_tally(id, tally, LOOKED_AT).await?;
            answered.extend(newest.into_iter().map(|one| (one.value.claimed_at, tally)));
        }
        answered.retain(|(at, _)| campaign.started_at.is_none_or(|started| *at >= started));
        answered.sort_unstable_by_key(|(at, _)| std::cmp::Reverse(*at));
        answered.truncate(LOOKED_AT);
        let silent = answered.iter().filter(|(_, tally)| *tally == Tally::Abandoned).count();
        if silent >= MOST_SILENT && silent as f64 >= MOST_SHARE * answered.len() as f64 {
            self.pause_for(id, "dead_air").await?;
        }
        Ok(())
    }
}
