//! Many calls in one set of figures.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Serialize;
use vox_caller::{EndedBy, LatenessHistogram, Report, Rule, Spread, Violation};

use super::{Outcome, Plan};

/// What all callers heard. Milliseconds unless the name says otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub protocol: String,
    /// Without its query, which may hold a token.
    pub url: String,
    pub callers: u32,
    pub seconds: f64,
    pub calls: Calls,
    pub answer_to_first_audio_ms: Spread,
    /// From the acoustic end of the caller's speech to the first audible sample of the reply.
    pub wire_to_ear_ms: Spread,
    /// From the first audible sample of the caller's interruption to the bot's last.
    pub barge_in_to_silence_ms: Spread,
    /// Lateness of the bot's frames against their own schedule.
    pub frame_lateness_ms: Spread,
    /// The longest time of each call in which nobody was audible.
    pub longest_silence_ms: Spread,
    pub gaps: Gaps,
    pub turns: Turns,
    pub bot_speech_seconds: f64,
    /// What the server did wrong, over all calls.
    pub violations: Vec<Violation>,
    pub caller: Callers,
}

/// How the calls ended.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Calls {
    pub placed: u64,
    pub completed: u64,
    pub failed: u64,
    /// Why they failed, and how many each.
    pub reasons: BTreeMap<String, u64>,
}

/// Holes inside the bot's speech.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Gaps {
    pub count: u64,
    pub calls_with_gaps: u64,
    pub total_ms: f64,
    pub longest_ms: f64,
}

/// What the callers said.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Turns {
    pub said: u64,
    pub answered: u64,
    /// No reply before the caller spoke again or hung up.
    pub unanswered: u64,
    /// The bot began before the caller had finished.
    pub cut_ins: u64,
    /// The caller spoke while the bot was audible.
    pub barge_ins: u64,
}

/// The driver's own side.
#[derive(Clone, Debug, Serialize)]
pub struct Callers {
    /// Processor time of one caller.
    pub cpu_percent_of_core_per_caller: Option<f64>,
    /// Worst and typical lateness of the callers' own timers, per call's 99th percentile: when it is high, this
    /// machine was too busy to judge the server.
    pub timer_lateness_p99_ms: Spread,
}

#[derive(Default)]
pub(super) struct Tally {
    calls: Calls,
    first_audio: Vec<f64>,
    replies: Vec<f64>,
    silences: Vec<f64>,
    longest: Vec<f64>,
    timers: Vec<f64>,
    lateness: LatenessHistogram,
    gaps: Gaps,
    turns: Turns,
    bot_speech_ms: f64,
    violations: BTreeMap<Rule, Violation>,
}

impl Tally {
    pub(super) fn add(&mut self, call: Outcome) {
        self.calls.placed += 1;
        let failure = match &call {
            Ok(report) => failure(report),
            Err(reason) => Some(reason.clone()),
        };
        match failure {
            Some(reason) => {
                self.calls.failed += 1;
                *self.calls.reasons.entry(reason).or_default() += 1;
            }
            None => self.calls.completed += 1,
        }
        if let Ok(report) = call {
            self.hear(report);
        }
    }

    fn hear(&mut self, report: Report) {
        let heard = report.heard;
        self.first_audio.extend(heard.answer_to_first_audio_ms);
        self.replies.extend(heard.turns.iter().filter_map(|turn| turn.reply_ms));
        self.silences.extend(heard.barge_ins.iter().map(|barge| barge.silence_ms));
        self.longest.push(heard.longest_silence_ms);
        self.timers.push(report.own_timing.frame_late_ms.p99);
        self.lateness.merge(&report.tracks.lateness);
        self.bot_speech_ms += heard.bot_speech_ms;
        self.gaps.count += heard.gaps;
        self.gaps.calls_with_gaps += u64::from(heard.gaps > 0);
        self.gaps.total_ms += heard.gap_total_ms;
        self.gaps.longest_ms = self.gaps.longest_ms.max(heard.gap_longest_ms);
        let answered = heard.turns.iter().filter(|turn| turn.reply_ms.is_some()).count() as u64;
        let cut_ins = heard.turns.iter().filter(|turn| turn.cut_in).count() as u64;
        let unanswered =
            heard.turns.iter().filter(|turn| turn.reply_ms.is_none() && !turn.cut_in).count() as u64;
        self.turns.said += heard.turns.len() as u64;
        self.turns.answered += answered;
        self.turns.unanswered += unanswered;
        self.turns.cut_ins += cut_ins;
        self.turns.barge_ins += heard.barge_ins.len() as u64;
        for violation in report.violations {
            match self.violations.get_mut(&violation.rule) {
                Some(known) => known.count += violation.count,
                None => _ = self.violations.insert(violation.rule, violation),
            }
        }
    }

    /// `cpu_percent` is this process's share of one core.
    pub(super) fn sum_up(self, plan: &Plan, lasted: Duration, cpu_percent: Option<f64>) -> Summary {
        let mut url = plan.options.url.clone();
        url.set_query(None);
        Summary {
            protocol: plan.options.protocol.to_string(),
            url: url.to_string(),
            callers: plan.callers,
            seconds: lasted.as_secs_f64(),
            calls: self.calls,
            answer_to_first_audio_ms: Spread::of(self.first_audio),
            wire_to_ear_ms: Spread::of(self.replies),
            barge_in_to_silence_ms: Spread::of(self.silences),
            frame_lateness_ms: self.lateness.spread(),
            longest_silence_ms: Spread::of(self.longest),
            gaps: self.gaps,
            turns: self.turns,
            bot_speech_seconds: self.bot_speech_ms / 1_000.0,
            violations: self.violations.into_values().collect(),
            caller: Callers {
                cpu_percent_of_core_per_caller: cpu_percent
                    .map(|percent| percent / f64::from(plan.callers.max(1))),
                timer_lateness_p99_ms: Spread::of(self.timers),
            },
        }
    }
}

/// In one word why a call was none; `None` for one that was.
pub(crate) fn failure(report: &Report) -> Option<String> {
    let code = report.end.close_code.map(|code| format!("_{code}")).unwrap_or_default();
    match report.end.by {
        EndedBy::Server => Some(format!("closed_by_server{code}")),
        EndedBy::Carrier => Some("no_answer".to_owned()),
        EndedBy::Lost => Some("connection_lost".to_owned()),
        EndedBy::Caller | EndedBy::Bot if report.heard.bot_speech_ms == 0.0 => {
            Some("bot_never_spoke".to_owned())
        }
        EndedBy::Caller | EndedBy::Bot => None,
    }
}

impl fmt::Display for Summary {
    /// A table for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, turns, gaps, .. } = self;
        writeln!(
            f,
            "{} callers over {} at {} for {:.0} s",
            self.callers, self.protocol, self.url, self.seconds
        )?;
        writeln!(
            f,
            "calls       {} placed, {} completed, {} failed",
            calls.placed, calls.completed, calls.failed
        )?;
        for (reason, count) in &calls.reasons {
            writeln!(f, "            {count} x {reason}")?;
        }
        writeln!(
            f,
            "turns       {} said, {} answered, {} unanswered, {} cut-ins, {} barge-ins",
            turns.said, turns.answered, turns.unanswered, turns.cut_ins, turns.barge_ins
        )?;
        writeln!(
            f,
            "gaps        {} in {} calls, {:.0} ms in all, longest {:.0} ms, in {:.0} s of speech",
            gaps.count, gaps.calls_with_gaps, gaps.total_ms, gaps.longest_ms, self.bot_speech_seconds
        )?;
        writeln!(
            f,
            "\n{:<26}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "heard, ms", "count", "P50", "P90", "P99", "P99.9", "max"
        )?;
        for (name, spread) in [
            ("answer to first audio", &self.answer_to_first_audio_ms),
            ("wire to ear", &self.wire_to_ear_ms),
            ("barge-in to silence", &self.barge_in_to_silence_ms),
            ("frame lateness", &self.frame_lateness_ms),
            ("longest silence of a call", &self.longest_silence_ms),
            ("callers' own timers, P99", &self.caller.timer_lateness_p99_ms),
        ] {
            let Spread { count, p50, p90, p99, p999, max } = spread;
            writeln!(f, "{name:<26}{count:>8}{p50:>10.1}{p90:>10.1}{p99:>10.1}{p999:>10.1}{max:>10.1}")?;
        }
        for violation in &self.violations {
            let example = violation.examples.first().map_or("", String::as_str);
            writeln!(f, "violation   {:?} x {}: {example}", violation.rule, violation.count)?;
        }
        if let Some(percent) = self.caller.cpu_percent_of_core_per_caller {
            writeln!(f, "\ncost        {percent:.2} % of a core per caller")?;
        }
        Ok(())
    }
}
