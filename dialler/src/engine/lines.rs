//! The lines that run, and what they tell.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vox_shared::ids::{AttemptId, ContactId};
use vox_shared::wire::dialler::attempt::{Ending, Recoveries, Why};
use vox_shared::wire::dialler::claim::Claimed;

use super::Engine;
use super::said::Ask;
use crate::breaker::Change;
use crate::bridge::BridgeError;
use crate::leases::Key;
use crate::line::{Line, News, What};
use crate::metrics::{self, Metrics, State};
use crate::pacing::laws::By;

/// What was left behind is seen to; then it is asked whether there is more.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// How far a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Preparing,
    Ringing,
    Talking,
    /// Nobody knows, or it was another's: it is being found out.
    Behind,
}

/// A line that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub key: Key,
    /// None of one that was left behind.
    pub contact: Option<ContactId>,
    trunk: Option<String>,
    phase: Phase,
    since: Instant,
    ring: Duration,
    pub halt: CancellationToken,
}

impl Running {
    pub fn rings(&self) -> bool {
        self.phase == Phase::Ringing
    }

    pub fn talks(&self) -> bool {
        self.phase == Phase::Talking
    }

    pub fn is_behind(&self) -> bool {
        self.phase == Phase::Behind
    }

    /// For how long it rings.
    pub fn age(&self, now: Instant) -> Duration {
        if self.rings() { now.duration_since(self.since) } else { Duration::ZERO }
    }
}

impl Engine {
    /// A contact was claimed: its line begins. One that is not `wanted` after all begins with its end; what is wanted, until its trunk
    /// fails.
    pub(super) fn begin(
        &mut self,
        claimed: Box<Claimed>,
        ask: Ask,
        wanted: Result<CancellationToken, Why>,
        now: Instant,
    ) {
        let halt = CancellationToken::new();
        let running = Running {
            key: (ask.campaign, ask.candidate.partition),
            contact: Some(claimed.contact.clone()),
            trunk: Some(claimed.trunk.clone()),
            phase: Phase::Preparing,
            since: now,
            ring: Duration::ZERO,
            halt: halt.clone(),
        };
        self.lines.insert(claimed.attempt.clone(), running);
        let line = Line::claimed(claimed, ask.epoch, halt, wanted);
        self.tasks.spawn(line.run(self.desk.clone(), self.news.clone()));
    }

    /// What owners before have left behind in a partition.
    pub(super) fn left_behind(&mut self, key: &Key, epoch: u32, answer: Result<Recoveries, BridgeError>) {
        let recoveries = match answer {
            Ok(recoveries) => recoveries,
            Err(error) => {
                return tracing::warn!(%error, "what was left behind in a partition is not told yet");
            }
        };
        // A full page has another one behind it, once these are done.
        if recoveries.attempts.is_empty() {
            self.behind.remove(key);
        } else {
            self.behind.insert(key.clone(), Instant::now() + LOOK_AGAIN);
        }
        for recovery in recoveries.attempts {
            if self.lines.contains_key(&recovery.attempt) {
                continue;
            }
            let halt = CancellationToken::new();
            let running = Running {
                key: key.clone(),
                contact: None,
                trunk: None,
                phase: Phase::Behind,
                since: Instant::now(),
                ring: Duration::ZERO,
                halt: halt.clone(),
            };
            self.lines.insert(recovery.attempt.clone(), running);
            let line = Line::left_behind(recovery, epoch, halt);
            self.tasks.spawn(line.run(self.desk.clone(), self.news.clone()));
        }
    }

    /// End these calls.
    pub(super) fn halt(&mut self, attempts: &[AttemptId]) {
        for attempt in attempts {
            if let Some(line) = self.lines.get(attempt) {
                line.halt.cancel();
            }
        }
    }

    /// What a line tells.
    pub(super) fn news(&mut self, news: News) {
        let now = Instant::now();
        let Some(line) = self.lines.get_mut(&news.attempt) else { return };
        match news.what {
            What::Rings => {
                (line.phase, line.since) = (Phase::Ringing, now);
                if let Some(campaign) = self.campaigns.get_mut(&line.key.0) {
                    campaign.dialled(now);
                }
            }
            What::Answered { ring } => {
                (line.phase, line.since, line.ring) = (Phase::Talking, now, ring);
                self.tell_trunk(&news.attempt, Some(Ending::Answered), now);
            }
            What::NotTaken { ending } => self.tell_trunk(&news.attempt, Some(ending), now),
            What::Adopted => (line.phase, line.since) = (Phase::Talking, now),
            What::Recovers => line.phase = Phase::Behind,
            What::Unclear => {
                line.phase = Phase::Behind;
                self.tell_trunk(&news.attempt, None, now);
            }
            What::Over { ending, dialled, result, talked } => {
                self.over(&news.attempt, (ending, dialled), result.as_deref(), talked);
            }
        }
    }

    fn tell_trunk(&mut self, attempt: &AttemptId, ending: Option<Ending>, now: Instant) {
        let Some(trunk) = self.lines.get(attempt).and_then(|line| line.trunk.clone()) else { return };
        match self.trunks.ended(&trunk, ending, now) {
            Change::Fails => tracing::warn!(trunk.id = trunk, "a trunk fails, and is left alone for a while"),
            Change::WorksAgain => tracing::info!(trunk.id = trunk, "a trunk works again"),
            Change::None => {}
        }
    }

    fn over(
        &mut self,
        attempt: &AttemptId,
        (ending, dialled): (Option<Ending>, bool),
        result: Option<&str>,
        talked: Option<Duration>,
    ) {
        let Some(line) = self.lines.remove(attempt) else { return };
        let word = match ending {
            Some(ending) => ending.as_str(),
            None if dialled => "lost",
            None => "aborted",
        };
        self.desk.metrics.ended.get_or_create(&metrics::Ended { ending: word }).inc();
        let Some(campaign) = self.campaigns.get_mut(&line.key.0) else { return };
        if let Some(by) = result.and_then(answered_by) {
            campaign.pacer.laws.answered(by, line.ring);
            if let (By::Human, Some(talked)) = (by, talked) {
                campaign.pacer.laws.talked(talked);
            }
        }
    }
}

/// Who answered, by the bridge's word for the attempt's result.
fn answered_by(result: &str) -> Option<By> {
    match result {
        "done" | "hangup_early" | "abandoned" | "callback" | "opt_out" => Some(By::Human),
        "voicemail" | "voicemail_left" | "voicemail_full" | "ivr" | "screened" | "fax" => Some(By::Machine),
        _ => None,
    }
}

/// Tell the metrics of all lines.
pub(super) fn count(lines: &BTreeMap<AttemptId, Running>, metrics: &Metrics) {
    for (state, phase) in [
        ("preparing", Phase::Preparing),
        ("ringing", Phase::Ringing),
        ("talking", Phase::Talking),
        ("recovering", Phase::Behind),
    ] {
        let count = lines.values().filter(|line| line.phase == phase).count();
        metrics.lines.get_or_create(&State { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
