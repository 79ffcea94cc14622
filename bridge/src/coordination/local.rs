//! Coordination within this process: for a deployment of one bridge, and what a bridge falls back to. Nothing outlives the process;
//! fences rise over its restarts, because they are not below the time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use jiff::Timestamp;
use vox_shared::clock::Clock;

use super::expiring::{Expiring, NoRoom};
use super::hub::{Hub, Subscription};
use super::permits::{Ask, Kept, Permits, Permitted, Run};
use super::{
    Answer, Coordination, CoordinationError, Fence, Gate, MAX_MESSAGE_BYTES, MAX_VALUE_BYTES, Rate, Standing,
    Taken, check_size,
};

/// Windows of rates kept; when there are more, those that end first are forgotten.
const MAX_WINDOWS: usize = 50_000;
const MAX_LEASES: usize = 10_000;
const MAX_GATES: usize = 10_000;
/// Values cached.
const MAX_VALUES: usize = 10_000;
/// Bytes written to the cache after which it begins empty again: the sum of what is in it is never more.
const MAX_CACHE_BYTES: usize = 64 * 1024 * 1024;

/// The embedded engine.
pub struct InProcess {
    clock: Clock,
    hub: Hub,
    state: Mutex<State>,
}

struct State {
    /// Takes so far.
    windows: Expiring<u32>,
    leases: Expiring<Lease>,
    /// Members, and when each goes by itself.
    gates: Expiring<HashMap<String, Timestamp>>,
    cache: Expiring<Bytes>,
    written_bytes: usize,
    last_fence: u64,
    permits: Permits,
}

/// Its life is the process's.
const RUN: &str = "process";

struct Lease {
    holder: String,
    fence: Fence,
}

impl InProcess {
    pub fn new(clock: Clock) -> Self {
        let state = State {
            windows: Expiring::with_room(MAX_WINDOWS),
            leases: Expiring::with_room(MAX_LEASES),
            gates: Expiring::with_room(MAX_GATES),
            cache: Expiring::with_room(MAX_VALUES),
            written_bytes: 0,
            last_fence: 0,
            permits: Permits::default(),
        };
        Self { clock, hub: Hub::default(), state: Mutex::new(state) }
    }

    /// The state, and the time.
    fn now(&self) -> (MutexGuard<'_, State>, Timestamp) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state, self.clock.now())
    }
}

/// An answer that is there at once.
fn at_once<'a, T: Send + 'a>(answer: Result<T, CoordinationError>) -> Answer<'a, T> {
    Box::pin(std::future::ready(answer))
}

impl State {
    fn take(&mut self, rates: Vec<Rate>, now: Timestamp) -> Taken {
        let spent = rates.iter().filter(|rate| self.taken(rate, now) >= rate.most);
        let refusing = spent.map(|rate| self.standing(rate, now)).max_by_key(|s| s.resets_in);
        if let Some(refusing) = refusing {
            return Taken::Refused(refusing);
        }
        for rate in &rates {
            match self.windows.get_mut(&rate.key, now) {
                Some((taken, _)) => *taken = taken.saturating_add(1),
                None => self.windows.keep_newest(rate.key.clone(), 1, (now, after(now, rate.window))),
            }
        }
        let tightest = rates.iter().map(|rate| self.standing(rate, now)).min_by_key(|s| s.remaining);
        Taken::Allowed(tightest.unwrap_or(Standing::UNLIMITED))
    }

    fn taken(&self, rate: &Rate, now: Timestamp) -> u32 {
        self.windows.get(&rate.key, now).map_or(0, |(taken, _)| *taken)
    }

    fn standing(&self, rate: &Rate, now: Timestamp) -> Standing {
        let (taken, resets_in) = match self.windows.get(&rate.key, now) {
            Some((taken, ends)) => (*taken, ends.duration_since(now).unsigned_abs()),
            None => (0, rate.window),
        };
        Standing { limit: rate.most, remaining: rate.most.saturating_sub(taken), resets_in }
    }

    fn acquire(
        &mut self,
        lease: String,
        holder: String,
        (now, ends): (Timestamp, Timestamp),
    ) -> Result<Option<Fence>, CoordinationError> {
        if let Some((held, until)) = self.leases.get_mut(&lease, now) {
            if held.holder != holder {
                return Ok(None);
            }
            *until = ends;
            return Ok(Some(held.fence));
        }
        let time = u64::try_from(now.as_microsecond()).unwrap_or(0);
        let fence = Fence(time.max(self.last_fence + 1));
        self.leases
            .keep(lease, Lease { holder, fence }, (now, ends))
            .map_err(|NoRoom| CoordinationError::Full)?;
        self.last_fence = fence.0;
        Ok(Some(fence))
    }

    fn enter(&mut self, gate: Gate, member: String, now: Timestamp) -> Result<bool, CoordinationError> {
        let ends = after(now, gate.ttl);
        let Some((members, last)) = self.gates.get_mut(&gate.name, now) else {
            if gate.most == 0 {
                return Ok(false);
            }
            let kept = self.gates.keep(gate.name, HashMap::from([(member, ends)]), (now, ends));
            return kept.map(|()| true).map_err(|NoRoom| CoordinationError::Full);
        };
        members.retain(|_, goes| now < *goes);
        if members.len() >= gate.most as usize && !members.contains_key(&member) {
            return Ok(false);
        }
        members.insert(member, ends);
        *last = ends.max(*last);
        Ok(true)
    }

    fn cache_value(&mut self, key: String, value: Bytes, times: (Timestamp, Timestamp)) {
        self.written_bytes += value.len();
        if self.written_bytes > MAX_CACHE_BYTES {
            self.cache = Expiring::with_room(MAX_VALUES);
            self.written_bytes = value.len();
        }
        self.cache.keep_newest(key, value, times);
    }
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    now.checked_add(time).unwrap_or(Timestamp::MAX)
}

impl Coordination for InProcess {
    fn publish(&self, topic: String, message: Bytes) -> Answer<'_, ()> {
        let told = check_size("message", message.len(), MAX_MESSAGE_BYTES);
        if told.is_ok() {
            self.hub.tell(&topic, message);
        }
        at_once(told)
    }

    fn announce(&self, _: Vec<String>, message: Bytes) -> Answer<'_, bool> {
        // Nobody outside of this process can listen.
        at_once(check_size("message", message.len(), MAX_MESSAGE_BYTES).map(|()| false))
    }

    fn subscribe(&self, topic: &str) -> Subscription {
        self.hub.listen(topic)
    }

    fn take(&self, rates: Vec<Rate>) -> Answer<'_, Taken> {
        let (mut state, now) = self.now();
        at_once(Ok(state.take(rates, now)))
    }

    fn give_back(&self, key: String) -> Answer<'_, ()> {
        let (mut state, now) = self.now();
        if let Some((taken, _)) = state.windows.get_mut(&key, now) {
            *taken = taken.saturating_sub(1);
        }
        at_once(Ok(()))
    }

    fn forget(&self, key: String) -> Answer<'_, ()> {
        let (mut state, _) = self.now();
        state.windows.remove(&key);
        at_once(Ok(()))
    }

    fn acquire(&self, lease: String, holder: String, ttl: Duration) -> Answer<'_, Option<Fence>> {
        let (mut state, now) = self.now();
        at_once(state.acquire(lease, holder, (now, after(now, ttl))))
    }

    fn renew(&self, lease: String, fence: Fence, ttl: Duration) -> Answer<'_, bool> {
        let (mut state, now) = self.now();
        let held = state.leases.get_mut(&lease, now).filter(|(held, _)| held.fence == fence);
        at_once(Ok(held.map(|(_, ends)| *ends = after(now, ttl)).is_some()))
    }

    fn release(&self, lease: String, fence: Fence) -> Answer<'_, ()> {
        let (mut state, now) = self.now();
        if state.leases.get(&lease, now).is_some_and(|(held, _)| held.fence == fence) {
            state.leases.remove(&lease);
        }
        at_once(Ok(()))
    }

    fn enter(&self, gate: Gate, member: String) -> Answer<'_, bool> {
        let (mut state, now) = self.now();
        at_once(state.enter(gate, member, now))
    }

    fn leave(&self, gate: String, member: String) -> Answer<'_, ()> {
        let (mut state, now) = self.now();
        let left = state.gates.get_mut(&gate, now).is_some_and(|(members, _)| {
            members.remove(&member);
            members.is_empty()
        });
        if left {
            state.gates.remove(&gate);
        }
        at_once(Ok(()))
    }

    fn permit(&self, ask: Ask) -> Answer<'_, Permitted> {
        let (mut state, now) = self.now();
        at_once(state.permits.permit(&ask, now))
    }

    fn keep_permits(&self, kept: Vec<Kept>, _: Run) -> Answer<'_, ()> {
        let (mut state, now) = self.now();
        state.permits.keep(kept, now);
        at_once(Ok(()))
    }

    fn give_up_permits(&self, member: String, rooms: Vec<String>) -> Answer<'_, ()> {
        let (mut state, _) = self.now();
        state.permits.give_up(&member, &rooms);
        at_once(Ok(()))
    }

    fn permits_run(&self) -> Answer<'_, Run> {
        let (state, _) = self.now();
        at_once(Ok(Run { id: RUN.into(), is_open: state.permits.is_open }))
    }

    fn open_permits(&self, _: Run) -> Answer<'_, ()> {
        let (mut state, _) = self.now();
        state.permits.is_open = true;
        at_once(Ok(()))
    }

    fn count_permits(&self, rooms: Vec<String>) -> Answer<'_, Vec<u64>> {
        let (mut state, now) = self.now();
        at_once(Ok(state.permits.count(&rooms, now)))
    }

    fn get(&self, key: String) -> Answer<'_, Option<Bytes>> {
        let (state, now) = self.now();
        at_once(Ok(state.cache.get(&key, now).map(|(value, _)| value.clone())))
    }

    fn set(&self, key: String, value: Bytes, ttl: Duration) -> Answer<'_, ()> {
        let (mut state, now) = self.now();
        let fits = check_size("cached value", value.len(), MAX_VALUE_BYTES);
        if fits.is_ok() {
            state.cache_value(key, value, (now, after(now, ttl)));
        }
        at_once(fits)
    }

    fn delete(&self, key: String) -> Answer<'_, ()> {
        let (mut state, _) = self.now();
        state.cache.remove(&key);
        at_once(Ok(()))
    }

    fn check(&self) -> Answer<'_, ()> {
        at_once(Ok(()))
    }
}
