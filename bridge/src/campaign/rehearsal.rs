//! A dry run: the whole campaign against a simulated carrier in virtual time. Nobody is called and nothing is stored. Pacing is the
//! dialler's own (`vox_dialler::pacing`, `vox_dialler::breaker`); windows, caps, numbers to call from, permits and retries are those that
//! the claim goes by. The same world plays several campaigns for a month, with what may go wrong (`bridge/examples/month`).

pub mod stage;
mod world;

use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinError, spawn_blocking};
use utoipa::ToSchema;
use vox_shared::ids::{CampaignId, TenantId};
use vox_shared::phone::Number;

use super::calls::Line;
use super::calls::rules::lines_of;
use super::figures::Figures;
use super::preflight::{callers, cost_of};
use super::settings::Settings;
use crate::store::campaigns::Campaign;
use crate::store::contacts::ContactStatus;
use crate::store::engine::MAX_PAGE;
use crate::store::{Cursor, Stamp, StoreError, Stored, Stores};
pub use world::{Outcome, World};

use stage::{Cast, Person, Played, Stage, Troubles, Usual};

/// Contacts that are rehearsed; of longer lists the first stand for all, with as many fewer lines.
const MOST: usize = 20_000;
/// Times that it is rehearsed, each with other dice.
const RUNS: u64 = 3;
/// Contacts that are looked up at once.
const AT_ONCE: usize = 16;
/// A run that is not over then is broken off.
const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Calls a second over a trunk that nobody has told anything of.
const ANY_PACE: f64 = 1_000.0;

/// Why nothing was rehearsed.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a dry run broke off")]
    BrokenOff(#[from] JoinError),
}

/// What a campaign would come to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DryRun {
    /// Contacts that are ready.
    pub contacts: u64,
    /// Of them, those that were rehearsed; figures are for all.
    pub rehearsed: u64,
    /// Whether shares and lengths are the campaign's own, or the usual ones.
    pub measured: bool,
    /// How often, each with other dice: the bands are of these.
    pub runs: u64,
    /// RFC 3339, UTC: when the first and the last of the runs were over; null when one was not within 90 days.
    #[schema(value_type = Option<String>)]
    pub finished_from: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    pub finished_to: Option<Timestamp>,
    pub attempts: Band,
    /// Calls that people answered.
    pub answers: Band,
    /// Of them, those that found no bot in time.
    pub abandoned: Band,
    pub talk_minutes: Band,
    /// Millionths of the currency, by what a minute of the tenant's calls cost in the last 30 days; null where that is not known.
    pub cost_micros: Option<Band>,
    /// Dials at an hour at which the number may not be called; over all runs. It is 0.
    pub outside_windows: u64,
    /// Most dials in an hour of one of the numbers to call from.
    pub busiest_hour_of_a_number: u64,
    /// Contacts that were never dialled, by reason.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    pub skipped: BTreeMap<String, u64>,
    /// Contacts that were not done after 90 days.
    pub unfinished: u64,
}

/// The least and the most of some runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DryRunBand)]
pub struct Band {
    pub from: u64,
    pub to: u64,
}

impl Band {
    fn of(runs: &[Outcome], scale: f64, value: impl Fn(&Outcome) -> f64) -> Self {
        let scaled = |run: &Outcome| (value(run) * scale).round() as u64;
        let values = || runs.iter().map(scaled);
        Self { from: values().min().unwrap_or_default(), to: values().max().unwrap_or_default() }
    }
}

/// As many of them as there are of the people that are played.
fn fewer(lines: u32, scale: f64) -> u32 {
    ((f64::from(lines) / scale).round() as u32).max(1)
}

/// Rehearse a campaign. It takes a processor for some seconds: whoever asks has a place for that, which is free when the work is done,
/// whether or not anybody still waits for it.
pub async fn dry_run(
    stores: &Stores,
    campaign: &Stored<Campaign>,
    place: OwnedSemaphorePermit,
    now: Timestamp,
) -> Result<DryRun, RehearsalError> {
    let Campaign { tenant_id, settings, .. } = &campaign.value;
    let id: CampaignId = campaign.id.parse().map_err(|_| StoreError::NotFound)?;
    let total = stores.contacts(tenant_id).count_in(&id, ContactStatus::Ready).await?;
    let cast = cast(stores, campaign, &id).await?;
    let figures = Figures::of(stores, (tenant_id, &id), Stamp(now)).await?;
    let rehearsed = cast.people.len() as u64;
    let scale = if rehearsed == 0 { 1.0 } else { total as f64 / rehearsed as f64 };
    let mut settings = settings.clone();
    let lines = lines(stores, tenant_id, &mut settings).await?;
    let (lines, settings) = scaled((lines, settings), scale);
    let stage = Stage {
        tenant: tenant_id.clone(),
        calendar: stores.settings().calendar(tenant_id).await?,
        campaigns: vec![Played { id, settings, expectation: figures.expected() }],
        lines,
        tenant_lines: u32::MAX,
        slots: u32::MAX,
        from: now,
        until: now.saturating_add(LONGEST).unwrap_or(Timestamp::MAX),
        troubles: Troubles::default(),
    };
    let playing = spawn_blocking(move || {
        let _place = place;
        (1..=RUNS).map(|seed| play(&stage, cast.clone(), seed)).collect::<Vec<Outcome>>()
    });
    let outcomes = playing.await?;
    let is_whole = |run: &Outcome| run.unfinished == 0 && run.attempts > 0;
    let ends = || outcomes.iter().map(|run| run.ended_at);
    let (first_end, last_end) =
        if outcomes.iter().all(is_whole) { (ends().min(), ends().max()) } else { (None, None) };
    let minutes = |run: &Outcome| run.talk_secs / 60.0;
    let band = |value: fn(&Outcome) -> f64| Band::of(&outcomes, scale, value);
    let minute_micros = cost_of(stores, tenant_id, 60.0, now).await?;
    let of_all = |count: u64| (count as f64 * scale).round() as u64;
    let skipped = outcomes.first().map(|run| run.skipped.clone()).unwrap_or_default();
    Ok(DryRun {
        contacts: total,
        rehearsed,
        measured: figures.are_measured(),
        runs: RUNS,
        finished_from: first_end,
        finished_to: last_end,
        attempts: band(|run| run.attempts as f64),
        answers: band(|run| run.answers as f64),
        abandoned: band(|run| run.abandoned as f64),
        talk_minutes: Band::of(&outcomes, scale, minutes),
        cost_micros: minute_micros
            .map(|micros| Band::of(&outcomes, scale, |run| minutes(run) * micros as f64)),
        outside_windows: outcomes.iter().map(|run| run.outside).sum(),
        busiest_hour_of_a_number: of_all(
            outcomes.iter().map(|run| run.busiest_hour).max().unwrap_or_default(),
        ),
        skipped: skipped.into_iter().map(|(reason, count)| (reason, of_all(count))).collect(),
        unfinished: of_all(outcomes.iter().map(|run| run.unfinished).max().unwrap_or_default()),
    })
}

/// One run with the usual telephones.
fn play(stage: &Stage, cast: Cast, seed: u64) -> Outcome {
    let (mut telephones, mut untold) = (Usual::new(stage, seed), |_: stage::Told<'_>| {});
    World::new(stage, cast, &mut telephones, &mut untold, seed).play()
}

/// The numbers that the campaign may show; where LiveKit knows no carrier of theirs yet, as many of a carrier that takes everything.
async fn lines(stores: &Stores, tenant: &TenantId, settings: &mut Settings) -> Result<Vec<Line>, StoreError> {
    let pool: Vec<Number> = settings.numbers.pool().collect();
    let mut lines = lines_of(stores, tenant).await?;
    lines.retain(|line| pool.is_empty() || pool.contains(&line.number.comparable()));
    if lines.is_empty() {
        let numbers = callers(stores, tenant, settings).await?.numbers;
        settings.numbers.from.clear();
        lines = (0..numbers.max(1)).filter_map(any_line).collect();
    }
    Ok(lines)
}

fn any_line(place: usize) -> Option<Line> {
    Some(Line {
        number: format!("+999{place:06}").parse().ok()?,
        carrier_id: "any".parse().ok()?,
        trunk: "any".into(),
        per_second: ANY_PACE,
        lines: u32::MAX,
        since: Stamp(Timestamp::UNIX_EPOCH),
        rests_until: None,
        spared_until: None,
    })
}

/// For as many times fewer people as fewer lines, and as much less of all that is for all of them.
fn scaled((mut lines, mut settings): (Vec<Line>, Settings), scale: f64) -> (Vec<Line>, Settings) {
    let pacing = &mut settings.pacing;
    pacing.max_lines = fewer(pacing.max_lines, scale);
    pacing.per_minute /= scale;
    pacing.slots = pacing.slots.map(|slots| fewer(slots, scale));
    let numbers = &mut settings.numbers;
    (numbers.per_hour, numbers.per_day) = (fewer(numbers.per_hour, scale), fewer(numbers.per_day, scale));
    for line in &mut lines {
        line.lines = fewer(line.lines, scale);
        line.per_second /= scale;
    }
    (lines, settings)
}

/// Those who are ready, with what is known of their numbers.
async fn cast(stores: &Stores, campaign: &Stored<Campaign>, id: &CampaignId) -> Result<Cast, StoreError> {
    let tenant = &campaign.value.tenant_id;
    let (contacts, mut cast, mut after) = (stores.contacts(tenant), Cast::default(), None);
    while cast.people.len() < MOST {
        let page = contacts.list_in((id, ContactStatus::Ready), MAX_PAGE, after).await?;
        let some: Vec<_> = stream::iter(page.items)
            .map(|contact| async move {
                let (mut listed, mut called) = (Vec::new(), HashMap::new());
                for number in &contact.value.numbers {
                    let comparable = number.number.comparable();
                    if stores.do_not_call(tenant).find_number(&comparable).await?.is_some() {
                        listed.push(comparable);
                    }
                    let before = stores.called_numbers(tenant).find_number(number.number.as_str()).await?;
                    called.extend(before.map(|before| (number.number.to_string(), before.value)));
                }
                Ok::<_, StoreError>((Person { campaign: 0, contact: contact.value }, listed, called))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        for (person, listed, called) in some {
            cast.people.push(person);
            cast.listed.extend(listed);
            cast.called.extend(called);
        }
        after = page.next_cursor.as_deref().map(Cursor::parse).transpose()?;
        if after.is_none() {
            break;
        }
    }
    cast.people.truncate(MOST);
    Ok(cast)
}

#[cfg(test)]
mod tests;
