//! Sums as they are asked for: grouped, and narrowed to some calls.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use vox_shared::wire::result::DisconnectedBy;

use super::cell::{Cell, Key, PARTS, Part, Sum};
use super::crowd::OTHER;
use super::folding::{each_cell, fold};
use super::histogram::{Dense, Histogram};
use super::span::Time;
use crate::search::keys;
use crate::store::calls::CallStatus;
use crate::store::engine::Word;
use crate::store::rollups::{Grain, Rollup};
use crate::store::{Reach, StoreError, Stores};

/// Most groups of an answer, and most dispositions of a group: what comes after them is in one of its own, [`OTHER`].
const MAX_GROUPS: usize = 2_000;
const MAX_DISPOSITIONS: usize = 200;

/// What the groups of an answer have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    Hour,
    Day,
    Bot,
    /// A group for each service and vendor.
    Vendor,
    Campaign,
    /// `disconnected_by`.
    Outcome,
    Disposition,
}

/// Which calls count.
#[derive(Clone, Debug, Default)]
pub struct Narrowing {
    pub bot: Option<String>,
    pub campaign: Option<String>,
    pub direction: Option<&'static str>,
    pub outcome: Option<DisconnectedBy>,
    pub disposition: Option<String>,
    pub status: Option<CallStatus>,
    /// Of any service.
    pub vendor: Option<String>,
}

impl Narrowing {
    fn takes(&self, key: &Key<&str>) -> bool {
        let is = |wanted: Option<&str>, found: &str| wanted.is_none_or(|wanted| wanted == found);
        let has_vendor =
            |vendor: &String| [key.stt, key.llm, key.tts].into_iter().any(|found| found == vendor);
        is(self.bot.as_deref(), key.bot)
            && is(self.campaign.as_deref(), key.campaign)
            && is(self.direction, key.direction)
            && is(self.outcome.map(DisconnectedBy::as_str), key.outcome)
            && is(self.disposition.as_deref(), key.disposition)
            && self.status.is_none_or(|status| status_of(key.outcome) == Some(status))
            && self.vendor.as_ref().is_none_or(has_vendor)
    }

    /// The same as a search of calls.
    pub fn words(&self) -> Vec<Word> {
        let narrowed = [
            self.campaign.as_deref().map(keys::Key::Campaign),
            self.bot.as_deref().map(keys::Key::Bot),
            self.outcome.map(|end| keys::Key::End(end.as_str())),
            self.disposition.as_deref().map(keys::Key::Disposition),
            self.status.map(|status| keys::Key::Status(status.as_str())),
            self.vendor.as_deref().map(keys::Key::Vendor),
            self.direction.map(keys::Key::Direction),
        ];
        let words: Vec<_> = narrowed.into_iter().flatten().map(|key| Word::Whole(key.word())).collect();
        if words.is_empty() { vec![Word::Whole(keys::Key::Any.word())] } else { words }
    }
}

/// The status that an outcome means.
pub fn status_of(outcome: &str) -> Option<CallStatus> {
    serde_json::from_value::<DisconnectedBy>(Value::from(outcome)).ok().map(CallStatus::of)
}

/// Sums of a group, or of all.
#[derive(Clone, Debug, Default)]
pub struct Group {
    sums: Cell,
    latency: [Dense; PARTS],
    /// Calls by `disconnected_by`.
    pub outcomes: BTreeMap<String, i64>,
    /// And by disposition.
    pub dispositions: BTreeMap<String, i64>,
}

impl Group {
    pub fn sum(&self, of: Sum) -> i64 {
        self.sums.sum(of)
    }

    pub fn latency(&self, of: Part) -> Histogram {
        self.latency[of as usize].sparse()
    }

    fn add(&mut self, key: &Key<&str>, cell: &Cell, parts: &[Part]) {
        for sum in Sum::ALL {
            self.sums.set(sum, self.sums.sum(sum).saturating_add(cell.sum(sum)));
        }
        for part in parts {
            self.latency[*part as usize].add(cell.latency(*part), 1);
        }
        let calls = cell.sum(Sum::Calls);
        count(&mut self.outcomes, key.outcome, calls);
        self.count_disposition(key.disposition, calls);
    }

    /// Add all of another one.
    fn merge(&mut self, other: &Self) {
        self.sums.add(&other.sums, 1);
        self.latency.iter_mut().zip(&other.latency).for_each(|(latency, more)| latency.merge(more));
        other.outcomes.iter().for_each(|(outcome, calls)| count(&mut self.outcomes, outcome, *calls));
        other.dispositions.iter().for_each(|(word, calls)| self.count_disposition(word, *calls));
    }

    fn count_disposition(&mut self, word: &str, calls: i64) {
        if !word.is_empty() {
            let is_full = self.dispositions.len() >= MAX_DISPOSITIONS;
            let is_other = is_full && !self.dispositions.contains_key(word);
            count(&mut self.dispositions, if is_other { OTHER } else { word }, calls);
        }
    }
}

fn count(words: &mut BTreeMap<String, i64>, word: &str, calls: i64) {
    match words.get_mut(word) {
        Some(sum) => *sum += calls,
        None => drop(words.insert(word.to_owned(), calls)),
    }
}

/// All sums that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub total: Group,
    /// By service (empty, but for vendors) and what they are grouped by, in that order.
    pub groups: BTreeMap<(&'static str, String), Group>,
}

/// Add up what is within reach.
pub async fn answer(
    stores: &Stores,
    reach: &Reach,
    (time, largest): (&Time, Grain),
    (by, narrowing): (GroupBy, &Narrowing),
) -> Result<Box<Answer>, StoreError> {
    let (rollups, mut answer) = (stores.rollups(reach.tenant()), Box::<Answer>::default());
    for span in time.spans(largest) {
        let (reach, narrowing, zone) = (reach.clone(), narrowing.clone(), time.zone.clone());
        let put = move |answer: &mut Box<Answer>, rollup: &Rollup| {
            let when = label(rollup, &zone, by);
            let taken = |key: &Key<&str>| reach.includes(key.bot) && narrowing.takes(key);
            each_cell(rollup, taken, |key, cell| answer.add(key, cell, (by, &when)));
        };
        answer = fold(&rollups, &span, answer, put).await?;
    }
    answer.complete(by);
    Ok(answer)
}

/// The hour or day of a sum, when groups are those.
fn label(rollup: &Rollup, zone: &TimeZone, by: GroupBy) -> String {
    match (by, rollup.grain) {
        (GroupBy::Hour, _) | (GroupBy::Day, Grain::Day) => rollup.start.clone(),
        (GroupBy::Day, Grain::Hour) => {
            let began = rollup.start.parse().unwrap_or(Timestamp::UNIX_EPOCH);
            zone.to_datetime(began).date().to_string()
        }
        _ => String::new(),
    }
}

impl Answer {
    /// Each call is in one group, and so all groups together are the total; of vendors it is in up to three.
    fn complete(&mut self, by: GroupBy) {
        if by != GroupBy::Vendor {
            self.groups.values().for_each(|group| self.total.merge(group));
        }
    }

    fn add(&mut self, key: &Key<&str>, cell: &Cell, (by, when): (GroupBy, &str)) {
        let mut into = |service, name: &str, parts: &[Part]| {
            let mut group = (service, name.to_owned());
            if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(&group) {
                group.1 = OTHER.to_owned();
            }
            self.groups.entry(group).or_default().add(key, cell, parts);
        };
        match by {
            GroupBy::Hour | GroupBy::Day => into("", when, &Part::ALL),
            GroupBy::Bot => into("", key.bot, &Part::ALL),
            GroupBy::Campaign => into("", key.campaign, &Part::ALL),
            GroupBy::Disposition => into("", key.disposition, &Part::ALL),
            GroupBy::Outcome => into("", key.outcome, &Part::ALL),
            GroupBy::Vendor => {
                for (service, vendor, part) in
                    [("stt", key.stt, Part::Stt), ("llm", key.llm, Part::Llm), ("tts", key.tts, Part::Tts)]
                {
                    if !vendor.is_empty() {
                        into(service, vendor, &[part]);
                    }
                }
                self.total.add(key, cell, &Part::ALL);
            }
        }
    }
}
