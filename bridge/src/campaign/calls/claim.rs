//! A claim: whatever may keep the contact from being rung is looked at, then permits and a worker's slot are taken, then the contact, the
//! attempt and the number are written, each by compare-and-set. What fails undoes what came before it. Nothing is dialled by a claim, so one
//! that is broken off costs time alone: it ends by itself.

mod line;
mod told;

use jiff::SignedDuration;
use vox_shared::ids::{AttemptId, BotId, CampaignId, ContactId};
use vox_shared::wire::dialler::claim::{Claim, ClaimRequest, Claimed, Reason, Refused, Scope};
use vox_shared::wire::dialler::lease::Held;

use super::caller::Line;
use super::lines::{rooms, shown};
use super::{CallDesk, CallError, MAX_TRIES, attempt_id};
use crate::billing::budget::Budget;
use crate::bot::hours;
use crate::campaign::calendar::Rules;
use crate::campaign::clearance::{Cleared, Kept, keep_back, kept_by};
use crate::campaign::number::{self, Limits};
use crate::fleet::reserve::{ReserveError, Reserved, Wanted};
use crate::store::campaigns::{Campaign, CampaignState};
use crate::store::contacts::{Contact, ContactStatus};
use crate::store::numbers::{CalledNumber, Ring};
use crate::store::tenants::TenantStatus;
use crate::store::{Stamp, StoreError, Stored};

/// A claim that is not committed within this time is taken back.
pub(in crate::campaign) const CLAIM_FOR: SignedDuration = SignedDuration::from_secs(60);
/// How long the worker's slot is kept: the claim, and a worker's report that the call runs.
const SLOT_KEPT: SignedDuration = SignedDuration::from_secs(120);
/// When a campaign is asked for again whose tenant or bot may not call now.
const STOPPED_WAIT_MS: u64 = 60_000;
const NO_SLOT_WAIT_MS: u64 = 1_000;

/// Why a claim comes to nothing.
pub(super) enum Halt {
    Refused(Box<Refused>),
    Failed(CallError),
}

impl From<CallError> for Halt {
    fn from(error: CallError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

fn refused<T>(reason: Reason, scope: Scope) -> Result<T, Halt> {
    halt(Refused { reason, scope, retry_at: None, wait_ms: None, detail: String::new() })
}

fn waits<T>(reason: Reason, scope: Scope, (wait_ms, detail): (u64, String)) -> Result<T, Halt> {
    halt(Refused { reason, scope, retry_at: None, wait_ms: Some(wait_ms), detail })
}

fn halt<T>(refused: Refused) -> Result<T, Halt> {
    Err(Halt::Refused(Box::new(refused)))
}

/// What a call is made of before anything is written.
struct Plan<'a> {
    ask: &'a ClaimRequest,
    campaign: &'a Campaign,
    bot: BotId,
    cleared: Cleared,
    id: AttemptId,
    now: Stamp,
    /// Lines at once, while the outcomes of the first calls are waited for.
    first_calls: Option<u32>,
}

impl CallDesk {
    /// Claim a contact for a dialler.
    pub async fn claim(&self, ask: &ClaimRequest) -> Result<Claim, CallError> {
        match Box::pin(self.try_claim(ask)).await {
            Ok(claimed) => {
                self.metrics.campaigns().claimed();
                Ok(Claim::Claimed(Box::new(claimed)))
            }
            Err(Halt::Refused(refused)) => {
                self.metrics.campaigns().refused(refused.reason.as_str());
                Ok(Claim::Refused(*refused))
            }
            Err(Halt::Failed(error)) => Err(error),
        }
    }

    async fn try_claim(&self, ask: &ClaimRequest) -> Result<Claimed, Halt> {
        let campaign = self.campaign(&ask.campaign).await?.value;
        if campaign.state != CampaignState::Running || campaign.draining {
            return refused(Reason::Paused, Scope::Campaign);
        }
        let held = Held { campaign: ask.campaign.clone(), partition: ask.partition, epoch: ask.epoch };
        if !self.holds(&campaign, (&ask.worker, &held)).await? {
            return refused(Reason::Fenced, Scope::Lease);
        }
        let now = self.now();
        let contacts = self.stores.contacts(&campaign.tenant_id);
        let Some(mut contact) = contacts.find_contact(&ask.contact).await? else {
            return refused(Reason::Taken, Scope::Contact);
        };
        let value = &contact.value;
        let is_due = value.status == ContactStatus::Ready
            && value.next_at <= now
            && (!campaign.settings.previews() || value.is_let_through(now));
        if !is_due || value.campaign_id != ask.campaign || value.partition != ask.partition {
            return refused(Reason::Taken, Scope::Contact);
        }
        let first_calls = self.first_calls_left(ask, &campaign).await?;
        let bot = Box::pin(self.may_call((&ask.campaign, &campaign), value)).await?;
        let cleared = match self.scrub(&campaign, &mut contact.value, now).await? {
            Ok(cleared) => cleared,
            Err(kept) => return Box::pin(self.keep_back((&ask.campaign, &campaign), contact, kept)).await,
        };
        let id = attempt_id(&ask.contact, contact.value.att + 1);
        let plan = Plan { ask, campaign: &campaign, bot, cleared, id, now, first_calls };
        let line = self.take_a_line(&plan, &contact.value).await?;
        match Box::pin(self.with_line(&plan, contact, &line)).await {
            Ok(claimed) => Ok(claimed),
            Err(halt) => {
                if self.is_nobodys(&plan).await {
                    let mut left = rooms(&campaign.tenant_id, &ask.campaign, &line.trunk);
                    left.extend(shown(line.number.as_str()));
                    self.leave(&plan.id, left).await;
                }
                Err(halt)
            }
        }
    }

    /// Whether no claim has the contact under the id of this one. Another one at the same time has the same id, and so the same permits:
    /// whoever lost the contact to it leaves them. In doubt too, for they end by themselves.
    async fn is_nobodys(&self, plan: &Plan<'_>) -> bool {
        let found = self.stores.contacts(&plan.campaign.tenant_id).find_contact(&plan.ask.contact).await;
        found.is_ok_and(|found| found.is_none_or(|contact| !contact.value.is_of(&plan.id)))
    }

    /// Whether the tenant and the bot may call now; answers the bot.
    pub(super) async fn may_call(
        &self,
        (id, campaign): (&CampaignId, &Campaign),
        contact: &Contact,
    ) -> Result<BotId, Halt> {
        let stopped =
            |scope, why: &str| waits(Reason::TenantStopped, scope, (STOPPED_WAIT_MS, why.to_owned()));
        let tenant = &campaign.tenant_id;
        let known = self.memory.tenant(tenant).await?;
        let Some(known) = known.filter(|tenant| tenant.status == TenantStatus::Active) else {
            return stopped(Scope::Tenant, "the tenant is suspended");
        };
        if let Err(error) = self.gate.check(tenant, known.allowance.as_ref()).await {
            return stopped(Scope::Tenant, &error.to_string());
        }
        let (prompt, language) = (contact.prompt.as_deref(), contact.language.as_deref());
        let bot = campaign.settings.bot_for(prompt, language, &campaign.bot_id).clone();
        let known_bot = self.memory.bot(&bot).await?;
        let Some(known_bot) = known_bot.filter(|bot| bot.deleted_at.is_none()) else {
            return self.without_bot((id, campaign), &bot).await;
        };
        let settings = &known_bot.settings;
        if !settings.enabled {
            return stopped(Scope::Campaign, "the bot is disabled");
        }
        if let Err(error) = self.purse.check((tenant, &bot), &Budget::of(settings, &known.budget)).await {
            return stopped(Scope::Tenant, &error.to_string());
        }
        if !hours::open_at(&settings.active_hours, &hours::zone(&settings.timezone), self.clock.now()) {
            return stopped(Scope::Campaign, "the bot is outside of its active hours");
        }
        Ok(bot)
    }

    /// Without its bot a campaign cannot go on.
    async fn without_bot<T>(&self, (id, campaign): (&CampaignId, &Campaign), bot: &BotId) -> Result<T, Halt> {
        match self.stores.bots(&campaign.tenant_id).get_bot(bot).await {
            // It was restored a moment ago.
            Ok(_) => waits(Reason::TenantStopped, Scope::Campaign, (NO_SLOT_WAIT_MS, String::new())),
            Err(StoreError::NotFound) => {
                self.fail_for(id, "no_bot").await?;
                refused(Reason::Paused, Scope::Campaign)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Put the contact off, or end it, and say why it is not rung.
    pub(super) async fn keep_back<T>(
        &self,
        (id, campaign): (&CampaignId, &Campaign),
        mut contact: Stored<Contact>,
        kept: Kept,
    ) -> Result<T, Halt> {
        let calendar = self.memory.calendar(&campaign.tenant_id).await?;
        let rules = Rules { settings: &campaign.settings, calendar: &calendar };
        let reason = keep_back(&mut contact.value, rules, kept);
        let is_ready = contact.value.status == ContactStatus::Ready;
        let retry_at = is_ready.then_some(contact.value.next_at);
        contact.value.updated_at = self.now();
        let is_over = contact.value.status.is_terminal();
        match self.stores.contacts(&campaign.tenant_id).replace_contact(contact).await {
            Ok(_) if is_over => self.complete_if_done(id).await?,
            Ok(_) => {}
            Err(StoreError::Conflict) => return refused(Reason::Taken, Scope::Contact),
            Err(error) => return Err(error.into()),
        }
        halt(Refused {
            reason,
            scope: Scope::Contact,
            retry_at: retry_at.map(|at| at.0),
            wait_ms: None,
            detail: String::new(),
        })
    }

    /// With the permits taken: a worker's slot.
    async fn with_line(
        &self,
        plan: &Plan<'_>,
        contact: Stored<Contact>,
        line: &Line,
    ) -> Result<Claimed, Halt> {
        let wanted = Wanted { purpose: "campaign", ttl: SLOT_KEPT, spared: Vec::new() };
        let reserved = match self.fleet.reserve_one_of_many(&wanted).await {
            Ok(reserved) => reserved,
            Err(error @ (ReserveError::NoneFree | ReserveError::Busy)) => {
                return waits(Reason::NoSlots, Scope::Slots, (NO_SLOT_WAIT_MS, error.to_string()));
            }
            Err(ReserveError::Store(error)) => return Err(error.into()),
        };
        match Box::pin(self.with_slot(plan, contact, (line, &reserved))).await {
            Ok(claimed) => Ok(claimed),
            Err(halt) => {
                if let Err(error) = self.fleet.release(&reserved.id).await {
                    tracing::warn!(reservation.id = %reserved.id, %error, "a slot is kept until its time is over");
                }
                Err(halt)
            }
        }
    }

    /// With the slot taken: the contact, the attempt, and the number at last.
    async fn with_slot(
        &self,
        plan: &Plan<'_>,
        mut contact: Stored<Contact>,
        (line, reserved): (&Line, &Reserved),
    ) -> Result<Claimed, Halt> {
        let Plan { ask, campaign, id, .. } = plan;
        contact.value.att += 1;
        contact.value.hold(ContactStatus::Claimed, id.clone(), ask.epoch);
        let ends_at = plan.now + CLAIM_FOR;
        contact.value.claim_ends_at = Some(ends_at);
        contact.value.updated_at = plan.now;
        let contact = match self.stores.contacts(&campaign.tenant_id).replace_contact(contact).await {
            Ok(contact) => contact,
            Err(StoreError::Conflict) => return refused(Reason::Taken, Scope::Contact),
            Err(error) => return Err(error.into()),
        };
        let attempt = told::attempt(plan, &contact.value, (line, reserved), ends_at);
        match self.stores.attempts(&campaign.tenant_id).insert_attempt(id, &attempt).await {
            Ok(()) => {}
            Err(StoreError::Duplicate) => {
                // Of whoever was erased and is on the list anew: the next claim takes the number behind it.
                let tried = (&ask.contact, id);
                Box::pin(self.put_back_unclaimed(tried, &campaign.tenant_id)).await?;
                return refused(Reason::Taken, Scope::Contact);
            }
            Err(error) => return Err(error.into()),
        }
        if let Err(kept) = self.lock(plan, &attempt.number).await? {
            let Kept::Until(at, reason) = kept else { return refused(Reason::Blocked, Scope::Contact) };
            Box::pin(self.step_back(plan, at, reason)).await?;
            return halt(Refused {
                reason,
                scope: Scope::Contact,
                retry_at: Some(at.0),
                wait_ms: None,
                detail: String::new(),
            });
        }
        Ok(told::claimed(plan, &contact.value, (&attempt, reserved)))
    }

    /// The number is this attempt's from now on, if nobody rings it and it is under its caps.
    async fn lock(&self, plan: &Plan<'_>, e164: &str) -> Result<Result<(), Kept>, StoreError> {
        let numbers = self.stores.called_numbers(&plan.campaign.tenant_id);
        let ring = || Ring {
            attempt: plan.id.clone(),
            campaign: plan.ask.campaign.clone(),
            at: plan.now,
            result: None,
        };
        for _ in 0..MAX_TRIES {
            let found = numbers.find_number(e164).await?;
            let written = match found {
                None => {
                    let mut first = CalledNumber::new(plan.campaign.tenant_id.clone(), plan.now);
                    number::lock(&mut first, ring(), plan.now);
                    numbers.insert_number(e164, &first).await
                }
                Some(mut known) => {
                    let limits: Limits = plan.cleared.limits;
                    if let Err(barred) = self.barred(&known.value, limits, plan.now).await? {
                        return Ok(Err(kept_by(&barred, plan.now)));
                    }
                    number::lock(&mut known.value, ring(), plan.now);
                    numbers.replace_number(known).await
                }
            };
            match written {
                Ok(()) => return Ok(Ok(())),
                Err(StoreError::Conflict | StoreError::Duplicate) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Err(Kept::Until(plan.now + SignedDuration::from_secs(1), Reason::NumberBusy)))
    }

    /// Somebody was faster with the number: the contact is as it was, and the attempt was none.
    async fn step_back(&self, plan: &Plan<'_>, until: Stamp, reason: Reason) -> Result<(), CallError> {
        let aborted = self.abort_claim(&plan.id, plan.ask.epoch, reason.as_str()).await?;
        if aborted {
            self.put_back((&plan.ask.contact, &plan.id), (until, reason.as_str())).await?;
        }
        Ok(())
    }

    /// A contact that an attempt let go of is ready from then on.
    pub(super) async fn put_back(
        &self,
        (contact, attempt): (&ContactId, &AttemptId),
        (until, why): (Stamp, &str),
    ) -> Result<(), CallError> {
        let found = self.stores.all_attempts().find_attempt(attempt).await?;
        let Some(tenant) = found.map(|attempt| attempt.value.tenant_id) else { return Ok(()) };
        let contacts = self.stores.contacts(&tenant);
        for _ in 0..MAX_TRIES {
            let Some(mut found) = contacts.find_contact(contact).await? else { return Ok(()) };
            if !found.value.is_of(attempt) {
                return Ok(());
            }
            let class = found.value.class;
            found.value.ready(class, until);
            found.value.reason = Some(why.to_owned());
            match contacts.replace_contact(found).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(drop)?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}
