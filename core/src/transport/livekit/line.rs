//! A call's place in its room: one task that moves sound, keys and orders between the two, bounded both ways.

pub mod clear;
mod consult;
mod dialling;
mod seat;
mod supervising;
mod third;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use vox_livekit::{Events, JoinError, Options, Room};

use super::order::{Begins, Order};
use super::server::LiveKit;
use crate::bridge::Bridge;
use crate::media::playout::Pacing;
use crate::transport::line::{LINE_DEPTH, LineIn, LineOut, Ready};
use crate::transport::reason::Reason;
use crate::transport::socket::Ends;
use seat::Seat;

/// Frames of 20 ms that are with the room's client beyond the one that leaves: what we are late by, up to a frame, nobody hears.
const LEAD: usize = 2;
/// Of one try to join.
const JOIN_WITHIN: Duration = Duration::from_secs(3);
/// Making the room and all tries to join it together: the call must say who is there within ten seconds.
const JOIN_PATIENCE: Duration = Duration::from_secs(7);
/// No try begins that would have less time.
const LAST_TRY: Duration = Duration::from_secs(1);
const JOIN_PAUSE: Duration = Duration::from_millis(300);
/// A lost connection is tried to be had back for so long; nobody is heard meanwhile.
const RECOVER_WITHIN: Duration = Duration::from_secs(15);

/// A call's line into a room, which is not joined yet.
pub struct Line {
    livekit: Arc<LiveKit>,
    /// Whose numbers are called from.
    bridge: Bridge,
    order: Order,
    to_call: mpsc::Sender<LineIn>,
    from_call: mpsc::Receiver<LineOut>,
}

impl Line {
    /// Both sides of a line.
    pub fn new(livekit: Arc<LiveKit>, bridge: Bridge, order: Order) -> (Ends, Self) {
        let (to_call, incoming) = mpsc::channel(LINE_DEPTH);
        let (outgoing, from_call) = mpsc::channel(LINE_DEPTH);
        let ends = Ends { incoming, outgoing, dropped: Arc::default() };
        (ends, Self { livekit, bridge, order, to_call, from_call })
    }

    /// Join the room, and be there until the call is over.
    pub async fn run(self) {
        if self.order.begins == Begins::Again {
            self.sweep();
        }
        match Box::pin(self.join()).await {
            Ok((room, events)) => Box::pin(Seat::new(self, room, events).run()).await,
            Err(error) => {
                tracing::warn!(%error, "a LiveKit room could not be joined");
                self.fail(Reason::NotJoined(error.to_string())).await;
            }
        }
    }

    /// Nobody is left in the rooms beside the call's own who was there with a bot that is dead. The caller does not wait for it.
    fn sweep(&self) {
        let (livekit, room) = (self.livekit.clone(), self.order.room.clone());
        tokio::spawn(async move { clear::sweep(&livekit, &room).await });
    }

    async fn join(&self) -> Result<(Room, Events), JoinError> {
        let until = Instant::now() + JOIN_PATIENCE;
        let (room, identity) = (&self.order.room, format!("bot-{}", self.order.session_id));
        if self.order.room_is_ours
            && !matches!(self.order.begins, Begins::Ringing | Begins::Again)
            && let Err(error) = self.livekit.create_room(room).await
        {
            // Most servers make a room when somebody joins it.
            tracing::warn!(%error, "a LiveKit room could not be made beforehand");
        }
        let options = || Options {
            hear: self.order.rate(),
            // People of ours who talk with the caller are heard apart.
            separate: true,
            transport: self.livekit.transport,
            join_within: JOIN_WITHIN.min(until.saturating_duration_since(Instant::now())),
            recover_within: RECOVER_WITHIN,
            ..Options::default()
        };
        loop {
            let token = self.livekit.join_token(room, &identity);
            match Box::pin(Room::join(self.livekit.address(), &token, options())).await {
                Err(error) if error.is_transient() && Instant::now() + LAST_TRY + JOIN_PAUSE < until => {
                    tracing::warn!(%error, "a LiveKit room could not be joined; trying again");
                    sleep(JOIN_PAUSE).await;
                }
                joined => return joined,
            }
        }
    }

    /// There is no line: the call learns why, and ends with a record.
    async fn fail(mut self, reason: Reason) {
        let _gone = self.to_call.send(ready(&self.order)).await;
        let _gone = self.to_call.send(LineIn::Broken(reason)).await;
        // Whoever waits in the room hears nothing, and nobody else may let them go.
        clear::clear(&self.livekit, &self.order, None).await;
        let rest = async { while self.from_call.recv().await.is_some() {} };
        let _late = timeout(Duration::from_secs(60), rest).await;
    }
}

/// The first message of a line.
fn ready(order: &Order) -> LineIn {
    let (info, rate) = (order.info.clone(), order.rate());
    let pacing = Pacing { chunk: rate.frame(), lead: LEAD * rate.frame() };
    LineIn::Ready(Box::new(Ready { info, rate_hz: rate.hz(), pacing }))
}
