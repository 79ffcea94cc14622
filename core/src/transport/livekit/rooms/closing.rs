//! Nobody is left in the rooms beside a call's own.

use std::time::Duration;

use tokio::time::sleep;
use vox_livekit::hearing::Place;
use vox_livekit::service::ServiceError;

use super::{DIAL_LATE, Rooms};
use crate::transport::livekit::server::LiveKit;

/// How often the end of a call tries to close the rooms beside its own, and the pause in between.
const CLOSE_TRIES: usize = 3;
const CLOSE_PAUSE: Duration = Duration::from_secs(1);

impl Rooms {
    /// The call is over: nobody is left in the rooms beside its own, and everybody whom this call brought into its own is put out.
    pub async fn close(mut self, is_dialling: bool) {
        self.asked.abort_all();
        for (_, side) in std::mem::take(&mut self.sides) {
            side.leave().await;
        }
        let places: Vec<Place> = self.used.iter().copied().filter(|place| *place != Place::Call).collect();
        let in_call = self.invited.iter().filter(|(_, place)| *place == Place::Call);
        let guests: Vec<String> = in_call.map(|(identity, _)| identity.clone()).collect();
        if places.is_empty() && guests.is_empty() {
            return;
        }
        let may_come = self.turning_away.is_some_and(|since| since.elapsed() < DIAL_LATE);
        for round in 0..=usize::from(is_dialling || may_come) {
            if round > 0 {
                sleep(DIAL_LATE).await;
            }
            for last in (0..CLOSE_TRIES).rev() {
                match close_once(&self.livekit, &self.call, &places, &guests).await {
                    Ok(()) => break,
                    Err(error) if last == 0 => {
                        tracing::error!(%error, "the rooms beside a call's own could not be closed");
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the rooms beside a call's own could not be closed; trying again");
                        sleep(CLOSE_PAUSE).await;
                    }
                }
            }
        }
    }
}

/// Close these, and put these out of the call's own. All of it is tried; the first fault is told.
async fn close_once(
    livekit: &LiveKit,
    call: &str,
    places: &[Place],
    guests: &[String],
) -> Result<(), ServiceError> {
    let mut done = Ok(());
    for place in places {
        done = done.and(livekit.delete_room(&place.room(call)).await);
    }
    for guest in guests {
        done = done.and(livekit.remove(call, guest).await);
    }
    done
}

/// Close the rooms beside a call's own that a worker left behind which died: whoever was asked on hold is let go, and nobody whispers.
pub async fn sweep(livekit: &LiveKit, call: &str) -> Result<(), ServiceError> {
    let sides = Place::ALL.into_iter().filter(|place| *place != Place::Call);
    close_once(livekit, call, &sides.collect::<Vec<_>>(), &[]).await
}
