//! What an owner left behind: attempts whose dialler is gone. Whoever took its partition over adopts the calls that run, and finds out of
//! the others whether their telephones rang. A claim that was never committed is taken back here: nothing was dialled.

use vox_shared::ids::{AttemptId, ContactId, TenantId};
use vox_shared::redact::Redacted;
use vox_shared::wire::dialler::attempt::{Joined, Lost, Recoveries, RecoveriesRequest, Recovery, Stage};
use vox_shared::wire::dialler::lease::Held;

use super::{CallDesk, CallError, MAX_TRIES};
use crate::campaign::outcome::AttemptResult;
use crate::store::attempts::Attempt;
use crate::store::campaigns::Campaign;
use crate::store::contacts::{Contact, ContactStatus};
use crate::store::engine::{Cursor, MAX_PAGE};
use crate::store::{StoreError, Stored};

/// Most attempts of one answer.
const MOST: usize = 200;

impl CallDesk {
    /// Attempts of a partition that belong to lower epochs than the asker's.
    pub async fn recoveries(&self, ask: &RecoveriesRequest) -> Result<Recoveries, CallError> {
        let campaign = self.campaign(&ask.campaign).await?.value;
        let held = Held { campaign: ask.campaign.clone(), partition: ask.partition, epoch: ask.epoch };
        if !self.holds(&campaign, (&ask.worker, &held)).await? {
            return Err(CallError::Fenced);
        }
        let contacts = self.stores.contacts(&campaign.tenant_id);
        let left = contacts.held_below((&ask.campaign, ask.partition), ask.epoch, MOST).await?;
        let mut attempts = Vec::new();
        for contact in left {
            attempts.extend(Box::pin(self.left_behind(&campaign, contact)).await?);
        }
        // Those whose worker told how they went, and whose line nobody freed: their contacts have let go of them.
        let is_told = |attempt: &Attempt| attempt.result.is_some() && attempt.epoch < ask.epoch;
        for told in self.open_attempts().await?.into_iter().filter(|told| is_told(&told.value)) {
            let is_here = told.value.campaign_id == ask.campaign && told.value.partition == ask.partition;
            if let (true, Ok(id)) = (is_here && attempts.len() < MOST, told.id.parse()) {
                attempts.push(recovery(id, &told.value, campaign.settings.max_secs));
            }
        }
        Ok(Recoveries { attempts })
    }

    /// All attempts that occupy something.
    pub(super) async fn open_attempts(&self) -> Result<Vec<Stored<Attempt>>, StoreError> {
        let (mut open, mut after) = (Vec::new(), None);
        loop {
            let page = self.stores.all_attempts().list_open(MAX_PAGE, after).await?;
            open.extend(page.items);
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(open);
            }
        }
    }

    /// What is to be found out of a contact's attempt; nothing when it can be settled here.
    async fn left_behind(
        &self,
        campaign: &Campaign,
        contact: Stored<Contact>,
    ) -> Result<Option<Recovery>, CallError> {
        let (Some(id), Ok(contact_id)) = (contact.value.attempt.clone(), contact.id.parse::<ContactId>())
        else {
            return Ok(None);
        };
        let found = self.stores.all_attempts().find_attempt(&id).await?;
        let Some(stored) = found else {
            // The bridge was killed between the contact and the attempt.
            self.put_back_unclaimed((&contact_id, &id), &campaign.tenant_id).await?;
            return Ok(None);
        };
        if contact.value.status == ContactStatus::Claimed {
            match self.take_back(&stored, "owner_gone").await {
                // It was committed at the last moment: the next look finds it dialing.
                Ok(()) | Err(CallError::Fenced) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let attempt = stored.value;
        if attempt.open_since.is_none() {
            // What follows its result was not written to the end.
            self.finish_what_follows(&id).await?;
            return Ok(None);
        }
        let campaign_max = campaign.settings.max_secs;
        Ok(Some(recovery(id, &attempt, campaign_max)))
    }

    /// A contact that was claimed for an attempt that was never written.
    pub(super) async fn put_back_unclaimed(
        &self,
        (contact, attempt): (&ContactId, &AttemptId),
        tenant: &TenantId,
    ) -> Result<(), CallError> {
        let contacts = self.stores.contacts(tenant);
        for _ in 0..MAX_TRIES {
            let Some(mut found) = contacts.find_contact(contact).await? else { return Ok(()) };
            if !found.value.is_of(attempt) {
                return Ok(());
            }
            let class = found.value.class;
            found.value.ready(class, self.now());
            match contacts.replace_contact(found).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(drop)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The call runs and is this owner's from now on.
    pub async fn adopt(&self, id: &AttemptId, epoch: u32) -> Result<(), CallError> {
        self.take_over(id, epoch, None).await
    }

    /// The attempt is this owner's from now on, who finds out what became of it.
    pub async fn recover(&self, id: &AttemptId, epoch: u32) -> Result<(), CallError> {
        self.take_over(id, epoch, Some(Stage::Recovering)).await
    }

    /// The contact's epoch is raised first: from then on the old owner changes nothing.
    async fn take_over(&self, id: &AttemptId, epoch: u32, stage: Option<Stage>) -> Result<(), CallError> {
        let attempt = self.attempt(id).await?.value;
        let campaign = self.campaign(&attempt.campaign_id).await?.value;
        let leases = self.stores.campaign_leases(&campaign.tenant_id);
        let lease = leases.find_lease(&attempt.campaign_id, attempt.partition).await?;
        let Some(owner) = lease.filter(|lease| lease.epoch == epoch).and_then(|lease| lease.owner) else {
            return Err(CallError::Fenced);
        };
        self.raise_contact(id, &attempt, (epoch, stage)).await?;
        for _ in 0..MAX_TRIES {
            let mut stored = self.attempt(id).await?;
            let value = &mut stored.value;
            if value.epoch > epoch || value.open_since.is_none() {
                return Err(CallError::Fenced);
            }
            (value.epoch, value.worker) = (epoch, owner.clone());
            value.stage = stage.unwrap_or(value.stage);
            match self.stores.attempts(&campaign.tenant_id).replace_attempt(stored).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(drop)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn raise_contact(
        &self,
        id: &AttemptId,
        attempt: &Attempt,
        (epoch, stage): (u32, Option<Stage>),
    ) -> Result<(), CallError> {
        let contacts = self.stores.contacts(&attempt.tenant_id);
        for _ in 0..MAX_TRIES {
            let Some(mut contact) = contacts.find_contact(&attempt.contact_id).await? else { return Ok(()) };
            let value = &mut contact.value;
            if !value.is_of(id) {
                // Its result is there already; what it occupies is still to be freed.
                return Ok(());
            }
            if value.held_epoch.is_some_and(|held| held > epoch) {
                return Err(CallError::Fenced);
            }
            value.held_epoch = Some(epoch);
            if stage == Some(Stage::Recovering) {
                value.status = ContactStatus::Recovering;
            }
            match contacts.replace_contact(contact).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The room of a recovered attempt is gone for good: it was lost, or nobody was ever in it.
    pub async fn lost(&self, id: &AttemptId, told: Lost) -> Result<(), CallError> {
        let result = match told.joined {
            Joined::No => AttemptResult::Aborted,
            Joined::Yes | Joined::Unknown => AttemptResult::Lost,
        };
        let attempt = self.attempt(id).await?.value;
        if attempt.epoch != told.epoch {
            return Err(CallError::Fenced);
        }
        if attempt.open_since.is_none() {
            return self.finish_what_follows(id).await;
        }
        let is_its = |attempt: &Attempt| attempt.epoch == told.epoch && attempt.open_since.is_some();
        Box::pin(self.conclude(id, is_its, result)).await.map(drop)
    }
}

fn recovery(attempt_id: AttemptId, attempt: &Attempt, max_secs: u32) -> Recovery {
    Recovery {
        room: attempt_id.to_string(),
        attempt: attempt_id,
        // The contact was committed, and perhaps the attempt was not written: it may have been dialled.
        status: if attempt.stage == Stage::Claimed { Stage::Dialing } else { attempt.stage },
        epoch: attempt.epoch,
        number: Redacted::new(attempt.number.clone()),
        session_id: attempt.session_id.clone(),
        claimed_at: attempt.claimed_at.0,
        dial_at: attempt.dial_at.map(|at| at.0),
        answered_at: attempt.answered_at.map(|at| at.0),
        max_secs,
    }
}
