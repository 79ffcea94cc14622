//! The one request to dial, the call, and how it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use vox_livekit::service::{Dial, ServiceError};
use vox_shared::wire::dialler::attempt::{Carrier, Ending, Joined, Live, ResultRequest};
use vox_shared::wire::dialler::claim::Claimed;

use super::people::Present;
use super::{Line, News, What};
use crate::attempt::{CALLEE, Event};
use crate::desk::Desk;
use crate::outcome::{self, Circumstances, NotTaken};

/// Who is in the room of a running call is asked so often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Two looks without the phone are its end: one may have come between two servers.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// A call whose worker is gone for so long is ended: somebody would listen to silence.
const WITHOUT_WORKER: Duration = Duration::from_secs(15);
/// Beside the longest call, before it is ended here: the worker and the gateway do so themselves.
const BESIDE: Duration = Duration::from_secs(30);

/// What a room looked like.
enum Sight {
    /// Phone and worker.
    Talks,
    WithoutWorker,
    WithoutPhone,
    /// The server does not answer.
    Dark,
}

impl Line {
    pub(super) async fn dial(&mut self, desk: &Desk, tells: &mpsc::Sender<News>) -> Event {
        // Asleep since the commit: nothing is sent.
        if desk.since_1970() >= self.good_until {
            return self.ended(Ending::Infra, "too late after the commit");
        }
        let Some(claimed) = &self.claimed else { return Event::Unclear };
        let (order, ringing) = (self.order(claimed), Duration::from_secs(claimed.ring_secs.into()));
        let begun = Instant::now();
        self.dialled_at = Some(begun);
        desk.metrics.dials.inc();
        self.say(tells, What::Rings).await;
        let (answer, taken_back) = self.request(desk, &order).await;
        self.ring = begun.elapsed();
        let around = Circumstances { took: self.ring, ringing, taken_back };
        match answer {
            Ok(_) => {
                self.answered_at = Some(desk.clock.now());
                self.joined = Joined::Yes;
                self.say(tells, What::Answered { ring: self.ring }).await;
                Event::Done
            }
            Err(error) => match outcome::of(&error, around) {
                NotTaken::Ended(ending, carrier) => {
                    tracing::info!(attempt.id = %self.attempt, ending = ending.as_str(), sip = carrier.sip, "not taken");
                    self.ending = Some((ending, *carrier));
                    self.say(tells, What::NotTaken { ending }).await;
                    Event::NotDone
                }
                NotTaken::Unclear(why) => {
                    let why = outcome::without_numbers(&why);
                    tracing::warn!(attempt.id = %self.attempt, why, "nobody knows what became of a request to dial");
                    self.say(tells, What::Unclear).await;
                    Event::Unclear
                }
            },
        }
    }

    /// Sent once. Meanwhile it may be taken back: without its room it does not ring on.
    async fn request(&self, desk: &Desk, order: &Dial) -> (Result<(), ServiceError>, bool) {
        let mut asking = Box::pin(desk.livekit.dial(order));
        tokio::select! {
            answer = &mut asking => return (answer.map(drop), false),
            () = self.halt.cancelled() => {}
        }
        tracing::info!(attempt.id = %self.attempt, "a ringing line is taken back");
        self.delete_room(desk).await;
        (asking.await.map(drop), true)
    }

    fn order(&self, claimed: &Claimed) -> Dial {
        let text =
            |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Dial {
            trunk: claimed.trunk.clone(),
            to: claimed.number.expose().clone(),
            from: Some(claimed.from_number.clone()),
            room: self.room.clone(),
            identity: CALLEE.to_owned(),
            attributes: BTreeMap::from([("vox.attempt".to_owned(), self.attempt.to_string())]),
            headers: claimed.x_headers.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
            ringing: Some(Duration::from_secs(claimed.ring_secs.into())),
            longest: Some(self.longest),
            wait_until_answered: true,
            display_name: Some(claimed.display_name.clone()),
            good_until: Some(self.good_until),
            ..Dial::default()
        }
    }

    pub(super) async fn tell_live(&mut self, desk: &Desk) -> Event {
        let answered_at = self.answered_at.unwrap_or_else(|| desk.clock.now());
        self.told(desk.bridge.live(&self.attempt, Live { epoch: self.epoch, answered_at }).await)
    }

    /// Until the phone has left.
    pub(super) async fn talk(&mut self, desk: &Desk) -> Event {
        let begun = Instant::now();
        let (mut gone, mut alone): (u32, Option<Instant>) = (0, None);
        loop {
            let sight = self.sight(desk).await;
            gone = if matches!(sight, Sight::WithoutPhone) { gone + 1 } else { 0 };
            alone = match sight {
                Sight::WithoutWorker => alone.or_else(|| Some(Instant::now())),
                Sight::Talks | Sight::WithoutPhone => None,
                Sight::Dark => alone,
            };
            if gone > 1 {
                break;
            }
            let silent = alone.is_some_and(|since| since.elapsed() >= WITHOUT_WORKER);
            if silent || self.halt.is_cancelled() || begun.elapsed() > self.longest + BESIDE {
                tracing::info!(attempt.id = %self.attempt, silent, "a call is ended from here");
                self.delete_room(desk).await;
            }
            let pause = if gone > 0 { LOOK_AGAIN } else { LOOK_EVERY };
            if self.halt.is_cancelled() {
                sleep(LOOK_AGAIN).await;
            } else {
                tokio::select! {
                    () = sleep(pause) => {}
                    () = self.halt.cancelled() => {}
                }
            }
        }
        self.talked = Some(begun.elapsed());
        self.ending = Some((Ending::Answered, Carrier::default()));
        Event::Done
    }

    async fn sight(&self, desk: &Desk) -> Sight {
        match desk.livekit.list_people(&self.room).await {
            Ok(people) => match Present::of(&people) {
                Present { phone: false, .. } => Sight::WithoutPhone,
                Present { others: false, .. } => Sight::WithoutWorker,
                _ => Sight::Talks,
            },
            Err(error) if error.is_not_found() => Sight::WithoutPhone,
            Err(_) => Sight::Dark,
        }
    }

    pub(super) async fn tell_result(&mut self, desk: &Desk) -> Event {
        let (ending, carrier) = self.ending.clone().unwrap_or((Ending::Infra, Carrier::default()));
        let result = ResultRequest {
            epoch: self.epoch,
            ending,
            carrier,
            ring_ms: u64::try_from(self.ring.as_millis()).unwrap_or(u64::MAX),
            answered_at: self.answered_at,
            ended_at: desk.clock.now(),
        };
        match desk.bridge.result(&self.attempt, &result).await {
            Ok(noted) => {
                self.result = noted.result;
                Event::Done
            }
            refused => self.told(refused),
        }
    }

    fn ended(&mut self, ending: Ending, why: &str) -> Event {
        self.ending = Some((ending, Carrier { server_text: Some(why.to_owned()), ..Carrier::default() }));
        Event::NotDone
    }
}
