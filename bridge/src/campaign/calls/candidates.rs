//! Whom to ring next. What is told here is looked at again by the claim; what is left out is put off in bulk, so that nobody whose clock
//! says no stands in the way of those behind.

use jiff::SignedDuration;
use vox_shared::ids::ContactId;
use vox_shared::wire::dialler::{Candidate, Candidates, CandidatesRequest, MAX_CANDIDATES};

use super::{CallDesk, CallError};
use crate::campaign::calendar::Rules;
use crate::campaign::retry::callee;
use crate::campaign::windows::{Opening, Shut, look};
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::contacts::{Contact, ContactStatus};
use crate::store::{Stamp, StoreError, Stored};

/// A window that closes within this time makes its contact more urgent.
const CLOSING: SignedDuration = SignedDuration::from_mins(45);
const CLOSING_CLASS: u32 = 1;
/// Looks at a partition of which all that are due have to be put off.
const MAX_LOOKS: usize = 5;

/// What the clock says of a contact.
enum Seen {
    Due(Candidate),
    Later(Stamp, Shut),
    /// Not any more.
    Expired,
}

impl CallDesk {
    /// The first to be rung of some partitions.
    pub async fn candidates(&self, ask: &CandidatesRequest) -> Result<Candidates, CallError> {
        let campaign = self.campaign(&ask.campaign).await?.value;
        if campaign.state != CampaignState::Running || campaign.draining {
            return Ok(Candidates::default());
        }
        let limit = ask.limit.clamp(1, MAX_CANDIDATES);
        let mut found = Vec::new();
        for partition in &ask.partitions {
            for _ in 0..MAX_LOOKS {
                let (candidates, put_off) =
                    Box::pin(self.look_at((ask, *partition), &campaign, limit)).await?;
                let is_enough = !candidates.is_empty() || put_off == 0;
                found.extend(candidates);
                if is_enough {
                    break;
                }
            }
        }
        found.sort_by(|one, other| order(one).cmp(&order(other)));
        found.truncate(limit);
        Ok(Candidates { contacts: found })
    }

    /// Those of a partition that are due, and how many were put off.
    async fn look_at(
        &self,
        (ask, partition): (&CandidatesRequest, u32),
        campaign: &Campaign,
        limit: usize,
    ) -> Result<(Vec<Candidate>, usize), CallError> {
        let now = self.now();
        let contacts = self.stores.contacts(&campaign.tenant_id);
        let (mut due, mut later) = (Vec::new(), Vec::new());
        let calendar = self.memory.calendar(&campaign.tenant_id).await?;
        let rules = Rules { settings: &campaign.settings, calendar: &calendar };
        let (mut ended, mut put_back) = (0, 0);
        let (of, previews) = ((&ask.campaign, partition), campaign.settings.previews());
        let found = match previews {
            true => contacts.due_let_through(of, now, limit).await?,
            false => contacts.due(of, now, limit).await?,
        };
        for contact in found {
            if previews && !contact.value.is_let_through(now) {
                // Nobody dialled it in time.
                put_back += usize::from(self.card_again(contact, (now, None)).await?);
                continue;
            }
            match see(&contact, rules, now) {
                Some(Seen::Due(candidate)) => due.push(candidate),
                Some(Seen::Later(at, why)) if previews => {
                    put_back += usize::from(self.card_again(contact, (at, Some(why.as_str()))).await?);
                }
                Some(Seen::Later(at, why)) => later.push((contact, at, why.as_str().to_owned())),
                Some(Seen::Expired) => {
                    self.end_unrung(contact, ContactStatus::Done, "expired").await?;
                    ended += 1;
                }
                // What is wrong is told by the claim, which ends it.
                None => due.extend(candidate(&contact, None, now)),
            }
        }
        if ended > 0 {
            Box::pin(self.complete_if_done(&ask.campaign)).await?;
        }
        let put_off = if later.is_empty() { 0 } else { contacts.put_off(later).await? };
        Ok((due, put_off + put_back + ended))
    }

    /// A contact that somebody let through goes back, as it was read: it becomes a card anew from then on.
    async fn card_again(
        &self,
        mut contact: Stored<Contact>,
        (at, why): (Stamp, Option<&str>),
    ) -> Result<bool, StoreError> {
        let (class, tenant) = (contact.value.class, contact.value.tenant_id.clone());
        contact.value.ready(class, at);
        contact.value.reason = why.map(str::to_owned);
        contact.value.updated_at = self.now();
        match self.stores.contacts(&tenant).replace_contact(contact).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A contact that will not be rung any more, as it was read.
    pub(super) async fn end_unrung(
        &self,
        mut contact: Stored<Contact>,
        status: ContactStatus,
        reason: &str,
    ) -> Result<bool, StoreError> {
        contact.value.end(status, Some(reason.to_owned()));
        contact.value.updated_at = self.now();
        let tenant = contact.value.tenant_id.clone();
        match self.stores.contacts(&tenant).replace_contact(contact).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn see(contact: &Stored<Contact>, rules: Rules<'_>, now: Stamp) -> Option<Seen> {
    if contact.value.expires_at.is_some_and(|at| at <= now) {
        return Some(Seen::Expired);
    }
    match look(rules.times(), callee(&contact.value)?, now.0) {
        Opening::Open { until } => candidate(contact, Some(Stamp(until)), now).map(Seen::Due),
        Opening::Closed { next, why } => Some(Seen::Later(Stamp(next), why)),
        Opening::Never | Opening::ZoneUnknown | Opening::NeedsApproval => None,
    }
}

fn candidate(contact: &Stored<Contact>, until: Option<Stamp>, now: Stamp) -> Option<Candidate> {
    let value = &contact.value;
    let closes_at = [until, value.expires_at].into_iter().flatten().min();
    let closes_soon = closes_at.is_some_and(|at| at <= now + CLOSING);
    let class = value.class.number();
    Some(Candidate {
        id: contact.id.parse::<ContactId>().ok()?,
        partition: value.partition,
        class: if closes_soon { class.min(CLOSING_CLASS) } else { class },
        closes_at: closes_at.map(|at| at.0),
        prio: value.prio,
        next_at: value.next_at.0,
    })
}

/// By class, then by what closes first, then by what is more urgent, then by what has waited longest.
fn order(of: &Candidate) -> impl Ord + use<'_> {
    let closes_at = of.closes_at.unwrap_or(jiff::Timestamp::MAX);
    (of.class, closes_at, std::cmp::Reverse(of.prio), of.next_at, &of.id)
}
