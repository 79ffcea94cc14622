//! What nobody asks for: claims that nobody committed, answered calls whose worker says nothing, campaigns that are over, and permits that
//! are not given because nobody told what runs. Every step may be done by several bridges at once.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use vox_shared::ids::{AttemptId, CampaignId, ContactId, TenantId};
use vox_shared::wire::dialler::attempt::Stage;

use super::{CallDesk, CallError};
use crate::campaign::outcome::AttemptResult;
use crate::campaign::proofs;
use crate::error::with_source;
use crate::store::Stored;
use crate::store::attempts::Attempt;
use crate::store::contacts::{Contact, ContactStatus};
use crate::store::engine::MAX_PAGE;

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_secs(5);
/// What is written at the end is written within this.
const LAST_WORD: Duration = Duration::from_secs(5);
/// Beside the longest call of its campaign: so long an attempt may be open before nobody believes it.
const LONGEST_BESIDE: SignedDuration = SignedDuration::from_mins(15);
/// Attempts that are concluded in one round.
const MOST: usize = 200;
/// A dialler that was not seen for so long is forgotten.
const DIALLERS_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// And a number that nothing happened to.
const NUMBERS_KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

impl CallDesk {
    /// Work until `stop`. What fails is tried again in the next round.
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(PAUSE)).await.is_some() {
            let Some(round) = stop.run_until_cancelled(Box::pin(self.round())).await else { break };
            if let Err(error) = round {
                tracing::warn!(error = with_source(&error), "campaigns could not be looked after");
            }
        }
        // A store that is away just then keeps nobody from ending.
        match timeout(LAST_WORD, Box::pin(self.write_counted(self.now()))).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(
                    error = with_source(&error),
                    "what numbers were shown for lately was not counted"
                );
            }
            Err(_) => tracing::warn!("what numbers were shown for lately was not counted in time"),
        }
    }

    /// One round.
    pub async fn round(&self) -> Result<(), CallError> {
        if let Err(error) = self.tell_what_runs().await {
            tracing::debug!(%error, "permits cannot be given");
        }
        for unheard in self.stores.all_attempts().list_unheard(self.now(), MOST).await? {
            if let Ok(id) = unheard.id.parse::<AttemptId>() {
                told(&unheard.id, Box::pin(self.unheard(&id)).await);
            }
        }
        let open = self.look_at_open().await?;
        Box::pin(proofs::write_due(&self.stores, self.now())).await?;
        let held = self.coordination.count_permits(vec!["lines:all".into()]).await.unwrap_or_default();
        // Where they differ for long, somebody does not keep what runs, or keeps what does not.
        self.metrics.campaigns().lines(open, held.first().copied().unwrap_or_default());
        for campaign in self.running().await? {
            if let Ok(id) = campaign.id.parse::<CampaignId>() {
                Box::pin(self.look_at_claimed((&id, &campaign.value.tenant_id))).await?;
                // The bridge that heard the last of them may have died before it looked.
                Box::pin(self.look_at_the_first_calls(&id)).await?;
                Box::pin(self.complete_if_done(&id)).await?;
            }
        }
        Box::pin(self.look_at_callers()).await?;
        let before = self.now() + -NUMBERS_KEPT;
        self.stores.all_called_numbers().sweep(before).await?;
        self.stores.diallers().sweep(self.now() + -DIALLERS_KEPT).await?;
        Ok(())
    }

    /// Take back claims whose time is over; answers how many attempts occupy something.
    async fn look_at_open(&self) -> Result<u64, CallError> {
        let open = self.open_attempts().await?;
        let count = u64::try_from(open.len()).unwrap_or(u64::MAX);
        for attempt in open {
            if self.is_stale(&attempt) {
                match Box::pin(self.take_back(&attempt, "too_late")).await {
                    // It was committed, or somebody recovers it.
                    Err(CallError::Fenced) => {}
                    done => told(&attempt.id, done),
                }
            } else if self.is_ancient(&attempt).await? {
                tracing::warn!(attempt.id = attempt.id, "an attempt that nobody ended is taken for lost");
                told(&attempt.id, self.give_up(&attempt).await);
            }
        }
        Ok(count)
    }

    /// Have contacts rung again whose claim came to nothing before its attempt was written, or before what follows was: no attempt that
    /// occupies anything leads to them.
    async fn look_at_claimed(&self, (id, tenant): (&CampaignId, &TenantId)) -> Result<(), CallError> {
        let contacts = self.stores.contacts(tenant);
        let now = self.now();
        let is_over = |contact: &Contact| contact.claim_ends_at.is_none_or(|ends| ends < now);
        let claimed = contacts.list_in((id, ContactStatus::Claimed), MAX_PAGE, None).await?.items;
        for contact in claimed.into_iter().filter(|contact| is_over(&contact.value)) {
            let (Some(attempt), Ok(contact)) = (contact.value.attempt, contact.id.parse::<ContactId>())
            else {
                continue;
            };
            match self.stores.all_attempts().find_attempt(&attempt).await? {
                None => self.put_back_unclaimed((&contact, &attempt), tenant).await?,
                Some(known) if known.value.open_since.is_none() => {
                    Box::pin(self.finish_what_follows(&attempt)).await?;
                }
                // It is taken back as what it is: an attempt.
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Whether it is open for longer than any call of its campaign can be.
    async fn is_ancient(&self, attempt: &Stored<Attempt>) -> Result<bool, CallError> {
        let open_for = self.now().0.duration_since(attempt.value.claimed_at.0);
        if open_for < LONGEST_BESIDE {
            return Ok(false);
        }
        let campaign = self.stores.all_campaigns().find_campaign(&attempt.value.campaign_id).await?;
        let longest = campaign.map_or(0, |campaign| campaign.value.settings.max_secs);
        Ok(open_for >= LONGEST_BESIDE + SignedDuration::from_secs(longest.into()))
    }

    async fn give_up(&self, attempt: &Stored<Attempt>) -> Result<(), CallError> {
        let Ok(id) = attempt.id.parse::<AttemptId>() else { return Ok(()) };
        let is_same = |now: &Attempt| now.open_since.is_some() && now.epoch == attempt.value.epoch;
        Box::pin(self.conclude(&id, is_same, AttemptResult::Lost)).await.map(drop)
    }

    fn is_stale(&self, attempt: &Stored<Attempt>) -> bool {
        attempt.value.stage == Stage::Claimed && attempt.value.claim_ends_at < self.now()
    }
}

/// One attempt that cannot be written stands in no other's way, and is tried again in the next round. Those of a campaign that was deleted
/// meanwhile are gone with it.
fn told(attempt: &str, done: Result<(), CallError>) {
    match done {
        Ok(()) | Err(CallError::UnknownCampaign | CallError::UnknownAttempt) => {}
        Err(error) => {
            let error = with_source(&error);
            tracing::warn!(attempt.id = attempt, error, "what follows an attempt could not be written");
        }
    }
}
