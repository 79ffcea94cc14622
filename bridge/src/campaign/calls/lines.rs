//! The permits of a call: a place among the lines of its trunk, its tenant, its campaign and of all campaigns; a place in the hour and the
//! day of the number that is shown; a turn at the trunk's pace. What is missing is waited for, and nothing is half taken.

use std::time::Duration;

use actix_web::web::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use vox_shared::ids::{AttemptId, CampaignId, TenantId};
use vox_shared::wire::dialler::claim::{Reason, Refused, Scope};

use super::CallDesk;
use super::caller::Line;
use crate::campaign::settings::Numbers;
use crate::coordination::CoordinationError;
use crate::coordination::permits::{Ask, Kept, Pace, Permitted, Room};
use crate::store::attempts::Attempt;
use crate::store::campaigns::Campaign;
use crate::store::engine::{Cursor, MAX_PAGE};
use crate::store::{Stamp, StoreError};

/// A line that nobody says is in use is free after this time.
pub(in crate::campaign) const LINE_FOR: Duration = Duration::from_secs(45);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// Of what a carrier takes in a second, so much is used: clocks and networks are not exact.
const SHARE: f64 = 0.95;
/// Claims may run ahead of the dials by so many seconds of the trunk's pace.
const AHEAD_SECS: f64 = 8.0;
/// How long a claim waits for what has no time of its own.
const WAIT_MS: u64 = 1_000;
/// A trunk that refused for its pace goes on with so much of it, and has it all back bit by bit.
const SLOWER: f64 = 0.7;
const HOLDS_FOR: SignedDuration = SignedDuration::from_secs(60);
const FASTER_PER_MINUTE: f64 = 0.05;
const LINE_BACK_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// Nothing of a trunk's trouble is remembered longer.
const FLOW_FOR: Duration = Duration::from_secs(3_600);
const REBUILD: &str = "campaign_permits";
const REBUILD_FOR: Duration = Duration::from_secs(60);

/// By what the lines of a campaign are limited.
#[derive(Clone, Copy)]
pub(super) struct Most<'a> {
    pub campaign: &'a Campaign,
    /// While the outcomes of its first calls are waited for.
    pub first_calls: Option<u32>,
}

impl Most<'_> {
    fn lines(self) -> u32 {
        let set = self.campaign.settings.pacing.max_lines;
        self.first_calls.map_or(set, |first| first.min(set))
    }
}

/// How a trunk did lately. Kept in the seam's cache: forgotten, it is found out anew.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Flow {
    share: f64,
    slowed_at: Timestamp,
    lines: Option<(u32, Timestamp)>,
}

impl Flow {
    /// Of the carrier's pace and lines, what may be used now.
    fn now(self, (per_second, lines): (f64, u32), now: Timestamp) -> (f64, u32) {
        let held = now.duration_since(self.slowed_at) - HOLDS_FOR;
        let minutes = held.as_secs_f64().max(0.0) / 60.0;
        let share = (self.share + FASTER_PER_MINUTE * minutes).min(1.0);
        let lines = self.lines.map_or(lines, |(most, since)| {
            let back = now.duration_since(since).as_secs() / LINE_BACK_AFTER.as_secs();
            most.saturating_add(u32::try_from(back.max(0)).unwrap_or(u32::MAX)).clamp(1, lines.max(1))
        });
        (per_second * share, lines)
    }
}

/// What a call occupies while it runs.
pub(in crate::campaign) fn rooms(tenant: &TenantId, campaign: &CampaignId, trunk: &str) -> Vec<String> {
    vec![
        format!("lines:trunk:{trunk}"),
        format!("lines:tenant:{tenant}"),
        format!("lines:campaign:{campaign}"),
        "lines:all".to_owned(),
    ]
}

/// Where its caller's number counts it, whether it runs or not.
pub(in crate::campaign) fn shown(number: &str) -> [String; 2] {
    [format!("shown:hour:{number}"), format!("shown:day:{number}")]
}

fn kept(id: &AttemptId, attempt: &Attempt) -> Kept {
    let rooms = rooms(&attempt.tenant_id, &attempt.campaign_id, &attempt.caller.trunk);
    Kept { member: id.to_string(), rooms: rooms.into_iter().map(|room| (room, LINE_FOR)).collect() }
}

/// The pace of a trunk's dials: no second has more than the carrier takes, at whatever instant it begins. Of what [`SHARE`] spares two at once
/// take a part; the rest, 25 ms, is how much longer one INVITE may be on its way from the grant than another.
fn dials(trunk: &str, per_second: f64, contracted: f64) -> Pace {
    let spare = (contracted * (1.0 - SHARE)).floor();
    Pace {
        key: format!("dials:{trunk}"),
        interval: every(per_second * SHARE),
        burst: (spare as u32).clamp(1, 2),
    }
}

fn claims(trunk: &str, per_second: f64) -> Pace {
    let burst = (per_second * AHEAD_SECS).ceil() as u32;
    Pace { key: format!("claims:{trunk}"), interval: every(per_second), burst: burst.max(2) }
}

fn every(per_second: f64) -> Duration {
    Duration::from_secs_f64(1.0 / per_second.clamp(0.01, 1_000.0))
}

/// Whose call it is.
#[derive(Clone, Copy, Debug)]
pub(in crate::campaign) struct Whose<'a> {
    pub tenant: &'a TenantId,
    pub campaign: &'a CampaignId,
    pub attempt: &'a AttemptId,
}

/// What a call asks for when it is claimed: a place among the lines of its trunk, its tenant, its campaign and of all campaigns, of which
/// there are `most` each; a place in the hour and the day of the number that is shown; a turn ahead of the trunk's pace.
pub(in crate::campaign) fn ask_of_a_call(
    whose: Whose<'_>,
    fence: Option<(String, u64)>,
    (line, per_second): (&Line, f64),
    (numbers, now): (&Numbers, Stamp),
    most: [u32; 4],
) -> Ask {
    let rooms = rooms(whose.tenant, whose.campaign, &line.trunk);
    let mut wanted: Vec<Room> =
        rooms.into_iter().zip(most).map(|(key, most)| Room { key, most, ttl: LINE_FOR }).collect();
    let caps = [(numbers.per_hour, HOUR), (line.per_day(numbers, now), DAY)];
    let shown = shown(line.number.as_str()).into_iter().zip(caps);
    wanted.extend(shown.map(|(key, (most, ttl))| Room { key, most, ttl }));
    let paces = vec![claims(&line.trunk, per_second)];
    Ask { member: whose.attempt.to_string(), fence, paces, rooms: wanted }
}

/// What it asks for when it is dialled: a turn at the trunk's exact pace.
pub(in crate::campaign) fn ask_of_a_turn(
    attempt: &AttemptId,
    fence: Option<(String, u64)>,
    (line, per_second): (&Line, f64),
) -> Ask {
    let paces = vec![dials(&line.trunk, per_second, line.per_second)];
    Ask { member: attempt.to_string(), fence, paces, rooms: Vec::new() }
}

/// The fence of a partition.
fn fence(campaign: &CampaignId, partition: u32, epoch: u32) -> Option<(String, u64)> {
    Some((format!("{campaign}:{partition}"), epoch.into()))
}

impl CallDesk {
    /// Take what a call occupies. `None`: it is taken.
    pub(super) async fn take_lines(
        &self,
        (id, campaign_id, most): (&AttemptId, &CampaignId, Most<'_>),
        (partition, epoch): (u32, u32),
        line: &Line,
    ) -> Result<Option<Refused>, StoreError> {
        let now = self.now();
        let (per_second, lines) = self.flow(line).await;
        let campaign = most.campaign;
        let tenant = &campaign.tenant_id;
        let slots = self.slots().await?;
        let mosts = [lines, self.limits.tenant_lines, most.lines(), slots];
        let whose = Whose { tenant, campaign: campaign_id, attempt: id };
        let fence = fence(campaign_id, partition, epoch);
        let shown = (&campaign.settings.numbers, now);
        let ask = ask_of_a_call(whose, fence, (line, per_second), shown, mosts);
        Ok(match self.ask(ask).await {
            Ok(Permitted::Granted) => None,
            Ok(refused) => Some(refusal(refused)),
            Err(error) => Some(unavailable(&error)),
        })
    }

    /// Take a turn at the trunk's pace. `None`: dial now.
    pub(super) async fn take_turn(&self, id: &AttemptId, attempt: &Attempt, line: &Line) -> Option<Refused> {
        let (per_second, _) = self.flow(line).await;
        let fence = fence(&attempt.campaign_id, attempt.partition, attempt.epoch);
        let ask = ask_of_a_turn(id, fence, (line, per_second));
        match self.ask(ask).await {
            Ok(Permitted::Granted) => None,
            Ok(refused) => Some(refusal(refused)),
            Err(error) => Some(unavailable(&error)),
        }
    }

    /// Ask, and have what runs told first where that is not known.
    async fn ask(&self, ask: Ask) -> Result<Permitted, CoordinationError> {
        match self.coordination.permit(ask.clone()).await? {
            Permitted::Closed => {
                self.tell_what_runs().await?;
                self.coordination.permit(ask).await
            }
            answered => Ok(answered),
        }
    }

    /// Tell the seam what runs, if it does not know, and have it give permits. One bridge does it at a time.
    pub async fn tell_what_runs(&self) -> Result<(), CoordinationError> {
        let run = self.coordination.permits_run().await?;
        if run.is_open {
            return Ok(());
        }
        let holder = format!("{:016x}", rand::random::<u64>());
        let Some(lease) = self.coordination.acquire(REBUILD.into(), holder, REBUILD_FOR).await? else {
            return Ok(());
        };
        let told = self.tell_under(run).await;
        self.coordination.release(REBUILD.into(), lease).await?;
        told
    }

    async fn tell_under(&self, run: crate::coordination::permits::Run) -> Result<(), CoordinationError> {
        let failed = |error: StoreError| CoordinationError::Unavailable(error.to_string());
        let (mut after, mut lines) = (None, 0);
        loop {
            let page = self.stores.all_attempts().list_open(MAX_PAGE, after).await.map_err(failed)?;
            let open = page.items.iter().filter_map(|one| Some(kept(&one.id.parse().ok()?, &one.value)));
            let open: Vec<Kept> = open.collect();
            lines += open.len();
            self.coordination.keep_permits(open, run.clone()).await?;
            after =
                page.next_cursor.as_deref().map(Cursor::parse).transpose().map_err(|e| failed(e.into()))?;
            if after.is_none() {
                break;
            }
        }
        let now = self.now();
        let day_ago = now + -SignedDuration::from_hours(24);
        loop {
            let page =
                self.stores.all_attempts().list_since(day_ago, MAX_PAGE, after).await.map_err(failed)?;
            let told = page.items.iter().filter_map(|one| shown_still(&one.id, &one.value, now)).collect();
            self.coordination.keep_permits(told, run.clone()).await?;
            after =
                page.next_cursor.as_deref().map(Cursor::parse).transpose().map_err(|e| failed(e.into()))?;
            if after.is_none() {
                break;
            }
        }
        self.coordination.open_permits(run).await?;
        tracing::info!(lines, "permits of campaigns are given again: what runs was told");
        Ok(())
    }

    /// These calls run on.
    pub(super) async fn keep_lines(&self, calls: &[(AttemptId, Attempt)]) -> Result<(), CoordinationError> {
        let run = self.coordination.permits_run().await?;
        if !run.is_open {
            return self.tell_what_runs().await;
        }
        self.coordination
            .keep_permits(calls.iter().map(|(id, attempt)| kept(id, attempt)).collect(), run)
            .await
    }

    /// A call occupies nothing any more. With `rang` its caller's number was shown all the same.
    pub(super) async fn give_up_lines(&self, id: &AttemptId, attempt: &Attempt, rang: bool) {
        let mut left = rooms(&attempt.tenant_id, &attempt.campaign_id, &attempt.caller.trunk);
        if !rang {
            left.extend(shown(&attempt.caller.number));
        }
        self.leave(id, left).await;
    }

    pub(super) async fn leave(&self, id: &AttemptId, rooms: Vec<String>) {
        if let Err(error) = self.coordination.give_up_permits(id.to_string(), rooms).await {
            // They end by themselves.
            tracing::debug!(attempt.id = %id, %error, "permits are kept until their time is over");
        }
    }

    /// The pace and the lines of a trunk as it did lately.
    async fn flow(&self, line: &Line) -> (f64, u32) {
        let own = (line.per_second, line.lines);
        let known = self.coordination.get(flow_key(&line.trunk)).await.unwrap_or_default();
        let flow = known.and_then(|bytes| serde_json::from_slice::<Flow>(&bytes).ok());
        flow.map_or(own, |flow| flow.now(own, self.clock.now()))
    }

    /// A trunk refused because we dialled too fast, or too many at once: that is our fault, and it is spared.
    pub(super) async fn spare(&self, attempt: &Attempt, too_many: bool) {
        let now = self.clock.now();
        let key = flow_key(&attempt.caller.trunk);
        let known = self.coordination.get(key.clone()).await.unwrap_or_default();
        let known = known.and_then(|bytes| serde_json::from_slice::<Flow>(&bytes).ok());
        let mut flow = known.unwrap_or(Flow { share: 1.0, slowed_at: now, lines: None });
        if too_many {
            let room = format!("lines:trunk:{}", attempt.caller.trunk);
            let inside = self.coordination.count_permits(vec![room]).await.unwrap_or_default();
            let inside = inside.first().copied().unwrap_or(1).saturating_sub(1).max(1);
            flow.lines = Some((u32::try_from(inside).unwrap_or(u32::MAX), now));
        } else {
            let (share, _) = flow.now((1.0, 1), now);
            (flow.share, flow.slowed_at) = ((share * SLOWER).max(0.05), now);
        }
        let text = Bytes::from(serde_json::to_vec(&flow).expect("it is plain data"));
        if let Err(error) = self.coordination.set(key, text, FLOW_FOR).await {
            tracing::debug!(%error, "how a trunk does could not be noted");
        }
    }

    /// Slots of workers that campaigns may use, all together.
    async fn slots(&self) -> Result<u32, StoreError> {
        let now = self.now();
        if let Some(known) = self.board.slots(now) {
            return Ok(known);
        }
        let slots = self.limits.slots(self.fleet.look().await?.capacity().total);
        self.board.keep_slots(slots, now);
        Ok(slots)
    }
}

fn flow_key(trunk: &str) -> String {
    format!("trunk_flow:{trunk}")
}

/// What is left of the hour and the day in which a number was shown.
fn shown_still(id: &str, attempt: &Attempt, now: Stamp) -> Option<Kept> {
    let counts = attempt.result.is_none_or(super::super::outcome::AttemptResult::rang);
    let gone = Duration::try_from(now.0.duration_since(attempt.claimed_at.0)).unwrap_or_default();
    let rooms: Vec<(String, Duration)> = shown(&attempt.caller.number)
        .into_iter()
        .zip([HOUR, DAY])
        .filter_map(|(room, whole)| Some((room, whole.checked_sub(gone).filter(|left| !left.is_zero())?)))
        .collect();
    (counts && !rooms.is_empty()).then(|| Kept { member: id.to_owned(), rooms })
}

/// The refusal of a permit, by the order in which rooms were asked for.
pub(in crate::campaign) fn refusal(permitted: Permitted) -> Refused {
    let (reason, scope) = match permitted {
        Permitted::Fenced => (Reason::Fenced, Scope::Lease),
        Permitted::TooSoon(..) => (Reason::TrunkRate, Scope::Trunk),
        Permitted::Full(0) => (Reason::TrunkFull, Scope::Trunk),
        Permitted::Full(1) => (Reason::TenantFull, Scope::Tenant),
        Permitted::Full(2) => (Reason::CampaignFull, Scope::Campaign),
        Permitted::Full(3) => (Reason::NoSlots, Scope::Slots),
        Permitted::Full(_) => (Reason::NoCallerNumber, Scope::Campaign),
        Permitted::Closed | Permitted::Granted => (Reason::PermitsUnavailable, Scope::Deployment),
    };
    let wait_ms = match permitted {
        Permitted::TooSoon(_, wait) => u64::try_from(wait.as_millis()).unwrap_or(WAIT_MS) + 1,
        _ => WAIT_MS,
    };
    Refused { reason, scope, retry_at: None, wait_ms: Some(wait_ms), detail: String::new() }
}

fn unavailable(error: &CoordinationError) -> Refused {
    tracing::debug!(%error, "no permit can be asked for: nothing is dialled");
    Refused {
        reason: Reason::PermitsUnavailable,
        scope: Scope::Deployment,
        retry_at: None,
        wait_ms: Some(WAIT_MS),
        detail: "the coordination server cannot be used".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most INVITEs that fall into any second when each is granted as early as its pace allows, and is up to 25 ms on its way.
    fn most_in_a_second(contracted: f64) -> usize {
        let pace = dials("ST_1", contracted, contracted);
        let lead = pace.interval * (pace.burst - 1);
        let (mut due, mut dialled) = (Duration::ZERO, Vec::new());
        for n in 0..10_000_u32 {
            let now = Duration::from_millis(u64::from(n));
            let at = due.max(now);
            if at - now <= lead {
                due = at + pace.interval;
                dialled.push(now);
            }
        }
        let in_second = |from: &Duration| {
            dialled.iter().filter(|at| *at >= from && **at < *from + Duration::from_millis(1_025)).count()
        };
        dialled.iter().map(in_second).max().unwrap()
    }

    #[test]
    fn no_second_has_more_dials_than_the_carrier_takes() {
        for contracted in [1.0, 2.0, 5.0, 10.0, 20.0, 39.0, 40.0, 50.0, 60.0, 100.0] {
            let most = most_in_a_second(contracted);
            assert!(most as f64 <= contracted, "{most} in a second of {contracted}");
        }
    }

    #[test]
    fn a_trunk_that_was_too_fast_gets_its_pace_back_bit_by_bit() {
        let at = |minute: i64| {
            "2026-11-30T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
        };
        let flow = Flow { share: 0.7, slowed_at: at(0), lines: Some((3, at(0))) };
        let now = |minute| flow.now((10.0, 8), at(minute));
        let about = |(pace, lines): (f64, u32)| ((pace * 100.0).round() / 100.0, lines);
        assert_eq!(
            [about(now(0)), about(now(1)), about(now(3)), about(now(11))],
            [(7.0, 3), (7.0, 3), (8.0, 3), (10.0, 5)]
        );
        assert_eq!(now(600), (10.0, 8));
    }
}
