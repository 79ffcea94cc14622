//! Those that are ready, in the order in which they are rung, and those with an attempt under way.

use std::ops::Range;

use vox_shared::ids::CampaignId;

use super::contact::{Contact, ContactStatus, let_through_lanes};
use super::{
    BY_CARD, BY_HOLDER, BY_LANE, CAMPAIGN_ID, CARD_BY, Contacts, HELD_EPOCH, LANE, NEXT_AT, PARTITION,
    REASON, STATUS,
};
use crate::store::documents::{StoreError, Stored};
use crate::store::engine::{Amendment, Filter, Update};
use crate::store::stamp::Stamp;

/// Lanes that are looked at one by one; of a list with more of them the rest is read in one go.
const LANES_EACH: usize = 16;

impl Contacts {
    /// Those of a campaign that are due in a partition, the first lane first, and there those that have waited longest.
    pub async fn due(
        &self,
        (campaign, partition): (&CampaignId, u32),
        now: Stamp,
        limit: usize,
    ) -> Result<Vec<Stored<Contact>>, StoreError> {
        self.due_in((campaign, partition), (0..u32::MAX, now), limit).await
    }

    /// Of those, the ones that a person let through, now or some time ago.
    pub async fn due_let_through(
        &self,
        (campaign, partition): (&CampaignId, u32),
        now: Stamp,
        limit: usize,
    ) -> Result<Vec<Stored<Contact>>, StoreError> {
        self.due_in((campaign, partition), (let_through_lanes(), now), limit).await
    }

    async fn due_in(
        &self,
        (campaign, partition): (&CampaignId, u32),
        (lanes, now): (Range<u32>, Stamp),
        limit: usize,
    ) -> Result<Vec<Stored<Contact>>, StoreError> {
        let ready = || self.0.query(BY_LANE).equals(CAMPAIGN_ID, campaign).equals(PARTITION, partition);
        let (mut due, mut from) = (Vec::new(), lanes.start);
        for _ in 0..LANES_EACH {
            // Few lanes are in use: the next one is found by its first contact, past all whose time has not come.
            let Some(first) = self.0.first(ready().from(LANE, from)).await? else { return Ok(due) };
            let Some(lane) = first.value.lane.filter(|lane| lanes.contains(lane)) else { return Ok(due) };
            if first.value.next_at <= now {
                let query = ready().equals(LANE, lane).below(NEXT_AT, now.next());
                due.extend(self.0.list(query.limit(limit - due.len())).await?.items);
            }
            if due.len() >= limit {
                return Ok(due);
            }
            from = lane + 1;
        }
        // A list of hundreds of priorities: one read in the order of the index, whatever it has to pass by.
        let rest = ready().from(LANE, from).below(LANE, lanes.end).filter(Filter::below(NEXT_AT, now.next()));
        due.extend(self.0.list(rest.limit(limit - due.len())).await?.items);
        Ok(due)
    }

    /// The card that somebody has in a campaign and has not answered yet.
    pub async fn card_of(
        &self,
        (campaign, by): (&CampaignId, &str),
        now: Stamp,
    ) -> Result<Option<Stored<Contact>>, StoreError> {
        let theirs = self.0.query(BY_CARD).equals(CAMPAIGN_ID, campaign).equals(CARD_BY, by);
        self.0.first(theirs.from(NEXT_AT, now.next())).await
    }

    /// Those of a partition with an attempt under way whose epoch is below this one.
    pub async fn held_below(
        &self,
        (campaign, partition): (&CampaignId, u32),
        epoch: u32,
        limit: usize,
    ) -> Result<Vec<Stored<Contact>>, StoreError> {
        let held = self.0.query(BY_HOLDER).equals(CAMPAIGN_ID, campaign).equals(PARTITION, partition);
        Ok(self.0.list(held.below(HELD_EPOCH, epoch).limit(limit)).await?.items)
    }

    /// Put contacts off that are still as they were read; answers how many.
    pub async fn put_off(
        &self,
        contacts: Vec<(Stored<Contact>, Stamp, String)>,
    ) -> Result<usize, StoreError> {
        let amend = |(contact, until, reason): (Stored<Contact>, Stamp, String)| {
            Amendment::of(contact.id, Update::default().set(NEXT_AT, until).set(REASON, reason))
                .when(Filter::is(STATUS, ContactStatus::Ready))
                .when(Filter::is(NEXT_AT, contact.value.next_at))
        };
        self.0.update_many(contacts.into_iter().map(amend).collect()).await
    }
}
