//! Which partitions are this dialler's. A pure state machine: what the bridge tells goes in, what is to be asked of it comes out. No clock is
//! shared with anybody: a partition is taken over when neither epoch nor beat have changed for fifteen seconds of our own time. Safety does
//! not hang on it; every later write carries the epoch.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;
use vox_shared::ids::CampaignId;
use vox_shared::wire::dialler::lease::{Held, Seen};
use vox_shared::wire::dialler::{CampaignNow, CampaignsNow};

/// Beats are renewed so often.
pub const RENEW_EVERY: Duration = Duration::from_secs(5);
/// A lease whose beat stands still for so long is anybody's.
const STILL: Duration = Duration::from_secs(15);
/// One partition too many is given up so often.
const GIVE_UP_EVERY: Duration = Duration::from_secs(5);
/// Calls of a partition that is given up are waited for, so long.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
/// After a refused try a partition is left alone for so long.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// A partition of a campaign.
pub type Key = (CampaignId, u32);

/// What is to be asked of the bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    Take { key: Key, seen: Option<Seen> },
    Release { key: Key, epoch: u32 },
}

#[derive(Debug)]
struct Mine {
    epoch: u32,
    /// Since when it is being given up.
    leaving: Option<Instant>,
}

/// A lease as it was seen last, and since when it is so.
#[derive(Debug)]
struct Watched {
    seen: Seen,
    owner: Option<String>,
    since: Instant,
}

/// See the module.
#[derive(Debug)]
pub struct Leases {
    name: String,
    mine: BTreeMap<Key, Mine>,
    watched: BTreeMap<Key, Watched>,
    asked: BTreeMap<Key, Instant>,
    gave_up: Option<Instant>,
}

impl Leases {
    pub fn new(name: String) -> Self {
        Self { name, mine: BTreeMap::new(), watched: BTreeMap::new(), asked: BTreeMap::new(), gave_up: None }
    }

    /// Under which epoch a partition is held, unless it is being given up: new calls may begin.
    pub fn may_claim(&self, key: &Key) -> Option<u32> {
        self.mine.get(key).filter(|mine| mine.leaving.is_none()).map(|mine| mine.epoch)
    }

    #[cfg(test)]
    fn is_held(&self, key: &Key) -> bool {
        self.mine.contains_key(key)
    }

    /// Of a campaign: the partitions that new calls may begin of.
    pub fn partitions(&self, campaign: &CampaignId) -> Vec<u32> {
        let of = |(key, mine): (&Key, &Mine)| (key.0 == *campaign && mine.leaving.is_none()).then_some(key.1);
        self.mine.iter().filter_map(of).collect()
    }

    /// All that are held, for the beat.
    pub fn held(&self) -> Vec<Held> {
        let held = |(key, mine): (&Key, &Mine)| Held {
            campaign: key.0.clone(),
            partition: key.1,
            epoch: mine.epoch,
        };
        self.mine.iter().map(held).collect()
    }

    pub fn taken(&mut self, key: Key, epoch: u32) {
        self.asked.remove(&key);
        self.mine.insert(key, Mine { epoch, leaving: None });
    }

    /// It was not to be had: somebody was faster.
    pub fn refused(&mut self, key: Key, now: Instant) {
        self.asked.insert(key, now);
    }

    /// Somebody else has it, if it is under this epoch that we had it.
    pub fn lost(&mut self, held: &Held) {
        let key = (held.campaign.clone(), held.partition);
        if self.mine.get(&key).is_some_and(|mine| mine.epoch == held.epoch) {
            self.mine.remove(&key);
        }
    }

    /// It was given up, and nobody has it now.
    pub fn released(&mut self, key: &Key, now: Instant) {
        self.mine.remove(key);
        // The others come first.
        self.asked.insert(key.clone(), now + GIVE_UP_EVERY);
    }

    /// What the bridge tells of all leases, and what is to be asked of it now. `in_flight` is how many calls of a partition run here.
    pub fn look(
        &mut self,
        told: &CampaignsNow,
        in_flight: impl Fn(&Key) -> usize,
        now: Instant,
    ) -> Vec<Move> {
        self.watch(&told.campaigns, now);
        let mut live = self.live(now);
        // Some hold nothing yet.
        live.extend(told.diallers.iter().filter(|name| **name != self.name).cloned());
        let wanted = self.watched.len().div_ceil(live.len() + 1);
        let mut moves = self.surplus(wanted, &in_flight, now);
        moves.extend(self.missing(wanted, &live, now));
        moves
    }

    /// As [`Self::look`], where nothing can be dialled: what is held is given up as its calls allow, and nothing is taken.
    pub fn leave(
        &mut self,
        told: &CampaignsNow,
        in_flight: impl Fn(&Key) -> usize,
        now: Instant,
    ) -> Vec<Move> {
        self.watch(&told.campaigns, now);
        for mine in self.mine.values_mut() {
            mine.leaving.get_or_insert(now);
        }
        self.over(&in_flight, now)
    }

    fn watch(&mut self, campaigns: &[CampaignNow], now: Instant) {
        let mut there = BTreeSet::new();
        for campaign in campaigns {
            for lease in &campaign.leases {
                let key = (campaign.id.clone(), lease.partition);
                let seen = Seen { epoch: lease.epoch, beat: lease.beat };
                let watched = self.watched.entry(key.clone()).or_insert_with(|| Watched {
                    seen,
                    owner: lease.owner.clone(),
                    since: now,
                });
                if watched.seen != seen || watched.owner != lease.owner {
                    *watched = Watched { seen, owner: lease.owner.clone(), since: now };
                }
                there.insert(key);
            }
        }
        self.watched.retain(|key, _| there.contains(key));
        self.asked.retain(|key, _| there.contains(key));
        // What is not told of any more has ended: it is given up when its calls are over.
        for (key, mine) in &mut self.mine {
            if !there.contains(key) {
                mine.leaving.get_or_insert(now);
            }
        }
    }

    /// Others whose beats go on.
    fn live(&self, now: Instant) -> BTreeSet<String> {
        let lives = |watched: &&Watched| now.duration_since(watched.since) < STILL;
        let owners = self.watched.values().filter(lives).filter_map(|watched| watched.owner.clone());
        owners.filter(|owner| *owner != self.name).collect()
    }

    fn surplus(&mut self, wanted: usize, in_flight: impl Fn(&Key) -> usize, now: Instant) -> Vec<Move> {
        let staying = self.mine.values().filter(|mine| mine.leaving.is_none()).count();
        let is_time = self.gave_up.is_none_or(|last| now.duration_since(last) >= GIVE_UP_EVERY);
        if staying > wanted && is_time {
            let stays = self.mine.iter_mut().filter(|(_, mine)| mine.leaving.is_none());
            if let Some((_, fewest)) = stays.min_by_key(|(key, _)| in_flight(key)) {
                fewest.leaving = Some(now);
                self.gave_up = Some(now);
            }
        }
        self.over(&in_flight, now)
    }

    /// Those that are being given up and whose calls are over, or were waited for long enough.
    fn over(&self, in_flight: impl Fn(&Key) -> usize, now: Instant) -> Vec<Move> {
        let over = self.mine.iter().filter(|(key, mine)| {
            mine.leaving
                .is_some_and(|since| in_flight(key) == 0 || now.duration_since(since) >= GIVE_UP_AFTER)
        });
        over.map(|(key, mine)| Move::Release { key: key.clone(), epoch: mine.epoch }).collect()
    }

    fn missing(&mut self, wanted: usize, live: &BTreeSet<String>, now: Instant) -> Vec<Move> {
        let staying = self.mine.values().filter(|mine| mine.leaving.is_none()).count();
        let mut moves = Vec::new();
        for (key, watched) in &self.watched {
            if staying + moves.len() >= wanted {
                break;
            }
            let asked = self
                .asked
                .get(key)
                .is_some_and(|at| now.saturating_duration_since(*at) < TRY_AGAIN || *at > now);
            if self.mine.contains_key(key) || asked {
                continue;
            }
            let is_still = now.duration_since(watched.since) >= STILL;
            match &watched.owner {
                None => moves.push(Move::Take { key: key.clone(), seen: None }),
                // An owner that lives may have one that it is late with; whoever has our own name was this process.
                Some(owner) if is_still && !live.contains(owner) => {
                    moves.push(Move::Take { key: key.clone(), seen: Some(watched.seen) });
                }
                Some(_) => {}
            }
        }
        for step in &moves {
            if let Move::Take { key, .. } = step {
                self.asked.insert(key.clone(), now);
            }
        }
        moves
    }
}

#[cfg(test)]
mod tests;
