//! The permits of the running call, as the worker tells the bridge with every registration (`vox_shared::wire::permit`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use vox_shared::wire::permit::MAX_PERMITS;

/// What the process holds: a worker has one call at a time.
#[derive(Debug, Default)]
pub struct Held(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    /// Which call they are of, counted up: one that ends late takes nothing from the next.
    call: u64,
    names: BTreeSet<String>,
    /// When the bridge said last that there is no room.
    refused: BTreeMap<String, Instant>,
}

/// Those of one call; they are told no more when this is dropped.
#[derive(Debug)]
pub struct OfCall(Writer);

/// Writes down what one call gets.
#[derive(Clone, Debug)]
pub struct Writer {
    held: Arc<Held>,
    call: u64,
}

impl Held {
    /// A call begins, with these.
    pub fn of_call(held: &Arc<Self>, names: BTreeSet<String>) -> OfCall {
        let mut books = held.books();
        *books = Books { call: books.call + 1, names, refused: BTreeMap::new() };
        let call = books.call;
        drop(books);
        OfCall(Writer { held: held.clone(), call })
    }

    /// What is told.
    pub fn names(&self) -> Vec<String> {
        self.books().names.iter().take(MAX_PERMITS).cloned().collect()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OfCall {
    pub fn has(&self, name: &str) -> bool {
        self.0.of(|books| books.names.contains(name))
    }

    /// Whether the bridge had no room within this time.
    pub fn was_refused(&self, name: &str, now: Instant, within: Duration) -> bool {
        self.0.of(|books| books.refused.get(name).is_some_and(|at| now.duration_since(*at) < within))
    }

    pub fn add(&self, name: String) {
        self.0.add(name);
    }

    /// Those of this kind are held no more.
    pub fn give_back(&self, are: impl Fn(&str) -> bool) {
        self.0.of(|books| {
            books.names.retain(|name| !are(name));
            true
        });
    }

    /// For whoever waits for the bridge's answer.
    pub fn clone_books(&self) -> Writer {
        self.0.clone()
    }
}

impl Writer {
    pub fn add(&self, name: String) {
        self.of(|books| {
            books.refused.remove(&name);
            books.names.insert(name)
        });
    }

    pub fn note_refused(&self, name: String, now: Instant) {
        self.of(|books| books.refused.insert(name, now).is_none());
    }

    fn of(&self, what: impl FnOnce(&mut Books) -> bool) -> bool {
        let mut books = self.held.books();
        books.call == self.call && what(&mut books)
    }
}

impl Drop for OfCall {
    fn drop(&mut self) {
        self.0.of(|books| {
            books.names.clear();
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_call_holds_is_told_until_it_ends_and_is_no_other_calls() {
        let held = Arc::new(Held::default());
        let first = Held::of_call(&held, ["a".to_owned()].into());
        first.add("b".into());
        assert_eq!((held.names(), first.has("b")), (vec!["a".to_owned(), "b".to_owned()], true));
        first.give_back(|name| name == "b");
        assert_eq!((held.names(), first.has("b")), (vec!["a".to_owned()], false));
        let (late, now) = (first.clone_books(), Instant::now());
        late.note_refused("c".into(), now);
        let within = Duration::from_secs(5);
        assert!(first.was_refused("c", now, within) && !first.was_refused("c", now + within, within));
        let second = Held::of_call(&held, ["d".to_owned()].into());
        late.add("e".into());
        drop(first);
        assert_eq!((held.names(), second.has("e")), (vec!["d".to_owned()], false));
        drop(second);
        assert!(held.names().is_empty());
    }
}
