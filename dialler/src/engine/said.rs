//! What is asked of the bridge in tasks of their own, and what it answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use vox_livekit::service::ServiceError;
use vox_shared::ids::{AttemptId, CampaignId};
use vox_shared::wire::dialler::attempt::{
    PermitsRenewed, PermitsRequest, Recoveries, RecoveriesRequest, RoomsSeen,
};
use vox_shared::wire::dialler::claim::Claim;
use vox_shared::wire::dialler::lease::{
    Held, ReleaseRequest, RenewRequest, Renewed, TakeRequest, TakenLease,
};
use vox_shared::wire::dialler::tick::Ticked;
use vox_shared::wire::dialler::{CampaignsNow, Candidate, Candidates};

use super::Engine;
use crate::breaker::Offer;
use crate::bridge::BridgeError;
use crate::desk::Desk;
use crate::leases::{Key, Move};
use crate::rooms::{self, RoomsError};

type Answer<T> = Result<T, BridgeError>;

/// Whom a claim is for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub campaign: CampaignId,
    pub epoch: u32,
    pub candidate: Candidate,
    /// What it was told of trunks.
    pub offer: Offer,
}

/// An answer.
#[derive(Debug)]
pub(super) enum Said {
    Campaigns(Answer<CampaignsNow>),
    Beat { sent: (Instant, Timestamp), answer: Answer<Renewed> },
    Taken { key: Key, answer: Answer<TakenLease> },
    Released { key: Key, answer: Answer<()> },
    Behind { key: Key, epoch: u32, answer: Answer<Recoveries> },
    Candidates { campaign: CampaignId, answer: Answer<Candidates> },
    Claim { ask: Ask, answer: Answer<Claim> },
    Permits(Answer<PermitsRenewed>),
    Tick(Answer<Ticked>),
    Rooms(Result<RoomsSeen, RoomsError>),
    Deleted(AttemptId, Result<(), ServiceError>),
}

/// Something that is asked again and again, one at a time.
#[derive(Debug, Default)]
pub(super) struct Again {
    last: Option<Instant>,
    waits: bool,
}

impl Again {
    /// Whether it is to be asked now; then it counts as asked.
    pub fn is_due(&mut self, now: Instant, every: Duration) -> bool {
        let due = !self.waits && self.last.is_none_or(|last| now.duration_since(last) >= every);
        if due {
            *self = Self { last: Some(now), waits: true };
        }
        due
    }

    pub fn answered(&mut self) {
        self.waits = false;
    }
}

/// What is asked again and again.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub campaigns: Again,
    pub beat: Again,
    pub permits: Again,
    pub tick: Again,
    pub rooms: Again,
}

impl Engine {
    /// Ask in a task, whose answer is heard later.
    pub(super) fn ask<F>(&mut self, question: impl FnOnce(Arc<Desk>) -> F)
    where
        F: Future<Output = Said> + Send + 'static,
    {
        let (answer, tells) = (question(self.desk.clone()), self.tells.clone());
        self.tasks.spawn(async move {
            let said = answer.await;
            // Nobody hears when the engine is gone.
            let _ = tells.send(said).await;
        });
    }

    pub(super) fn beat(&mut self) {
        let sent = self.desk.beat.now();
        let ask = RenewRequest { worker: self.desk.name.clone(), held: self.leases.held() };
        self.ask(move |desk| async move { Said::Beat { sent, answer: desk.bridge.renew(&ask).await } });
    }

    pub(super) fn renew_permits(&mut self) {
        // Also of those that nobody knows of: they may ring.
        let ask = PermitsRequest { attempts: self.lines.keys().cloned().collect() };
        self.ask(move |desk| async move { Said::Permits(desk.bridge.renew_permits(&ask).await) });
    }

    /// Ask what rooms there are that should not be.
    pub(super) fn look_at_rooms(&mut self) {
        let own: BTreeSet<AttemptId> = self.lines.keys().cloned().collect();
        self.ask(move |desk| async move { Said::Rooms(rooms::look(&desk, &own).await) });
    }

    /// What rooms there are that should not be.
    pub(super) fn rooms(&mut self, seen: Result<RoomsSeen, RoomsError>) {
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return tracing::debug!(%error, "rooms are not compared with attempts"),
        };
        let strays = seen.over.len() + seen.unknown.len();
        self.desk.metrics.stray_rooms.set(i64::try_from(strays).unwrap_or(i64::MAX));
        if let Some(first) = seen.unknown.first() {
            let unknown = seen.unknown.len();
            tracing::warn!(unknown, %first, "LiveKit has rooms that are named like attempts and are none: do two deployments share it?");
        }
        for room in self.strays.see(seen.over) {
            // A line of ours that began since we looked.
            if self.lines.contains_key(&room) {
                continue;
            }
            tracing::warn!(attempt.id = %room, "the room of an attempt that is over is still there: it is deleted");
            self.ask(move |desk| async move {
                let answer = desk.livekit.delete_room(room.as_str()).await;
                Said::Deleted(room, answer)
            });
        }
    }

    pub(super) fn asks(&mut self, step: Move) {
        let worker = self.desk.name.clone();
        match step {
            Move::Take { key, seen } => {
                let ask = TakeRequest { worker, campaign: key.0.clone(), partition: key.1, seen };
                self.ask(move |desk| async move {
                    let answer = desk.bridge.take(&ask).await;
                    Said::Taken { key, answer }
                });
            }
            Move::Release { key, epoch } => {
                let held = Held { campaign: key.0.clone(), partition: key.1, epoch };
                let ask = ReleaseRequest { worker, held };
                self.ask(move |desk| async move {
                    let answer = desk.bridge.release(&ask).await;
                    Said::Released { key, answer }
                });
            }
        }
    }

    /// Ask what owners before have left behind in a partition.
    pub(super) fn ask_for_what_lies_in(&mut self, key: Key) {
        let held = self.leases.held();
        let mine = held.iter().find(|held| held.campaign == key.0 && held.partition == key.1);
        let Some(epoch) = mine.map(|held| held.epoch) else {
            self.behind.remove(&key);
            return;
        };
        let (worker, campaign) = (self.desk.name.clone(), key.0.clone());
        let ask = RecoveriesRequest { worker, campaign, partition: key.1, epoch };
        self.ask(move |desk| async move {
            let answer = desk.bridge.recoveries(&ask).await;
            Said::Behind { key, epoch, answer }
        });
    }
}
