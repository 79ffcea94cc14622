//! The fleet as it is seen at one instant, and which slot of it is taken next.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use vox_shared::ids::WorkerId;

use crate::store::holds::live;
use crate::store::hosts::{Host, Reading};
use crate::store::reservations::Candidate;
use crate::store::workers::Registration;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// How long a polled host's word counts: one that answers after the longest wait, and is asked again a pause later, stays.
const POLL_COUNTS: SignedDuration = SignedDuration::from_secs(45);
/// Hosts that a reservation remembers.
const MAX_CANDIDATES: usize = 50;

/// Slots of a set of workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    pub total: u32,
    pub active: u32,
    /// Promised and not taken yet.
    pub reserved: u32,
    /// Neither busy nor promised, on workers and hosts that take calls.
    pub available: u32,
}

impl Capacity {
    fn and(self, other: Self) -> Self {
        Self {
            total: self.total.saturating_add(other.total),
            active: self.active.saturating_add(other.active),
            reserved: self.reserved.saturating_add(other.reserved),
            available: self.available.saturating_add(other.available),
        }
    }
}

/// Whether a host may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Ok,
    Draining,
    /// It is polled and did not say what a healthy host says.
    Unhealthy(String),
}

impl Standing {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Draining => "draining",
            Self::Unhealthy(_) => "unhealthy",
        }
    }
}

/// What has slots: a worker that registers, or a host that is polled.
#[derive(Clone, Debug)]
pub enum Station {
    Worker(Stored<Registration>),
    Polled(Stored<Host>),
}

/// A station, and what it has.
#[derive(Clone, Debug)]
pub struct Seat {
    pub host: String,
    pub station: Station,
    pub standing: Standing,
    pub capacity: Capacity,
}

/// The whole fleet.
#[derive(Clone, Debug)]
pub struct Sight {
    pub seats: Vec<Seat>,
    now: Stamp,
    draining: BTreeSet<String>,
}

impl Sight {
    /// Look at the fleet. A polled host whose workers also register counts by what they say.
    pub async fn look(stores: &Stores, now: Timestamp) -> Result<Self, StoreError> {
        let now = Stamp(now);
        let workers = stores.workers().list_registrations(now).await?;
        let hosts = stores.hosts().list_hosts().await?;
        let draining = hosts.iter().filter(|h| h.value.draining).map(|h| h.value.name.clone()).collect();
        let mut sight = Self { seats: Vec::new(), now, draining };
        let registered: BTreeSet<&str> = workers.iter().map(|w| w.value.report.host.as_str()).collect();
        let polled: Vec<_> = hosts
            .into_iter()
            .filter(|h| h.value.url.is_some() && !registered.contains(h.value.name.as_str()))
            .collect();
        drop(registered);
        let stations =
            workers.into_iter().map(Station::Worker).chain(polled.into_iter().map(Station::Polled));
        sight.seats = stations.map(|station| sight.seat(station)).collect();
        Ok(sight)
    }

    /// What a station has, by its document.
    pub fn seat(&self, station: Station) -> Seat {
        let (host, holds, said) = match &station {
            Station::Worker(worker) => {
                let report = &worker.value.report;
                let said = match report.draining {
                    true => Err(Standing::Draining),
                    false => Ok(report.slots.saturating_sub(report.calls)),
                };
                (report.host.clone(), &worker.value.holds, (report.slots, report.calls, said))
            }
            Station::Polled(host) => (host.value.name.clone(), &host.value.holds, self.said(&host.value)),
        };
        let (total, active, said) = said;
        let said = if self.draining.contains(&host) { Err(Standing::Draining) } else { said };
        let reserved = live(holds, self.now);
        let (standing, available) = match said {
            Ok(free) => (Standing::Ok, free.saturating_sub(reserved)),
            Err(standing) => (standing, 0),
        };
        Seat { host, station, standing, capacity: Capacity { total, active, reserved, available } }
    }

    /// Total, calls and free slots of a polled host.
    fn said(&self, host: &Host) -> (u32, u32, Result<u32, Standing>) {
        let unhealthy = |why: &str| Err(Standing::Unhealthy(why.to_owned()));
        if host.draining {
            let (max, calls) =
                host.polled.iter().find_map(|p| p.said.as_ref().ok()).map_or((0, 0), |r| (r.max, r.calls));
            return (max, calls, Err(Standing::Draining));
        }
        let Some(polled) = &host.polled else { return (0, 0, unhealthy("it was not polled yet")) };
        match &polled.said {
            Err(why) => (0, 0, unhealthy(why)),
            Ok(Reading { max, calls, available, .. }) => {
                let age = self.now.0.duration_since(polled.at.0);
                let free =
                    if age < POLL_COUNTS { Ok(*available) } else { unhealthy("its last answer is too old") };
                (*max, *calls, free)
            }
        }
    }

    pub fn capacity(&self) -> Capacity {
        self.seats.iter().fold(Capacity::default(), |sum, seat| sum.and(seat.capacity))
    }

    /// The hosts with their seats, by name.
    pub fn by_host(&self) -> BTreeMap<&str, Vec<&Seat>> {
        let mut hosts: BTreeMap<&str, Vec<&Seat>> = BTreeMap::new();
        for seat in &self.seats {
            hosts.entry(&seat.host).or_default().push(seat);
        }
        hosts
    }

    /// The seat to take a slot from: of the host with the most free slots, ties decided by `draw`, and there of any station
    /// that has one. `spared` were tried already.
    pub fn pick(&self, draw: u64, spared: &[String]) -> Option<usize> {
        let mut free: BTreeMap<&str, (u32, Vec<usize>)> = BTreeMap::new();
        for (at, seat) in self.seats.iter().enumerate() {
            if seat.capacity.available > 0 && !spared.iter().any(|address| address == seat.address()) {
                let host = free.entry(&seat.host).or_default();
                host.0 = host.0.saturating_add(seat.capacity.available);
                host.1.push(at);
            }
        }
        let most = free.values().map(|(free, _)| *free).max()?;
        let best: Vec<&Vec<usize>> =
            free.values().filter(|(free, _)| *free == most).map(|(_, at)| at).collect();
        let (host, station) = (draw >> 32, draw & u64::from(u32::MAX));
        let stations = best[index(host, best.len())];
        Some(stations[index(station, stations.len())])
    }

    /// The hosts as they stand, the one with the most free slots first.
    pub fn candidates(&self) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = self
            .by_host()
            .into_iter()
            .map(|(host, seats)| Candidate {
                host: host.to_owned(),
                status: standing(&seats).as_str().to_owned(),
                free: total(&seats).available,
            })
            .collect();
        all.sort_by_key(|candidate| std::cmp::Reverse(candidate.free));
        all.truncate(MAX_CANDIDATES);
        all
    }
}

fn index(draw: u64, of: usize) -> usize {
    let of_wide = u64::try_from(of).unwrap_or(u64::MAX).max(1);
    usize::try_from(draw % of_wide).unwrap_or(0)
}

/// The slots of a host.
pub fn total(seats: &[&Seat]) -> Capacity {
    seats.iter().fold(Capacity::default(), |sum, seat| sum.and(seat.capacity))
}

/// How a host stands: as the best of its seats.
pub fn standing(seats: &[&Seat]) -> Standing {
    let is_ok = seats.iter().any(|seat| seat.standing == Standing::Ok);
    let first = || seats.first().map_or(Standing::Ok, |seat| seat.standing.clone());
    if is_ok { Standing::Ok } else { first() }
}

impl Seat {
    pub fn address(&self) -> &str {
        match &self.station {
            Station::Worker(worker) => &worker.value.report.address,
            Station::Polled(host) => host.value.url.as_deref().unwrap_or_default(),
        }
    }

    /// `None` for a polled host, whose own balancer finds the worker.
    pub fn worker_id(&self) -> Option<&WorkerId> {
        match &self.station {
            Station::Worker(worker) => Some(&worker.value.report.worker_id),
            Station::Polled(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(hosts: &[(&str, &[u32])]) -> Sight {
        let now = Stamp("2026-11-20T10:00:00Z".parse().unwrap());
        let mut sight = Sight { seats: Vec::new(), now, draining: BTreeSet::from(["drained".to_owned()]) };
        for (host, calls) in hosts {
            for (n, calls) in calls.iter().enumerate() {
                let report = serde_json::from_value(serde_json::json!({
                    "worker_id": format!("{host}-{n}"), "host": host, "address": format!("http://{host}:{n}"), "slots": 2,
                    "calls": calls, "build": "t", "draining": false, "pid": 1
                }));
                let value = Registration::new(report.unwrap(), now);
                let station = Station::Worker(Stored { id: String::new(), version: 1, value });
                sight.seats.push(sight.seat(station));
            }
        }
        sight
    }

    fn picked(sight: &Sight, spared: &[&str]) -> BTreeSet<String> {
        let spared: Vec<String> = spared.iter().map(|s| (*s).to_owned()).collect();
        let draws = (0..8u64).flat_map(|host| (0..8u64).map(move |station| host << 32 | station));
        draws.filter_map(|draw| Some(sight.seats[sight.pick(draw, &spared)?].address().to_owned())).collect()
    }

    #[test]
    fn the_host_with_the_most_free_slots_is_picked_and_ties_are_drawn() {
        // Three on b and c, though a has the emptiest worker.
        let fleet = sight(&[("a", &[0, 2]), ("b", &[1, 1, 1]), ("c", &[0, 1, 2]), ("drained", &[0, 0, 0])]);
        assert_eq!(
            picked(&fleet, &[]),
            BTreeSet::from(["b:0", "b:1", "b:2", "c:0", "c:1"].map(|a| format!("http://{a}")))
        );
        assert_eq!(
            picked(&fleet, &["http://c:0", "http://b:0", "http://b:1"]),
            BTreeSet::from(["http://a:0".to_owned()])
        );
        assert!(picked(&sight(&[("a", &[2]), ("drained", &[0])]), &[]).is_empty());
        assert!(picked(&sight(&[]), &[]).is_empty());
        let told = fleet.candidates();
        assert_eq!(
            (told[0].free, told[3].host.as_str(), told[3].status.as_str()),
            (3, "drained", "draining")
        );
    }
}
