//! What the call leaves behind: transcript, events with their why, latencies, usage.

use std::time::Duration;

use serde_json::{Map, Value};
use vox_shared::ids::BotId;
use vox_shared::wire::result::{CallEvent, Speaker, TranscriptEntry, TurnLatency, Usage, Word};

use super::event::{Command, Notice};
use super::kind::{EventKind, Rank, WhyKind};
use super::rules::VendorName;
use crate::provider::tts::WordMark;

/// Entries kept at most, of each kind: a runaway call must not grow without bound.
pub(super) const MAX_ENTRIES: usize = 5_000;
/// Events of each rank that are kept, with those of the ranks below it, and one more that says that there were more: keys, messages and
/// noises leave room for what the bot and its vendors do, and both for how the call ends.
const KEPT: [(Rank, usize); 3] = [(Rank::Chatty, 4_000), (Rank::Usual, 4_900), (Rank::Last, MAX_ENTRIES - 1)];

/// Whole milliseconds.
pub fn ms(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

/// The growing record of the call.
#[derive(Debug, Default)]
pub struct Report {
    pub transcript: Vec<TranscriptEntry>,
    pub events: Vec<CallEvent>,
    pub why: Vec<CallEvent>,
    pub latency: Vec<TurnLatency>,
    pub first_audio: Option<Duration>,
    pub barge_in: Vec<Duration>,
    pub usage: Vec<Usage>,
    /// Whose lines the bot's are, once the call went from bot to bot.
    pub bot: Option<BotId>,
    /// The highest rank of which an event was left out.
    left_out: Option<Rank>,
}

impl Report {
    /// Something happened.
    pub fn event(&mut self, at: Duration, kind: EventKind, why: impl Into<String>, out: &mut Vec<Command>) {
        self.event_with(at, kind, (why.into(), Map::new()), out);
    }

    /// The same with more than a reason.
    pub fn event_with(
        &mut self,
        at: Duration,
        kind: EventKind,
        (why, data): (String, Map<String, Value>),
        out: &mut Vec<Command>,
    ) {
        // The journal is bounded too: keys and messages come from outside.
        let rank = kind.rank();
        let kept = KEPT.iter().find(|(of, _)| *of == rank).map_or(MAX_ENTRIES, |(_, kept)| *kept);
        let event = match self.events.len() {
            known if known < kept => CallEvent { data, ..call_event(at, kind.as_str(), why) },
            known if known < MAX_ENTRIES && self.left_out < Some(rank) => {
                self.left_out = Some(rank);
                let why = format!("the call has more than {kept} events: no more like {}", kind.as_str());
                call_event(at, EventKind::EventsLeftOut.as_str(), why)
            }
            _ => return,
        };
        self.events.push(event.clone());
        out.push(Command::JournalEvent(event));
    }

    /// Speech of the caller or the bot started or stopped, and this is why.
    pub fn speech(&mut self, at: Duration, kind: WhyKind, why: impl Into<String>) {
        if self.why.len() < MAX_ENTRIES {
            self.why.push(call_event(at, kind.as_str(), why.into()));
        }
    }

    /// A finished line of the transcript.
    pub fn line(&mut self, entry: TranscriptEntry, out: &mut Vec<Command>) {
        self.line_at(self.transcript.len(), entry, out);
    }

    /// A finished line of one of the people in the call: before those of others that began later.
    pub fn line_in_time(&mut self, entry: TranscriptEntry, out: &mut Vec<Command>) {
        let is_later = |l: &&TranscriptEntry| l.speaker != Speaker::Bot && l.started_ms > entry.started_ms;
        let later = self.transcript.iter().rev().take_while(is_later).count();
        self.line_at(self.transcript.len() - later, entry, out);
    }

    fn line_at(&mut self, place: usize, mut entry: TranscriptEntry, out: &mut Vec<Command>) {
        if entry.text.is_empty() {
            return;
        }
        if entry.speaker == Speaker::Bot {
            entry.bot_id.clone_from(&self.bot);
        }
        if self.transcript.len() < MAX_ENTRIES {
            self.transcript.insert(place, entry.clone());
        }
        out.push(Command::JournalTurn(entry.clone()));
        out.push(Command::Notify(Notice::Transcript { entry, is_final: true }));
    }

    /// The newest line of `speaker` with the text `before` has the text `whole`.
    pub fn amend(&mut self, speaker: Speaker, before: &str, whole: &str, out: &mut Vec<Command>) {
        let lines = self.transcript.iter_mut().rev();
        let Some(line) = lines.into_iter().find(|l| l.speaker == speaker && l.text == before) else {
            return;
        };
        line.text = whole.to_owned();
        let entry = line.clone();
        out.push(Command::JournalTurn(entry.clone()));
        out.push(Command::Notify(Notice::Transcript { entry, is_final: true }));
    }

    /// A vendor failed.
    pub fn failure(&mut self, kind: &str, vendor: &VendorName) {
        self.usage(kind, &vendor.provider, &vendor.model).failures += 1;
    }

    /// The usage entry of a vendor, made when it is new.
    pub fn usage(&mut self, kind: &str, provider: &str, model: &str) -> &mut Usage {
        usage_row(&mut self.usage, kind, provider, model)
    }
}

/// The usage entry of a vendor, made when it is new.
pub fn usage_row<'a>(usage: &'a mut Vec<Usage>, kind: &str, provider: &str, model: &str) -> &'a mut Usage {
    let found = usage.iter().position(|u| u.kind == kind && u.provider == provider && u.model == model);
    let index = found.unwrap_or_else(|| {
        let (provider, model) = (provider.to_owned(), model.to_owned());
        usage.push(Usage { provider, model, kind: kind.to_owned(), ..Usage::default() });
        usage.len() - 1
    });
    &mut usage[index]
}

/// Add what a vendor was used for to what it was used for before.
pub fn add_usage(usage: &mut Vec<Usage>, more: &Usage) {
    let row = usage_row(usage, &more.kind, &more.provider, &more.model);
    row.seconds += more.seconds;
    row.tokens_in += more.tokens_in;
    row.tokens_out += more.tokens_out;
    row.tokens_cached += more.tokens_cached;
    row.tokens_cache_write += more.tokens_cache_write;
    row.characters += more.characters;
    row.requests += more.requests;
    row.failures += more.failures;
}

fn call_event(at: Duration, event: &str, why: String) -> CallEvent {
    CallEvent { at_ms: ms(at), event: event.to_owned(), why, data: Map::new() }
}

/// A line of the bot with its words on the media clock.
pub fn bot_line(
    turn: u32,
    text: String,
    span: (Duration, Duration),
    marks: &[WordMark],
    interrupted: bool,
) -> TranscriptEntry {
    let start = ms(span.0);
    let words = marks
        .iter()
        .map(|m| Word {
            text: m.text.clone(),
            started_ms: start + u64::from(m.started_ms),
            ended_ms: start + u64::from(m.ended_ms),
        })
        .collect();
    TranscriptEntry {
        turn,
        speaker: Speaker::Bot,
        text,
        confidence: None,
        started_ms: start,
        ended_ms: ms(span.1),
        interrupted,
        words,
        bot_id: None,
    }
}

/// The times of one turn, collected as they happen.
#[derive(Clone, Copy, Debug, Default)]
pub struct TurnClock {
    pub acoustic_end: Option<Duration>,
    pub decided: Option<Duration>,
    pub closed: Option<Duration>,
    pub asked: Option<Duration>,
    pub first_token: Option<Duration>,
    pub first_piece: Option<Duration>,
    pub first_audio: Option<Duration>,
    /// The place of the model that was asked last.
    pub model: usize,
    /// How long the reply waited for tools before its first token.
    pub tool: Duration,
    /// Since when it waits for them.
    pub tools_since: Option<Duration>,
}

impl TurnClock {
    /// The reply goes on with what its tools said.
    pub fn tools_answered(&mut self, now: Duration) {
        let since = self.tools_since.take().filter(|_| self.first_token.is_none());
        self.tool += since.map(|since| now.saturating_sub(since)).unwrap_or_default();
    }

    /// The parts of the delay, when the reply became audible at `audible`. `None` when the turn has no acoustic end (a
    /// prompt that the caller did not ask for). The parts add up to the total: what no part explains is ours.
    pub fn parts(&self, turn: u32, audible: Duration, transport: Duration) -> Option<TurnLatency> {
        let start = self.acoustic_end?;
        let part = |from: Option<Duration>, to: Option<Duration>| match (from, to) {
            (Some(from), Some(to)) => to.saturating_sub(from).as_secs_f64() * 1e3,
            _ => 0.0,
        };
        let tool_ms = self.tool.as_secs_f64() * 1e3;
        let mut latency = TurnLatency {
            turn,
            endpoint_ms: part(Some(start), self.decided),
            stt_ms: part(self.decided, self.closed),
            llm_ms: (part(self.asked, self.first_token) - tool_ms).max(0.0),
            tool_ms,
            sentence_ms: part(self.first_token, self.first_piece),
            tts_ms: part(self.first_piece, self.first_audio),
            transport_ms: transport.as_secs_f64() * 1e3,
            llm_place: self.model,
            total_ms: audible.saturating_sub(start).as_secs_f64() * 1e3,
            ..TurnLatency::default()
        };
        let named = latency.endpoint_ms
            + latency.stt_ms
            + latency.llm_ms
            + latency.tool_ms
            + latency.sentence_ms
            + latency.tts_ms
            + latency.transport_ms;
        latency.platform_ms = (latency.total_ms - named).max(0.0);
        Some(latency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_without_end_fill_neither_the_record_nor_the_journal() {
        let (mut report, mut out) = (Report::default(), Vec::new());
        let mut happen = |kind, times: u64| {
            for n in 0..times {
                report.event(Duration::from_millis(n), kind, "so", &mut out);
            }
            let Some(Command::JournalEvent(last)) = out.last() else { panic!("{:?}", out.last()) };
            assert_eq!((out.len(), Some(last)), (report.events.len(), report.events.last()));
            (report.events.len(), last.event.clone())
        };
        let told = |kind: EventKind| kind.as_str().to_owned();
        assert_eq!(happen(EventKind::Dtmf, 10_000), (4_001, told(EventKind::EventsLeftOut)));
        assert_eq!(happen(EventKind::Noise, 10), (4_001, told(EventKind::EventsLeftOut)), "it is said once");
        // What else happens is known all the same, and how the call ended in any case.
        assert_eq!(happen(EventKind::ToolFailed, 1), (4_002, told(EventKind::ToolFailed)));
        assert_eq!(happen(EventKind::ToolFailed, 10_000), (4_901, told(EventKind::EventsLeftOut)));
        assert_eq!(happen(EventKind::Ended, 1), (4_902, told(EventKind::Ended)));
        assert_eq!(happen(EventKind::Draining, 10_000), (MAX_ENTRIES, told(EventKind::EventsLeftOut)));
        assert_eq!(happen(EventKind::Ended, 10), (MAX_ENTRIES, told(EventKind::EventsLeftOut)));
    }

    #[test]
    fn each_rank_has_room_that_the_ones_below_it_cannot_take() {
        assert_eq!(KEPT.map(|(rank, _)| rank), Rank::ALL);
        assert!(KEPT.windows(2).all(|pair| pair[0].1 + 1 < pair[1].1) && KEPT[2].1 < MAX_ENTRIES);
    }

    #[test]
    fn the_parts_of_a_delay_add_up() {
        let at = |n| Some(Duration::from_millis(n));
        let clock = TurnClock {
            acoustic_end: at(1000),
            decided: at(1350),
            closed: at(1450),
            asked: at(1451),
            first_token: at(1700),
            first_piece: at(1760),
            first_audio: at(1900),
            model: 1,
            tool: Duration::from_millis(100),
            tools_since: None,
        };
        let l = clock.parts(3, Duration::from_millis(1960), Duration::from_millis(20)).unwrap();
        let sum = l.endpoint_ms
            + l.stt_ms
            + l.llm_ms
            + l.tool_ms
            + l.sentence_ms
            + l.tts_ms
            + l.platform_ms
            + l.transport_ms;
        assert_eq!(l.total_ms, 960.0);
        assert!((sum - l.total_ms).abs() < 1e-9, "{l:?}");
        assert_eq!((l.platform_ms, l.llm_place), (41.0, 1));
    }
}
