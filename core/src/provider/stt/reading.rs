//! Reading what recognisers send, leniently: what is missing or makes no sense has a harmless value.

use serde_json::Value;
use vox_shared::wire::result::Word;

/// Most words taken from one message.
pub(super) const WORDS_MAX: usize = 2000;

/// Seconds, finite and not negative. Vendors write -1 for "not known".
pub(super) fn seconds(value: &Value) -> f64 {
    value.as_f64().filter(|s| s.is_finite()).unwrap_or_default().max(0.0)
}

/// Seconds as whole milliseconds.
pub(super) fn milliseconds(value: &Value) -> u64 {
    (seconds(value) * 1000.0).round() as u64
}

/// A number from 0 to 1.
pub(super) fn confidence(value: &Value) -> Option<f32> {
    value.as_f64().filter(|c| (0.0..=1.0).contains(c)).map(|c| c as f32)
}

/// A word with its times in milliseconds, which end no sooner than they begin.
pub(super) fn word(text: &str, started_ms: u64, ended_ms: u64) -> Word {
    Word { text: text.to_owned(), started_ms, ended_ms: ended_ms.max(started_ms) }
}

/// How sure a vendor is of several words together, where it says so of each alone.
pub(super) fn mean(confidences: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, count) = confidences.fold((0.0, 0_u32), |(sum, count), one| (sum + one, count + 1));
    (count > 0).then(|| (sum / count as f32).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_makes_no_sense_is_harmless() {
        let check = |value: Value, expected| assert_eq!(milliseconds(&value), expected, "{value}");
        check(json!(9.5404), 9540);
        check(json!(-1), 0);
        check(json!("9"), 0);
        check(Value::Null, 0);
        assert_eq!(confidence(&json!(0.5)), Some(0.5));
        assert_eq!((confidence(&json!(1.5)), confidence(&json!("1"))), (None, None));
        assert_eq!(word("a", 7, 3).ended_ms, 7);
        assert_eq!((mean([0.5, 1.0].into_iter()), mean([].into_iter())), (Some(0.75), None));
    }
}
