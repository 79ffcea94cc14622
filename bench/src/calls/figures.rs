//! From calls to figures. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use vox_caller::{Barge, LatenessHistogram, Report, Spread};
use vox_shared::wire::result::{CallResult, DisconnectedBy};

use super::{callers::Outcome, vendors::Delays};
use crate::load::failure;

/// Two clocks' view of one sound may differ by this and still be of the same sound.
const SAME_SOUND_MS: f64 = 150.0;

/// One call from both of its ends.
pub(super) struct Conversation {
    /// What the caller heard.
    pub(super) heard: Outcome,
    /// What the worker recorded; `None` when its result never came.
    pub(super) result: Option<CallResult>,
}

/// What the calls of a level were like. Milliseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Talk {
    /// Calls that did not end by the caller's hang-up with both sides heard and a record kept.
    pub failed: u64,
    pub reasons: BTreeMap<String, u64>,
    /// The platform's part of each turn, as the worker accounts for it (`platform_ms` of its results).
    pub platform_ms: Spread,
    /// The worker's total of each turn without the delays that are known beforehand: nothing the worker calls a
    /// vendor's time is believed.
    pub platform_by_delays_ms: Spread,
    /// The same from the caller's ear. The packing of the line (a frame is sent when it has been spoken) is in it, and
    /// what caller and worker think differently of the end of the caller's speech.
    pub platform_by_ear_ms: Spread,
    /// From the end of the caller's speech to the worker's decision that the turn is over; the chosen wait is in it.
    pub endpoint_ms: Spread,
    pub wire_to_ear_ms: Spread,
    pub answer_to_first_audio_ms: Spread,
    /// From the first sound of the caller's interruption to the last of the bot's.
    pub barge_in_from_onset_ms: Spread,
    /// From the worker's decision to be silent to the last sound of the bot's at the caller.
    pub barge_in_from_decision_ms: Spread,
    /// How late the bot's frames came to the caller, after the line had run dry.
    pub frame_lateness_ms: Spread,
    /// How late they left, each call's 99th percentile.
    pub worker_frame_lateness_p99_ms: Spread,
    /// Frames that were due while the worker had no sound (its results).
    pub underruns: u64,
    /// Holes that callers heard inside speech.
    pub gaps: u64,
    pub gap_longest_ms: f64,
    pub unanswered: u64,
    pub cut_ins: u64,
    /// Rules of the line's protocol that workers broke.
    pub violations: u64,
    /// Lateness of the callers' own timers, each call's 99th percentile.
    pub caller_timer_lateness_p99_ms: Spread,
}

#[derive(Default)]
struct Tally {
    talk: Talk,
    platform: Vec<f64>,
    by_delays: Vec<f64>,
    endpoint: Vec<f64>,
    wire_to_ear: Vec<f64>,
    first_audio: Vec<f64>,
    from_onset: Vec<f64>,
    from_decision: Vec<f64>,
    worker_lateness: Vec<f64>,
    timers: Vec<f64>,
    lateness: LatenessHistogram,
}

/// Sum the calls up.
pub(super) fn sum_up(conversations: Vec<Conversation>, delays: &Delays) -> Talk {
    let mut tally = Tally::default();
    for conversation in &conversations {
        if let Some(reason) = fault(conversation) {
            tally.talk.failed += 1;
            *tally.talk.reasons.entry(reason).or_default() += 1;
        }
        if let Ok(report) = &conversation.heard {
            tally.hear(report);
        }
        if let Some(result) = &conversation.result {
            tally.read(result, delays);
        }
        if let Conversation { heard: Ok(report), result: Some(result) } = conversation {
            tally.from_decision.extend(decision_to_silence(report, result));
        }
    }
    tally.finish(delays)
}

/// The same of calls of which nothing but the caller's side is known, to a bot that is not ours.
pub(crate) fn heard(outcomes: &[Outcome], delays: &Delays) -> Talk {
    let mut tally = Tally::default();
    for outcome in outcomes {
        let fault = match outcome {
            Ok(report) => {
                tally.hear(report);
                failure(report)
            }
            Err(reason) => Some(reason.clone()),
        };
        if let Some(reason) = fault {
            tally.talk.failed += 1;
            *tally.talk.reasons.entry(reason).or_default() += 1;
        }
    }
    tally.finish(delays)
}

/// In a few words why this was no good call.
fn fault(conversation: &Conversation) -> Option<String> {
    let heard = match &conversation.heard {
        Ok(report) => failure(report),
        Err(reason) => Some(reason.clone()),
    };
    let recorded = || match &conversation.result {
        None => Some("no_result".to_owned()),
        Some(result) if result.disconnected_by != DisconnectedBy::Customer => {
            Some(format!("disconnected_by_{}", result.disconnected_by.as_str()))
        }
        Some(result) => result.error.as_ref().map(|_| "result_with_error".to_owned()),
    };
    heard.or_else(recorded)
}

impl Tally {
    fn hear(&mut self, report: &Report) {
        let heard = &report.heard;
        let answered = heard.turns.iter().filter(|turn| !turn.cut_in);
        self.wire_to_ear.extend(answered.filter_map(|turn| turn.reply_ms));
        self.first_audio.extend(heard.answer_to_first_audio_ms);
        self.from_onset.extend(heard.barge_ins.iter().map(|barge| barge.silence_ms));
        self.timers.push(report.own_timing.frame_late_ms.p99);
        self.lateness.merge(&report.tracks.lateness);
        let talk = &mut self.talk;
        talk.gaps += heard.gaps;
        talk.gap_longest_ms = talk.gap_longest_ms.max(heard.gap_longest_ms);
        talk.cut_ins += heard.turns.iter().filter(|turn| turn.cut_in).count() as u64;
        talk.unanswered +=
            heard.turns.iter().filter(|turn| turn.reply_ms.is_none() && !turn.cut_in).count() as u64;
        talk.violations += report.violations.iter().map(|violation| violation.count).sum::<u64>();
    }

    fn read(&mut self, result: &CallResult, delays: &Delays) {
        for turn in &result.latency_samples {
            self.platform.push(turn.platform_ms);
            self.endpoint.push(turn.endpoint_ms);
            self.by_delays.push(turn.total_ms - turn.transport_ms - delays.sum_ms());
        }
        self.worker_lateness.push(result.latency.frame_lateness_p99_ms);
        self.talk.underruns += result.latency.underruns;
    }

    fn finish(self, delays: &Delays) -> Talk {
        let by_ear = self.wire_to_ear.iter().map(|total| total - delays.sum_ms()).collect();
        Talk {
            platform_ms: Spread::of(self.platform),
            platform_by_delays_ms: Spread::of(self.by_delays),
            platform_by_ear_ms: Spread::of(by_ear),
            endpoint_ms: Spread::of(self.endpoint),
            wire_to_ear_ms: Spread::of(self.wire_to_ear),
            answer_to_first_audio_ms: Spread::of(self.first_audio),
            barge_in_from_onset_ms: Spread::of(self.from_onset),
            barge_in_from_decision_ms: Spread::of(self.from_decision),
            frame_lateness_ms: self.lateness.spread(),
            worker_frame_lateness_p99_ms: Spread::of(self.worker_lateness),
            caller_timer_lateness_p99_ms: Spread::of(self.timers),
            ..self.talk
        }
    }
}

/// How long the bot was still heard after the worker had decided to be silent, for each interruption that both ends
/// noticed. The two clocks are brought together by the bot's own beginnings, which both know.
fn decision_to_silence(report: &Report, result: &CallResult) -> Vec<f64> {
    let Some(offset) = clock_offset(report, result) else { return Vec::new() };
    let cuts = result.why.iter().filter(|event| event.event == "bot_stopped" && event.why == "cut off");
    let decided: Vec<f64> = cuts.map(|event| event.at_ms as f64 + offset).collect();
    let after = |barge: &Barge| {
        let silent = barge.at_ms + barge.silence_ms;
        // The bot may have been at its last word: then it was silent before the decision.
        decided.iter().rfind(|&&at| barge.at_ms < at && at <= silent).map(|at| silent - at)
    };
    report.heard.barge_ins.iter().filter_map(after).collect()
}

/// The caller's clock less the worker's, milliseconds.
fn clock_offset(report: &Report, result: &CallResult) -> Option<f64> {
    let rate = f64::from(report.rate_hz) / 1_000.0;
    let onsets: Vec<f64> = report.tracks.bot.iter().map(|span| span.start as f64 / rate).collect();
    let starts: Vec<f64> = result
        .why
        .iter()
        .filter(|event| event.event == "bot_started")
        .map(|event| event.at_ms as f64)
        .collect();
    let first = onsets.first()? - starts.first()?;
    let nearest = |start: &f64| {
        let differences = onsets.iter().map(|onset| onset - start - first);
        differences
            .min_by(|a, b| a.abs().total_cmp(&b.abs()))
            .filter(|difference| difference.abs() < SAME_SOUND_MS)
    };
    let differences: Vec<f64> = starts.iter().filter_map(nearest).collect();
    Some(first + Spread::of(differences).p50)
}
