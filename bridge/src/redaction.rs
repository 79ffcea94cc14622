//! The bridge's own look at what a call hides: workers hide it before they tell, and this is the net behind them, for a worker
//! of an older version and for what only the bridge sends on.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};
use vox_amd::Evidence;
use vox_shared::model::bot::{Redaction, Sink};
use vox_shared::redaction::{Redactor, net};
use vox_shared::wire::live::{self, LiveReport};
use vox_shared::wire::result::TranscriptEntry;

use crate::store::calls::Call;

/// What a call hides from this sink, if anything.
fn rules(of: Option<&Redaction>, sink: Sink) -> Option<Redactor> {
    of.filter(|rules| rules.covers(sink)).and_then(|rules| Redactor::new(&rules.kinds))
}

/// A delivered result, before it is stored. Answers how many of its texts a worker had left as they were.
pub fn result(of: Option<&Redaction>, raw: &mut Map<String, Value>) -> usize {
    let lines =
        rules(of, Sink::Transcript).map_or(0, |rules| hide_lines(&rules, raw) + hide_words_of_signs(raw));
    lines + rules(of, Sink::Events).map_or(0, |rules| hide_events(&rules, raw))
}

/// What a worker tells of a running call.
pub fn report(of: Option<&Redaction>, report: &mut LiveReport) {
    let Some(rules) = rules(of, Sink::Live) else { return };
    // Those that begin a call hold its numbers, which are the line's and not what was said.
    let spoken = |name: &str| matches!(name, live::TURN | live::NOTED | live::TOOL_CALLED);
    let events = report.events.iter_mut().filter(|event| spoken(&event.event));
    events.for_each(|event| hide_fields(&rules, &mut event.data));
}

/// What is told to webhooks.
pub fn event(of: Option<&Redaction>, data: &mut Map<String, Value>) {
    if let Some(rules) = rules(of, Sink::Webhook) {
        hide_fields(&rules, data);
    }
}

/// Fields of events that hold ids, keys and hashes by contract: nobody says them, and a receiver goes by them.
const NAMES: [&str; 9] = [
    "call_id",
    "session_id",
    "bot_id",
    "tenant_id",
    "webhook_id",
    "campaign_id",
    "reservation_id",
    "recording_key",
    "sha256",
];

fn hide_fields(rules: &Redactor, data: &mut Map<String, Value>) {
    let said = data.iter_mut().filter(|(name, _)| !NAMES.contains(&name.as_str()));
    for (name, value) in said {
        let mut field = Map::from_iter([(name.clone(), value.take())]);
        rules.fields(&mut field);
        *value = field.remove(name.as_str()).unwrap_or_default();
    }
}

/// A call as its bot's CRM may have it.
pub fn for_crm(call: &Call) -> Cow<'_, Call> {
    for_sink(call, Sink::Crm)
}

/// A call as a model may read it.
pub fn for_model(call: &Call) -> Cow<'_, Call> {
    for_sink(call, Sink::Model)
}

/// A text of a call as it may be written down beside it.
pub fn for_log(call: &Call, text: &str) -> String {
    let hidden = match rules(call.redaction.as_ref(), Sink::Log) {
        Some(rules) => rules.text(text),
        None => Cow::Borrowed(text),
    };
    net::clean(&hidden).into_owned()
}

/// A text of a call as it may be kept with it.
pub fn for_transcript(call: &Call, text: &str) -> String {
    match rules(call.redaction.as_ref(), Sink::Transcript) {
        Some(rules) => rules.text(text).into_owned(),
        None => text.to_owned(),
    }
}

/// With what models made of it, who may have read it before this was hidden from them.
fn for_sink(call: &Call, sink: Sink) -> Cow<'_, Call> {
    let Some(rules) = rules(call.redaction.as_ref(), sink) else { return Cow::Borrowed(call) };
    let mut call = call.clone();
    if let Some(raw) = &mut call.result {
        hide_lines(&rules, raw);
        hide_words_of_signs(raw);
        hide_events(&rules, raw);
    }
    if let Some(analysis) = &mut call.analysis {
        analysis
            .parts
            .iter_mut()
            .filter_map(|part| part.output.as_mut())
            .for_each(|output| rules.fields(output));
        for field in analysis.outcomes.iter_mut().flat_map(|proof| &mut proof.fields) {
            if let Some(text) = &mut field.value {
                *text = rules.text(text).into_owned();
            }
        }
    }
    Cow::Owned(call)
}

/// The lines of the transcript; what else a newer worker says of them stays.
fn hide_lines(rules: &Redactor, raw: &mut Map<String, Value>) -> usize {
    let Some(Value::Array(lines)) = raw.get_mut("transcript") else { return 0 };
    let read: Result<Vec<TranscriptEntry>, _> =
        lines.iter().map(|line| serde_json::from_value(line.clone())).collect();
    // Lines that are none are in no stored result: it was read before.
    let Ok(mut read) = read else { return 0 };
    rules.transcript(&mut read);
    let mut hidden = 0;
    for (line, read) in lines.iter_mut().zip(read) {
        if line["text"] == read.text.as_str() {
            continue;
        }
        hidden += 1;
        line["text"] = read.text.into();
        line["words"] = serde_json::to_value(read.words).unwrap_or_default();
    }
    hidden
}

/// What the callee said before it was known who they are: in pieces, in which no rule finds a number, so all of it goes. Of a form that
/// this bridge does not know nothing is kept.
fn hide_words_of_signs(raw: &mut Map<String, Value>) -> usize {
    let evidence = raw.get_mut("answered_by").and_then(|by| by.get_mut("evidence"));
    let Some(evidence) = evidence.filter(|evidence| !evidence.is_null()) else { return 0 };
    let known = Evidence::deserialize(&*evidence).ok().map(Evidence::without_words);
    let hidden = known.and_then(|known| serde_json::to_value(known).ok()).unwrap_or_default();
    let was_hidden = *evidence == hidden;
    *evidence = hidden;
    usize::from(!was_hidden)
}

/// Events, their reasons, what went wrong, and what a call back is to be about.
fn hide_events(rules: &Redactor, raw: &mut Map<String, Value>) -> usize {
    let mut hidden = 0;
    for name in ["events", "why", "intents", "error"] {
        let Some(value) = raw.get_mut(name) else { continue };
        let before = value.clone();
        match &mut *value {
            Value::Array(items) => items.iter_mut().for_each(|item| rules.value(item)),
            other => rules.value(other),
        }
        hidden += usize::from(*value != before);
    }
    // Whom to call is none of it: without the number nobody could.
    if let Some(note) = raw.get_mut("callback").and_then(|callback| callback.get_mut("note")) {
        let before = note.clone();
        rules.value(note);
        hidden += usize::from(*note != before);
    }
    hidden
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vox_shared::model::bot::Hidden;

    use super::*;

    fn rules_of(sinks: &[Sink]) -> Redaction {
        Redaction { kinds: Hidden::ALL.to_vec(), sinks: sinks.to_vec() }
    }

    fn said() -> Map<String, Value> {
        let line = |by: &str, text: &str| {
            json!({
                "turn": 1, "speaker": by, "text": text, "started_ms": 0, "ended_ms": 900, "mood": "calm",
                "words": [{"text": text, "started_ms": 0, "ended_ms": 900}],
            })
        };
        let all = json!({
            "transcript": [line("bot", "Your card number?"), line("caller", "four one one one")],
            "events": [{"at_ms": 1, "event": "model_failed", "why": "it said: 4111 1111 1111 1111"}],
            "error": "my pin is 4821", "worker_id": "9876543210",
        });
        all.as_object().unwrap().clone()
    }

    /// As a worker without redaction would deliver it.
    #[test]
    fn what_a_worker_left_is_hidden_and_counted() {
        let mut raw = said();
        assert_eq!(result(Some(&rules_of(&Sink::ALL)), &mut raw), 3);
        let caller = &raw["transcript"][1];
        assert_eq!((&caller["text"], &caller["words"][0]["text"]), (&json!("[card]"), &json!("[card]")));
        assert_eq!((&caller["mood"], &raw["worker_id"]), (&json!("calm"), &json!("9876543210")));
        assert_eq!(raw["events"][0]["why"], "it said: [card]");
        assert_eq!(raw["error"], "my pin is [pin]");
        let again = raw.clone();
        assert_eq!((result(Some(&rules_of(&Sink::ALL)), &mut raw), raw), (0, again));
    }

    /// The recogniser's results, each by its difference to the one before.
    #[test]
    fn words_of_whoever_answered_are_in_no_record_that_hides_what_is_said() {
        let evidence = json!({
            "form": 1, "version": "0.1.0", "language": "en", "ring_ms": null, "has_words": true, "until_ms": 2_000, "cut": false,
            "signs": [[20, "on"], [600, {"b": 500}], [900, {"w": "=my pin is four"}], [1_200, {"W": "+ eight two one"}]],
            "news": [{"verdict": {"class": "voicemail", "at_ms": 1_300, "because": {"keyword": {"phrase": "my pin"}}, "provisional": true}}],
        });
        let told = json!({"answered_by": {"class": "voicemail", "evidence": evidence}});
        let told = told.as_object().unwrap();
        let mut raw = told.clone();
        assert_eq!(result(Some(&rules_of(&[Sink::Transcript])), &mut raw), 1);
        let signs = json!([[20, "on"], [600, {"b": 500}], [900, {"w": ""}], [1_200, {"W": ""}]]);
        assert_eq!(raw["answered_by"]["evidence"]["signs"], signs);
        assert!(!raw["answered_by"].to_string().contains("pin"), "{raw:?}");
        let again = raw.clone();
        assert_eq!((result(Some(&rules_of(&[Sink::Transcript])), &mut raw), raw), (0, again));
        let mut raw = told.clone();
        assert_eq!((result(Some(&rules_of(&[Sink::Live])), &mut raw), &raw), (0, told));
        raw["answered_by"]["evidence"]["signs"] = json!([[20, {"of a newer worker": "my pin is four"}]]);
        result(Some(&rules_of(&[Sink::Transcript])), &mut raw);
        assert_eq!(raw["answered_by"]["evidence"], Value::Null);
    }

    /// A receiver knows the call by its id, whatever the bot's name or a hash look like.
    #[test]
    fn ids_and_hashes_of_events_stay() {
        let told = json!({
            "call_id": "call_DE89370400440532013000", "bot_id": "pin-reset-2024", "sha256": "DE89 3704 0044 0532 0130 00",
            "text": "my pin is 4821",
        });
        let Value::Object(mut data) = told.clone() else { panic!("it is an object") };
        event(Some(&rules_of(&Sink::ALL)), &mut data);
        for name in ["call_id", "bot_id", "sha256"] {
            assert_eq!(data[name], told[name]);
        }
        assert_eq!(data["text"], "my pin is [pin]");
    }

    /// A card's number never, the rest where the bot hides it from logs.
    #[test]
    fn what_is_written_down_beside_a_call_is_cleaned_as_a_log_is() {
        let call = |sinks: &[Sink]| {
            let call = json!({
                "tenant_id": "default", "bot_id": "faq", "status": "started", "caller_id": "",
                "created_at": "2026-11-20T10:00:00.000000Z", "redaction": rules_of(sinks)
            });
            serde_json::from_value::<Call>(call).unwrap()
        };
        let text = "my pin is 4821, my card 4111 1111 1111 1111";
        assert_eq!(for_log(&call(&[Sink::Log]), text), "my pin is [pin], my card [card]");
        assert_eq!(for_log(&call(&[Sink::Crm]), text), "my pin is 4821, my card [card]");
    }

    #[test]
    fn what_is_not_hidden_stays() {
        let mut raw = said();
        assert_eq!(result(Some(&rules_of(&[Sink::Model])), &mut raw), 0);
        assert_eq!(result(None, &mut raw), 0);
        assert_eq!(raw, said());
    }
}
