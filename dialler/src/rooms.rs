//! Rooms that the media server has, against the attempts that there are. A room outlives its attempt when its deletion failed; somebody who
//! is in it talks on with a bot that nobody counts. What differs is counted and told; a room whose attempt is over is deleted when it is
//! still there a minute later.

use std::collections::BTreeSet;

use vox_shared::ids::{AttemptId, ContactId};
use vox_shared::wire::dialler::attempt::{MAX_ROOMS, RoomsRequest, RoomsSeen};

use crate::bridge::BridgeError;
use crate::desk::Desk;

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub enum RoomsError {
    #[error(transparent)]
    LiveKit(#[from] vox_livekit::service::ServiceError),
    #[error(transparent)]
    Bridge(#[from] BridgeError),
}

/// What rooms there are that should not be, beside those of our `own` lines.
///
/// # Errors
///
/// When the media server or the bridge does not answer.
pub async fn look(desk: &Desk, own: &BTreeSet<AttemptId>) -> Result<RoomsSeen, RoomsError> {
    let rooms = desk.livekit.list_rooms(&[]).await?;
    let named: Vec<_> = rooms.iter().filter_map(|room| attempt(&room.name)).collect();
    let others: Vec<_> = named.into_iter().filter(|attempt| !own.contains(attempt)).collect();
    let mut seen = RoomsSeen::default();
    for part in others.chunks(MAX_ROOMS) {
        let told = desk.bridge.rooms(&RoomsRequest { attempts: part.to_vec() }).await?;
        seen.over.extend(told.over);
        seen.unknown.extend(told.unknown);
    }
    Ok(seen)
}

/// The attempt that a room is named after, if it is one's.
fn attempt(room: &str) -> Option<AttemptId> {
    let (contact, number) = room.rsplit_once('.')?;
    let begins = contact.strip_prefix(ContactId::PREFIX).is_some_and(|rest| rest.starts_with('_'));
    (begins && number.parse::<u32>().is_ok()).then(|| room.parse().ok()).flatten()
}

/// Rooms of attempts that were over at the last look.
#[derive(Debug, Default)]
pub struct Strays(BTreeSet<AttemptId>);

impl Strays {
    /// Of the rooms whose attempts are over: those that were there at the look before too. Whoever ended the others is deleting them.
    pub fn see(&mut self, over: Vec<AttemptId>) -> Vec<AttemptId> {
        let before = std::mem::replace(&mut self.0, over.into_iter().collect());
        self.0.intersection(&before).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rooms_of_attempts_are_looked_at() {
        for (room, is) in [
            ("con_0a1b.3", true),
            ("con_1.x", false),
            ("con_1", false),
            ("vox-self-test-wrk_1.2", false),
            ("conference.7", false),
            ("call-12", false),
        ] {
            assert_eq!(attempt(room).is_some(), is, "{room}");
        }
    }

    #[test]
    fn a_room_is_deleted_when_it_is_still_there_at_the_next_look() {
        let ids = |names: &[&str]| -> Vec<AttemptId> { names.iter().map(|id| id.parse().unwrap()).collect() };
        let mut strays = Strays::default();
        assert_eq!(strays.see(ids(&["con_1.1", "con_2.1"])), []);
        assert_eq!(strays.see(ids(&["con_2.1", "con_3.1"])), ids(&["con_2.1"]));
        assert_eq!(strays.see(ids(&["con_2.1"])), ids(&["con_2.1"]), "it could not be deleted");
        assert_eq!(strays.see(Vec::new()), []);
    }
}
