//! Figure 48: what the API says of a campaign that is over, computed anew from its own attempts and contacts and from the carrier's
//! journal. Whatever is not the same is told in words. Pure.

mod carrier;
mod people;
mod table;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};

use vox_testkit::exchange::journal::Line;

pub(super) use told::Told;
use told::{Attempt, Status};

/// As what attempts are counted, in the words of the API.
const TALLIES: [&str; 6] = ["human", "abandoned", "machine", "unanswered", "failed", "uncounted"];
/// Where contacts stand.
const STATUSES: [&str; 7] = ["ready", "claimed", "dialing", "recovering", "done", "blocked", "review"];
/// Of so many attempts, the newest, the calls with people make the mean length.
const NEWEST: usize = 200;
/// What floating point may lose between a sum and its text.
const LOST: f64 = 1e-9;
/// Nothing was dialled.
const ABORTED: &str = "aborted";

/// What was done to the programs while the campaign ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// Nothing that a program may not know of its own calls afterwards.
    Calm,
    /// Programs were killed or frozen, or requests got lost: of some calls only the carrier knows what became of them.
    Troubled,
}

/// Differences, in words.
#[derive(Debug, Default)]
struct Found(Vec<String>);

impl Found {
    fn same<T: PartialEq + Debug>(&mut self, what: impl Display, told: &T, counted: &T) {
        if told != counted {
            self.0.push(format!("{what} is told as {told:?} and comes to {counted:?}"));
        }
    }

    /// The same as far as floating point goes.
    fn near(&mut self, what: impl Display, told: Option<f64>, counted: Option<f64>) {
        let is_near = match (told, counted) {
            (Some(told), Some(counted)) => (told - counted).abs() <= LOST * counted.abs().max(1.0),
            (told, counted) => told.is_none() && counted.is_none(),
        };
        if !is_near {
            self.0.push(format!("{what} is told as {told:?} and comes to {counted:?}"));
        }
    }

    fn note(&mut self, difference: String) {
        self.0.push(difference);
    }
}

/// What the API says and its attempts, its contacts or the carrier do not.
pub(super) fn differences(told: &Told, lines: &[Line], run: Run) -> Vec<String> {
    let mut found = Found::default();
    results(&told.attempts, &mut found);
    contacts(told, &mut found);
    outcomes(&told.status, &told.attempts, &mut found);
    abandons(told, &mut found);
    lines_now(told, &mut found);
    people::differences(told, run, &mut found);
    table::differences(told, &mut found);
    carrier::differences(&told.attempts, lines, run, &mut found);
    found.0
}

/// As what a result is counted, and whether it counts against the caps: the table of `docs/campaigns.md`, told here once more.
fn meaning(result: &str) -> Option<(&'static str, bool)> {
    Some(match result {
        "done" | "hangup_early" | "opt_out" | "answered" => ("human", true),
        "callback" => ("human", false),
        "abandoned" => ("abandoned", true),
        "voicemail" | "voicemail_left" | "voicemail_full" | "ivr" | "screened" | "fax" => ("machine", true),
        "no_answer" | "cancelled" | "lost" => ("unanswered", true),
        "busy"
        | "unavailable"
        | "declined"
        | "blocked_analytics"
        | "unwanted"
        | "rejected_by_analytics"
        | "invalid_number"
        | "blocked_dest" => ("failed", true),
        "forbidden" => ("failed", false),
        "auth" | "media_mismatch" | "network" | "congestion" | "throttled" | "loop" | "infra" | ABORTED => {
            ("uncounted", false)
        }
        _ => return None,
    })
}

/// Each attempt for itself.
fn results(attempts: &[Attempt], found: &mut Found) {
    for attempt in attempts {
        let Some(result) = &attempt.result else { continue };
        let Some((tally, counts)) = meaning(result) else {
            found.note(format!("attempt {} came to {result}, which is no result", attempt.id));
            continue;
        };
        found.same(format!("tally of {}", attempt.id), &attempt.tally.as_deref(), &Some(tally));
        found.same(format!("counts of {}", attempt.id), &attempt.counts, &Some(counts));
        if attempt.aborted.is_some() && result != ABORTED {
            found.note(format!("attempt {} was aborted and came to {result}", attempt.id));
        }
    }
}

fn contacts(told: &Told, found: &mut Found) {
    let mut counted: BTreeMap<String, u64> =
        STATUSES.iter().map(|status| ((*status).to_owned(), 0)).collect();
    for contact in &told.contacts {
        *counted.entry(contact.status.clone()).or_default() += 1;
    }
    found.same("contacts of the campaign", &told.campaign.contacts, &counted);
    found.same("contacts of its status", &told.status.contacts, &counted);
    found.same("state of its status", &told.status.state, &told.campaign.state);
    let ready = || told.contacts.iter().filter(|contact| contact.status == "ready");
    let next_at = ready().map(|contact| contact.next_at.as_str()).min();
    found.same("next_at", &told.status.next_at.as_deref().map(instant), &next_at.map(instant));
    let due_at = |now: &str| ready().filter(|contact| contact.next_at.as_str() <= now).count() as u64;
    let (least, most) = (due_at(&told.asked.0), due_at(&told.asked.1));
    found.same("due", &told.status.due, &told.status.due.clamp(least, most.max(least)));
}

/// An instant, however many zeros its fraction ends with.
fn instant(text: &str) -> &str {
    let text = text.trim_end_matches('Z');
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// How many of the attempts count so, by their results.
fn counted(attempts: &[Attempt], tally: &str) -> u64 {
    let is_so = |attempt: &&Attempt| tally_of(attempt) == Some(tally);
    attempts.iter().filter(is_so).count() as u64
}

fn tally_of(attempt: &Attempt) -> Option<&'static str> {
    attempt.result.as_deref().and_then(meaning).map(|(tally, _)| tally)
}

fn outcomes(status: &Status, attempts: &[Attempt], found: &mut Found) {
    let all: BTreeMap<String, u64> =
        TALLIES.iter().map(|tally| ((*tally).to_owned(), counted(attempts, tally))).collect();
    found.same("attempts of its status", &status.attempts, &all);
    let [human, abandoned] = ["human", "abandoned"].map(|tally| counted(attempts, tally));
    let outcomes: u64 = all.iter().filter(|(tally, _)| *tally != "uncounted").map(|(_, count)| count).sum();
    let share = (outcomes > 0).then(|| (human + abandoned) as f64 / outcomes as f64);
    found.near("answer_share", status.answer_share, share);
    let newest = attempts.iter().take(NEWEST).filter(|attempt| tally_of(attempt) == Some("human"));
    let talks: Vec<f64> = newest.filter_map(|attempt| attempt.talk_seconds).collect();
    let mean = (!talks.is_empty()).then(|| talks.iter().sum::<f64>() / talks.len() as f64);
    found.near("handle_seconds", status.handle_seconds, mean);
}

fn abandons(told: &Told, found: &mut Found) {
    let [human, abandoned] = ["human", "abandoned"].map(|tally| counted(&told.attempts, tally));
    let (answered, status) = (human + abandoned, &told.status.abandons);
    let ceiling = told.campaign.settings.pacing.abandon_percent;
    found.same("abandons.answered", &status.answered, &answered);
    found.same("abandons.abandoned", &status.abandoned, &abandoned);
    let percent = (answered > 0).then(|| 100.0 * abandoned as f64 / answered as f64);
    found.near("abandons.percent", status.percent, percent);
    found.near("abandons.ceiling_percent", Some(status.ceiling_percent), Some(ceiling));
    let most = (answered as f64 * ceiling / 100.0).floor() as u64;
    found.same("abandons.left", &status.left, &most.saturating_sub(abandoned));
}

/// Of a campaign that is over with its last call nothing is in flight.
fn lines_now(told: &Told, found: &mut Found) {
    let is_open = |attempt: &Attempt| attempt.ended_at.is_none();
    if told.campaign.state == "completed" && !told.attempts.iter().any(is_open) {
        let status = &told.status;
        found.same("lines, ringing", &(status.lines, status.ringing), &(0, 0));
        found.same("told_at", &status.told_at, &None);
        found.same("expected_end", &status.expected_end, &None);
    }
}
