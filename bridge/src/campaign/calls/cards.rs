//! Campaigns of the mode `preview`: a person gets one contact after another as a card, and lets its call through or skips it. A card is
//! somebody's by the contact's own compare-and-set, so two people never have the same one; unanswered, it goes back by itself when its time
//! is over. What was let through the dialler claims as it does all others, and so everything is looked at once more before it rings.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use serde_json::{Value, json};
use vox_shared::ids::{CampaignId, ContactId, TenantId};

use super::claim::Halt;
use super::{CallDesk, CallError, MAX_TRIES};
use crate::campaign::calendar::Rules;
use crate::campaign::retry::at_first_open;
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::contacts::{Contact, ContactStatus, lane};
use crate::store::events::Event;
use crate::store::{Stamp, StoreError, Stored};

/// A contact that was let through is dialled within this time, or becomes a card anew: whoever let it through waits for the call now.
const DIALLED_WITHIN: SignedDuration = SignedDuration::from_secs(60);
/// A contact that was skipped is behind the others, and not shown for so long.
const BEHIND_FOR: SignedDuration = SignedDuration::from_mins(5);
/// Contacts of each partition that are looked at together.
const EACH: usize = 16;
/// Partitions that are asked at once.
const AT_ONCE: usize = 8;
/// Contacts that are looked at for one card: those who may not be called are put off on the way.
const MOST: usize = 200;

/// What somebody gets who asks for the next card.
#[derive(Clone, Debug)]
pub enum Next {
    Card(Box<Stored<Contact>>),
    Nothing(Nothing),
}

/// Why there is no card now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nothing {
    /// A word, see `docs/campaigns.md`.
    pub reason: &'static str,
    pub detail: String,
    /// When there may be one.
    pub next_at: Option<Stamp>,
}

/// Why a card is not given, or not answered.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    #[error("the campaign calls without anybody's word: only one whose `pacing.mode` is `preview` has cards")]
    NotPreview,
    #[error("the campaign begins no calls now: it is {0}")]
    NotRunning(&'static str),
    #[error("the card is not yours, or its time is over: ask for the next one")]
    NotYours,
    #[error("the contact may not be called now: {0}")]
    MayNotBeCalled(&'static str),
    #[error(transparent)]
    Call(#[from] CallError),
}

impl From<StoreError> for CardError {
    fn from(error: StoreError) -> Self {
        Self::Call(error.into())
    }
}

/// What became of a contact that was looked at for a card.
enum Looked {
    Card(Box<Stored<Contact>>),
    /// It may not be called, or somebody else was faster.
    Not,
    /// Nobody of the campaign's may be called now.
    Stopped(Nothing),
}

impl CallDesk {
    /// The next card of a campaign: the one that `by` has already, or else the first contact that may be called now.
    pub async fn next_card(
        &self,
        (tenant, id): (&TenantId, &CampaignId),
        by: &str,
    ) -> Result<Next, CardError> {
        let campaign = self.previewed(tenant, id).await?;
        let contacts = self.stores.contacts(tenant);
        if let Some(theirs) = contacts.card_of((id, by), self.now()).await? {
            return Ok(Next::Card(Box::new(theirs)));
        }
        let mut looked_at = 0;
        while looked_at < MOST {
            let due = self.due_for_cards(id, &campaign).await?;
            if due.is_empty() {
                let first = contacts.first_ready(id).await?;
                let (reason, detail) = match first {
                    Some(_) => ("waiting", "nobody's time has come, or others look at those whose has"),
                    None => ("list", "nobody is left who is not called already"),
                };
                let next_at = first.map(|first| first.value.next_at);
                return Ok(Next::Nothing(Nothing { reason, detail: detail.to_owned(), next_at }));
            }
            for contact in due {
                looked_at += 1;
                match Box::pin(self.look_at_card((id, &campaign), contact, by)).await? {
                    Looked::Card(card) => return Ok(Next::Card(card)),
                    Looked::Not => {}
                    Looked::Stopped(nothing) => return Ok(Next::Nothing(nothing)),
                }
            }
        }
        let detail = "many contacts may not be called now and were put off: ask again".to_owned();
        Ok(Next::Nothing(Nothing { reason: "looking", detail, next_at: None }))
    }

    /// Let the call of a card through: it is dialled now. Said twice, it is dialled once.
    pub async fn accept_card(
        &self,
        (tenant, id): (&TenantId, &CampaignId),
        (contact, by): (&ContactId, &str),
    ) -> Result<Stored<Contact>, CardError> {
        let campaign = self.previewed(tenant, id).await?;
        for _ in 0..MAX_TRIES {
            let now = self.now();
            let mut card = self.card((tenant, id), (contact, by)).await?;
            if !card.value.is_let_through(now) {
                if let Err(kept) = self.scrub(&campaign, &mut card.value, now).await? {
                    let halted = Box::pin(self.keep_back::<()>((id, &campaign), card, kept)).await;
                    return Err(match halted {
                        Err(Halt::Failed(error)) => error.into(),
                        Err(Halt::Refused(refused)) => CardError::MayNotBeCalled(refused.reason.as_str()),
                        Ok(()) => CardError::NotYours,
                    });
                }
                card.value.let_through(by, (now, now + DIALLED_WITHIN));
                card.value.updated_at = now;
                card = match self.stores.contacts(tenant).replace_contact(card).await {
                    Ok(written) => written,
                    Err(StoreError::Conflict) => continue,
                    Err(error) => return Err(error.into()),
                };
            }
            let until = card.value.card.as_ref().map(|card| card.until);
            let data = json!({"campaign_id": id, "contact_id": contact, "by": by, "dialled_until": until});
            self.tell_card(tenant, ("campaign.card_accepted", data), (contact, until.unwrap_or(now))).await?;
            return Ok(card);
        }
        Err(StoreError::Conflict.into())
    }

    /// Put a card behind the others, or, when it was skipped often enough, aside for a person.
    pub async fn skip_card(
        &self,
        (tenant, id): (&TenantId, &CampaignId),
        (contact, by): (&ContactId, &str),
    ) -> Result<Stored<Contact>, CardError> {
        let campaign = self.previewed(tenant, id).await?;
        let calendar = self.memory.calendar(tenant).await?;
        let rules = Rules { settings: &campaign.settings, calendar: &calendar };
        for _ in 0..MAX_TRIES {
            let now = self.now();
            let mut card = self.card((tenant, id), (contact, by)).await?;
            if card.value.is_let_through(now) {
                return Err(CardError::NotYours);
            }
            let value = &mut card.value;
            value.skips += 1;
            if value.skips > campaign.settings.preview.skips {
                value.end(ContactStatus::Review, Some("skipped".into()));
            } else {
                let class = value.class;
                value.reason = Some("skipped".into());
                at_first_open(value, rules, (class, now + BEHIND_FOR));
            }
            value.updated_at = now;
            let written = match self.stores.contacts(tenant).replace_contact(card).await {
                Ok(written) => written,
                Err(StoreError::Conflict) => continue,
                Err(error) => return Err(error.into()),
            };
            let Contact { skips, status, .. } = &written.value;
            let data = json!({
                "campaign_id": id, "contact_id": contact, "by": by, "skips": skips, "status": status,
            });
            self.tell_card(tenant, ("campaign.card_skipped", data), (contact, now)).await?;
            if written.value.status.is_terminal() {
                Box::pin(self.complete_if_done(id)).await?;
            }
            return Ok(written);
        }
        Err(StoreError::Conflict.into())
    }

    /// A campaign of the tenant's that has cards now.
    async fn previewed(&self, tenant: &TenantId, id: &CampaignId) -> Result<Campaign, CardError> {
        let campaign = self.stores.campaigns(tenant).get_campaign(id).await?.value;
        if !campaign.settings.previews() {
            return Err(CardError::NotPreview);
        }
        match campaign.state {
            CampaignState::Running if campaign.draining => Err(CardError::NotRunning("draining")),
            CampaignState::Running => Ok(campaign),
            state => Err(CardError::NotRunning(state.as_str())),
        }
    }

    /// The card, if it is theirs and its time is not over.
    async fn card(
        &self,
        (tenant, id): (&TenantId, &CampaignId),
        (contact, by): (&ContactId, &str),
    ) -> Result<Stored<Contact>, CardError> {
        let (found, now) = (self.stores.contacts(tenant).find_contact(contact).await?, self.now());
        let is_theirs = |contact: &Contact| {
            let card = contact.card.as_ref().filter(|card| card.by == by && now < card.until);
            contact.campaign_id == *id && contact.status == ContactStatus::Ready && card.is_some()
        };
        found.filter(|found| is_theirs(&found.value)).ok_or(CardError::NotYours)
    }

    /// Those whose time has come and whom nobody let through, what comes first before the rest.
    async fn due_for_cards(
        &self,
        id: &CampaignId,
        campaign: &Campaign,
    ) -> Result<Vec<Stored<Contact>>, StoreError> {
        let (contacts, now) = (&self.stores.contacts(&campaign.tenant_id), self.now());
        let pages: Vec<Vec<Stored<Contact>>> = stream::iter(0..campaign.partitions)
            .map(|partition| async move { contacts.due((id, partition), now, EACH).await })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut due: Vec<Stored<Contact>> =
            pages.into_iter().flatten().filter(|contact| !contact.value.is_let_through(now)).collect();
        due.sort_by_cached_key(|contact| {
            let value = &contact.value;
            (lane(value.class, value.prio), value.next_at, contact.id.clone())
        });
        Ok(due)
    }

    /// Give a contact to somebody, if it may be called now.
    async fn look_at_card(
        &self,
        (id, campaign): (&CampaignId, &Campaign),
        mut contact: Stored<Contact>,
        by: &str,
    ) -> Result<Looked, CardError> {
        match Box::pin(self.may_call((id, campaign), &contact.value)).await {
            Ok(_) => {}
            Err(Halt::Failed(error)) => return Err(error.into()),
            Err(Halt::Refused(refused)) => {
                let wait = i64::try_from(refused.wait_ms.unwrap_or_default()).unwrap_or_default();
                let next_at = Some(self.now() + SignedDuration::from_millis(wait));
                let (reason, detail) = (refused.reason.as_str(), refused.detail);
                return Ok(Looked::Stopped(Nothing { reason, detail, next_at }));
            }
        }
        let now = self.now();
        if let Err(kept) = self.scrub(campaign, &mut contact.value, now).await? {
            return match Box::pin(self.keep_back::<()>((id, campaign), contact, kept)).await {
                Err(Halt::Failed(error)) => Err(error.into()),
                Ok(()) | Err(Halt::Refused(_)) => Ok(Looked::Not),
            };
        }
        let card_for = SignedDuration::from_secs(campaign.settings.preview.card_secs.into());
        contact.value.show(by, now + card_for);
        contact.value.updated_at = now;
        match self.stores.contacts(&campaign.tenant_id).replace_contact(contact).await {
            Ok(card) => Ok(Looked::Card(Box::new(card))),
            Err(StoreError::Conflict) => Ok(Looked::Not),
            Err(error) => Err(error.into()),
        }
    }

    /// Tell what somebody did with a card: once.
    async fn tell_card(
        &self,
        tenant: &TenantId,
        (event, data): (&str, Value),
        (contact, at): (&ContactId, Stamp),
    ) -> Result<(), StoreError> {
        let once = Event::id_of(&format!("{event} {contact} {at}")).to_string();
        let event = Event::of_tenant(tenant, event, data, self.now());
        self.stores.all_events().insert_events(vec![(once, event)]).await?;
        self.stored.notify_one();
        Ok(())
    }
}
