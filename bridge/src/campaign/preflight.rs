//! Before a campaign begins: what would be in its way, who will be called when, who will not and why, and how long it will take.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp, Unit};
use serde::Serialize;
use utoipa::ToSchema;
use vox_shared::ids::{CampaignId, TenantId};

use super::calendar::Rules;
use super::figures::{Expectation, Figures};
use super::settings::{Mode, Settings};
use super::why::{Facts, Standing, next_number, standing};
use super::windows::{Callee, Opening, look};
use crate::store::campaigns::Campaign;
use crate::store::contacts::{Contact, ContactStatus};
use crate::store::engine::MAX_PAGE;
use crate::store::tenants::TenantStatus;
use crate::store::{Cursor, Stamp, StoreError, Stored, Stores};

/// Contacts that are looked at; of longer lists the rest is taken to be like them.
const LOOKED_AT: u64 = 20_000;
/// Contacts that are looked up at once.
const AT_ONCE: usize = 16;
/// Turns from open to closed that are followed, to find the end.
const MAX_TURNS: usize = 400;
/// How far usage is looked back at for what a minute costs.
const PRICED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is in a campaign's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CampaignBlocker)]
pub struct Blocker {
    /// A word, see `docs/campaigns.md`.
    pub code: &'static str,
    /// What to do.
    pub detail: String,
}

/// What a campaign would do if it began now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Preflight {
    /// Whether it may begin.
    pub ready: bool,
    pub blockers: Vec<Blocker>,
    /// Contacts that are not done or blocked.
    pub contacts: u64,
    /// Of them, those that were looked at for the figures below: the first 20,000.
    pub looked_at: u64,
    /// They would be called now, as far as there are lines.
    pub called_now: u64,
    pub called_later: u64,
    /// When the later ones may be called first, by hours.
    pub by_hour: Vec<HourCount>,
    /// Why they are not called now, by reason.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    pub later: BTreeMap<&'static str, u64>,
    /// They would not be called, by reason.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    pub skipped: BTreeMap<&'static str, u64>,
    pub expected: Expected,
}

/// Contacts of an hour.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HourCount {
    /// RFC 3339, UTC.
    #[schema(value_type = String)]
    pub from: Timestamp,
    pub contacts: u64,
}

/// How long it will take, without the waits between attempts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CampaignExpected)]
pub struct Expected {
    /// Whether shares and lengths are the campaign's own; else the usual ones, of a hundred dials 25 people and 30 machines.
    pub measured: bool,
    pub attempts: u64,
    /// Calls that people answer.
    pub answers: u64,
    /// Minutes that they talk.
    pub talk_minutes: u64,
    /// RFC 3339, UTC; null when it is more than a year ahead, or nobody can be called.
    #[schema(value_type = Option<String>)]
    pub finished_at: Option<Timestamp>,
    /// Millionths of the currency, by what a minute of the tenant's calls cost in the last 30 days; null where that is not known.
    pub cost_micros: Option<i64>,
}

/// What would be in the way of calls now.
pub async fn blockers(
    stores: &Stores,
    campaign: &Stored<Campaign>,
    now: Timestamp,
) -> Result<Vec<Blocker>, StoreError> {
    let mut blockers = blockers_beside_contacts(stores, campaign).await?;
    blockers.extend(blocker_of_contacts(stores, campaign, now).await?);
    Ok(blockers)
}

/// Those that are no matter of whom it calls.
pub async fn blockers_beside_contacts(
    stores: &Stores,
    campaign: &Stored<Campaign>,
) -> Result<Vec<Blocker>, StoreError> {
    let Campaign { tenant_id, bot_id, settings, .. } = &campaign.value;
    let mut blockers = Vec::new();
    let mut say = |code: &'static str, detail: String| blockers.push(Blocker { code, detail });
    let tenant = stores.tenants().get_tenant(tenant_id).await?.value;
    if tenant.status != TenantStatus::Active {
        say("tenant_suspended", "the tenant is suspended".into());
    }
    for id in settings.bots(bot_id) {
        match stores.bots(tenant_id).get_bot(id).await {
            Ok(bot) if !bot.value.settings.enabled => {
                say("bot_disabled", format!("the bot {id} is disabled: enable it"));
            }
            Ok(_) => {}
            Err(StoreError::NotFound) => say("no_bot", format!("the bot {id} is gone: name another")),
            Err(error) => return Err(error),
        }
    }
    let callers = callers(stores, tenant_id, settings).await?;
    if callers.numbers == 0 {
        let detail = "no number to call from: give the tenant's carrier one, or name one that it has in `numbers.from`";
        say("no_number", detail.into());
    } else if callers.with_trunk == 0 {
        let detail = "LiveKit has no outbound trunk for the numbers to call from: synchronise their carrier";
        say("no_trunk", detail.into());
    }
    Ok(blockers)
}

/// Whether the list has nobody to call.
async fn blocker_of_contacts(
    stores: &Stores,
    campaign: &Stored<Campaign>,
    now: Timestamp,
) -> Result<Option<Blocker>, StoreError> {
    let Campaign { tenant_id, settings, .. } = &campaign.value;
    let id = id_of(campaign)?;
    let calendar = stores.settings().calendar(tenant_id).await?;
    let rules = Rules { settings, calendar: &calendar };
    let contacts = stores.contacts(tenant_id);
    // One look at the first page: a list of which nobody can ever be called is told before it begins.
    let page = contacts.list_in((&id, ContactStatus::Ready), AT_ONCE, None).await?.items;
    if page.is_empty() {
        let detail =
            "there is nobody to call: add contacts, or restart to call those again who were not reached";
        return Ok(Some(Blocker { code: "no_contacts", detail: detail.into() }));
    }
    let mut reasons = BTreeSet::new();
    for contact in &page {
        let standing = look_at(stores, rules, &contact.value, now).await?;
        if standing.is_due() || standing.comes_later() {
            return Ok(None);
        }
        reasons.insert(standing.reason);
    }
    if contacts.count_in(&id, ContactStatus::Ready).await? > page.len() as u64 {
        return Ok(None);
    }
    let why: Vec<&str> = reasons.into_iter().collect();
    let detail = format!("nobody of the list can be called: {}", why.join(", "));
    Ok(Some(Blocker { code: "nobody_callable", detail }))
}

/// Numbers to call from.
pub(super) struct Callers {
    pub numbers: usize,
    with_trunk: usize,
}

pub(super) async fn callers(
    stores: &Stores,
    tenant: &TenantId,
    settings: &Settings,
) -> Result<Callers, StoreError> {
    let pool: Vec<_> = settings.numbers.pool().collect();
    let (dids, trunks) = (stores.dids(tenant), stores.trunks(tenant).list_all().await?);
    let (mut callers, mut after) = (Callers { numbers: 0, with_trunk: 0 }, None);
    loop {
        let page = dids.list_dids(MAX_PAGE, after).await?;
        for did in
            page.items.into_iter().filter(|did| pool.is_empty() || pool.contains(&did.value.comparable))
        {
            callers.numbers += 1;
            let is_ready = trunks
                .iter()
                .any(|trunk| trunk.id == did.value.carrier_id.as_str() && trunk.value.outbound_id.is_some());
            callers.with_trunk += usize::from(is_ready);
        }
        after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
        if after.is_none() {
            return Ok(callers);
        }
    }
}

/// Where a contact would stand if the campaign ran.
pub async fn look_at(
    stores: &Stores,
    rules: Rules<'_>,
    contact: &Contact,
    now: Timestamp,
) -> Result<Standing, StoreError> {
    let (mut is_barred, mut known) = (false, None);
    if let Some(next) = next_number(contact).filter(|_| contact.status == ContactStatus::Ready) {
        let tenant = &contact.tenant_id;
        is_barred = stores.do_not_call(tenant).find_number(&next.number.comparable()).await?.is_some();
        known = stores.called_numbers(tenant).find_number(next.number.as_str()).await?;
    }
    let number = known.as_ref().map(|known| &known.value);
    Ok(standing(contact, Facts { rules, now, is_barred, number }))
}

/// Look at a campaign and its list.
pub async fn report(
    stores: &Stores,
    campaign: &Stored<Campaign>,
    now: Timestamp,
) -> Result<Preflight, StoreError> {
    let (id, Campaign { tenant_id, settings, .. }) = (id_of(campaign)?, &campaign.value);
    let blockers = Box::pin(blockers(stores, campaign, now)).await?;
    let calendar = stores.settings().calendar(tenant_id).await?;
    let rules = Rules { settings, calendar: &calendar };
    let contacts = stores.contacts(tenant_id);
    let total = contacts.count_in(&id, ContactStatus::Ready).await?;
    let mut seen = Seen::default();
    let mut after = None;
    while seen.looked_at < LOOKED_AT {
        let page = contacts.list_in((&id, ContactStatus::Ready), MAX_PAGE, after).await?;
        let found: Vec<(Standing, Contact)> = stream::iter(page.items)
            .map(|contact| async move {
                let standing = look_at(stores, rules, &contact.value, now).await?;
                Ok::<_, StoreError>((standing, contact.value))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        found.into_iter().for_each(|(standing, contact)| seen.count(&standing, contact));
        after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
        if after.is_none() {
            break;
        }
    }
    let figures = Figures::of(stores, (tenant_id, &id), Stamp(now)).await?;
    let callable = match seen.looked_at {
        0 => 0.0,
        looked_at => total as f64 * (seen.now + seen.later) as f64 / looked_at as f64,
    };
    let dials = Dials { expectation: figures.expected(), contacts: callable, rules };
    let expected = Expected {
        measured: figures.are_measured(),
        attempts: dials.attempts().round() as u64,
        answers: dials.answers().round() as u64,
        talk_minutes: (dials.talk_secs() / 60.0).round() as u64,
        finished_at: seen.sample.as_ref().and_then(|sample| dials.finished_at(sample, now)),
        cost_micros: cost_of(stores, tenant_id, dials.talk_secs(), now).await?,
    };
    let by_hour = seen.by_hour.into_iter().map(|(from, contacts)| HourCount { from, contacts }).collect();
    Ok(Preflight {
        ready: blockers.is_empty(),
        blockers,
        contacts: total,
        looked_at: seen.looked_at,
        called_now: seen.now,
        called_later: seen.later,
        by_hour,
        later: seen.reasons,
        skipped: seen.skipped,
        expected,
    })
}

#[derive(Default)]
struct Seen {
    looked_at: u64,
    now: u64,
    later: u64,
    by_hour: BTreeMap<Timestamp, u64>,
    /// Of the later ones.
    reasons: BTreeMap<&'static str, u64>,
    skipped: BTreeMap<&'static str, u64>,
    /// Somebody who can be called: by their hours the end is found.
    sample: Option<Contact>,
}

impl Seen {
    fn count(&mut self, standing: &Standing, contact: Contact) {
        self.looked_at += 1;
        match standing.next_at {
            _ if standing.is_due() => self.now += 1,
            Some(next) => {
                self.later += 1;
                *self.reasons.entry(standing.reason).or_default() += 1;
                let hour =
                    next.round(jiff::TimestampRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Floor));
                *self.by_hour.entry(hour.unwrap_or(next)).or_default() += 1;
            }
            None => return *self.skipped.entry(standing.reason).or_default() += 1,
        }
        self.sample.get_or_insert(contact);
    }
}

/// The work that is ahead.
pub struct Dials<'a> {
    pub expectation: Expectation,
    /// People who can be called.
    pub contacts: f64,
    pub rules: Rules<'a>,
}

impl Dials<'_> {
    pub fn attempts(&self) -> f64 {
        self.contacts * self.expectation.dials_each(self.rules.settings.caps.contact_attempts)
    }

    fn answers(&self) -> f64 {
        self.contacts * self.expectation.answers_each(self.rules.settings.caps.contact_attempts)
    }

    fn talk_secs(&self) -> f64 {
        self.answers() * self.expectation.talk_secs
    }

    /// When all lines together have done it, if everybody's hours are like this one's.
    pub fn finished_at(&self, sample: &Contact, now: Timestamp) -> Option<Timestamp> {
        let pacing = &self.rules.settings.pacing;
        let lines = f64::from(pacing.max_lines.max(1));
        let mut left = self.attempts() * self.expectation.line_secs(self.rules.settings.ring_secs) / lines;
        if pacing.mode == Mode::Rate {
            left = left.max(self.attempts() * 60.0 / pacing.per_minute.max(0.1));
        }
        let number = next_number(sample)?;
        let callee = Callee { number: &number.number, region: &number.region, zones: &sample.zones };
        let mut at = now;
        for _ in 0..MAX_TURNS {
            match look(self.rules.times(), callee, at) {
                Opening::Open { until } => {
                    let open = until.duration_since(at).as_secs_f64();
                    if left <= open {
                        return at.checked_add(SignedDuration::try_from_secs_f64(left).ok()?).ok();
                    }
                    left -= open;
                    at = until;
                }
                Opening::Closed { next, .. } => at = next,
                Opening::Never | Opening::ZoneUnknown | Opening::NeedsApproval => return None,
            }
        }
        None
    }
}

/// What so much talk costs, by what the tenant's calls cost lately.
pub(super) async fn cost_of(
    stores: &Stores,
    tenant: &TenantId,
    talk_secs: f64,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let day = |at: Timestamp| jiff::tz::TimeZone::UTC.to_datetime(at).date().to_string();
    let from = day(now.saturating_sub(PRICED).unwrap_or(now));
    let days = stores.usage_days(tenant).list_days((&from, &day(now))).await?;
    let (money, call_ms) = days
        .iter()
        .fold((0_i64, 0_i64), |(money, ms), day| (money + day.amounts.money, ms + day.amounts.call_ms));
    let is_known = call_ms > 0 && money > 0;
    Ok(is_known.then(|| (money as f64 / call_ms as f64 * talk_secs * 1_000.0).round() as i64))
}

fn id_of(campaign: &Stored<Campaign>) -> Result<CampaignId, StoreError> {
    campaign.id.parse().map_err(|_| StoreError::NotFound)
}
