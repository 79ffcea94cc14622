//! A telephone's place in a room.

use std::collections::BTreeMap;
use std::time::Duration;

use vox_livekit::{AccessToken, Events, Kind, Leaving, Microphone, Options, Publish, Rate, Room, Sound};

use super::Shared;
use super::attributes;
use crate::rpc::{Code, RpcError, since_1970};

const TOKEN_FOR: Duration = Duration::from_secs(24 * 3600);

/// Who joins.
pub(super) struct Guest {
    pub room: String,
    pub identity: String,
    pub name: String,
    pub metadata: String,
    pub attributes: BTreeMap<String, String>,
    /// The server's own token, if it gave one.
    pub token: String,
}

pub(super) struct Seat {
    pub room: Room,
    pub events: Events,
    /// What is known of it, to be put into headers.
    pub attributes: BTreeMap<String, String>,
}

impl Seat {
    /// Join and publish a track, which has the participant's name as the vendor's gateway has it.
    pub(super) async fn take(shared: &Shared, guest: Guest) -> Result<(Self, Microphone, Sound), RpcError> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            RpcError::new(Code::Internal, format!("{what}: {error}"))
        };
        let settings = &shared.settings;
        let token = if guest.token.is_empty() {
            let mut token = AccessToken::new(&guest.room, &guest.identity);
            token.kind = Kind::Sip;
            token.name = guest.name;
            token.metadata = guest.metadata;
            token.attributes = guest.attributes.clone();
            token.sign(&settings.key, &settings.secret, since_1970(), TOKEN_FOR)
        } else {
            guest.token
        };
        let options = Options { hear: Rate::Hz8000, ..Options::default() };
        let (room, mut events) =
            Room::join(&settings.livekit, &token, options).await.map_err(|e| failed("the room", &e))?;
        let publish = Publish { name: guest.identity, rate: Rate::Hz8000, ..Publish::default() };
        let microphone = room.publish(publish).await.map_err(|e| failed("the track", &e))?;
        let sound = events.sound().ok_or_else(|| failed("the room", &"its sound is taken"))?;
        Ok((Self { room, events, attributes: guest.attributes }, microphone, sound))
    }

    /// Tell more of the telephone, or something else.
    pub(super) async fn tell(&mut self, more: BTreeMap<String, String>) {
        self.attributes.extend(more.clone());
        // A room that has ended says so by its events.
        let _ended = self.room.set_attributes(more).await;
    }

    pub(super) async fn tell_status(&mut self, status: &str) {
        self.tell(attributes::status(status)).await;
    }

    pub(super) async fn leave(&self, reason: Leaving) {
        self.room.leave_because(reason).await;
    }
}
