//! Results that were just stored, while this bridge still has them in memory: what follows from them is moved, and their digests are made,
//! without reading them again. Nothing rests on it. Each is due in its document too, and a call that is not here, because the bridge was
//! killed, or there was no room, is found there as any other.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::store::Stored;
use crate::store::calls::Call;

/// Room for calls, bytes of JSON; in memory they have a few times as many.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// One that waited for longer is left to whoever finds it in the store: it may have been deleted since.
const STALE: Duration = Duration::from_secs(10);
/// What a call has beside its texts, bytes.
const FRAME_BYTES: usize = 2_048;
/// What a value has beside its text, bytes.
const VALUE_BYTES: usize = 16;

/// The results of one bridge. Cheap to clone.
#[derive(Clone, Default)]
pub struct Fresh(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// With the time since when.
    waiting: VecDeque<(Stored<Call>, Instant)>,
    /// Those that wait or were taken, by their ids.
    known: BTreeMap<String, Known>,
    bytes: usize,
    /// How many take what waits.
    takers: usize,
}

struct Known {
    /// Of its outbox.
    mark: Option<String>,
    bytes: usize,
    since: Instant,
    is_taken: bool,
}

/// Somebody takes what waits, until this is dropped.
pub struct Taker(Fresh);

impl Drop for Taker {
    fn drop(&mut self) {
        self.0.lock().takers -= 1;
    }
}

impl Inner {
    fn forget(&mut self, id: &str) {
        let known = self.known.remove(id);
        self.bytes -= known.map_or(0, |known| known.bytes);
    }

    /// A call that is in hand, or will be soon.
    fn held(&self, id: &str) -> Option<&Known> {
        let is_soon = |known: &Known| self.takers > 0 && known.since.elapsed() <= STALE;
        self.known.get(id).filter(|known| known.is_taken || is_soon(known))
    }
}

impl Fresh {
    /// Answers `false` when there is no room.
    pub fn put(&self, call: Stored<Call>) -> bool {
        let bytes = FRAME_BYTES + call.value.result.as_ref().map_or(0, weight);
        let mut inner = self.lock();
        if inner.bytes + bytes > MAX_BYTES {
            return false;
        }
        inner.forget(&call.id);
        let (mark, since) = (call.value.outbox.as_ref().map(|outbox| outbox.mark.clone()), Instant::now());
        inner.bytes += bytes;
        inner.known.insert(call.id.clone(), Known { mark, bytes, since, is_taken: false });
        inner.waiting.push_back((call, since));
        true
    }

    /// From now on what waits is taken soon, and nobody else need do anything for it.
    pub fn attend(&self) -> Taker {
        self.lock().takers += 1;
        Taker(self.clone())
    }

    /// Take so many at most. Until they are let go of nobody else need do anything for them.
    pub fn take(&self, most: usize) -> Vec<Stored<Call>> {
        let (mut inner, mut taken) = (self.lock(), Vec::new());
        while taken.len() < most
            && let Some((call, since)) = inner.waiting.pop_front()
        {
            if since.elapsed() > STALE {
                inner.forget(&call.id);
                continue;
            }
            if let Some(known) = inner.known.get_mut(&call.id) {
                known.is_taken = true;
            }
            taken.push(call);
        }
        taken
    }

    /// They are done, or left to whoever finds them in the store.
    pub fn let_go(&self, calls: &[Stored<Call>]) {
        let mut inner = self.lock();
        calls.iter().for_each(|call| inner.forget(&call.id));
    }

    /// Whether somebody has this call in hand.
    pub fn holds(&self, id: &str) -> bool {
        self.lock().held(id).is_some()
    }

    /// Whether somebody has it in hand with this outbox.
    pub fn holds_outbox(&self, id: &str, mark: &str) -> bool {
        self.lock().held(id).is_some_and(|known| known.mark.as_deref() == Some(mark))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// About the bytes that it is as JSON.
fn weight(of: &Map<String, Value>) -> usize {
    of.iter().map(|(name, value)| name.len() + weight_of(value)).sum()
}

fn weight_of(value: &Value) -> usize {
    VALUE_BYTES
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight_of).sum(),
            Value::Object(map) => weight(map),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(id: &str, said: &str) -> Stored<Call> {
        let value = json!({
            "tenant_id": "default", "bot_id": "faq", "status": "completed", "created_at": "2026-11-29T10:00:00Z", "caller_id": "",
            "result": {"transcript": [{"text": said}]},
            "outbox": {"mark": format!("mark of {id}"), "since": "2026-11-29T10:00:00Z", "entries": []},
        });
        Stored { id: id.into(), version: 1, value: serde_json::from_value(value).unwrap() }
    }

    #[test]
    fn what_is_taken_is_held_until_it_is_let_go_of() {
        let fresh = Fresh::default();
        for id in ["call_1", "call_2", "call_3"] {
            assert!(fresh.put(call(id, "hello")));
        }
        assert!(!fresh.holds("call_1"), "nobody takes it: the store may serve it");
        let taker = fresh.attend();
        assert!(fresh.holds("call_1"), "somebody will");
        drop(taker);
        assert!(!fresh.holds("call_1"));
        let taken = fresh.take(2);
        assert_eq!(taken.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["call_1", "call_2"]);
        assert!(fresh.holds("call_1") && !fresh.holds("call_3"));
        assert!(fresh.holds_outbox("call_1", "mark of call_1"));
        assert!(!fresh.holds_outbox("call_1", "a later mark"), "what was added since is for the store");
        fresh.let_go(&taken);
        assert!(!fresh.holds("call_1"));
        fresh.let_go(&fresh.take(9));
        assert_eq!(fresh.lock().bytes, 0);
    }

    #[test]
    fn there_is_room_for_so_much_and_again_when_it_is_done() {
        let (fresh, said) = (Fresh::default(), "x".repeat(MAX_BYTES / 3));
        assert!(fresh.put(call("call_1", &said)) && fresh.put(call("call_2", &said)));
        assert!(!fresh.put(call("call_3", &said)));
        let taken = fresh.take(9);
        assert!(!fresh.put(call("call_3", &said)), "what is in hand has its bytes still");
        fresh.let_go(&taken);
        assert!(fresh.put(call("call_3", &said)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_waited_for_long_is_left_to_the_store() {
        let fresh = Fresh::default();
        assert!(fresh.put(call("call_1", "hello")));
        tokio::time::advance(STALE * 2).await;
        assert!(fresh.put(call("call_2", "hello")));
        let taken = fresh.take(9);
        assert_eq!(taken.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["call_2"]);
        fresh.let_go(&taken);
        assert_eq!(fresh.lock().bytes, 0);
    }

    /// A guess, and the worker's word that took its place at once.
    #[test]
    fn a_call_that_is_there_twice_has_its_bytes_once_and_its_last_mark() {
        let fresh = Fresh::default();
        let mut later = call("call_1", "hello");
        later.value.outbox.as_mut().unwrap().mark = "later".into();
        assert!(fresh.put(call("call_1", "hello")) && fresh.put(later));
        let taken = fresh.take(9);
        assert!(fresh.holds_outbox("call_1", "later"));
        fresh.let_go(&taken);
        assert_eq!(fresh.lock().bytes, 0);
    }
}
