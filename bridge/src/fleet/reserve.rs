//! Reservations: a slot that is kept for a call about to be placed. Decision 0035 says why they stand in the documents of workers
//! and hosts.

use jiff::{SignedDuration, Timestamp};
use vox_shared::clock::Clock;
use vox_shared::ids::ReservationId;

use super::glance::Glance;
use super::sight::{Seat, Sight, Station};
use crate::store::holds::Hold;
use crate::store::reservations::{Candidate, Ended, Reservation};
use crate::store::{Stamp, StoreError, Stores};

/// Slots tried for one reservation while others take them first. Each lost try means that somebody else got on.
const MAX_TRIES: usize = 64;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// A word for the history: `api` or `dialout`.
    pub purpose: &'static str,
    pub ttl: SignedDuration,
    /// Addresses that were tried and refused.
    pub spared: Vec<String>,
}

/// A slot that is kept.
#[derive(Clone, Debug)]
pub struct Reserved {
    pub id: ReservationId,
    pub reservation: Reservation,
}

/// Why no slot is kept.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    #[error("No healthy fleet server available")]
    NoneFree,
    #[error("too many reservations at once; try again")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The fleet of the deployment. Cheap to clone.
#[derive(Clone)]
pub struct Fleet {
    pub stores: Stores,
    pub clock: Clock,
    pub glance: Glance,
}

impl Fleet {
    /// The fleet as it is now.
    pub async fn look(&self) -> Result<Sight, StoreError> {
        Sight::look(&self.stores, self.clock.now()).await
    }

    /// As [`Self::reserve`], for one of many: a worker that was free a moment ago is tried before the whole fleet is looked at.
    pub async fn reserve_one_of_many(&self, wanted: &Wanted) -> Result<Reserved, ReserveError> {
        let now = self.clock.now();
        let hold = hold(wanted, now);
        while let Some((seat, candidates)) = self.glance.take(draw(), &wanted.spared) {
            if self.take(&seat, &hold, now).await? {
                let reservation = reservation(wanted, (Stamp(now), hold.expires_at), &seat, candidates);
                return self.remember(hold.id, reservation).await;
            }
        }
        let sight = Sight::look(&self.stores, now).await?;
        self.glance.keep(sight.clone());
        self.reserve_in(sight, wanted, now).await
    }

    /// Keep a slot. It counts as used until it is released, the worker reports a call, or its time is over.
    pub async fn reserve(&self, wanted: &Wanted) -> Result<Reserved, ReserveError> {
        let now = self.clock.now();
        let sight = Sight::look(&self.stores, now).await?;
        self.reserve_in(sight, wanted, now).await
    }

    async fn reserve_in(
        &self,
        mut sight: Sight,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<Reserved, ReserveError> {
        let hold = hold(wanted, now);
        let candidates = sight.candidates();
        for _ in 0..MAX_TRIES {
            let at = sight.pick(draw(), &wanted.spared).ok_or(ReserveError::NoneFree)?;
            if self.take(&sight.seats[at], &hold, now).await? {
                let reservation =
                    reservation(wanted, (Stamp(now), hold.expires_at), &sight.seats[at], candidates);
                return self.remember(hold.id, reservation).await;
            }
            match self.again(&sight.seats[at], now).await? {
                Some(station) => sight.seats[at] = sight.seat(station),
                None => drop(sight.seats.remove(at)),
            }
        }
        Err(ReserveError::Busy)
    }

    /// Put the hold into the document that the seat was read from; `false` when that was changed since.
    async fn take(&self, seat: &Seat, hold: &Hold, now: Timestamp) -> Result<bool, StoreError> {
        let add = |holds: &mut Vec<Hold>| {
            holds.retain(|hold| hold.expires_at.0 > now);
            holds.push(hold.clone());
        };
        let written = match seat.station.clone() {
            Station::Worker(mut worker) => {
                add(&mut worker.value.holds);
                self.stores.workers().replace(worker).await
            }
            Station::Polled(mut host) => {
                add(&mut host.value.holds);
                self.stores.hosts().replace(host).await
            }
        };
        match written {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The station as it is now; `None` when it is gone.
    async fn again(&self, seat: &Seat, now: Timestamp) -> Result<Option<Station>, StoreError> {
        Ok(match &seat.station {
            Station::Worker(worker) => {
                let found = self.stores.workers().find_registration(&worker.value.report.worker_id).await?;
                found.filter(|worker| worker.value.expires_at.0 >= now).map(Station::Worker)
            }
            Station::Polled(host) => {
                let found = self.stores.hosts().find_host(&host.value.name).await?;
                found.filter(|host| host.value.url.is_some()).map(Station::Polled)
            }
        })
    }

    /// Write the history. Without it nobody could give the slot back, so then it is given back here.
    async fn remember(&self, id: ReservationId, reservation: Reservation) -> Result<Reserved, ReserveError> {
        if let Err(error) = self.stores.reservations().insert(&id, &reservation).await {
            // What cannot be given back either expires.
            let _ = self.let_go(&id, &reservation).await;
            return Err(error.into());
        }
        Ok(Reserved { id, reservation })
    }

    /// Give a slot back. Doing it twice, or after the call began or the time was over, changes nothing.
    /// [`StoreError::NotFound`] when there never was such a reservation, or it is forgotten.
    pub async fn release(&self, id: &ReservationId) -> Result<(), StoreError> {
        let found = self.stores.reservations().find(id).await?.ok_or(StoreError::NotFound)?;
        self.let_go(id, &found.value).await?;
        self.stores.reservations().end(id, Ended::Released, Stamp(self.clock.now())).await
    }

    async fn let_go(&self, id: &ReservationId, reservation: &Reservation) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            let written = match &reservation.worker_id {
                Some(worker) => {
                    let workers = self.stores.workers();
                    let Some(mut worker) = workers.find_registration(worker).await? else { return Ok(()) };
                    if !take_out(&mut worker.value.holds, id) {
                        return Ok(());
                    }
                    workers.replace(worker).await
                }
                None => {
                    let hosts = self.stores.hosts();
                    let Some(mut host) = hosts.find_host(&reservation.host).await? else { return Ok(()) };
                    if !take_out(&mut host.value.holds, id) {
                        return Ok(());
                    }
                    hosts.replace(host).await
                }
            };
            match written {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }

    /// Note in the history that the calls of these reservations run. It decides nothing, so a failure is only told.
    pub async fn confirmed(&self, ids: Vec<ReservationId>) {
        let now = Stamp(self.clock.now());
        for id in ids {
            if let Err(error) = self.stores.reservations().end(&id, Ended::Confirmed, now).await {
                tracing::warn!(reservation.id = %id, %error, "a confirmed reservation could not be noted");
            }
        }
    }
}

fn hold(wanted: &Wanted, now: Timestamp) -> Hold {
    let expires_at = Stamp(now.saturating_add(wanted.ttl).unwrap_or(Timestamp::MAX));
    Hold { id: ReservationId::generate(), expires_at }
}

fn take_out(holds: &mut Vec<Hold>, id: &ReservationId) -> bool {
    let before = holds.len();
    holds.retain(|hold| hold.id != *id);
    holds.len() < before
}

fn reservation(
    wanted: &Wanted,
    (made_at, expires_at): (Stamp, Stamp),
    seat: &Seat,
    candidates: Vec<Candidate>,
) -> Reservation {
    Reservation {
        purpose: wanted.purpose.to_owned(),
        made_at,
        expires_at,
        host: seat.host.clone(),
        worker_id: seat.worker_id().cloned(),
        address: seat.address().to_owned(),
        candidates,
        ended_at: None,
        ended_as: None,
    }
}

fn draw() -> u64 {
    let mut random = [0u8; 8];
    rand::fill(&mut random);
    u64::from_le_bytes(random)
}
