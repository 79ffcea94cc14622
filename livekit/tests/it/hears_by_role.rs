//! Who hears whom on a real server: everybody says a tone of its own in every room in which its token lets it, and the caller, as a phone's
//! gateway does, subscribes to all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use tokio::task::JoinSet;
use vox_livekit::hearing::{Ear, Floor, Place, Role, Stage, Supervision};
use vox_livekit::{AccessToken, Options, Rate};

use crate::harness::guest::{HEAR, PATIENCE};
use crate::harness::{Guest, LiveKit, power};

const CALL: &str = "call-7";
const CALLER: f64 = 400.0;
const BOT: f64 = 700.0;
const AGENT: f64 = 1100.0;
const EVE: f64 = 1700.0;
const THIRD: f64 = 2300.0;

const fn tone_of(role: Role) -> f64 {
    match role {
        Role::Caller => CALLER,
        Role::Bot => BOT,
        Role::Agent => AGENT,
        Role::Supervisor(_) => EVE,
        Role::Third => THIRD,
    }
}

/// A call on a server: the floor's orders are carried out by leaving a room and joining it with another token.
struct Call {
    server: LiveKit,
    floor: Floor,
    there: BTreeMap<(String, Place), Guest>,
}

impl Call {
    fn token(&self, identity: &str, role: Role, place: Place, grants: vox_livekit::Grants) -> String {
        let mut token = AccessToken::new(place.room(CALL), format!("{identity}-{role:?}"));
        token.grants = grants;
        self.server.sign(&token)
    }

    /// Carry out what the floor orders, until it orders nothing any more.
    async fn settle(&mut self) {
        loop {
            let orders = self.floor.orders(Instant::now());
            if orders.is_empty() {
                return;
            }
            for order in orders {
                let key = (order.identity.clone(), order.place);
                if let Some(guest) = self.there.remove(&key) {
                    guest.room.leave().await;
                }
                if let Some(grants) = order.grants() {
                    let token = self.token(&order.identity, order.role, order.place, grants);
                    let options = Options { hear: HEAR, ..Options::default() };
                    let mut guest = Guest::join_with(&self.server, &token, options).await;
                    if grants.publish {
                        guest.says(Rate::Hz16000, tone_of(order.role)).await;
                    }
                    self.there.insert(key, guest);
                }
                if order.narrows {
                    self.floor.done(&order);
                }
            }
        }
    }

    async fn hears(&mut self, who: &str, place: Place, tones: &[f64]) {
        let guest = self.there.get_mut(&(who.to_owned(), place)).expect("it sits there");
        guest.hears_all(tones, 0.1).await;
    }

    /// Listen everywhere for a second; the tones that make up a twentieth or more of any tenth of it, for each who listens.
    async fn heard(&mut self) -> BTreeMap<(String, Place), BTreeSet<i64>> {
        let mut listening = JoinSet::new();
        for (key, mut guest) in std::mem::take(&mut self.there) {
            listening.spawn(async move {
                // A second waits unread from before.
                let heard = guest.listens(110).await;
                let mut tones = BTreeSet::new();
                for piece in heard[60..].chunks(5) {
                    let pcm: Vec<i16> = piece.iter().flat_map(|heard| heard.mix.iter().copied()).collect();
                    let loud = |hz: &f64| power(HEAR, &pcm, *hz) > 0.05;
                    tones.extend(
                        [CALLER, BOT, AGENT, EVE, THIRD].iter().filter(|hz| loud(hz)).map(|hz| *hz as i64),
                    );
                }
                (key, guest, tones)
            });
        }
        let mut all = BTreeMap::new();
        while let Some(done) = tokio::time::timeout(PATIENCE, listening.join_next()).await.expect("in time") {
            let (key, guest, tones) = done.unwrap();
            self.there.insert(key.clone(), guest);
            all.insert(key, tones);
        }
        all
    }
}

fn tones(of: &[f64]) -> BTreeSet<i64> {
    of.iter().map(|hz| *hz as i64).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whisper_is_heard_by_its_ear_alone() {
    let mut call = Call { server: LiveKit::start(), floor: Floor::new(), there: BTreeMap::new() };
    // The caller is there by itself.
    let token = call.token("caller", Role::Caller, Place::Call, vox_livekit::Grants::default());
    let mut caller =
        Guest::join_with(&call.server, &token, Options { hear: HEAR, ..Options::default() }).await;
    caller.says(Rate::Hz16000, CALLER).await;
    call.there.insert(("caller".to_owned(), Place::Call), caller);

    call.floor.enter("caller", Role::Caller);
    call.floor.enter("bot", Role::Bot);
    call.floor.enter("eve", Role::Supervisor(Supervision::Listens));
    call.settle().await;
    call.hears("caller", Place::Call, &[BOT]).await;
    call.hears("eve", Place::Call, &[BOT, CALLER]).await;

    call.floor.enter("eve", Role::Supervisor(Supervision::Whispers(Ear::Bot)));
    call.settle().await;
    call.hears("bot", Place::BotsEar, &[EVE]).await;
    let heard = call.heard().await;
    let by = |who: &str, place| heard[&(who.to_owned(), place)].clone();
    assert_eq!(by("caller", Place::Call), tones(&[BOT]));
    assert_eq!(by("bot", Place::BotsEar), tones(&[EVE]));
    assert_eq!(by("bot", Place::Call), tones(&[CALLER]));

    call.floor.enter("eve", Role::Supervisor(Supervision::Barges));
    call.settle().await;
    call.hears("caller", Place::Call, &[BOT, EVE]).await;

    // On hold nobody speaks to the caller; the bot's own tone stands for the music.
    call.floor.go(Stage::Consult);
    call.floor.enter("third", Role::Third);
    call.settle().await;
    call.hears("bot", Place::Consult, &[THIRD]).await;
    call.hears("eve", Place::Consult, &[BOT, THIRD]).await;
    let heard = call.heard().await;
    let by = |who: &str, place| heard[&(who.to_owned(), place)].clone();
    assert_eq!(by("caller", Place::Call), tones(&[BOT]));
    assert_eq!(by("third", Place::Consult), tones(&[BOT]));
    assert!(!heard.contains_key(&("eve".to_owned(), Place::Call)));
}
