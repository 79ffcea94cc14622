//! The bot's place in a room beside the call's own.

use std::time::Duration;

use tokio::time::timeout;
use vox_livekit::hearing::{Ear, Place, Role, Supervision};
use vox_livekit::{Event, Events, Heard, Room, Sound, Subscribe};

use crate::transport::livekit::voice::Voice;

const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// What happened there.
#[derive(Debug)]
pub(super) enum Happened {
    Event(Event),
    Heard(Heard),
    /// Nothing follows.
    Over(String),
}

/// A room that is joined.
#[derive(Debug)]
pub struct Side {
    room: Room,
    events: Events,
    sound: Sound,
    sound_is_over: bool,
    /// What the bot says there, where it may.
    pub(in crate::transport::livekit) voice: Option<Voice>,
}

impl Side {
    pub(super) fn new(room: Room, mut events: Events, voice: Option<Voice>) -> Self {
        let sound = events.sound().expect("it is taken once");
        Self { room, events, sound, sound_is_over: false, voice }
    }

    /// Cancel-safe.
    pub(super) async fn next(&mut self) -> Happened {
        loop {
            tokio::select! {
                event = self.events.next() => return match event {
                    Some(Event::Disconnected(why)) => Happened::Over(format!("{why:?}")),
                    Some(event) => Happened::Event(event),
                    None => Happened::Over("the room ended".to_owned()),
                },
                heard = self.sound.next(), if !self.sound_is_over => match heard {
                    Some(heard) => return Happened::Heard(heard),
                    None => self.sound_is_over = true,
                },
            }
        }
    }

    /// Hear somebody who speaks there, or not.
    pub(super) fn choose(&mut self, place: Place, role: Option<Role>, track_sid: String) {
        if heard_in(place, role) {
            return;
        }
        let room = self.room.clone();
        // The client takes it when it has room for it; events must be read meanwhile.
        tokio::spawn(async move {
            let _ended = room.subscribe(track_sid, Subscribe::No).await;
        });
    }

    /// What is there unread is of before.
    pub(super) fn forget_old_sound(&mut self) {
        while !self.sound_is_over
            && let Some(heard) = futures_util::FutureExt::now_or_never(self.sound.next())
        {
            self.sound_is_over = heard.is_none();
        }
    }

    pub(super) async fn leave(self) {
        drop(self.voice);
        let _late = timeout(LEAVE_WITHIN, self.room.leave()).await;
    }
}

/// In a side room the bot hears whom the room is for, mixed; others there are ours and talk with them.
fn heard_in(place: Place, role: Option<Role>) -> bool {
    matches!(
        (place, role),
        (Place::Consult, Some(Role::Third))
            | (Place::BotsEar, Some(Role::Supervisor(Supervision::Whispers(Ear::Bot))))
    )
}
