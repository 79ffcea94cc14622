//! What a vendor wants back word for word with a tool's result, and nobody else understands: signed thoughts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// Most that is kept of one conversation, bytes of JSON. Only the newest turn is asked for it; a thought has a few kilobytes.
const BYTES_MAX: usize = 1 << 20;

/// Signed thoughts by the id of the call that they led to. The oldest go first. Clones are the same memory; it lives as long as the
/// client of a call.
#[derive(Clone, Debug, Default)]
pub struct Keepsakes(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<(String, Value, usize)>,
    bytes: usize,
}

impl Keepsakes {
    /// Keep something for a call.
    pub(super) fn keep(&self, call: &str, value: Value) {
        let size = value.to_string().len();
        if size > BYTES_MAX {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entries.push_back((call.to_owned(), value, size));
        kept.bytes += size;
        while kept.bytes > BYTES_MAX
            && let Some((_, _, gone)) = kept.entries.pop_front()
        {
            kept.bytes -= gone;
        }
    }

    /// What was kept for a call.
    pub(super) fn find(&self, call: &str) -> Option<Value> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entries.iter().rev().find(|(id, _, _)| id == call).map(|(_, value, _)| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_within_bounds() {
        let keepsakes = Keepsakes::default();
        for n in 0..5 {
            keepsakes.keep(&format!("c{n}"), Value::from("x".repeat(300_000)));
        }
        keepsakes.keep("huge", Value::from("x".repeat(BYTES_MAX)));
        let has = |id: &str| keepsakes.find(id).is_some();
        assert_eq!(
            [has("c0"), has("c1"), has("c2"), has("c4"), has("huge")],
            [false, false, true, true, false]
        );
    }
}
