//! Who hears whom in a call with people behind it: supervisors who listen, whisper or barge in, agents, and somebody who is asked while the
//! caller is on hold.
//!
//! A phone's gateway subscribes to all that is said in its room, at once, and cannot be told not to. So what a caller must not hear is never
//! said in the caller's room: there is a room for the call, one for a consultation, and one for each ear that is whispered into
//! ([`Place`]). Who speaks in a room is heard by everybody who listens in it; the rights of the tokens ([`Seat::grants`]) are the whole of the matrix, and
//! the server keeps them, whatever clients do.
//!
//! * [`hears`] says what shall be, of two people.
//! * [`seat`] says where somebody sits for that.
//! * [`Floor`] brings everybody there, in an order in which nobody hears too much on the way.
//!
//! Pure: no sockets, no clock.

mod floor;
mod seats;

pub use floor::{Floor, GUARD, Order};
pub use seats::{Place, Seat, Sound, carried, listening, says, seat};

/// What somebody is in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// A stranger on a phone or in a browser: hears all that is said where it is.
    Caller,
    Bot,
    /// A person who talks with the caller, from a desk of ours.
    Agent,
    Supervisor(Supervision),
    /// A stranger who is asked while the caller is on hold, and may then talk with both.
    Third,
}

/// What a supervisor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Supervision {
    Listens,
    Whispers(Ear),
    /// Talks with all. Silent while somebody is consulted, as the caller is.
    Barges,
}

/// Whose ear is whispered into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ear {
    Bot,
    Agent,
}

/// How far a call with a third person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The caller talks with the bot or an agent; nobody else is there.
    Talk,
    /// The caller is on hold and hears music; bot and agent talk with the third.
    Consult,
    /// All talk together.
    Conference,
}

/// What there is between a listener and a speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    Must,
    /// It does no harm, and is not provided for.
    May,
    Never,
}

impl Stage {
    pub const ALL: [Self; 3] = [Self::Talk, Self::Consult, Self::Conference];
}

impl Role {
    pub const ALL: [Self; 8] = [
        Self::Caller,
        Self::Bot,
        Self::Agent,
        Self::Supervisor(Supervision::Listens),
        Self::Supervisor(Supervision::Whispers(Ear::Bot)),
        Self::Supervisor(Supervision::Whispers(Ear::Agent)),
        Self::Supervisor(Supervision::Barges),
        Self::Third,
    ];

    /// Somebody whose client is not ours: it hears everything where it is, and takes no orders.
    pub const fn is_stranger(self) -> bool {
        matches!(self, Self::Caller | Self::Third)
    }
}

/// Whether one hears another.
pub const fn hears(stage: Stage, listener: Role, speaker: Role) -> Hearing {
    use Hearing::{May, Must, Never};
    use Role::{Agent, Bot, Caller, Supervisor, Third};
    use Supervision::{Barges, Listens, Whispers};

    let on_hold = matches!(stage, Stage::Consult);
    let alone = matches!(stage, Stage::Talk);
    match (listener, speaker) {
        // A whisper is for its ear.
        (Bot, Supervisor(Whispers(Ear::Bot))) | (Agent, Supervisor(Whispers(Ear::Agent))) => Must,
        (_, Supervisor(Whispers(_) | Listens)) => Never,
        // Several on one side are on one line.
        (Caller, Caller) | (Third, Third) | (Bot, Bot) => May,
        // What is said about a caller on hold is not for the caller; what was said to the caller is not for whom is asked.
        (Caller, Bot | Agent | Supervisor(Barges)) => {
            if on_hold {
                Never
            } else {
                Must
            }
        }
        (Caller, Third) | (Third, Caller | Supervisor(Barges)) => match stage {
            Stage::Conference => Must,
            _ => Never,
        },
        (Third, Bot | Agent) => {
            if alone {
                Never
            } else {
                Must
            }
        }
        // People of ours may hear both sides; on hold there is nothing to hear.
        (Bot | Agent | Supervisor(_), Caller | Supervisor(Barges)) => {
            if on_hold {
                May
            } else {
                Must
            }
        }
        (Bot | Agent | Supervisor(_), Third) => {
            if alone {
                May
            } else {
                Must
            }
        }
        (Bot | Agent | Supervisor(_), Agent) | (Agent | Supervisor(_), Bot) => Must,
    }
}

#[cfg(test)]
mod tests;
