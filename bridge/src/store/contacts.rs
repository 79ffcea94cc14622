//! Whom campaigns ring. A contact's status is changed by compare-and-set alone, and while an attempt is under way by nobody who does not
//! carry its epoch.

mod contact;
mod queue;
mod run;

use std::sync::Arc;

use vox_shared::ids::{AttemptId, CampaignId, ContactId, TenantId};

pub use contact::{
    Card, Class, ConsentRecord, Contact, ContactNumber, ContactStatus, MAX_NUMBERS, MAX_PRIO, Written, lane,
};

use super::SWEPT;
use super::documents::{Documents, Listed, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Filter, Index, Integer, Query, Text, Update};
use super::stamp::Stamp;
use crate::field;

const BY_STATUS: &str = "by_status";
const BY_AGE: &str = "by_age";
const BY_LANE: &str = "by_lane";
const BY_HOLDER: &str = "by_holder";
const BY_CARD: &str = "by_card";

const CAMPAIGN_ID: Field<Text> = field!(Contact => campaign_id: Text);
const PARTITION: Field<Integer> = field!(Contact => partition: Integer);
const STATUS: Field<Text> = field!(Contact => status: Text);
const LANE: Field<Integer> = field!(Contact => lane: Integer);
const NEXT_AT: Field<Text> = field!(Contact => next_at: Text);
const CREATED_AT: Field<Text> = field!(Contact => created_at: Text);
const HELD_EPOCH: Field<Integer> = field!(Contact => held_epoch: Integer);
const ATTEMPT: Field<Text> = field!(Contact => attempt: Text);
const REASON: Field<Text> = field!(Contact => reason: Text);
const CARD_BY: Field<Text> = field!(Contact => card / Card => by: Text);

pub static CONTACTS: Collection = Collection {
    name: "contacts",
    indexes: &[
        Index::ordered(BY_STATUS, &[TENANT.place(), CAMPAIGN_ID.place(), STATUS.place(), NEXT_AT.place()]),
        Index::ordered(BY_AGE, &[TENANT.place(), CAMPAIGN_ID.place(), CREATED_AT.place()]),
        // The candidates: those that are ready, by what comes first and since when.
        Index::sparse_by(
            BY_LANE,
            &[TENANT.place(), CAMPAIGN_ID.place(), PARTITION.place(), LANE.place(), NEXT_AT.place()],
            LANE.place(),
        ),
        // Those with an attempt under way, by whose it is.
        Index::sparse(
            BY_HOLDER,
            &[TENANT.place(), CAMPAIGN_ID.place(), PARTITION.place(), HELD_EPOCH.place()],
        ),
        // Those that somebody looks at, by who and until when.
        Index::sparse_by(
            BY_CARD,
            &[TENANT.place(), CAMPAIGN_ID.place(), CARD_BY.place(), NEXT_AT.place()],
            CARD_BY.place(),
        ),
    ],
    fields: &[ATTEMPT.place(), REASON.place()],
    steps: &[],
};

/// The contacts of one tenant.
pub struct Contacts(Scoped<Contact>);

impl Contacts {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &CONTACTS), tenant))
    }

    /// Store those that are not there yet; answers the ids of those that are.
    pub async fn insert_contacts(
        &self,
        contacts: Vec<(ContactId, Contact)>,
    ) -> Result<Vec<String>, StoreError> {
        self.0
            .insert_many(contacts.into_iter().map(|(id, contact)| (id.to_string(), contact)).collect())
            .await
    }

    pub async fn find_contact(&self, id: &ContactId) -> Result<Option<Stored<Contact>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    /// Write back what was read; [`StoreError::Conflict`] if it was changed since.
    pub async fn replace_contact(&self, contact: Stored<Contact>) -> Result<Stored<Contact>, StoreError> {
        self.0.replace(contact).await
    }

    /// Delete it, if nothing is under way and nobody changed it.
    pub async fn delete_contact(&self, contact: &Stored<Contact>) -> Result<(), StoreError> {
        match contact.value.attempt {
            Some(_) => Err(StoreError::Conflict),
            None => self.0.delete(&contact.id, contact.version).await,
        }
    }

    /// The claim becomes a dial, if it is still this attempt's under this epoch; `false` when it is not.
    pub async fn mark_dialing(
        &self,
        id: &ContactId,
        (attempt, epoch): (&AttemptId, u32),
    ) -> Result<bool, StoreError> {
        let filters = vec![
            Filter::is(STATUS, ContactStatus::Claimed),
            Filter::is(ATTEMPT, attempt),
            Filter::is(HELD_EPOCH, epoch),
        ];
        let update = Update::default().set(STATUS, ContactStatus::Dialing);
        Ok(self.0.update(id.as_str(), filters, update).await?.is_some())
    }

    /// Whether any contact of a campaign is in this status.
    pub async fn has_any(&self, campaign: &CampaignId, status: ContactStatus) -> Result<bool, StoreError> {
        Ok(self.0.first(self.in_status(campaign, status)).await?.is_some())
    }

    /// How many of a campaign are in a status.
    pub async fn count_in(&self, campaign: &CampaignId, status: ContactStatus) -> Result<u64, StoreError> {
        self.0.count(self.in_status(campaign, status)).await
    }

    /// How many are due in a campaign, whatever their partition and window.
    pub async fn count_due(&self, campaign: &CampaignId, now: Stamp) -> Result<u64, StoreError> {
        self.0.count(self.in_status(campaign, ContactStatus::Ready).below(NEXT_AT, now.next())).await
    }

    /// Of those that are ready, the first to be due.
    pub async fn first_ready(&self, campaign: &CampaignId) -> Result<Option<Stored<Contact>>, StoreError> {
        self.0.first(self.in_status(campaign, ContactStatus::Ready)).await
    }

    /// Of a campaign, in the order in which they were added.
    pub async fn list_contacts(
        &self,
        campaign: &CampaignId,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Contact>, StoreError> {
        self.0.list(self.0.query(BY_AGE).equals(CAMPAIGN_ID, campaign).limit(limit).after(after)).await
    }

    /// Of a campaign and in a status, by when they are due.
    pub async fn list_in(
        &self,
        (campaign, status): (&CampaignId, ContactStatus),
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Contact>, StoreError> {
        self.0.list(self.in_status(campaign, status).limit(limit).after(after)).await
    }

    /// Remove some of a campaign's; answers how many: fewer than [`SWEPT`] means that none is left.
    pub async fn remove_some(&self, campaign: &CampaignId) -> Result<usize, StoreError> {
        self.0.delete_many(self.0.query(BY_AGE).equals(CAMPAIGN_ID, campaign).limit(SWEPT)).await
    }

    fn in_status(&self, campaign: &CampaignId, status: ContactStatus) -> Query {
        self.0.query(BY_STATUS).equals(CAMPAIGN_ID, campaign).equals(STATUS, status)
    }
}
