//! From a finished conversation to the record that the bridge stores.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use vox_shared::wire::answered::AnsweredBy;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::journal::{Accepted, JournalRecord};
use vox_shared::wire::result::{CallEvent, CallResult, DisconnectedBy, LatencySummary, TurnLatency, Usage};

use super::billed::Billed;
use super::feed::Recognised;
use super::spoken::Spoken;
use crate::media::recorder::{Finished, Unfinished};
use crate::session::callbacks::last_in;
use crate::session::event::Outcome;
use crate::session::kind::EventKind;
use crate::session::report::usage_row;
use crate::session::rules::with_fallbacks;
use crate::transport::untidy::Untidy;
use crate::wreck::Salvaged;

/// The fade that follows the decision to fall silent, milliseconds.
const FADE_MS: f64 = 80.0;

/// What a conversation leaves behind, with what only its actor knows.
#[derive(Debug)]
pub struct Ended {
    pub outcome: Outcome,
    /// Of a call that was placed, where it was found out who has answered.
    pub answered_by: Option<Box<AnsweredBy>>,
    pub lateness_p99_ms: f64,
    pub underruns: u64,
    pub recognised: Vec<Recognised>,
    pub spoken: Vec<Spoken>,
    /// Whose those are.
    pub billed: Billed,
    /// Still open: closing it waits for the disk.
    pub recording: Option<Unfinished>,
}

/// A record with what is known since the call was accepted.
pub fn skeleton(accepted: &Accepted, by: DisconnectedBy, ended_at: Timestamp) -> CallResult {
    let mut result = CallResult::bare(accepted.session_id.clone(), by);
    result.bot_id = Some(accepted.bot_id.clone());
    result.worker_id = Some(accepted.worker_id.clone());
    result.stream_id = accepted.stream_id.clone();
    result.caller_id = accepted.caller_id.clone();
    result.from_number = accepted.from_number.clone();
    result.call_direction = accepted.call_direction.clone();
    result.transport = Some(accepted.transport.clone());
    result.started_at = Some(accepted.started_at.clone());
    result.ended_at = Some(ended_at.to_string());
    result.connected_event = accepted.connected_event.clone();
    result.traceparent = accepted.traceparent;
    result.proof = accepted.proof.clone();
    result
}

/// The record of a call that ran to its end, and its recording, which is still open: [`add_recording`] tells of it.
pub fn result(
    accepted: &Accepted,
    config: &RuntimeConfig,
    ended: Ended,
    ended_at: Timestamp,
) -> (CallResult, Option<Unfinished>) {
    let outcome = ended.outcome;
    let mut result = skeleton(accepted, outcome.disconnected_by, ended_at);
    result.call_duration_seconds = outcome.duration.as_secs_f64();
    result.transcript = outcome.transcript;
    result.events = unknown_names(config).chain(outcome.events).collect();
    result.why = outcome.why;
    result.error = outcome.error;
    let is_done = outcome.transfer.as_ref().is_some_and(|transfer| transfer.done);
    result.was_transferred = is_done || outcome.disconnected_by == DisconnectedBy::TransferToAgent;
    if let Some(transfer) = outcome.transfer {
        result.transfer_destination = Some(transfer.to);
        result.transfer_method = Some(transfer.method);
        result.transfer_at = Some(transfer.at.as_secs_f64());
        result.transfer_failed_reason = transfer.failed;
    }
    result.callback = outcome.callback;
    result.latency = LatencySummary {
        frame_lateness_p99_ms: ended.lateness_p99_ms,
        underruns: ended.underruns,
        ..summary(&outcome.latency, outcome.first_audio, &outcome.barge_in)
    };
    result.latency_samples = outcome.latency;
    result.usage_metrics = outcome.usage;
    result.answered_by = ended.answered_by;
    add_recognised(&mut result.usage_metrics, &ended.billed, &ended.recognised);
    add_spoken(&mut result.usage_metrics, &ended.billed, &ended.spoken);
    result.pipeline_config = Some(pipeline(config));
    result.routing = config.routing.clone();
    if ended.recording.is_none() && config.recording.enabled {
        result.events.push(recording_fault(&result, "the file could not be made".into()));
    }
    (result, ended.recording)
}

/// What became of the recording.
pub fn add_recording(result: &mut CallResult, accepted: &Accepted, finished: Finished) {
    let nothing = || "nothing was recorded".to_owned();
    let fault = match finished.frames {
        0 => Some(finished.fault.unwrap_or_else(nothing)),
        _ => {
            result.recording_key = accepted.recording_key.clone();
            finished.fault
        }
    };
    if let Some(fault) = fault {
        result.events.push(recording_fault(result, fault));
    }
}

/// The record of a call whose worker died: what its journal holds.
pub fn worker_lost(accepted: &Accepted, journal: Vec<JournalRecord>, last_at: Timestamp) -> CallResult {
    let mut result = from_journal(accepted, DisconnectedBy::WorkerLost, journal, last_at);
    result.error = Some("the worker process died during the call".into());
    result
}

/// The record of a call that did not write its own.
pub fn from_journal(
    accepted: &Accepted,
    by: DisconnectedBy,
    journal: Vec<JournalRecord>,
    last_at: Timestamp,
) -> CallResult {
    let mut result = skeleton(accepted, by, last_at);
    let salvaged = Salvaged::of(journal);
    let recovered = salvaged.recovered();
    if let Some(last) = recovered.last() {
        result.worker_id = Some(last.worker_id.clone());
    }
    result.recovered = recovered;
    let past = salvaged.past;
    result.transcript = past.transcript;
    result.callback = last_in(&past.events);
    result.events = past.events;
    result.why = past.why;
    result.latency = summary(&past.latency, past.first_audio, &past.barge_in);
    result.latency_samples = past.latency;
    result.usage_metrics = past.usage;
    let started = accepted.started_at.parse::<Timestamp>().unwrap_or(last_at);
    result.call_duration_seconds = last_at.duration_since(started).as_secs_f64().max(0.0);
    result
}

/// What the bridge says of the config: names in the greeting and the fixed phrases that had no value and were left out, and in words of its
/// own what else the call does without.
pub fn unknown_names(config: &RuntimeConfig) -> impl Iterator<Item = CallEvent> {
    config.template_warnings.iter().map(|told| CallEvent {
        at_ms: 0,
        event: EventKind::TemplateUnknown.as_str().into(),
        why: match told.split_once(": ") {
            Some(("crm" | "voice", _)) => told.clone(),
            _ => format!("'{told}' has no value; it is left out of what the bot says"),
        },
        data: serde_json::Map::new(),
    })
}

/// What the carrier sent and nobody could use is told in the record.
pub fn add_dropped(result: &mut CallResult, counts: &[(Untidy, u64)]) {
    if counts.is_empty() {
        return;
    }
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    result.events.push(CallEvent {
        at_ms: (result.call_duration_seconds * 1e3) as u64,
        event: EventKind::MessagesDropped.as_str().into(),
        why: format!("{total} messages of the carrier could not be used"),
        data: counts.iter().map(|(kind, count)| (kind.as_str().to_owned(), (*count).into())).collect(),
    });
}

/// The delays of a call, in short.
fn summary(latency: &[TurnLatency], first_audio: Option<Duration>, barge_in: &[Duration]) -> LatencySummary {
    let mut totals: Vec<f64> = latency.iter().map(|l| l.total_ms).collect();
    totals.sort_by(f64::total_cmp);
    LatencySummary {
        answer_to_first_audio_ms: first_audio.map(|d| d.as_secs_f64() * 1e3),
        wire_to_ear_p50_ms: totals.get(totals.len() / 2).copied(),
        wire_to_ear_max_ms: totals.last().copied(),
        barge_in_ms: barge_in.iter().map(|d| d.as_secs_f64() * 1e3 + FADE_MS).collect(),
        ..LatencySummary::default()
    }
}

fn recording_fault(result: &CallResult, why: String) -> CallEvent {
    CallEvent {
        at_ms: (result.call_duration_seconds * 1e3) as u64,
        event: EventKind::RecordingIncomplete.as_str().into(),
        why,
        data: serde_json::Map::new(),
    }
}

/// What recognisers and voices were used for, by vendor.
pub fn metered(billed: &Billed, recognised: &[Recognised], spoken: &[Spoken]) -> Vec<Usage> {
    let mut usage = Vec::new();
    add_recognised(&mut usage, billed, recognised);
    add_spoken(&mut usage, billed, spoken);
    usage
}

/// The seconds of recognition, to the vendor that recognised them: after a fail-over a call has several.
fn add_recognised(usage: &mut Vec<Usage>, billed: &Billed, recognised: &[Recognised]) {
    for Recognised { index, seconds, streams } in recognised {
        let Some((provider, model)) = billed.recogniser(*index) else { continue };
        let row = usage_row(usage, "stt", provider, model);
        row.seconds += seconds;
        row.requests += streams;
    }
}

/// The characters of speech, to the vendor that was given them.
fn add_spoken(usage: &mut Vec<Usage>, billed: &Billed, spoken: &[Spoken]) {
    for Spoken { index, characters, requests } in spoken {
        let Some((provider, model)) = billed.voice(*index) else { continue };
        let row = usage_row(usage, "tts", provider, model);
        row.characters += characters;
        row.requests += requests;
    }
}

/// Which vendors the call ran on, without keys.
fn pipeline(config: &RuntimeConfig) -> serde_json::Value {
    let stt =
        with_fallbacks(&config.stt, |s| json!({"provider": s.provider, "model": s.model}), |s| &s.fallbacks);
    let llm =
        with_fallbacks(&config.llm, |s| json!({"provider": s.provider, "model": s.model}), |s| &s.fallbacks);
    let tts = with_fallbacks(
        &config.tts,
        |s| json!({"provider": s.provider, "model": s.model, "voice": s.voice}),
        |s| &s.fallbacks,
    );
    json!({"stt": stt, "llm": llm, "tts": tts, "vad": config.vad, "turn": config.turn})
}

/// The names that a call's recording goes by.
pub fn recording_key(accepted_at: Timestamp, session_id: &vox_shared::ids::SessionId) -> String {
    format!("{}-{session_id}.wav", accepted_at.strftime("%Y%m%d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bridge_says_in_words_of_its_own_is_told_as_it_is() {
        let warnings = ["office", "voice: voi_1 cannot be used, and the next one speaks"];
        let config: RuntimeConfig = serde_json::from_value(json!({
            "session_id": "call_1", "webhook_url": "", "system_prompt": "", "opening_message": "", "template_warnings": warnings,
        }))
        .unwrap();
        let told: Vec<String> = unknown_names(&config).map(|event| event.why).collect();
        assert_eq!(told, ["'office' has no value; it is left out of what the bot says", warnings[1]]);
    }

    #[test]
    fn what_the_bridge_says_of_its_routing_is_sent_back_as_it_is() {
        let routing = json!({"budget_ms": 900, "picked": {"tts": {"provider": "flite", "place": 1}}, "of_a_newer_bridge": true});
        let config = json!({
            "session_id": "call_1", "webhook_url": "", "system_prompt": "", "opening_message": "", "routing": routing,
        });
        let config: RuntimeConfig = serde_json::from_value(config).unwrap();
        let accepted = json!({
            "session_id": "call_1", "bot_id": "b", "worker_id": "w", "transport": "ws",
            "started_at": "2026-11-20T10:00:00Z", "bridge_url": "http://h",
        });
        let outcome = json!({
            "disconnected_by": "bot", "duration": {"secs": 1, "nanos": 0}, "transcript": [], "events": [], "why": [],
            "latency": [], "first_audio": null, "barge_in": [], "usage": [], "error": null,
        });
        let ended = Ended {
            outcome: serde_json::from_value(outcome).unwrap(),
            lateness_p99_ms: 0.0,
            underruns: 0,
            recognised: Vec::new(),
            spoken: Vec::new(),
            billed: Billed::of(&config),
            recording: None,
            answered_by: None,
        };
        let accepted: Accepted = serde_json::from_value(accepted).unwrap();
        let (result, _) = result(&accepted, &config, ended, Timestamp::UNIX_EPOCH);
        assert_eq!(result.routing, Some(routing));
    }

    #[test]
    fn after_a_fail_over_each_recogniser_is_billed_what_it_heard() {
        let config = json!({
            "session_id": "call_1", "webhook_url": "", "system_prompt": "", "opening_message": "",
            "stt": {"provider": "deepgram", "model": "nova-3", "fallbacks": [
                {"provider": "deepgram", "model": "nova-2"},
                {"provider": "deepgram", "model": "nova-3", "language": "hi"},
            ]},
        });
        let config: RuntimeConfig = serde_json::from_value(config).unwrap();
        let heard = |index, seconds, streams| Recognised { index, seconds, streams };
        let mut usage = Vec::new();
        let billed = Billed::of(&config);
        add_recognised(&mut usage, &billed, &[heard(0, 12.0, 2), heard(1, 30.5, 1), heard(2, 4.0, 1)]);
        let told: Vec<_> = usage.iter().map(|u| (u.model.as_str(), u.seconds, u.requests)).collect();
        assert_eq!(told, [("nova-3", 16.0, 3), ("nova-2", 30.5, 1)]);
    }
}
