//! What campaigns keep of a person who is erased: their contacts go, what was noted of their number goes, and of the attempts to reach them
//! stays what is counted, under ids that nobody can guess by the number.

use serde_json::Value;
use sha2::{Digest, Sha256};
use vox_shared::ids::{AttemptId, CampaignId, ContactId, TenantId};
use vox_shared::phone::Number;
use vox_shared::wire::dialler::attempt::Carrier;

use super::Custodian;
use crate::auth::secret_token::hex;
use crate::campaign::proofs;
use crate::store::attempts::Attempt;
use crate::store::engine::MAX_PAGE;
use crate::store::{Cursor, Stamp, StoreError, Stored};

/// In the place of a number.
const ERASED: &str = "erased";
/// Characters of a hash that make an id.
const ID_CHARS: usize = 32;

impl Custodian {
    /// Erase a number from a tenant's campaigns; answers how many documents have to wait for a call to end. `erasure` is the erasure's id:
    /// with it the same attempt has the same new id, however often it is tried.
    pub(super) async fn erase_in_campaigns(
        &self,
        (erasure, tenant): (&str, &TenantId),
        number: &Number,
    ) -> Result<u64, StoreError> {
        // What is to be proved of the calls is written before it is forgotten whom they were to.
        if Box::pin(proofs::write_due(&self.stores, Stamp(self.clock.now()))).await? == proofs::Written::Some
        {
            return Ok(1);
        }
        let waiting = self.erase_contacts(tenant, number).await?
            + self.erase_attempts((erasure, tenant), number).await?;
        if waiting == 0 {
            self.stores.called_numbers(tenant).forget(number.as_str()).await?;
        }
        Ok(waiting)
    }

    /// All contacts are looked at: they are searched by no number.
    async fn erase_contacts(&self, tenant: &TenantId, number: &Number) -> Result<u64, StoreError> {
        let (mut waiting, mut after) = (0, None);
        loop {
            let page = self.stores.campaigns(tenant).list_campaigns(MAX_PAGE, after).await?;
            for campaign in page.items {
                if let Ok(id) = campaign.id.parse::<CampaignId>() {
                    waiting += self.erase_contacts_of(tenant, &id, number).await?;
                }
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(waiting);
            }
        }
    }

    async fn erase_contacts_of(
        &self,
        tenant: &TenantId,
        campaign: &CampaignId,
        number: &Number,
    ) -> Result<u64, StoreError> {
        let contacts = self.stores.contacts(tenant);
        let (mut waiting, mut after) = (0, None);
        loop {
            let page = contacts.list_contacts(campaign, MAX_PAGE, after).await?;
            let theirs = page.items.iter().filter(|contact| {
                contact.value.numbers.iter().any(|known| known.number.comparable() == *number)
            });
            for contact in theirs {
                match contacts.delete_contact(contact).await {
                    Ok(()) | Err(StoreError::NotFound) => {}
                    // A call to it is under way, or it was changed just now.
                    Err(StoreError::Conflict) => waiting += 1,
                    Err(error) => return Err(error),
                }
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(waiting);
            }
        }
    }

    async fn erase_attempts(
        &self,
        (erasure, tenant): (&str, &TenantId),
        number: &Number,
    ) -> Result<u64, StoreError> {
        let attempts = self.stores.attempts(tenant);
        let (mut waiting, mut after) = (0, None);
        loop {
            let page = attempts.list_to(number.as_str(), MAX_PAGE, after).await?;
            for attempt in page.items {
                if attempt.value.open_since.is_some() || attempt.value.result.is_none() {
                    waiting += 1;
                    continue;
                }
                let Some((id, counted)) = counted(erasure, &attempt) else { continue };
                match attempts.insert_attempt(&id, &counted).await {
                    Ok(()) | Err(StoreError::Duplicate) => {}
                    Err(error) => return Err(error),
                }
                attempts.delete_attempt(&attempt).await?;
            }
            after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
            if after.is_none() {
                return Ok(waiting);
            }
        }
    }
}

/// What is counted of an attempt, and nothing else of it.
fn counted(erasure: &str, attempt: &Stored<Attempt>) -> Option<(AttemptId, Attempt)> {
    let hash = hex(&Sha256::digest(format!("{erasure} {}", attempt.id)));
    let contact: ContactId = format!("{}_{}", ContactId::PREFIX, &hash[..ID_CHARS]).parse().ok()?;
    let id = format!("{contact}.{}", attempt.value.att).parse().ok()?;
    let mut counted = attempt.value.clone();
    counted.contact_id = contact;
    ERASED.clone_into(&mut counted.number);
    counted.proof = Value::Null;
    // It is written under the id that it had.
    counted.unproved_since = None;
    if let Some(word) = &mut counted.word {
        word.callback = None;
    }
    if let Some(ended) = &mut counted.ended {
        ended.carrier = Carrier { sip: ended.carrier.sip, q850: ended.carrier.q850, ..Carrier::default() };
    }
    Some((id, counted))
}
