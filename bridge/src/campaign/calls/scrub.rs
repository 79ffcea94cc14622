//! Everything that may keep a contact from being rung, looked up now and weighed by `campaign/clearance.rs`.

use vox_shared::ids::{AttemptId, TenantId};

use super::CallDesk;
use crate::campaign::calendar::Rules;
use crate::campaign::clearance::{Cleared, Kept, Known, NO_NUMBER, kept_by_itself, next_of_use, weigh};
use crate::campaign::number::{self, Barred, Limits};
use crate::store::campaigns::Campaign;
use crate::store::contacts::Contact;
use crate::store::numbers::CalledNumber;
use crate::store::{Stamp, StoreError};

impl CallDesk {
    /// Whether a contact may be rung. Numbers of no use are passed over in the contact itself.
    pub(super) async fn scrub(
        &self,
        campaign: &Campaign,
        contact: &mut Contact,
        now: Stamp,
    ) -> Result<Result<Cleared, Kept>, StoreError> {
        if let Some(kept) = kept_by_itself(&campaign.settings, contact, now) {
            return Ok(Err(kept));
        }
        let tenant = &campaign.tenant_id;
        let calendar = self.memory.calendar(tenant).await?;
        let rules = Rules { settings: &campaign.settings, calendar: &calendar };
        loop {
            let Some(number) = next_of_use(contact) else { return Ok(Err(NO_NUMBER)) };
            let is_listed = self.stores.do_not_call(tenant).find_number(&number.number).await?.is_some();
            let before = if is_listed { None } else { self.before(tenant, number.number.as_str()).await? };
            let known = Known { is_listed, before: before.as_ref() };
            if let Some(weighed) = weigh(rules, contact, number, known, now) {
                return Ok(weighed);
            }
        }
    }

    /// What happened to a number before, with a lock that nobody holds any more taken for none.
    async fn before(&self, tenant: &TenantId, number: &str) -> Result<Option<CalledNumber>, StoreError> {
        let Some(found) = self.stores.called_numbers(tenant).find_number(number).await? else {
            return Ok(None);
        };
        let mut known = found.value;
        if let Some(holder) = known.lock.take()
            && self.occupies(&holder).await?
        {
            known.lock = Some(holder);
        }
        Ok(Some(known))
    }

    /// [`number::look`], with a lock that nobody holds any more taken for none.
    pub(super) async fn barred(
        &self,
        known: &CalledNumber,
        limits: Limits,
        now: Stamp,
    ) -> Result<Result<(), Barred>, StoreError> {
        match number::look(known, limits, now) {
            Err(Barred::Held(holder)) if !self.occupies(&holder).await? => {
                let free = CalledNumber { lock: None, ..known.clone() };
                Ok(number::look(&free, limits, now))
            }
            looked => Ok(looked),
        }
    }

    /// Whether an attempt still occupies anything.
    pub(super) async fn occupies(&self, attempt: &AttemptId) -> Result<bool, StoreError> {
        let found = self.stores.all_attempts().find_attempt(attempt).await?;
        Ok(found.is_some_and(|attempt| attempt.value.open_since.is_some()))
    }
}
