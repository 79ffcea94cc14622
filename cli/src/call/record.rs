//! The record that the bridge keeps of a call.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};
use vox_shared::wire::result::{Speaker, TurnLatency};

use super::{CallError, live, waterfall};
use crate::bridge::{Bridge, BridgeError, Record};
use crate::terminal::{Style, Terminal, plain};

/// For the result to arrive after the end of the call: the worker packages the recording and delivers durably.
const RECORD_DEADLINE: Duration = Duration::from_secs(30);
const LOOK_PAUSE: Duration = Duration::from_millis(150);

const AWAY: &str =
    "the bridge went away before the call's record was fetched; it has it when it is started again";

/// A call's record, as it is read here and as it was sent.
#[derive(Clone, Debug)]
pub struct Stored {
    pub record: Record,
    pub whole: Value,
}

/// How a call is found: by its id where the protocol tells it, else by the stream's.
#[derive(Clone, Debug)]
pub struct Search {
    pub session_id: Option<String>,
    pub stream_id: String,
}

/// Wait for the terminal record. `None`, after a warning, when it did not come.
pub async fn wait(bridge: &Bridge, search: Search, terminal: &Terminal) -> Result<Option<Stored>, CallError> {
    let deadline = Instant::now() + RECORD_DEADLINE;
    let Search { mut session_id, stream_id } = search;
    loop {
        if session_id.is_none() {
            session_id = patient(bridge.find_session(&stream_id).await)?;
        }
        let stored = match &session_id {
            Some(id) => find(bridge, id).await?,
            None => None,
        };
        let is_complete = stored.as_ref().is_some_and(|stored| stored.record.completed_at.is_some());
        if is_complete {
            return Ok(stored);
        }
        if Instant::now() >= deadline {
            let is_away = bridge.health().await.is_err();
            terminal.warning(&if is_away { AWAY.to_owned() } else { missing(session_id.as_deref()) });
            return Ok(None);
        }
        terminal.fleeting("waiting for the call's record");
        sleep(LOOK_PAUSE).await;
    }
}

async fn find(bridge: &Bridge, session_id: &str) -> Result<Option<Stored>, CallError> {
    let whole: Option<Value> = patient(bridge.find_call(session_id).await)?;
    Ok(whole.and_then(|whole| {
        let record = serde_json::from_value(whole.clone()).ok()?;
        Some(Stored { record, whole })
    }))
}

/// The bridge may be starting again at just this moment, or be short of breath: the deadline decides.
pub(super) fn patient<T>(found: Result<Option<T>, BridgeError>) -> Result<Option<T>, BridgeError> {
    match found {
        Err(BridgeError::Unreachable { .. } | BridgeError::Malformed(_)) => Ok(None),
        Err(BridgeError::Status { status, .. }) if status.is_server_error() => Ok(None),
        found => found,
    }
}

fn missing(session_id: Option<&str>) -> String {
    let seconds = RECORD_DEADLINE.as_secs();
    match session_id {
        Some(id) => format!(
            "the record of call {id} was not complete {seconds} s after its end; see the workers' logs"
        ),
        None => {
            format!("the bridge has no record of this call {seconds} s after its end; see the workers' logs")
        }
    }
}

/// The conversation afterwards, for protocols that do not tell it while it lasts.
pub fn show_conversation(record: &Record, terminal: &Terminal) {
    terminal.line("The conversation, as the bridge has it:");
    let mut latency = record.latency_samples.iter().peekable();
    for entry in &record.transcript {
        let speaker = match entry.speaker {
            Speaker::Caller => "caller",
            Speaker::Bot => "bot",
            Speaker::Agent => "agent",
            Speaker::System => "system",
        };
        terminal.line(&live::line_of(entry.started_ms as f64, speaker, &plain(&entry.text)));
        if entry.interrupted {
            terminal.line(&terminal.styled(Style::Warning, &format!("{:>16}⏹ interrupted here", "")));
        }
        while let Some(sample) = latency.next_if(|sample| sample.turn <= entry.turn && speaker == "bot") {
            show_latency(sample, terminal);
        }
    }
    latency.for_each(|sample| show_latency(sample, terminal));
}

fn show_latency(sample: &TurnLatency, terminal: &Terminal) {
    let parts = [
        ("endpoint", sample.endpoint_ms),
        ("stt", sample.stt_ms),
        ("rag", sample.rag_ms),
        ("llm", sample.llm_ms),
        ("tool", sample.tool_ms),
        ("sentence", sample.sentence_ms),
        ("tts", sample.tts_ms),
        ("platform", sample.platform_ms),
        ("transport", sample.transport_ms),
    ];
    for line in waterfall::draw(sample.turn.into(), &parts, sample.total_ms) {
        terminal.line(&terminal.styled(Style::Faint, &line));
    }
}
