//! Nobody of a call that is over stays in its room, whatever ended it: a telephone that somebody else rang is on a silent line, and
//! is paid for, until it is removed.

use std::time::Duration;

use tokio::time::sleep;
use vox_livekit::service::ServiceError;

use crate::transport::livekit::order::{Order, Whom, is_name_of};
use crate::transport::livekit::rooms;
use crate::transport::livekit::server::LiveKit;

/// How often it is tried, and how long is waited in between.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// Send away whom the call was with, who was `seen` as this, and close the room if it is the call's own. Who is gone is no fault.
pub async fn clear(livekit: &LiveKit, order: &Order, seen: Option<&str>) {
    for last in (0..TRIES).rev() {
        match once(livekit, order, seen).await {
            Ok(()) => return,
            Err(error) if last == 0 => {
                tracing::error!(%error, "whoever is left in a LiveKit room could not be removed");
            }
            Err(error) => {
                tracing::warn!(%error, "a LiveKit room could not be cleared; trying again");
                sleep(PAUSE).await;
            }
        }
    }
}

/// The same of the rooms beside a call's own, of a worker that died.
pub async fn sweep(livekit: &LiveKit, call: &str) {
    if let Err(error) = rooms::sweep(livekit, call).await {
        tracing::warn!(%error, "the rooms beside a lost call's own could not be closed");
    }
}

async fn once(livekit: &LiveKit, order: &Order, seen: Option<&str>) -> Result<(), ServiceError> {
    let removed = remove(livekit, order, seen).await;
    // It sends away everybody, so it is asked for also if that failed.
    let closed = match order.room_is_ours {
        true => livekit.delete_room(&order.room).await,
        false => Ok(()),
    };
    removed.and(closed)
}

async fn remove(livekit: &LiveKit, order: &Order, seen: Option<&str>) -> Result<(), ServiceError> {
    let theirs = match (&order.whom, seen) {
        // It may ring still, unseen, or be there without us.
        (Whom::Phone(identity) | Whom::Guest(identity), _) => vec![identity.clone()],
        (_, Some(seen)) => vec![seen.to_owned()],
        (Whom::AnyPhone, None) => livekit.phones(&order.room).await?,
        // The one that the bot never saw is known by its number alone.
        (Whom::Rung(number), None) => {
            let phones = livekit.phones(&order.room).await?;
            phones.into_iter().filter(|identity| is_name_of(identity, number)).collect()
        }
        (Whom::Visitor, None) => Vec::new(),
    };
    for identity in theirs {
        livekit.remove(&order.room, &identity).await?;
    }
    Ok(())
}
