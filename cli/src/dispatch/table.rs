//! Which worker gets the next socket. Pure: the time is passed in and nothing is sent.

use tokio::time::Instant;
use vox_shared::ids::WorkerId;
use vox_shared::wire::handover::{Kind, SILENT_AFTER, StateLine, WorkerState};

/// Names one connection of a worker; a worker that connects again gets another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(u64);

/// How many workers are what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connected.
    pub linked: usize,
    pub free: usize,
    /// With a call, or given one a moment ago. A worker that drains its call counts here too.
    pub busy: usize,
}

#[derive(Debug)]
struct Entry<L> {
    id: LinkId,
    worker_id: WorkerId,
    link: L,
    /// `None` until it has spoken.
    state: Option<WorkerState>,
    /// A call was given to it or it said that it has one, and it was not free since.
    on_call: bool,
    handed: u64,
    heard_at: Instant,
    /// Turn of its last call; 0 for none.
    last_call: u64,
}

/// The connected workers. `L` is what a socket is sent through.
#[derive(Debug)]
pub struct Table<L> {
    entries: Vec<Entry<L>>,
    next_id: u64,
    calls: u64,
    lets_in: bool,
}

impl<L> Default for Table<L> {
    fn default() -> Self {
        Self { entries: Vec::new(), next_id: 0, calls: 0, lets_in: true }
    }
}

impl<L: Clone> Table<L> {
    /// A worker has connected. A second connection of the same worker replaces the first, which is returned.
    pub fn join(&mut self, worker_id: WorkerId, link: L, now: Instant) -> (LinkId, Option<L>) {
        let old = self.entries.iter().position(|entry| entry.worker_id == worker_id);
        let replaced = old.map(|at| self.entries.remove(at).link);
        self.next_id += 1;
        let id = LinkId(self.next_id);
        let entry = Entry {
            id,
            worker_id,
            link,
            state: None,
            on_call: false,
            handed: 0,
            heard_at: now,
            last_call: 0,
        };
        self.entries.push(entry);
        (id, replaced)
    }

    /// A worker's connection is gone.
    pub fn leave(&mut self, id: LinkId) -> Option<L> {
        let at = self.entries.iter().position(|entry| entry.id == id)?;
        Some(self.entries.remove(at).link)
    }

    /// A worker said its state. It is believed only when it knows of every socket that was handed to it.
    pub fn said(&mut self, id: LinkId, line: StateLine, now: Instant) {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) else { return };
        entry.heard_at = now;
        if line.received != entry.handed {
            return;
        }
        entry.state = Some(line.state);
        match line.state {
            WorkerState::Free => entry.on_call = false,
            WorkerState::Busy => entry.on_call = true,
            WorkerState::Draining => {}
        }
    }

    /// Take a worker for a socket of this kind: a free one, the longest unused first, for a call; for anything else a free
    /// one if there is any. The socket counts as handed over.
    pub fn take(&mut self, kind: Kind, now: Instant) -> Option<(LinkId, L)> {
        let call = kind == Kind::Call;
        if call && !self.lets_in {
            return None;
        }
        let able = |entry: &&mut Entry<L>| {
            let speaks = entry.state.is_some() && now.duration_since(entry.heard_at) < SILENT_AFTER;
            speaks && (!call || entry.is_free())
        };
        let entry =
            self.entries.iter_mut().filter(able).min_by_key(|entry| (!entry.is_free(), entry.last_call))?;
        entry.handed += 1;
        if call {
            self.calls += 1;
            entry.last_call = self.calls;
            entry.state = Some(WorkerState::Busy);
            entry.on_call = true;
        }
        Some((entry.id, entry.link.clone()))
    }

    /// No call is let in any more.
    pub fn refuse_calls(&mut self) {
        self.lets_in = false;
    }

    pub fn counts(&self) -> Counts {
        Counts {
            linked: self.entries.len(),
            free: self.entries.iter().filter(|entry| entry.is_free()).count(),
            busy: self.entries.iter().filter(|entry| entry.on_call).count(),
        }
    }

    /// Workers with a call.
    pub fn on_call(&self) -> Vec<WorkerId> {
        self.entries.iter().filter(|entry| entry.on_call).map(|entry| entry.worker_id.clone()).collect()
    }

    /// Forget all workers.
    pub fn clear(&mut self) -> Vec<L> {
        self.entries.drain(..).map(|entry| entry.link).collect()
    }
}

impl<L> Entry<L> {
    fn is_free(&self) -> bool {
        self.state == Some(WorkerState::Free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Desk {
        table: Table<&'static str>,
        now: Instant,
    }

    impl Desk {
        fn with(workers: &[&'static str]) -> (Self, Vec<LinkId>) {
            let mut desk = Self { table: Table::default(), now: Instant::now() };
            let ids = workers.iter().map(|name| desk.join(name)).collect::<Vec<_>>();
            ids.iter().for_each(|id| desk.says(*id, "F 0"));
            (desk, ids)
        }

        fn join(&mut self, name: &'static str) -> LinkId {
            self.table.join(name.parse().unwrap(), name, self.now).0
        }

        fn says(&mut self, id: LinkId, line: &str) {
            self.table.said(id, line.parse().unwrap(), self.now);
        }

        fn call(&mut self) -> Option<&'static str> {
            self.table.take(Kind::Call, self.now).map(|(_, link)| link)
        }

        fn other(&mut self) -> Option<&'static str> {
            self.table.take(Kind::Other, self.now).map(|(_, link)| link)
        }
    }

    #[test]
    fn calls_go_to_the_longest_unused_and_then_nowhere() {
        let (mut desk, ids) = Desk::with(&["w1", "w2"]);
        assert_eq!([desk.call(), desk.call(), desk.call()], [Some("w1"), Some("w2"), None]);
        desk.says(ids[1], "F 1");
        desk.says(ids[0], "F 1");
        assert_eq!([desk.call(), desk.call()], [Some("w1"), Some("w2")]);
        assert_eq!(desk.table.counts(), Counts { linked: 2, free: 0, busy: 2 });
    }

    #[test]
    fn a_state_from_before_the_handover_is_not_believed() {
        let (mut desk, ids) = Desk::with(&["w1"]);
        assert_eq!(desk.call(), Some("w1"));
        desk.says(ids[0], "F 0");
        assert_eq!(desk.call(), None, "the worker did not know of its call yet");
        desk.says(ids[0], "B 1");
        desk.says(ids[0], "F 1");
        assert_eq!(desk.call(), Some("w1"));
    }

    #[test]
    fn other_requests_take_no_slot_and_prefer_the_free() {
        let (mut desk, ids) = Desk::with(&["w1", "w2"]);
        assert_eq!(desk.call(), Some("w1"));
        assert_eq!([desk.other(), desk.other()], [Some("w2"), Some("w2")]);
        desk.says(ids[1], "F 1");
        assert_eq!(desk.call(), Some("w2"), "still free");
        assert_eq!(desk.other(), Some("w1"));
    }

    #[test]
    fn the_silent_the_unheard_and_the_gone_get_nothing() {
        let (mut desk, ids) = Desk::with(&["w1"]);
        let unheard = desk.join("w2");
        desk.now += SILENT_AFTER;
        assert_eq!((desk.call(), desk.other()), (None, None));
        desk.says(ids[0], "F 0");
        assert_eq!(desk.other(), Some("w1"));
        assert_eq!(desk.table.leave(ids[0]), Some("w1"));
        assert_eq!(desk.call(), None);
        desk.says(ids[0], "F 1");
        desk.says(unheard, "D 0");
        assert_eq!((desk.call(), desk.other()), (None, Some("w2")));
    }

    #[test]
    fn a_worker_that_connects_again_replaces_itself() {
        let (mut desk, _) = Desk::with(&["w1"]);
        let (again, replaced) = desk.table.join("w1".parse().unwrap(), "new", desk.now);
        assert_eq!(replaced, Some("w1"));
        desk.says(again, "F 0");
        assert_eq!((desk.call(), desk.table.counts().linked), (Some("new"), 1));
    }

    #[test]
    fn draining_workers_count_their_call_until_they_are_gone() {
        let (mut desk, ids) = Desk::with(&["w1", "w2"]);
        assert_eq!(desk.call(), Some("w1"));
        desk.table.refuse_calls();
        assert_eq!(desk.call(), None, "w2 is free and no call is let in");
        desk.says(ids[0], "D 1");
        desk.says(ids[1], "D 0");
        assert_eq!(desk.table.counts(), Counts { linked: 2, free: 0, busy: 1 });
        assert_eq!(desk.table.on_call(), ["w1".parse().unwrap()]);
        desk.table.leave(ids[0]);
        assert_eq!(desk.table.counts().busy, 0);
    }
}
