//! The numbered events of a call that no bridge has taken yet.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use vox_shared::ids::WorkerId;
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::live::{self, LONGEST_TEXT_CHARS, LiveEvent, LiveReport, MAX_EVENTS};
use vox_shared::wire::result::{CallEvent, TranscriptEntry};

use super::Fact;
use crate::session::kind::EventKind;

/// Events that wait while the bridge is away: some minutes of a call. Beyond that the oldest goes.
const ROOM: usize = 256;

/// What waits, oldest first.
#[derive(Debug, Default)]
pub struct Backlog {
    events: VecDeque<LiveEvent>,
    newest: u64,
    dropped: u64,
    /// Events of the report that is on its way, by the number of the last one.
    reported: Option<u64>,
}

impl Backlog {
    /// Behind so many events that others told of the call.
    pub fn behind(newest: u64) -> Self {
        Self { newest, ..Self::default() }
    }

    /// So many events were lost before they had a number.
    pub fn skip(&mut self, lost: u64) {
        self.newest += lost;
        self.dropped += lost;
    }

    /// Number a fact. Answers how many older ones had to go for it.
    pub fn add(&mut self, at: Timestamp, fact: Fact) -> u64 {
        let (event, data) = told(at, fact);
        self.push(at, event, data)
    }

    /// So many minutes of the call are over. Answers as [`Backlog::add`].
    pub fn minute(&mut self, at: Timestamp, count: u64) -> u64 {
        self.push(at, live::USAGE_MINUTE, object(json!({"minute_count": count})))
    }

    fn push(&mut self, at: Timestamp, event: &str, data: Map<String, Value>) -> u64 {
        self.newest += 1;
        let full = self.events.len() >= ROOM;
        if full {
            self.events.pop_front();
            self.dropped += 1;
        }
        self.events.push_back(LiveEvent {
            seq: self.newest,
            timestamp: at.to_string(),
            event: event.into(),
            data,
        });
        u64::from(full)
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub fn waiting(&self) -> u64 {
        self.events.len() as u64
    }

    /// The oldest of what waits. It is kept until it was taken.
    pub fn report(&mut self, worker_id: WorkerId) -> LiveReport {
        let events: Vec<_> = self.events.iter().take(MAX_EVENTS).cloned().collect();
        self.reported = events.last().map(|event| event.seq);
        LiveReport { version: WIRE_VERSION, worker_id, dropped: self.dropped, events }
    }

    /// The report will never be taken. Answers how many events are lost with it.
    pub fn refused(&mut self) -> u64 {
        let lost = self.taken();
        self.dropped += lost;
        lost
    }

    /// The report was taken. Answers how many events that were.
    pub fn taken(&mut self) -> u64 {
        let before = self.events.len();
        if let Some(last) = self.reported.take() {
            self.events.retain(|event| event.seq > last);
        }
        (before - self.events.len()) as u64
    }
}

fn told(at: Timestamp, fact: Fact) -> (&'static str, Map<String, Value>) {
    match fact {
        Fact::Ringing { from, direction } => {
            let known = [("from", from), ("direction", direction)];
            let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
            (live::RINGING, known.collect())
        }
        Fact::Connected | Fact::GoesOn { .. } => {
            (live::CONNECTED, object(json!({"answered_at": at.to_string()})))
        }
        Fact::Turn(entry) => (live::TURN, turn(entry)),
        Fact::Event(event) if event.event == EventKind::ToolCalled.as_str() => {
            (live::TOOL_CALLED, tool(event))
        }
        Fact::Event(event) if event.event == EventKind::TransferRequested.as_str() => {
            (live::TRANSFER_REQUESTED, event.data)
        }
        Fact::Event(event) if event.event == EventKind::Transferred.as_str() => {
            (live::TRANSFERRED, event.data)
        }
        Fact::Event(event) => (live::NOTED, noted(event)),
        Fact::Latency(latency) => {
            (live::LATENCY, object(serde_json::to_value(latency).expect("numbers are plain data")))
        }
    }
}

/// Texts are short already: the record's own are.
fn tool(event: CallEvent) -> Map<String, Value> {
    let CallEvent { at_ms, why, data, .. } = event;
    let mut told = object(json!({"tool_name": why, "at_ms": at_ms}));
    told.extend(data.into_iter().filter(|(name, _)| name != "tool"));
    told
}

fn turn(entry: TranscriptEntry) -> Map<String, Value> {
    let TranscriptEntry { turn, speaker, text, started_ms, ended_ms, interrupted, bot_id, .. } = entry;
    let text = short(text);
    let mut told = object(json!({
        "speaker": speaker, "text": text, "turn": turn, "started_ms": started_ms, "ended_ms": ended_ms,
        "interrupted": interrupted,
    }));
    if let Some(bot) = bot_id {
        told.insert("bot_id".into(), bot.as_str().into());
    }
    told
}

fn noted(event: CallEvent) -> Map<String, Value> {
    let CallEvent { at_ms, event, why, data } = event;
    let mut told = object(json!({"event": event, "why": short(why), "at_ms": at_ms}));
    if !data.is_empty() {
        told.insert("data".into(), Value::Object(data));
    }
    told
}

fn short(text: String) -> String {
    match text.char_indices().nth(LONGEST_TEXT_CHARS) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use vox_shared::wire::result::{Speaker, TurnLatency};

    use super::*;

    fn backlog(events: usize) -> Backlog {
        let mut backlog = Backlog::default();
        for _ in 0..events {
            backlog.add(Timestamp::UNIX_EPOCH, Fact::Latency(TurnLatency::default()));
        }
        backlog
    }

    fn numbers(report: &LiveReport) -> Vec<u64> {
        report.events.iter().map(|event| event.seq).collect()
    }

    fn report(backlog: &mut Backlog) -> LiveReport {
        backlog.report("w1".parse().unwrap())
    }

    #[test]
    fn what_was_not_taken_is_reported_again_under_the_same_numbers() {
        let mut backlog = backlog(3);
        assert_eq!(numbers(&report(&mut backlog)), [1, 2, 3]);
        backlog.minute(Timestamp::UNIX_EPOCH, 1);
        assert_eq!(numbers(&report(&mut backlog)), [1, 2, 3, 4]);
        assert_eq!((backlog.taken(), backlog.taken(), backlog.is_empty()), (4, 0, true));
    }

    #[test]
    fn what_came_after_a_report_was_made_is_not_taken_with_it() {
        let mut backlog = backlog(2);
        report(&mut backlog);
        backlog.minute(Timestamp::UNIX_EPOCH, 1);
        assert_eq!(backlog.taken(), 2);
        assert_eq!(numbers(&report(&mut backlog)), [3]);
    }

    #[test]
    fn what_is_refused_is_told_to_be_missing() {
        let mut backlog = backlog(3);
        report(&mut backlog);
        assert_eq!(backlog.refused(), 3);
        backlog.minute(Timestamp::UNIX_EPOCH, 1);
        let next = report(&mut backlog);
        assert_eq!((next.dropped, numbers(&next)), (3, vec![4]));
    }

    #[test]
    fn a_long_absence_costs_the_oldest_and_says_so() {
        let mut backlog = backlog(ROOM + 5);
        backlog.skip(2);
        backlog.minute(Timestamp::UNIX_EPOCH, 1);
        assert_eq!(backlog.waiting(), ROOM as u64);
        let first = report(&mut backlog);
        assert_eq!((first.dropped, first.events[0].seq, first.events.len()), (8, 7, MAX_EVENTS));
        let mut all = first;
        while backlog.taken() > 0 && !backlog.is_empty() {
            all = report(&mut backlog);
        }
        assert_eq!(all.events.last().unwrap().seq, ROOM as u64 + 8, "lost numbers stay missing");
    }

    /// With a report of the longest events the bridge's limit of a body is not reached.
    #[test]
    fn a_report_is_small_enough_for_the_bridge() {
        let line = TranscriptEntry {
            turn: 1,
            speaker: Speaker::Caller,
            text: "\u{1}".repeat(8_000),
            confidence: None,
            started_ms: 1,
            ended_ms: 2,
            interrupted: false,
            words: Vec::new(),
            bot_id: None,
        };
        let mut backlog = Backlog::default();
        for _ in 0..ROOM {
            backlog.add(Timestamp::UNIX_EPOCH, Fact::Turn(line.clone()));
        }
        let body = serde_json::to_vec(&report(&mut backlog)).unwrap();
        assert!(body.len() < vox_shared::wire::limits::MAX_JSON_BYTES, "{}", body.len());
    }
}
