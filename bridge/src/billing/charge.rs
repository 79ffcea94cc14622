//! What a call's result means for the ledger: its duration, and a line for each vendor with what was used and what it cost. They
//! are pushed into the call's outbox with the result itself. A record that takes another's place first takes back its lines.

use std::collections::BTreeMap;

use vox_shared::wire::result::{CallResult, Usage};

use super::cost::{PriceList, Quantities};
use super::period::day_of;
use crate::runtime::memory::Memory;
use crate::store::StoreError;
use crate::store::calls::{Call, Charges};
use crate::store::ledger::{Amounts, EntryKind, Line};
use crate::store::outbox::{Follows, Outbox, Pending};

/// Vendors' lines of a call. What is more is put together under [`OTHER`].
const MAX_LINES: usize = 32;
/// The vendor of lines beyond [`MAX_LINES`].
const OTHER: &str = "other";
/// Longest name of a vendor or model kept, characters.
const MAX_NAME: usize = 64;
/// Most that a result can say of a duration, a day in milliseconds: what a worker says beyond makes no sense.
const MAX_MS: i64 = 24 * 3_600_000;
/// Most tokens, characters or requests of one line.
const MAX_COUNT: i64 = 10_000_000_000;

/// What was used of one service, vendor and model.
type Lines = BTreeMap<(String, String, String), Quantities>;

/// The entry of a call that begins.
pub fn begin(call: &mut Call) {
    let line = Line {
        amounts: Amounts { conversations: 1, ..Amounts::default() },
        ..line(call, EntryKind::Conversation)
    };
    push(call, "ledger.conversation".into(), line);
}

/// The prices that count for the call: those of the moment at which it began, however late its result comes.
pub async fn prices(memory: &Memory, call: &Call, result: &CallResult) -> Result<PriceList, StoreError> {
    let used = used(result);
    let mut vendors: Vec<&str> = used.keys().map(|(_, vendor, _)| vendor.as_str()).collect();
    vendors.sort_unstable();
    vendors.dedup();
    PriceList::read(memory, vendors.into_iter(), call.created_at).await
}

/// Charge the call for what its result says, and take back what another one said before.
pub fn charge(call: &mut Call, result: &CallResult, prices: &PriceList) {
    let before = call.charges.take().unwrap_or_default();
    for (at, old) in before.lines.into_iter().enumerate() {
        let taken_back = Line { counter: true, amounts: old.amounts.negated(), ..old };
        push(call, format!("ledger.{}.{at}.counter", before.record), taken_back);
    }
    let duration = Line {
        amounts: Amounts { call_ms: ms(result.call_duration_seconds), ..Amounts::default() },
        ..line(call, EntryKind::Call)
    };
    let vendors = used(result).into_iter().map(|(of, quantities)| vendor_line(call, of, &quantities, prices));
    let lines: Vec<Line> = std::iter::once(duration).chain(vendors.collect::<Vec<_>>()).collect();
    let record = before.record + 1;
    for (at, line) in lines.iter().enumerate() {
        push(call, format!("ledger.{record}.{at}"), line.clone());
    }
    call.charges = Some(Charges { record, lines });
}

fn vendor_line(
    call: &Call,
    (service, vendor, model): (String, String, String),
    quantities: &Quantities,
    prices: &PriceList,
) -> Line {
    let cost = prices.cost((&service, &vendor, &model), quantities);
    let amounts = Amounts {
        vendor_ms: quantities.ms,
        tokens_in: quantities.tokens_in,
        tokens_out: quantities.tokens_out,
        tokens_cached: quantities.tokens_cached,
        characters: quantities.characters,
        money: cost.money,
        unpriced: i64::from(cost.is_unpriced),
        ..Amounts::default()
    };
    Line { service, vendor, model, amounts, prices: cost.prices, ..line(call, EntryKind::Vendor) }
}

/// A line for a question that a model was asked about the call when it was over. It stays when another terminal record comes:
/// the question was asked all the same.
pub fn analysis_line(
    call: &Call,
    (vendor, model): (&str, &str),
    quantities: &Quantities,
    prices: &PriceList,
) -> Line {
    let of = ("llm".to_owned(), short(vendor), short(model));
    Line { entry: EntryKind::Analysis, ..vendor_line(call, of, quantities, prices) }
}

/// A line of this call without amounts.
fn line(call: &Call, entry: EntryKind) -> Line {
    Line {
        bot_id: call.bot_id.clone(),
        day: day_of(call.created_at.0).to_string(),
        entry,
        counter: false,
        service: String::new(),
        vendor: String::new(),
        model: String::new(),
        amounts: Amounts::default(),
        prices: Vec::new(),
    }
}

fn push(call: &mut Call, id: String, line: Line) {
    let at = call.completed_at.unwrap_or(call.created_at);
    Outbox::push(&mut call.outbox, Pending { id, at, what: Follows::Ledger(line) });
}

/// What was used, a line for each service, vendor and model.
fn used(result: &CallResult) -> Lines {
    let mut lines = Lines::new();
    for usage in &result.usage_metrics {
        let mut key = (short(&usage.kind), short(&usage.provider), short(&usage.model));
        if lines.len() >= MAX_LINES && !lines.contains_key(&key) {
            key = (String::new(), OTHER.into(), String::new());
        }
        add(lines.entry(key).or_default(), usage);
    }
    lines
}

fn add(to: &mut Quantities, usage: &Usage) {
    let count = |old: i64, more: u64| old.saturating_add_unsigned(more).min(MAX_COUNT);
    to.ms = to.ms.saturating_add(ms(usage.seconds)).min(MAX_MS);
    to.tokens_in = count(to.tokens_in, usage.tokens_in);
    to.tokens_out = count(to.tokens_out, usage.tokens_out);
    to.tokens_cached = count(to.tokens_cached, usage.tokens_cached);
    to.tokens_cache_write = count(to.tokens_cache_write, usage.tokens_cache_write);
    to.characters = count(to.characters, usage.characters);
    to.requests = count(to.requests, usage.requests);
}

/// Seconds as whole milliseconds; what makes no sense is none, or the most.
#[expect(clippy::cast_possible_truncation, reason = "it is between 0 and a day")]
fn ms(seconds: f64) -> i64 {
    if !seconds.is_finite() || seconds <= 0.0 {
        return 0;
    }
    let most = MAX_MS as f64;
    (seconds * 1_000.0).round().min(most) as i64
}

fn short(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vox_shared::wire::result::DisconnectedBy;

    #[test]
    fn durations_that_make_no_sense_are_none_or_a_day() {
        let found = [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 12.3456, 1e300].map(ms);
        assert_eq!(found, [0, 0, 0, 0, 0, 12_346, MAX_MS]);
    }

    #[test]
    fn however_much_a_result_says_its_lines_are_few_and_their_numbers_fit() {
        let mut result = CallResult::bare("call_1".parse().unwrap(), DisconnectedBy::Bot);
        let usage = |n: usize| Usage {
            provider: format!("vendor-{n}"),
            model: "m".repeat(10_000),
            kind: "llm".into(),
            seconds: 1e18,
            tokens_in: u64::MAX,
            ..Usage::default()
        };
        result.usage_metrics = (0..1_000).map(usage).collect();
        let lines = used(&result);
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert!(lines.keys().all(|(_, _, model)| model.len() <= MAX_NAME));
        assert!(lines.values().all(|q| q.ms <= MAX_MS && q.tokens_in <= MAX_COUNT));
    }
}
