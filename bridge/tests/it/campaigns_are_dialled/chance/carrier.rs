//! A media server with its carrier, in virtual time: rooms, requests that are late, and telephones. It keeps a journal of its INVITEs.

use std::collections::BTreeMap;

use vox_shared::ids::AttemptId;

/// By how much a server lets clocks differ, milliseconds.
const LEEWAY: u64 = 60_000;

/// What a telephone does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phone {
    #[default]
    Silent,
    Ringing,
    Live,
    Over,
}

/// The room of an attempt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Room {
    pub exists: bool,
    /// A bot is in it.
    pub bot: bool,
    pub phone: Phone,
    /// Where its INVITE stands in the journal.
    invite: Option<usize>,
}

/// Times are milliseconds of the run.
#[derive(Clone, Debug)]
pub struct Invite {
    pub attempt: AttemptId,
    pub number: String,
    pub from: u64,
    /// Nothing of it rings or talks any more.
    pub to: Option<u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Carrier {
    pub rooms: BTreeMap<AttemptId, Room>,
    pub journal: Vec<Invite>,
}

impl Carrier {
    pub fn room(&self, attempt: &AttemptId) -> Room {
        self.rooms.get(attempt).copied().unwrap_or_default()
    }

    /// A request to make the room arrives; answers whether it is made.
    pub fn makes_room(&mut self, attempt: &AttemptId, good_until: u64, now: u64) -> bool {
        let is_good = now <= good_until + LEEWAY;
        if is_good {
            self.rooms.entry(attempt.clone()).or_default().exists = true;
        }
        is_good
    }

    /// A request to dial arrives; answers whether it finds its room. It joins it a moment later.
    pub fn finds_room(&self, attempt: &AttemptId, good_until: u64, now: u64) -> bool {
        now <= good_until + LEEWAY && self.room(attempt).exists
    }

    /// It is in the room, which is there again by that, and sends its INVITE.
    pub fn invites(&mut self, attempt: &AttemptId, number: &str, now: u64) {
        let number = number.to_owned();
        self.journal.push(Invite { attempt: attempt.clone(), number, from: now, to: None });
        let room = self.rooms.entry(attempt.clone()).or_default();
        (room.exists, room.phone, room.invite) = (true, Phone::Ringing, Some(self.journal.len() - 1));
    }

    /// Answers whether somebody talked.
    pub fn deletes(&mut self, attempt: &AttemptId, now: u64) -> bool {
        let Some(room) = self.rooms.get_mut(attempt) else { return false };
        (room.exists, room.bot) = (false, false);
        self.hangs_up(attempt, now)
    }

    /// Answers whether somebody talked.
    pub fn hangs_up(&mut self, attempt: &AttemptId, now: u64) -> bool {
        let Some(room) = self.rooms.get_mut(attempt) else { return false };
        let talked = room.phone == Phone::Live;
        if matches!(room.phone, Phone::Ringing | Phone::Live) {
            room.phone = Phone::Over;
            if let Some(invite) = room.invite {
                self.journal[invite].to = Some(now);
            }
        }
        talked
    }

    /// What nobody may ever see: an attempt with two INVITEs, or a number that two of them ring or talk at once.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (place, one) in self.journal.iter().enumerate() {
            for other in &self.journal[..place] {
                if one.attempt == other.attempt {
                    faults.push(format!(
                        "{} was dialled twice: at {} and {} ms",
                        one.attempt, other.from, one.from
                    ));
                }
                let overlap = one.number == other.number && other.to.is_none_or(|to| one.from < to);
                if overlap {
                    faults.push(format!(
                        "{} rang at {} ms by {} beside {}",
                        one.number, one.from, one.attempt, other.attempt
                    ));
                }
            }
        }
        faults
    }
}
