//! The bot's way into a room beside the call's own.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use vox_livekit::hearing::{Role, Seat};
use vox_livekit::{Events, JoinError, Kind, Options, Publish, Rate, Room};

use super::side::Side;
use crate::transport::line::LineIn;
use crate::transport::livekit::server::LiveKit;
use crate::transport::livekit::voice::Voice;

/// Of one try, and of all of them.
const JOIN_WITHIN: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(6);
const PAUSE: Duration = Duration::from_millis(300);
const PUBLISH_WITHIN: Duration = Duration::from_secs(5);
/// A lost connection is tried to be had back for so long.
const RECOVER_WITHIN: Duration = Duration::from_secs(10);
const QUEUE_FRAMES: usize = 4;
/// Of the token; the server hands out newer ones.
const TOKEN: Duration = Duration::from_secs(600);

/// Make the room, join it with the seat's rights, and have a voice there if the seat speaks; the room's sound has this rate within the worker.
/// Or why that cannot be.
pub(super) async fn join(
    livekit: &LiveKit,
    (room, rate): (&str, Rate),
    bot: &str,
    seat: Seat,
    to_call: mpsc::Sender<LineIn>,
) -> Result<Side, String> {
    if let Err(error) = livekit.create_room(room).await {
        // Most servers make a room when somebody joins it.
        tracing::warn!(%error, "a room beside a call's own could not be made beforehand");
    }
    let (room, events) = enter(livekit, (room, rate), bot, seat).await.map_err(|error| error.to_string())?;
    let voice = match seat.speaks {
        true => Some(Voice::new(publish(&room, rate).await?, to_call)),
        false => None,
    };
    Ok(Side::new(room, events, voice))
}

async fn enter(
    livekit: &LiveKit,
    (room, rate): (&str, Rate),
    bot: &str,
    seat: Seat,
) -> Result<(Room, Events), JoinError> {
    let until = Instant::now() + PATIENCE;
    loop {
        let token = livekit.seat_token(room, (bot, Kind::Agent), seat.grants(Role::Bot), TOKEN);
        let options = Options {
            hear: rate,
            transport: livekit.transport,
            join_within: JOIN_WITHIN,
            recover_within: RECOVER_WITHIN,
            ..Options::default()
        };
        match Box::pin(Room::join(livekit.address(), &token, options)).await {
            Err(error) if error.is_transient() && Instant::now() + PAUSE + JOIN_WITHIN < until => {
                sleep(PAUSE).await
            }
            joined => return joined,
        }
    }
}

async fn publish(room: &Room, rate: Rate) -> Result<vox_livekit::Microphone, String> {
    let publish = Publish { rate, queue_frames: QUEUE_FRAMES, ..Publish::default() };
    match timeout(PUBLISH_WITHIN, room.publish(publish)).await {
        Ok(Ok(microphone)) => Ok(microphone),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer in time to the bot's track".to_owned()),
    }
}
