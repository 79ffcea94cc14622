//! The protocol of an attempt: at most one INVITE for each attempt, at most one live call for each number, whoever dies or is cut off
//! when. A pure state machine: a [`Step`] is what is to be done next, an [`Event`] is how that went. What it says is checked over all
//! orders of events in `dialler/model`, with this very code.
//!
//! The fuse is the attempt's room. LiveKit's gateway joins the room before it sends the INVITE, and its token makes no rooms: a request
//! to dial that is late finds no room, and rings nobody. Hence the order: room, worker, commit, one dial; and for what is left behind:
//! take it over by compare-and-set, delete the room, wait until every copy of a request is void, delete it again (a server's look at the
//! room and its making of a session are not one step), and only then free the number.

use std::time::Duration;

/// A request to dial, and the one that makes the room, are good for so long; counted from before the commit for the dial.
pub const TOKEN_LIFE: Duration = Duration::from_secs(5);
/// By how much a server lets clocks differ.
const LEEWAY: Duration = Duration::from_secs(60);
/// How long a server itself works at a request to dial at most: it waits for the answer of the phone.
const SERVER_DEADLINE: Duration = Duration::from_secs(80);
/// What the three do not count.
const BESIDE: Duration = Duration::from_secs(5);
/// After so long no copy of a request to dial can act any more: 150 s.
pub const ALL_VOID: Duration = Duration::from_secs(
    TOKEN_LIFE.as_secs() + LEEWAY.as_secs() + SERVER_DEADLINE.as_secs() + BESIDE.as_secs(),
);
/// A worker is ready within this, or the attempt is given up before anything rings.
pub const READY_WITHIN: Duration = Duration::from_secs(8);
/// Seconds until a room that nobody joined ends by itself.
pub const EMPTY_TIMEOUT_SECS: u32 = 60;
/// Seconds until a room that everybody left ends by itself.
pub const DEPARTURE_TIMEOUT_SECS: u32 = 5;
/// The phone, the bot, a person who listens, and one to spare.
pub const MAX_PARTICIPANTS: u32 = 4;
/// Who the phone is in its room.
pub const CALLEE: &str = "callee";

/// What is to be done next. Each is one request, or one wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Make the room that bears the attempt's id.
    MakeRoom,
    /// Send the reserved worker into it.
    Attach,
    /// Wait until it says that it is ready.
    AwaitReady,
    /// Contact claimed → dialing, with the epoch in the filter. The last look at all that may forbid the call.
    Commit,
    /// The one request to dial.
    Dial,
    /// Contact dialing → live.
    TellLive,
    /// Watch until the call is over.
    Talk,
    /// Tell how it ended: the number and the permits are free.
    TellResult,
    /// Delete the room of a call that is over.
    ClearRoom,
    /// Nothing was dialled: delete the room …
    DropRoom,
    /// … and give the contact back, without an attempt counted.
    Abort,
    /// Another owns the contact before anything was dialled: delete the room, and tell nobody.
    LeaveRoom,
    /// See who is in the room of an attempt that was left behind, or whose request to dial has no answer.
    Look,
    /// It is a running call: take it over, and leave it alone.
    Adopt,
    /// It is none: compare-and-set to recovering.
    Recover,
    /// Throw whoever is in the room out, and blow the fuse.
    Delete,
    /// [`ALL_VOID`].
    Wait,
    /// A request that was under way may have brought the room back.
    DeleteAgain,
    /// The room is not listed.
    Check,
    /// Lost, or nobody was ever rung: the number and the permits are free.
    TellLost,
    Over,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// It was done. Of [`Step::Dial`]: the phone was answered. Of [`Step::Talk`]: the call is over.
    Done,
    /// It was not done, for certain. Of [`Step::Dial`]: the phone was not answered, and rings no more.
    NotDone,
    /// It may have been done.
    Unclear,
    /// The bridge says that another owns the contact.
    Fenced,
    /// Of [`Step::Look`]: phone and worker are in a running call.
    Running,
    /// Of [`Step::Look`]: it is not one. Of [`Step::Check`]: the room is still there.
    Lying,
}

impl Step {
    /// Where an attempt begins that was claimed just now.
    pub const fn claimed() -> Self {
        Self::MakeRoom
    }

    /// Where an attempt begins that another left behind.
    pub const fn left_behind() -> Self {
        Self::Look
    }

    /// What is next. An event that a step cannot have leaves it where it is: it is done again.
    #[must_use]
    pub const fn after(self, event: Event) -> Self {
        use Event::{Done, Fenced, Lying, NotDone, Running, Unclear};
        match (self, event) {
            (Self::MakeRoom, Done) => Self::Attach,
            (Self::Attach, Done) => Self::AwaitReady,
            (Self::AwaitReady, Done) => Self::Commit,
            (Self::Commit, Done) => Self::Dial,
            (Self::MakeRoom | Self::Attach | Self::AwaitReady, NotDone | Unclear)
            | (Self::Commit, NotDone) => Self::DropRoom,
            // It may be committed, and nothing is dialled.
            (Self::Commit, Unclear) => Self::Recover,
            (Self::Commit, Fenced) => Self::LeaveRoom,
            (Self::DropRoom, _) => Self::Abort,
            (Self::Dial, Done) => Self::TellLive,
            (Self::Dial, NotDone) | (Self::Talk, Done) => Self::TellResult,
            (Self::Dial, Unclear) => Self::Look,
            // Its result says when it was answered, should the bridge be away just now.
            (Self::TellLive, Done | NotDone | Unclear) => Self::Talk,
            (Self::TellResult, Done) => Self::ClearRoom,
            (Self::Look, Running) => Self::Adopt,
            (Self::Look, Lying) => Self::Recover,
            (Self::Adopt, Done) => Self::Talk,
            (Self::Recover, Done) => Self::Delete,
            // The bridge knows no such attempt: nobody else will end what may be in its room.
            (Self::Recover, NotDone) => Self::LeaveRoom,
            (Self::Delete, Done | NotDone) => Self::Wait,
            (Self::Wait, Done) => Self::DeleteAgain,
            (Self::DeleteAgain, Done | NotDone) => Self::Check,
            (Self::Check, Done) => Self::TellLost,
            (Self::Check, Lying) => Self::DeleteAgain,
            // What the bridge refuses for certain it refuses when asked again.
            (Self::ClearRoom | Self::LeaveRoom, _)
            | (Self::Abort | Self::TellLost, Done)
            | (Self::Abort | Self::Adopt | Self::TellResult | Self::TellLost, NotDone)
            | (
                Self::TellLive
                | Self::Talk
                | Self::TellResult
                | Self::Abort
                | Self::Adopt
                | Self::Recover
                | Self::TellLost,
                Fenced,
            ) => Self::Over,
            (same, _) => same,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn walk(from: Step, events: &[Event]) -> Vec<Step> {
        events
            .iter()
            .scan(from, |step, event| {
                *step = step.after(*event);
                Some(*step)
            })
            .collect()
    }

    #[test]
    fn an_attempt_goes_the_way_of_the_protocol() {
        use Event::Done;
        let way = walk(Step::claimed(), &[Done; 9]);
        let expected = [
            Step::Attach,
            Step::AwaitReady,
            Step::Commit,
            Step::Dial,
            Step::TellLive,
            Step::Talk,
            Step::TellResult,
            Step::ClearRoom,
            Step::Over,
        ];
        assert_eq!(way, expected);
    }

    #[test]
    fn nothing_but_a_commit_leads_to_a_dial() {
        for step in all() {
            for event in EVENTS {
                let dials = step.after(event) == Step::Dial && step != Step::Dial;
                assert_eq!(dials, (step, event) == (Step::Commit, Event::Done), "{step:?} {event:?}");
            }
        }
        // And none is done twice but by its own event that it cannot have.
        for event in [Event::Done, Event::NotDone, Event::Unclear] {
            assert_ne!(Step::Dial.after(event), Step::Dial);
        }
    }

    #[test]
    fn what_was_left_behind_is_deleted_twice_around_the_wait() {
        use Event::{Done, Lying, NotDone, Unclear};
        let way = walk(
            Step::left_behind(),
            &[Unclear, Lying, Unclear, Done, NotDone, Done, Done, Lying, Done, Done, Done],
        );
        let expected = [
            Step::Look,
            Step::Recover,
            Step::Recover,
            Step::Delete,
            Step::Wait,
            Step::DeleteAgain,
            Step::Check,
            Step::DeleteAgain,
            Step::Check,
            Step::TellLost,
            Step::Over,
        ];
        assert_eq!(way, expected);
        assert_eq!(ALL_VOID, Duration::from_secs(150));
    }

    #[test]
    fn whoever_is_fenced_walks_away() {
        for step in [Step::TellLive, Step::Talk, Step::TellResult, Step::Abort, Step::Adopt, Step::Recover] {
            assert_eq!(step.after(Event::Fenced), Step::Over, "{step:?}");
        }
        assert_eq!(Step::Commit.after(Event::Fenced), Step::LeaveRoom);
    }

    #[test]
    fn what_the_bridge_refuses_for_certain_is_not_asked_again() {
        for (step, then) in [
            (Step::Abort, Step::Over),
            (Step::Adopt, Step::Over),
            (Step::TellResult, Step::Over),
            (Step::TellLost, Step::Over),
            // Nobody else deletes the room of an attempt that the bridge does not know.
            (Step::Recover, Step::LeaveRoom),
            // The call goes on, and has a result to tell.
            (Step::TellLive, Step::Talk),
            (Step::Commit, Step::DropRoom),
        ] {
            assert_eq!(step.after(Event::NotDone), then, "{step:?}");
            if step != Step::Commit && step != Step::TellLive {
                assert_eq!(step.after(Event::Unclear), step, "what may be told yet is told again: {step:?}");
            }
        }
    }

    const EVENTS: [Event; 6] =
        [Event::Done, Event::NotDone, Event::Unclear, Event::Fenced, Event::Running, Event::Lying];

    /// Every step that any order of events leads to.
    fn all() -> BTreeSet<Step> {
        let mut all = BTreeSet::new();
        let mut new = vec![Step::claimed(), Step::left_behind()];
        while let Some(step) = new.pop() {
            if all.insert(step) {
                new.extend(EVENTS.map(|event| step.after(event)));
            }
        }
        all
    }
}
