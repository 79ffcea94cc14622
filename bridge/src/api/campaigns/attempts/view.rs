//! How attempts are shown.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::campaign::import::csv;
use crate::campaign::outcome::{AttemptResult, Tally};
use crate::store::attempts::Attempt;
use crate::store::{Listed, Stored};

/// A try to reach somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptView {
    /// The contact's id, a dot, and the number of the try.
    pub id: String,
    pub contact_id: String,
    pub att: u32,
    /// Of the campaign.
    pub run: u32,
    /// `claimed`, `dialing`, `live` or another word of its way.
    pub stage: &'static str,
    /// Null until it is known.
    pub result: Option<AttemptResult>,
    pub tally: Option<Tally>,
    /// Whether it counts against the caps; null until the result is known.
    pub counts: Option<bool>,
    /// Why nothing was dialled.
    pub aborted: Option<String>,
    /// E.164.
    pub number: String,
    /// The number that was shown.
    pub from_number: String,
    pub bot_id: String,
    /// Its call, among the calls.
    pub session_id: String,
    /// RFC 3339, UTC, as all times.
    pub claimed_at: String,
    /// When it was dialled; null when it was not.
    pub dial_at: Option<String>,
    pub answered_at: Option<String>,
    pub ended_at: Option<String>,
    pub ring_ms: Option<u64>,
    /// Seconds that the call was talked.
    pub talk_seconds: Option<f64>,
    /// Who answered, as the detector heard it; by what it went is in the call's record, as long as that is kept.
    #[schema(value_type = Option<String>)]
    pub answered_by: Value,
    /// What the carrier said: `sip`, `phrase`, `reason`, `q850`, `server_text`, `headers`.
    #[schema(value_type = Object)]
    pub carrier: Value,
    /// By which rules it was allowed, their versions, and what time it was there.
    #[schema(value_type = Object)]
    pub proof: Value,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptPage {
    pub items: Vec<AttemptView>,
    pub next_cursor: Option<String>,
}

impl From<Stored<Attempt>> for AttemptView {
    fn from(stored: Stored<Attempt>) -> Self {
        let attempt = stored.value;
        let (ended, word) = (attempt.ended.as_ref(), attempt.word.as_ref());
        let json = |value: Option<Value>| value.unwrap_or(Value::Null);
        Self {
            contact_id: attempt.contact_id.to_string(),
            att: attempt.att,
            run: attempt.run,
            stage: attempt.stage.as_str(),
            result: attempt.result,
            tally: attempt.tally,
            counts: attempt.counts,
            number: attempt.number.to_string(),
            from_number: attempt.caller.number.to_string(),
            bot_id: attempt.bot_id.to_string(),
            session_id: attempt.session_id.to_string(),
            claimed_at: attempt.claimed_at.to_string(),
            dial_at: attempt.dial_at.map(|at| at.to_string()),
            answered_at: attempt.answered_at.map(|at| at.to_string()),
            ended_at: attempt.ended_at.map(|at| at.to_string()),
            ring_ms: ended.map(|ended| ended.ring_ms),
            talk_seconds: word.map(|word| word.talk_seconds),
            answered_by: json(word.and_then(|word| serde_json::to_value(word.class).ok())),
            carrier: json(ended.and_then(|ended| serde_json::to_value(&ended.carrier).ok())),
            aborted: attempt.aborted,
            proof: attempt.proof,
            id: stored.id,
        }
    }
}

impl From<Listed<Attempt>> for AttemptPage {
    fn from(listed: Listed<Attempt>) -> Self {
        let items = listed.items.into_iter().map(Into::into).collect();
        Self { items, next_cursor: listed.next_cursor }
    }
}

/// The columns of the table.
const COLUMNS: [&str; 18] = [
    "attempt",
    "contact",
    "try",
    "run",
    "number",
    "from_number",
    "result",
    "counts",
    "claimed_at",
    "dial_at",
    "answered_at",
    "ended_at",
    "ring_ms",
    "talk_seconds",
    "answered_by",
    "sip",
    "phrase",
    "call",
];

/// The first line of the table.
pub fn head() -> String {
    csv::line(COLUMNS)
}

/// An attempt as a line of the table.
pub fn line(view: &AttemptView) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let of_carrier = |name: &str| match view.carrier.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let result = view.result.map_or(view.stage, AttemptResult::as_str);
    let cells = [
        view.id.clone(),
        view.contact_id.clone(),
        view.att.to_string(),
        view.run.to_string(),
        view.number.clone(),
        view.from_number.clone(),
        result.to_owned(),
        view.counts.map(|counts| counts.to_string()).unwrap_or_default(),
        view.claimed_at.clone(),
        text(&view.dial_at),
        text(&view.answered_at),
        text(&view.ended_at),
        view.ring_ms.map(|ms| ms.to_string()).unwrap_or_default(),
        view.talk_seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default(),
        view.answered_by.as_str().unwrap_or_default().to_owned(),
        of_carrier("sip"),
        of_carrier("phrase"),
        view.session_id.clone(),
    ];
    csv::line(cells.iter().map(String::as_str))
}
