//! The first calls of a campaign: so many are placed, and their outcomes waited for, whichever diallers place them. A wrong trunk, a wrong
//! prefix or a bot that is not heard costs five contacts and not five thousand. They are counted from the attempts each time, so neither a
//! dialler nor a bridge that dies forgets any: by an index over those whose result says something, of which no more are read than are waited
//! for, however many were never dialled.

use jiff::SignedDuration;
use vox_shared::ids::{CampaignId, TenantId};

use super::{CallDesk, CallError};
use crate::campaign::orders::CANARY;
use crate::campaign::outcome::{AttemptResult, SetUp};
use crate::campaign::turns::{Turn, turn};
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::{Stamp, StoreError};

/// No worker is waited for longer.
const WAITED: SignedDuration = SignedDuration::from_hours(1);
/// Answered calls that wait for their workers, of all campaigns.
const MOST_WAITING: usize = 500;

/// How the first calls of a campaign stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canary {
    /// So many may be on at once: the outcomes of the others are known.
    Wait(u32),
    /// As many as the pacing allows.
    Over,
    /// All of them failed in a way that the next ones will too.
    Failed,
}

/// What is known of them.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::campaign) struct Seen {
    outcomes: u32,
    /// Of them: such as say that something is set up wrongly.
    wrong: u32,
    /// Answered, and their workers have not told yet how they went.
    waiting: u32,
}

impl Seen {
    pub fn note(&mut self, result: AttemptResult) {
        if let Some(set_up) = result.set_up() {
            self.outcomes += 1;
            self.wrong += u32::from(set_up == SetUp::Wrong);
        }
    }

    pub fn verdict(self, wanted: u32) -> Canary {
        match wanted.saturating_sub(self.outcomes) {
            0 if self.wrong == self.outcomes => Canary::Failed,
            0 => Canary::Over,
            left => Canary::Wait(left.saturating_sub(self.waiting)),
        }
    }
}

impl CallDesk {
    /// How the first calls stand.
    pub(super) async fn canary(&self, id: &CampaignId, campaign: &Campaign) -> Result<Canary, StoreError> {
        let wanted = campaign.settings.first_calls();
        let since = campaign.canary_from.or(campaign.started_at).unwrap_or(campaign.created_at);
        if wanted == 0 || self.board.has_begun(id, since) {
            return Ok(Canary::Over);
        }
        let verdict = self.first_calls((id, &campaign.tenant_id), (since, wanted)).await?.verdict(wanted);
        if verdict == Canary::Over {
            self.board.keep_begun(id, since);
        }
        Ok(verdict)
    }

    async fn first_calls(
        &self,
        (id, tenant): (&CampaignId, &TenantId),
        (since, wanted): (Stamp, u32),
    ) -> Result<Seen, StoreError> {
        let (attempts, most) = (self.stores.attempts(tenant), usize::try_from(wanted).unwrap_or(usize::MAX));
        let right = attempts.count_set_up(id, (SetUp::Right, since), most).await?;
        let wrong = attempts.count_set_up(id, (SetUp::Wrong, since), most).await?;
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let mut seen = Seen { outcomes: number(right + wrong), wrong: number(wrong), waiting: 0 };
        if seen.outcomes >= wanted {
            return Ok(seen);
        }
        let waiting = self.stores.all_attempts().list_unheard(self.now() + WAITED, MOST_WAITING).await?;
        let waiting = waiting.into_iter().map(|attempt| attempt.value);
        let its =
            waiting.filter(|one| one.campaign_id == *id && one.result.is_none() && one.claimed_at >= since);
        seen.waiting = number(its.count());
        Ok(seen)
    }

    /// Pause a campaign whose first calls all failed.
    pub(super) async fn look_at_the_first_calls(&self, id: &CampaignId) -> Result<(), CallError> {
        let Some(campaign) = self.stores.all_campaigns().find_campaign(id).await? else { return Ok(()) };
        let campaign = campaign.value;
        if campaign.state != CampaignState::Running || self.canary(id, &campaign).await? != Canary::Failed {
            return Ok(());
        }
        // Not one that was resumed meanwhile: others are its first calls.
        let is_same =
            |now: &Campaign| now.state == CampaignState::Running && now.canary_from == campaign.canary_from;
        if turn(&self.stores, id, is_same, Turn::Pauses(CANARY), self.now()).await? {
            self.stored.notify_one();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AttemptResult as R;

    fn of(results: &[R]) -> Canary {
        let mut seen = Seen::default();
        results.iter().for_each(|result| seen.note(*result));
        seen.verdict(3)
    }

    #[test]
    fn outcomes_are_waited_for_until_there_are_enough() {
        assert_eq!(of(&[]), Canary::Wait(3));
        assert_eq!(of(&[R::Forbidden, R::Aborted, R::Congestion, R::Cancelled]), Canary::Wait(2));
        let answered = Seen { outcomes: 1, wrong: 1, waiting: 2 };
        assert_eq!(answered.verdict(3), Canary::Wait(0), "their workers will tell");
        assert_eq!(of(&[R::NoAnswer, R::Forbidden, R::Auth]), Canary::Over);
        assert_eq!(of(&[R::Done, R::Done, R::Busy, R::Lost]), Canary::Over);
    }

    #[test]
    fn calls_that_all_fail_as_the_next_ones_will_stop_it() {
        for wrong in [R::Forbidden, R::Auth, R::Infra, R::Network, R::Lost, R::Abandoned, R::InvalidNumber] {
            assert_eq!(of(&[wrong; 3]), Canary::Failed, "{wrong:?}");
            assert_eq!(of(&[wrong; 2]), Canary::Wait(1), "{wrong:?}");
        }
        assert_eq!(of(&[R::Busy, R::Declined, R::NoAnswer]), Canary::Over);
    }
}
