//! The book of what a server did wrong. Written by the line, read by anyone who holds the call.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

/// A rule of the carrier that a server broke. The sources are the protocol's own documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Something was sent before `start` (or before `ready` on `/talk`): there is no stream to send it to.
    BeforeStart,
    /// Audio was sent after `start` and before `answer`: nobody is on the line yet.
    BeforeAnswer,
    /// A binary frame on a protocol that is JSON text only.
    BinaryFrame,
    /// A text frame that is not a JSON object.
    NotJson,
    /// An event or type that the protocol does not have.
    UnknownEvent,
    /// A field that must be there is not (which is also how a misspelt name shows).
    MissingField,
    /// A field has the wrong type or a value that contradicts the call.
    WrongField,
    /// `chunk` did not go up by one.
    ChunkOrder,
    /// A payload that is not base64.
    PayloadEncoding,
    /// A payload or binary frame with half a sample at its end.
    OddPayload,
    /// A payload or binary frame of a size the carrier does not take.
    PayloadSize,
    /// Audio was sent further ahead of real time than the carrier's buffer holds.
    TooFarAhead,
    /// The line ran dry in the middle of the bot's speech.
    Starved,
    /// Nothing came within the carrier's deadline for an answer (ten seconds).
    AnswerDeadline,
    /// Audio or another event after the end of the call.
    AfterHangup,
    /// `reverse-hangup-call` or `reverse-call-transfer` without `reverse-media-stop` directly before it.
    HangupWithoutMediaStop,
    /// The socket was closed and nobody had hung up.
    ClosedWithoutHangup,
    /// The socket stayed open after the end of the call.
    NotClosedAfterHangup,
    /// A close code that does not belong to the way the call ended.
    CloseCode,
    /// A `mark` before any audio, or with the name of one that is still outstanding.
    MarkOrder,
    /// `bot_started`, `bot_stopped` or `interrupted` out of order.
    TurnOrder,
    /// The named parts of a turn's delay are not its total.
    MetricsSum,
    /// A message larger than any the protocol has.
    Oversized,
}

/// One broken rule: how often, when first, and what exactly the first times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Violation {
    pub rule: Rule,
    pub count: u64,
    /// Milliseconds after the answer; 0 for what happened before it.
    pub first_ms: f64,
    /// The first few, in words. Never holds what was said or a payload.
    pub examples: Vec<String>,
}

/// Examples kept per rule: a server that is wrong in every frame must not fill the memory.
const EXAMPLES_MAX: usize = 3;
/// Characters kept of one example; it may quote a server's own field.
const EXAMPLE_CHARS_MAX: usize = 200;

/// The shared book. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<BTreeMap<Rule, Violation>>>);

impl Ledger {
    /// Note that `rule` was broken. `example` is only built for the first few.
    pub(crate) fn note(&self, rule: Rule, at_ms: f64, example: impl FnOnce() -> String) {
        let mut book = self.lock();
        let entry = book.entry(rule).or_insert_with(|| Violation {
            rule,
            count: 0,
            first_ms: at_ms.max(0.0),
            examples: Vec::new(),
        });
        entry.count += 1;
        if entry.examples.len() < EXAMPLES_MAX {
            entry.examples.push(example().chars().take(EXAMPLE_CHARS_MAX).collect());
        }
    }

    /// Everything noted so far, in the order of the rules.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Rule, Violation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_everything_and_keeps_a_few_examples() {
        let ledger = Ledger::default();
        for n in 0..1_000 {
            ledger.note(Rule::ChunkOrder, f64::from(n) + 5.0, || format!("chunk {n}"));
        }
        let noted = ledger.violations();
        assert_eq!(noted.len(), 1);
        assert_eq!((noted[0].count, noted[0].first_ms), (1_000, 5.0));
        assert_eq!(noted[0].examples, ["chunk 0", "chunk 1", "chunk 2"]);
    }
}
