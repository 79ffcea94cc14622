//! Before anything rings: the room, the worker, the commit; and giving the contact back.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use vox_livekit::service::RoomWanted;
use vox_shared::wire::dialler::attempt::{Abort, Commit, Joined, Why};
use vox_shared::wire::dialler::claim::Claimed;

use super::Line;
use super::people::Present;
use crate::attempt::{
    DEPARTURE_TIMEOUT_SECS, EMPTY_TIMEOUT_SECS, Event, MAX_PARTICIPANTS, READY_WITHIN, TOKEN_LIFE,
};
use crate::bridge::BridgeError;
use crate::desk::Desk;

/// Whether the worker is ready is asked so often.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// What a commit is told to wait at most, in all.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

impl Line {
    pub(super) async fn make_room(&mut self, desk: &Desk) -> Event {
        if let Some(why) = self.unwanted.or_else(|| self.taken_back()) {
            return self.nothing(why, String::new());
        }
        let wanted = RoomWanted {
            name: self.room.clone(),
            empty_timeout: EMPTY_TIMEOUT_SECS,
            departure_timeout: DEPARTURE_TIMEOUT_SECS,
            max_participants: MAX_PARTICIPANTS,
            metadata: String::new(),
        };
        // No copy of this makes the room after a recovery has waited.
        let until = desk.since_1970() + TOKEN_LIFE;
        match desk.livekit.create_room_until(&wanted, until).await {
            Ok(_) => Event::Done,
            Err(error) => self.nothing(Why::Room, error.to_string()),
        }
    }

    pub(super) async fn attach(&mut self, desk: &Desk) -> Event {
        let Some(claimed) = &self.claimed else { return Event::NotDone };
        let body = order(claimed);
        match desk.attach(&claimed.slot.address, &body).await {
            Ok(()) => Event::Done,
            Err(why) => self.nothing(Why::Attach, why),
        }
    }

    pub(super) async fn await_ready(&mut self, desk: &Desk) -> Event {
        let begun = Instant::now();
        loop {
            if let Some(why) = self.taken_back() {
                return self.nothing(why, String::new());
            }
            if let Ok(people) = desk.livekit.list_people(&self.room).await
                && Present::of(&people).ready
            {
                desk.metrics.ready.observe(begun.elapsed().as_secs_f64());
                return Event::Done;
            }
            if begun.elapsed() >= READY_WITHIN {
                return self.nothing(Why::NotReady, "the worker was not ready in time".to_owned());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// The last look. What the request to dial is good for counts from before the commit that is granted.
    pub(super) async fn commit(&mut self, desk: &Desk) -> Event {
        let begun = Instant::now();
        loop {
            if let Some(why) = self.taken_back() {
                return self.nothing(why, String::new());
            }
            if !desk.beat.may_dial() {
                return self.nothing(Why::Commit, "no beat of this dialler was taken for ten seconds".into());
            }
            self.good_until = desk.since_1970() + TOKEN_LIFE;
            match desk.bridge.commit(&self.attempt, self.epoch).await {
                Ok(Commit::Dial) => return Event::Done,
                Ok(Commit::Wait { wait_ms, .. }) => {
                    let wait = Duration::from_millis(wait_ms.max(10));
                    if begun.elapsed() + wait > LONGEST_WAIT {
                        return self.nothing(Why::Commit, "the trunk's rate left no time".into());
                    }
                    tokio::select! {
                        () = sleep(wait) => {}
                        () = self.halt.cancelled() => {}
                        () = self.trunk_fails.cancelled() => {}
                    }
                }
                Err(BridgeError::Fenced) => return Event::Fenced,
                Err(BridgeError::Away(why)) => {
                    tracing::warn!(attempt.id = %self.attempt, why, "nobody knows whether an attempt was committed; it is not dialled");
                    self.joined = Joined::No;
                    return Event::Unclear;
                }
                Err(error) => return self.nothing(Why::Commit, error.to_string()),
            }
        }
    }

    pub(super) async fn abort(&mut self, desk: &Desk) -> Event {
        let (why, detail) = self.why.clone();
        let abort = Abort { epoch: self.epoch, why, detail };
        self.told(desk.bridge.abort(&self.attempt, &abort).await)
    }

    /// Why it is given back before its dial, if it is.
    fn taken_back(&self) -> Option<Why> {
        if self.halt.is_cancelled() {
            return Some(Why::Drain);
        }
        self.trunk_fails.is_cancelled().then_some(Why::Trunk)
    }

    /// Nothing was dialled, and why.
    fn nothing(&mut self, why: Why, detail: String) -> Event {
        let shown = crate::outcome::without_numbers(&detail);
        tracing::info!(attempt.id = %self.attempt, ?why, detail = shown, "an attempt ends before anything rings");
        self.why = (why, detail);
        Event::NotDone
    }
}

/// The body of `POST /attach`: a bot that is ready before the phone is.
fn order(claimed: &Claimed) -> Value {
    let mut event = claimed.connected_event.clone();
    event.entry("_campaign_session_id").or_insert_with(|| claimed.session_id.to_string().into());
    json!({
        "room_name": claimed.room,
        "bot_id": claimed.bot_id,
        "to_number": claimed.number.expose(),
        "from_number": claimed.from_number,
        "connected_event": event,
        "campaign_call_id": claimed.attempt,
        "reservation_id": claimed.slot.reservation,
        "answer": "awaited",
        "ring_secs": claimed.ring_secs,
    })
}

#[cfg(test)]
mod tests {
    use vox_shared::wire::dialler::claim::Claim;

    use super::*;

    #[test]
    fn a_worker_is_told_that_the_answer_is_awaited_and_which_call_it_is() {
        let claim: Claim =
            serde_json::from_str(include_str!("../../../shared/src/wire/dialler_claim_v1.golden.json"))
                .unwrap();
        let Claim::Claimed(claimed) = claim else { panic!("it is claimed") };
        let body = order(&claimed);
        assert_eq!((&body["answer"], &body["ring_secs"]), (&json!("awaited"), &json!(30)));
        assert_eq!(body["connected_event"]["_campaign_session_id"], "call_1");
        assert_eq!(body["connected_event"]["name"], "Asha");
        assert_eq!(
            (&body["to_number"], &body["reservation_id"]),
            (&json!("+4915112345678"), &json!("rsv_1"))
        );
    }
}
