//! How an attempt came out. The dialler tells how the dial ended, the worker how the call went, in whichever order and however often; the
//! first of them that knows decides, and what follows is written for it until it is done.

use std::time::Duration;

use jiff::SignedDuration;
use vox_shared::ids::AttemptId;
use vox_shared::phone::Number;
use vox_shared::wire::dialler::attempt::{Ending, ResultNoted, ResultRequest, Stage};

use super::{CallDesk, CallError, MAX_TRIES, draw};
use crate::campaign::calendar::Rules;
use crate::campaign::number;
use crate::campaign::outcome::{AttemptResult, Tally, Word};
use crate::campaign::retry::{Happened, follow};
use crate::store::attempts::{Attempt, Ended};
use crate::store::contacts::ContactStatus;
use crate::store::do_not_call::Entry;
use crate::store::{Stamp, StoreError};

/// How long the worker of an answered call is waited for. It may have been killed with its bridge away.
const WORKER_WAITED: SignedDuration = SignedDuration::from_secs(180);
/// What the do-not-call list says of whoever put a number there.
const LISTED_BY: &str = "campaign";

impl CallDesk {
    /// The dialler tells that the dial, or the call, is over: nothing of it rings any more.
    pub async fn ended(&self, id: &AttemptId, told: &ResultRequest) -> Result<ResultNoted, CallError> {
        let mut stored = self.attempt(id).await?;
        for _ in 0..MAX_TRIES {
            if stored.value.epoch != told.epoch {
                return Err(CallError::Fenced);
            }
            let tenant = stored.value.tenant_id.clone();
            if stored.value.open_since.is_none() {
                let noted = Box::pin(self.follows(id, &stored.value)).await?;
                return Box::pin(self.came_meanwhile(id, &stored.value, noted)).await;
            }
            if stored.value.stage == Stage::Claimed {
                return Err(CallError::Fenced);
            }
            let now = self.now();
            let attempt = &mut stored.value;
            attempt.ended = Some(Ended {
                ending: told.ending,
                carrier: told.carrier.clone(),
                ring_ms: told.ring_ms,
                ended_at: Stamp(told.ended_at),
            });
            attempt.answered_at = attempt.answered_at.or(told.answered_at.map(Stamp));
            attempt.ended_at = Some(Stamp(told.ended_at));
            (attempt.stage, attempt.open_since) = (Stage::Done, None);
            if attempt.word.is_none() {
                attempt.word = self.word_in_call(attempt).await?;
            }
            let is_first = decide(attempt, now);
            match self.stores.attempts(&tenant).replace_attempt(stored).await {
                Ok(written) => {
                    let noted = Box::pin(self.after(id, &written.value, is_first)).await?;
                    return Box::pin(self.came_meanwhile(id, &written.value, noted)).await;
                }
                Err(StoreError::Conflict) => stored = self.attempt(id).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The worker's word that was left in the call because the attempt was open, in the moment in which it ended.
    async fn came_meanwhile(
        &self,
        id: &AttemptId,
        written: &Attempt,
        noted: ResultNoted,
    ) -> Result<ResultNoted, CallError> {
        if written.waits_until.is_none() || written.result.is_some() {
            return Ok(noted);
        }
        let Some(word) = self.word_in_call(written).await? else { return Ok(noted) };
        Box::pin(self.heard(id, &word)).await?;
        let attempt = self.attempt(id).await?.value;
        Box::pin(self.follows(id, &attempt)).await
    }

    /// What the worker said of an attempt, as it stands in its call.
    async fn word_in_call(&self, attempt: &Attempt) -> Result<Option<Word>, StoreError> {
        let call = self.stores.all_calls().find_top(&attempt.session_id).await?;
        Ok(call.and_then(|call| call.value.attempt_word).map(|word| *word))
    }

    /// The worker tells how the call of an attempt went. Of a call that is no attempt's nothing happens, and of one whose attempt is open
    /// nothing yet: the word stands in the call, and whoever ends the attempt reads it there.
    pub async fn heard(&self, id: &AttemptId, word: &Word) -> Result<(), CallError> {
        for _ in 0..MAX_TRIES {
            let mut stored = match self.attempt(id).await {
                Ok(stored) => stored,
                Err(CallError::UnknownAttempt) => return Ok(()),
                Err(error) => return Err(error),
            };
            if word.opt_out {
                // Whatever else became of the attempt.
                self.list(&stored.value).await?;
            }
            if stored.value.word.is_some()
                && !stored.value.word.as_ref().is_some_and(|old| gives_way(old, word))
            {
                return Box::pin(self.follows(id, &stored.value)).await.map(drop);
            }
            if stored.value.open_since.is_some()
                && stored.value.word.is_none()
                && self.word_in_call(&stored.value).await?.is_some()
            {
                return Ok(());
            }
            let now = self.now();
            let attempt = &mut stored.value;
            attempt.word = Some(Word { at: word.at.or(Some(now)), ..word.clone() });
            if word.opt_out {
                is_to_be_proved(attempt);
            }
            let is_first = decide(attempt, now);
            let tenant = attempt.tenant_id.clone();
            match self.stores.attempts(&tenant).replace_attempt(stored).await {
                Ok(written) => return Box::pin(self.after(id, &written.value, is_first)).await.map(drop),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Nobody told how an answered call went: it was one with a person, as far as anybody knows. Of one that has its result, what follows was
    /// broken off: it is written now.
    pub(super) async fn unheard(&self, id: &AttemptId) -> Result<(), CallError> {
        let waits = |attempt: &Attempt| attempt.result.is_none() && attempt.waits_until.is_some();
        if !self.conclude(id, waits, AttemptResult::Answered).await? {
            self.finish_what_follows(id).await?;
            self.waits_no_more(id).await?;
        }
        Ok(())
    }

    /// Have an attempt occupy nothing any more, with this result if it has none; `false` when it is not `wanted` (any more). It keeps
    /// `waits_until` until what follows is written: nobody who could repeat it asked for this.
    pub(super) async fn conclude(
        &self,
        id: &AttemptId,
        wanted: impl Fn(&Attempt) -> bool,
        result: AttemptResult,
    ) -> Result<bool, CallError> {
        for _ in 0..MAX_TRIES {
            let mut stored = self.attempt(id).await?;
            if !wanted(&stored.value) {
                return Ok(false);
            }
            let now = self.now();
            let attempt = &mut stored.value;
            if attempt.word.is_none() {
                attempt.word = self.word_in_call(attempt).await?;
            }
            let is_first = attempt.result.is_none();
            if is_first && !decide(attempt, now) {
                conclude_with(attempt, result);
            }
            attempt.ended_at = attempt.ended_at.or(Some(now));
            (attempt.stage, attempt.open_since) = (Stage::Done, None);
            attempt.waits_until = Some(now);
            let tenant = attempt.tenant_id.clone();
            match self.stores.attempts(&tenant).replace_attempt(stored).await {
                Ok(written) => {
                    Box::pin(self.after(id, &written.value, is_first)).await?;
                    self.waits_no_more(id).await?;
                    return Ok(true);
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// What follows the result of an attempt is written.
    async fn waits_no_more(&self, id: &AttemptId) -> Result<(), CallError> {
        for _ in 0..MAX_TRIES {
            let mut stored = self.attempt(id).await?;
            if stored.value.result.is_none() || stored.value.waits_until.take().is_none() {
                return Ok(());
            }
            let tenant = stored.value.tenant_id.clone();
            match self.stores.attempts(&tenant).replace_attempt(stored).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(drop)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// What follows a change of an attempt.
    async fn after(
        &self,
        id: &AttemptId,
        attempt: &Attempt,
        is_first: bool,
    ) -> Result<ResultNoted, CallError> {
        if is_first && let Some(result) = attempt.result {
            self.metrics.campaigns().ended(result.as_str());
            self.board.forget_figures(&attempt.campaign_id);
            self.count_call(attempt, result);
            self.take_to_heart(attempt, result).await?;
        }
        let noted = Box::pin(self.follows(id, attempt)).await?;
        if is_first {
            Box::pin(self.look_at_the_first_calls(&attempt.campaign_id)).await?;
        }
        if is_first && attempt.tally == Some(Tally::Abandoned) {
            Box::pin(self.look_at_the_bot(&attempt.campaign_id)).await?;
        }
        Ok(noted)
    }

    /// Write what follows a result, as far as it is not written yet: each step may be repeated.
    pub(super) async fn follows(&self, id: &AttemptId, attempt: &Attempt) -> Result<ResultNoted, CallError> {
        let frees = attempt.open_since.is_none();
        let Some(result) = attempt.result else {
            if frees {
                // It was answered, and its line is free; what came of it is told by the worker, and the number waits for that.
                self.give_up_lines(id, attempt, true).await;
            }
            return Ok(ResultNoted { result: None, next_at: None });
        };
        if frees {
            // Once, when both are known: while it is locked nobody asks what came of its rings.
            self.settle_number(id, attempt, result).await?;
            self.give_up_lines(id, attempt, result.rang()).await;
        }
        let next_at = Box::pin(self.settle_contact(id, attempt, result)).await?;
        Ok(ResultNoted { result: Some(result.as_str().to_owned()), next_at: next_at.map(|at| at.0) })
    }

    /// The number's own history, and its lock, of an attempt of which nothing rings any more.
    pub(super) async fn settle_number(
        &self,
        id: &AttemptId,
        attempt: &Attempt,
        result: AttemptResult,
    ) -> Result<(), CallError> {
        let numbers = self.stores.called_numbers(&attempt.tenant_id);
        for _ in 0..MAX_TRIES {
            let Some(mut known) = numbers.find_number(&attempt.number).await? else { return Ok(()) };
            if !number::settle(&mut known.value, (id, result), self.now()) {
                return Ok(());
            }
            match numbers.replace_number(known).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The contact, if it is still this attempt's; answers when it is rung again.
    async fn settle_contact(
        &self,
        id: &AttemptId,
        attempt: &Attempt,
        result: AttemptResult,
    ) -> Result<Option<Stamp>, CallError> {
        let contacts = self.stores.contacts(&attempt.tenant_id);
        for _ in 0..MAX_TRIES {
            let Some(mut contact) = contacts.find_contact(&attempt.contact_id).await? else {
                return Ok(None);
            };
            if !contact.value.is_of(id) {
                let is_ready = contact.value.status == ContactStatus::Ready;
                return Ok(is_ready.then_some(contact.value.next_at));
            }
            let campaign = self.campaign(&attempt.campaign_id).await?.value;
            let retry_after = attempt.ended.as_ref().and_then(|ended| ended.carrier.retry_after_secs);
            contact.value.from_number = Some(attempt.caller.number.clone());
            let what = Happened {
                result,
                number: &attempt.number,
                rung_at: attempt.dial_at,
                word: attempt.word.as_ref(),
                retry_after: retry_after.map(|secs| Duration::from_secs(secs.into())),
                refuses_many: result == AttemptResult::Forbidden && self.refuses_many(attempt).await?,
                now: self.now(),
                draw: draw(),
            };
            let calendar = self.memory.calendar(&attempt.tenant_id).await?;
            let rules = Rules { settings: &campaign.settings, calendar: &calendar };
            follow(&mut contact.value, rules, what);
            let is_over = contact.value.status.is_terminal();
            match contacts.replace_contact(contact).await {
                Ok(_) if is_over => {
                    Box::pin(self.complete_if_done(&attempt.campaign_id)).await?;
                    return Ok(None);
                }
                Ok(written) => return Ok(Some(written.value.next_at)),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// What a result says of more than its contact: once.
    async fn take_to_heart(&self, attempt: &Attempt, result: AttemptResult) -> Result<(), CallError> {
        if result.blames_caller() {
            self.blame(&attempt.caller.number).await?;
        }
        if result == AttemptResult::Forbidden {
            Box::pin(self.carrier_refused(attempt)).await?;
        }
        if result == AttemptResult::Throttled {
            let said = attempt.ended.as_ref().map(|ended| &ended.carrier);
            let texts = said.into_iter().flat_map(|said| [&said.phrase, &said.server_text, &said.reason]);
            let too_many = texts.flatten().any(|text| text.to_ascii_lowercase().contains("concurren"));
            self.spare(attempt, too_many).await;
        }
        Ok(())
    }

    /// Whoever has the number wishes not to be called: by nothing of the tenant's, from now on.
    async fn list(&self, attempt: &Attempt) -> Result<(), CallError> {
        let Ok(number) = attempt.number.parse::<Number>() else { return Ok(()) };
        let entry = Entry {
            tenant_id: attempt.tenant_id.clone(),
            number: number.comparable(),
            added_at: self.now(),
            added_by: LISTED_BY.to_owned(),
            reason: Some(format!("told in call {}", attempt.session_id)),
        };
        Ok(self.stores.do_not_call(&attempt.tenant_id).add(vec![entry]).await.map(drop)?)
    }
}

/// Give the attempt its result, if what is known says it and it has none; answers whether it did.
fn decide(attempt: &mut Attempt, now: Stamp) -> bool {
    if attempt.result.is_some() {
        return false;
    }
    let ending = attempt.ended.as_ref().map(|ended| ended.ending);
    let is_told = attempt.answered_at.is_some() || ending == Some(Ending::Answered);
    // A worker that waited in vain, or failed before anybody answered, knows nothing of the dial.
    let word = attempt.word.as_ref().filter(|word| word.heard_somebody() || is_told && !word.unanswered);
    let word = word.filter(|_| attempt.dial_at.is_some());
    let result = match (ending, word) {
        // The carrier says that nobody answered, and nobody was spoken with.
        (Some(ending), None) if ending != Ending::Answered => Some(AttemptResult::from(ending)),
        (_, Some(word)) => Some(word.result()),
        _ => None,
    };
    match result {
        Some(result) => conclude_with(attempt, result),
        None if ending == Some(Ending::Answered) && attempt.waits_until.is_none() => {
            attempt.waits_until = Some(now + WORKER_WAITED);
        }
        None => {}
    }
    result.is_some()
}

fn conclude_with(attempt: &mut Attempt, result: AttemptResult) {
    attempt.result = Some(result);
    (attempt.counts, attempt.tally) = (Some(result.counts()), Some(result.tally()));
    attempt.set_up = result.set_up();
    attempt.waits_until = None;
    is_to_be_proved(attempt);
}

/// What was dialled goes into the chain of proofs.
fn is_to_be_proved(attempt: &mut Attempt) {
    attempt.unproved_since = attempt.dial_at.map(|_| attempt.claimed_at);
}

/// Whether a later word takes the place of an earlier one: the guess that a worker was lost gives way to what it says itself.
fn gives_way(old: &Word, new: &Word) -> bool {
    old.failed && old.disconnected_by == "worker_lost" && new.disconnected_by != "worker_lost"
}
