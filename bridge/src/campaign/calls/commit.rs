//! From a claim to a dial: the last look, and what is told when nothing was dialled.

use jiff::SignedDuration;
use vox_shared::ids::AttemptId;
use vox_shared::phone::Number;
use vox_shared::wire::dialler::attempt::{Abort, Commit, Live, Stage};
use vox_shared::wire::dialler::claim::{Reason, Refused};

use super::caller::Line;
use super::{CallDesk, CallError, MAX_TRIES, draw};
use crate::campaign::calendar::Rules;
use crate::campaign::outcome::AttemptResult;
use crate::campaign::retry::{Happened, follow};
use crate::store::attempts::Attempt;
use crate::store::campaigns::CampaignState;
use crate::store::contacts::ContactStatus;
use crate::store::{Stamp, StoreError, Stored};

/// How long a commit waits for what has no time of its own.
const WAIT_MS: u64 = 1_000;
/// A contact whose number turned out to be rung by another attempt.
const NUMBER_BUSY: SignedDuration = SignedDuration::from_mins(15);

impl CallDesk {
    /// The last look before the dial. Answered [`Commit::Dial`], it may be made, once; any other answer means that nothing is dialled.
    pub async fn commit(&self, id: &AttemptId, epoch: u32) -> Result<Commit, CallError> {
        let stored = self.attempt(id).await?;
        let attempt = &stored.value;
        if attempt.stage != Stage::Claimed || attempt.epoch != epoch {
            return Err(CallError::Fenced);
        }
        let now = self.now();
        if attempt.claim_ends_at <= now {
            Box::pin(self.take_back(&stored, "too_late")).await?;
            return Err(CallError::Fenced);
        }
        let campaign = self.campaign(&attempt.campaign_id).await?.value;
        if campaign.state != CampaignState::Running {
            return Err(CallError::Paused);
        }
        if !self.is_still_allowed(id, attempt).await? {
            return Err(CallError::Barred);
        }
        let Some(line) = self.line_of(attempt).await? else { return Err(CallError::Barred) };
        match self.take_turn(id, attempt, &line).await {
            None => {}
            Some(Refused { reason: Reason::Fenced, .. }) => return Err(CallError::Fenced),
            Some(Refused { reason, wait_ms, .. }) => {
                return Ok(Commit::Wait { wait_ms: wait_ms.unwrap_or(WAIT_MS), reason });
            }
        }
        let contacts = self.stores.contacts(&attempt.tenant_id);
        if !contacts.mark_dialing(&attempt.contact_id, (id, epoch)).await? {
            return Err(CallError::Fenced);
        }
        // From here on it counts as dialled, whatever becomes of this answer.
        match self.stores.attempts(&attempt.tenant_id).mark_dialing(id, epoch, self.now()).await? {
            true => {
                self.metrics.campaigns().dialled();
                Ok(Commit::Dial)
            }
            false => Err(CallError::Fenced),
        }
    }

    /// Whether nobody said in the meantime that the number is not to be called, and the lock is still the attempt's.
    async fn is_still_allowed(&self, id: &AttemptId, attempt: &Attempt) -> Result<bool, StoreError> {
        let Ok(number) = attempt.number.parse::<Number>() else { return Ok(false) };
        if self.stores.do_not_call(&attempt.tenant_id).find_number(&number).await?.is_some() {
            return Ok(false);
        }
        let known = self.stores.called_numbers(&attempt.tenant_id).find_number(&attempt.number).await?;
        Ok(known.is_some_and(|known| known.value.lock.as_ref() == Some(id)))
    }

    /// The line that the attempt was claimed with, if the tenant still has it.
    pub(super) async fn line_of(&self, attempt: &Attempt) -> Result<Option<Line>, StoreError> {
        let lines = self.lines_of(&attempt.tenant_id).await?;
        Ok(lines.iter().find(|line| line.number.as_str() == attempt.caller.number).cloned())
    }

    /// It was answered. Told again, it changes nothing.
    pub async fn live(&self, id: &AttemptId, told: &Live) -> Result<(), CallError> {
        let stored = self.attempt(id).await?;
        let attempt = stored.value;
        let attempts = self.stores.attempts(&attempt.tenant_id);
        if attempts.mark_live(id, told.epoch, Stamp(told.answered_at)).await? {
            return Ok(());
        }
        // The worker's word may have come before, and a call that is over was live.
        let was_live = [Stage::Live, Stage::Done].contains(&attempt.stage) && attempt.epoch == told.epoch;
        if was_live { Ok(()) } else { Err(CallError::Fenced) }
    }

    /// Nothing was dialled: the attempt does not count, and all that it took is free.
    pub async fn abort(&self, id: &AttemptId, told: &Abort) -> Result<(), CallError> {
        let stored = self.attempt(id).await?;
        if stored.value.epoch != told.epoch {
            return Err(CallError::Fenced);
        }
        if stored.value.result == Some(AttemptResult::Aborted) {
            return Ok(());
        }
        if stored.value.stage != Stage::Claimed {
            return Err(CallError::Fenced);
        }
        let why = serde_json::to_value(told.why).ok();
        let why = why.as_ref().and_then(serde_json::Value::as_str).unwrap_or("aborted");
        Box::pin(self.take_back(&stored, why)).await
    }

    /// Take a claim back that was not committed, as it was read. The contact's own compare-and-set decides whether it was; of a contact that
    /// has let go of it the attempt's.
    pub async fn take_back(&self, stored: &Stored<Attempt>, why: &str) -> Result<(), CallError> {
        let attempt = &stored.value;
        let id: AttemptId = stored.id.parse().map_err(|_| CallError::UnknownAttempt)?;
        let barred = match self.number_held_by_another(&id, attempt).await? {
            true => Some(self.now() + NUMBER_BUSY),
            false => None,
        };
        if !Box::pin(self.contact_comes_back(&id, attempt, (barred, why))).await? {
            return Err(CallError::Fenced);
        }
        let is_none = self.abort_claim(&id, attempt.epoch, why).await?
            || self.attempt(&id).await?.value.result == Some(AttemptResult::Aborted);
        if !is_none {
            // It rang, and its ring stays where it is counted.
            return Err(CallError::Fenced);
        }
        self.settle_number(&id, attempt, AttemptResult::Aborted).await?;
        self.give_up_lines(&id, attempt, false).await;
        self.free_slot(attempt).await;
        self.metrics.campaigns().aborted(why);
        Ok(())
    }

    /// Whether another attempt rings the number: this one lost the race for it.
    async fn number_held_by_another(&self, id: &AttemptId, attempt: &Attempt) -> Result<bool, StoreError> {
        let known = self.stores.called_numbers(&attempt.tenant_id).find_number(&attempt.number).await?;
        Ok(known.and_then(|known| known.value.lock).is_some_and(|holder| holder != *id))
    }

    /// The contact of a claim is ready again; `false` when the claim was committed, or is not its any more.
    async fn contact_comes_back(
        &self,
        id: &AttemptId,
        attempt: &Attempt,
        (not_before, why): (Option<Stamp>, &str),
    ) -> Result<bool, CallError> {
        let contacts = self.stores.contacts(&attempt.tenant_id);
        let settings = self.campaign(&attempt.campaign_id).await?.value.settings;
        let calendar = self.memory.calendar(&attempt.tenant_id).await?;
        let rules = Rules { settings: &settings, calendar: &calendar };
        for _ in 0..MAX_TRIES {
            let Some(mut contact) = contacts.find_contact(&attempt.contact_id).await? else {
                return Ok(true);
            };
            if !contact.value.is_of(id) {
                // It came back before, and only the rest was left to do.
                return Ok(true);
            }
            if contact.value.status != ContactStatus::Claimed {
                return Ok(false);
            }
            let (now, class) = (self.now(), contact.value.class);
            let what = Happened {
                result: AttemptResult::Aborted,
                number: &attempt.number,
                rung_at: None,
                word: None,
                retry_after: None,
                refuses_many: false,
                now,
                draw: draw(),
            };
            follow(&mut contact.value, rules, what);
            if let Some(not_before) = not_before.filter(|_| contact.value.status == ContactStatus::Ready) {
                contact.value.ready(class, not_before);
            }
            contact.value.reason.get_or_insert_with(|| why.to_owned());
            match contacts.replace_contact(contact).await {
                Ok(_) => return Ok(true),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// A claimed attempt was none; `false` when it is not claimed under this epoch any more.
    pub(super) async fn abort_claim(&self, id: &AttemptId, epoch: u32, why: &str) -> Result<bool, CallError> {
        for _ in 0..MAX_TRIES {
            let mut stored = self.attempt(id).await?;
            let attempt = &mut stored.value;
            if attempt.stage != Stage::Claimed || attempt.epoch != epoch {
                return Ok(false);
            }
            let now = self.now();
            let result = AttemptResult::Aborted;
            (attempt.stage, attempt.result) = (Stage::Done, Some(result));
            (attempt.counts, attempt.tally) = (Some(result.counts()), Some(result.tally()));
            (attempt.ended_at, attempt.open_since) = (Some(now), None);
            attempt.aborted = Some(why.to_owned());
            let tenant = attempt.tenant_id.clone();
            match self.stores.attempts(&tenant).replace_attempt(stored).await {
                Ok(_) => return Ok(true),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Give the worker's slot back. A worker that took the call reports it, and then this changes nothing.
    pub(super) async fn free_slot(&self, attempt: &Attempt) {
        match self.fleet.release(&attempt.reservation_id).await {
            Ok(()) | Err(StoreError::NotFound) => {}
            Err(error) => {
                tracing::warn!(reservation.id = %attempt.reservation_id, %error, "a slot is kept until its time is over");
            }
        }
    }
}
