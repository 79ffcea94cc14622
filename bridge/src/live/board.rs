//! All running calls of the process, by call and by tenant, bounded.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use vox_shared::ids::{SessionId, TenantId};

use super::channel::{Channel, TenantPlace};
use super::envelope::{self, Told};
use super::figures::Figures;
use super::news::{End, News, Whose};
use super::running::{Running, State};
use crate::edge::sse::Source;
use crate::store::Reach;

/// Calls in memory at most, 64 KiB each at the worst. One more costs the one that was silent the longest.
pub const MAX_CALLS: usize = 4_096;
/// Tenants in memory at most, 256 KiB each at the worst.
pub const MAX_TENANTS: usize = 512;
/// A call of which nothing is heard is forgotten after this, unless somebody follows it. Its worker says something each minute.
const SILENT_FOR: SignedDuration = SignedDuration::from_mins(10);
/// A call that has ended is kept this long for who was cut off just then.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_secs(60);
/// Between two looks for what is to be forgotten.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_secs(15);

/// The calls and the tenants.
#[derive(Debug)]
pub struct Board {
    calls: HashMap<SessionId, Running>,
    tenants: HashMap<TenantId, Channel>,
    /// This process, in the ids of tenants' events.
    of: String,
    swept: Timestamp,
}

impl Board {
    /// `of` names the process.
    pub fn new(of: &str) -> Self {
        Self { calls: HashMap::new(), tenants: HashMap::new(), of: of.to_owned(), swept: Timestamp::MIN }
    }

    /// Something was missed: all streams end, and whoever comes again is told how things are.
    pub fn let_go(&mut self) {
        self.calls.values_mut().for_each(Running::let_go);
        self.tenants.values_mut().for_each(Channel::let_go);
    }

    /// Answers what of it is new.
    pub fn hear(&mut self, news: News, now: Timestamp, figures: &Figures) -> Vec<Told> {
        self.sweep(now);
        match news {
            News::Told { whose, report } => {
                let call = self.call(&whose, now);
                let mut heard = Vec::new();
                for event in report.events {
                    let Some((told, skipped)) = call.take(&report.worker_id, event, now) else { continue };
                    figures.events.inc();
                    figures.missing.inc_by(skipped);
                    heard.push(told);
                }
                self.tell_tenant(&whose, &heard, now);
                heard
            }
            News::Said { whose, event, data } => {
                let said = vec![envelope::own(&event, now, data.into())];
                self.tell_tenant(&whose, &said, now);
                said
            }
            News::Ended { whose, end } => {
                let call = self.call(&whose, now);
                if call.has_ended() {
                    return Vec::new();
                }
                let told = call.end(&end, now);
                self.tell_tenant(&whose, &told, now);
                told
            }
        }
    }

    fn tell_tenant(&mut self, whose: &Whose, told: &[Told], now: Timestamp) {
        let tenant = self.tenant(&whose.tenant_id, now);
        told.iter().for_each(|told| tenant.add(&whose.bot_id, told, now));
    }

    pub fn whose(&self, call: &SessionId) -> Option<Whose> {
        self.calls.get(call).map(|call| call.whose.clone())
    }

    pub fn state(&self, call: &SessionId) -> Option<State> {
        self.calls.get(call).map(|call| call.state.clone())
    }

    /// Calls that have not ended.
    pub fn running(&self) -> usize {
        self.calls.values().filter(|call| !call.has_ended()).count()
    }

    /// The same by tenant.
    pub fn running_by_tenant(&self) -> HashMap<TenantId, usize> {
        let mut calls = HashMap::new();
        for call in self.calls.values().filter(|call| !call.has_ended()) {
            *calls.entry(call.whose.tenant_id.clone()).or_default() += 1;
        }
        calls
    }

    pub fn follow_call(&mut self, whose: &Whose, after: Option<u64>, now: Timestamp) -> Source {
        self.call(whose, now).follow(after, now)
    }

    pub fn replay(&self, whose: &Whose, after: Option<u64>, end: &End, now: Timestamp) -> Source {
        match self.calls.get(&whose.session_id) {
            Some(call) => call.replay(after, end, now),
            None => Running::new(whose.clone(), now).replay(after, end, now),
        }
    }

    pub fn follow_tenant(&mut self, reach: &Reach, after: Option<&TenantPlace>, now: Timestamp) -> Source {
        self.tenant(reach.tenant(), now).follow(reach, after, now)
    }

    fn call(&mut self, whose: &Whose, now: Timestamp) -> &mut Running {
        if !self.calls.contains_key(&whose.session_id) && self.calls.len() >= MAX_CALLS {
            let silent = self.calls.iter().min_by_key(|(_, call)| (!call.has_ended(), call.touched));
            if let Some(id) = silent.map(|(id, _)| id.clone()) {
                self.calls.remove(&id);
            }
        }
        let new = || Running::new(whose.clone(), now);
        self.calls.entry(whose.session_id.clone()).or_insert_with(new)
    }

    fn tenant(&mut self, id: &TenantId, now: Timestamp) -> &mut Channel {
        if !self.tenants.contains_key(id) && self.tenants.len() >= MAX_TENANTS {
            let silent = self.tenants.iter().min_by_key(|(_, tenant)| (tenant.is_followed(), tenant.touched));
            if let Some(id) = silent.map(|(id, _)| id.clone()) {
                self.tenants.remove(&id);
            }
        }
        let of = &self.of;
        self.tenants.entry(id.clone()).or_insert_with(|| Channel::new(of, now))
    }

    fn sweep(&mut self, now: Timestamp) {
        if now.duration_since(self.swept) < SWEEP_EVERY && now >= self.swept {
            return;
        }
        self.swept = now;
        self.calls.retain(|_, call| {
            let longest = if call.has_ended() { KEPT_AFTER_END } else { SILENT_FOR };
            now.duration_since(call.touched) < longest || (!call.has_ended() && call.is_followed())
        });
        self.tenants
            .retain(|_, tenant| now.duration_since(tenant.touched) < SILENT_FOR || tenant.is_followed());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn whose(n: usize) -> Whose {
        let id = format!("call_{n}").parse().unwrap();
        Whose::new(id, "default".parse().unwrap(), "faq".parse().unwrap())
    }

    fn told(n: usize, seqs: &[u64]) -> News {
        let events: Vec<_> = seqs
            .iter()
            .map(|seq| json!({"seq": seq, "timestamp": "2026-11-20T10:00:00Z", "event": "turn.latency"}))
            .collect();
        let report = serde_json::from_value(json!({"worker_id": "w", "events": events})).unwrap();
        News::Told { whose: whose(n), report }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn calls_in_memory_are_bounded_and_the_silent_ones_go() {
        let (mut board, figures) = (Board::new("0a"), Figures::default());
        for n in 0..MAX_CALLS + 10 {
            board.hear(told(n, &[1]), at(n as i64 / 1_000), &figures);
        }
        assert_eq!(board.calls.len(), MAX_CALLS);
        assert!(board.state(&whose(MAX_CALLS + 9).session_id).is_some());
        board.hear(told(1, &[1]), at(10_000), &figures);
        assert_eq!(board.calls.len(), 1, "what was silent for ten minutes is forgotten");
    }

    #[test]
    fn a_call_that_has_ended_is_kept_for_a_minute() {
        let (mut board, figures) = (Board::new("0a"), Figures::default());
        board.hear(told(1, &[1]), at(0), &figures);
        let end =
            End { disconnected_by: vox_shared::wire::result::DisconnectedBy::Bot, duration_seconds: 1.0 };
        board.hear(News::Ended { whose: whose(1), end }, at(1), &figures);
        assert_eq!(board.running(), 0);
        board.hear(told(2, &[1]), at(30), &figures);
        assert!(board.state(&whose(1).session_id).is_some());
        board.hear(told(2, &[2]), at(90), &figures);
        assert!(board.state(&whose(1).session_id).is_none());
    }

    #[test]
    fn a_report_that_comes_twice_counts_once_and_missing_numbers_are_counted() {
        let (mut board, figures) = (Board::new("0a"), Figures::default());
        board.hear(told(1, &[1, 2]), at(0), &figures);
        board.hear(told(1, &[1, 2, 5]), at(1), &figures);
        assert_eq!((figures.events.get(), figures.missing.get()), (3, 2));
    }
}
