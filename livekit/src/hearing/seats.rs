//! Where somebody sits, and what that lets it do.

use super::{Ear, Hearing, Role, Stage, Supervision, hears};
use crate::room::Subscribe;
use crate::token::Grants;

/// A room of the server. Whoever speaks in one is heard by all who listen in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Where the caller is.
    Call,
    /// Where the third is. The bot alone is in both, and carries what is said from one to the other in a conference.
    Consult,
    /// Where it is whispered to the bot.
    BotsEar,
    /// Where it is whispered to agents.
    AgentsEar,
}

/// What somebody may do in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seat {
    pub speaks: bool,
    pub listens: bool,
}

/// What is spoken where somebody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    Own,
    /// For a caller on hold.
    Music,
}

impl Place {
    pub const ALL: [Self; 4] = [Self::Call, Self::Consult, Self::BotsEar, Self::AgentsEar];

    /// The name of the room, by the name of the call's. No other begins with `call-`: a phone in such a one is taken for a call that
    /// comes in.
    pub fn room(self, call: &str) -> String {
        match self {
            Self::Call => call.to_owned(),
            Self::Consult => format!("consult-{call}"),
            Self::BotsEar => format!("ear-bot-{call}"),
            Self::AgentsEar => format!("ear-agent-{call}"),
        }
    }
}

impl Seat {
    pub const BOTH: Self = Self { speaks: true, listens: true };
    pub const LISTENS: Self = Self { speaks: false, listens: true };
    pub const SPEAKS: Self = Self { speaks: true, listens: false };

    /// What both allow, if anything.
    pub(super) fn within(self, other: Option<Self>) -> Option<Self> {
        let other = other?;
        let both = Self { speaks: self.speaks && other.speaks, listens: self.listens && other.listens };
        (both.speaks || both.listens).then_some(both)
    }

    /// What goes into the token, or into the participant's permission. Texts and data go the way of the voice; who only listens is not
    /// seen.
    pub fn grants(self, role: Role) -> Grants {
        let is_seen = self.speaks || !matches!(role, Role::Supervisor(_));
        Grants {
            publish: self.speaks,
            microphone_only: true,
            subscribe: self.listens,
            publish_data: self.speaks && !matches!(role, Role::Supervisor(_)),
            update_own: self.speaks && matches!(role, Role::Bot | Role::Agent),
            hidden: !is_seen,
            admin: false,
        }
    }
}

/// Where a role sits at a stage.
pub const fn seat(stage: Stage, role: Role, place: Place) -> Option<Seat> {
    use Place::{AgentsEar, BotsEar, Call, Consult};
    use Stage::Talk;

    let with_third = !matches!(stage, Talk);
    let on_hold = matches!(stage, Stage::Consult);
    match (role, place) {
        (Role::Caller, Call) => Some(Seat::BOTH),
        (Role::Third, Consult) if with_third => Some(Seat::BOTH),
        (Role::Bot, Call) => Some(Seat::BOTH),
        (Role::Bot, Consult) if with_third => Some(Seat::BOTH),
        (Role::Bot, BotsEar) | (Role::Agent, AgentsEar) => Some(Seat::LISTENS),
        (Role::Agent, Call) if !on_hold => Some(Seat::BOTH),
        (Role::Agent, Consult) if on_hold => Some(Seat::BOTH),
        (Role::Supervisor(Supervision::Barges), Call) if !on_hold => Some(Seat::BOTH),
        (Role::Supervisor(_), Call) if !on_hold => Some(Seat::LISTENS),
        (Role::Supervisor(_), Consult) if on_hold => Some(Seat::LISTENS),
        (Role::Supervisor(Supervision::Whispers(Ear::Bot)), BotsEar)
        | (Role::Supervisor(Supervision::Whispers(Ear::Agent)), AgentsEar) => Some(Seat::SPEAKS),
        _ => None,
    }
}

/// What somebody speaks where it may.
pub const fn says(stage: Stage, role: Role, place: Place) -> Sound {
    match (stage, role, place) {
        (Stage::Consult, Role::Bot, Place::Call) => Sound::Music,
        _ => Sound::Own,
    }
}

/// Where the bot carries what it hears in a conference, mixed into what it says there itself.
pub const fn carried(from: Place, speaker: Role) -> Option<Place> {
    match (from, speaker) {
        (Place::Consult, Role::Third) => Some(Place::Call),
        (Place::Call, Role::Caller | Role::Agent | Role::Supervisor(Supervision::Barges)) => {
            Some(Place::Consult)
        }
        _ => None,
    }
}

/// How the bot listens to somebody: a conversation is had with those who are mixed, the others are heard apart.
pub const fn listening(stage: Stage, speaker: Role) -> Subscribe {
    match (hears(stage, Role::Bot, speaker), speaker) {
        (Hearing::Must, Role::Caller | Role::Third) => Subscribe::Mixed,
        (Hearing::Must, _) | (Hearing::May, Role::Caller) => Subscribe::Apart,
        _ => Subscribe::No,
    }
}
