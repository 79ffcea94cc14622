//! Where the call stands, and the deadlines that belong to the call as a whole.

use std::time::Duration;

use vox_shared::wire::result::DisconnectedBy;

use super::timer::Timers;

/// A goodbye that has not ended after this is cut off.
const GOODBYE_LIMIT: Duration = Duration::from_secs(45);
/// Who the caller is handed over to must answer within this.
const TRANSFER_LIMIT: Duration = Duration::from_secs(60);
/// The warning comes this long before the longest duration.
const DURATION_WARNING: Duration = Duration::from_secs(30);

/// A longest duration that comes while somebody is asked to take the call is looked at again after this.
const LATER: Duration = Duration::from_secs(5);
/// A talk between caller and person that is longer has been forgotten by both.
const LONGEST_TALK: Duration = Duration::from_secs(4 * 3600);

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Media does not flow yet.
    Waiting,
    Live,
    /// Ordered to wait: nobody listens, nothing is said, until the order to go on.
    Held,
    /// The caller is being handed over: nobody listens and nothing is said until that succeeded or failed.
    Transferring,
    /// A human agent is in the call and leads it: the bot says and answers nothing, and what is said is written down.
    Accompanied,
    /// The caller is on hold, and somebody is asked to take the call: the bot talks with them.
    Consulting,
    /// A person has the call: nobody listens or speaks here until one of the two hangs up.
    HandedOver,
    /// It is being found out who has answered, or a telephone that asked who calls is waited for: nobody answers what is said.
    Screening,
    /// A machine answered: its greeting is waited for, and nobody answers it.
    Machine,
    /// The last words are being said.
    Ending(DisconnectedBy),
    Over,
}

/// What a deadline of the call as a whole is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PhaseTimer {
    /// Nobody speaks: prompt.
    Idle,
    /// The caller has been silent for as long as the bot allows.
    Silence,
    /// A key was pressed: more may follow.
    Keys,
    /// Whoever takes the caller over must answer, be it another bot.
    Transfer,
    /// Whoever is asked to take the call is asked again, or the summary must do as it is.
    Consult,
    /// Who has answered must be known.
    Screening,
    /// The machine is silent, or has spoken for too long.
    Machine,
    /// The goodbye must end.
    Goodbye,
    /// Thirty seconds before the longest duration.
    DurationWarning,
    /// The longest duration.
    MaxDuration,
}

impl Phase {
    /// For people who are told that something is not possible now.
    pub fn when(self) -> &'static str {
        match self {
            Self::Waiting => "before the answer",
            Self::Live => "in a conversation that runs",
            Self::Held => "while the call is on hold",
            Self::Transferring => "while the caller is being handed over",
            Self::Accompanied => "while a human agent is in the call",
            Self::Consulting => "while somebody is asked to take the call",
            Self::HandedOver => "when a person has the call",
            Self::Screening => "before it is known who has answered",
            Self::Machine => "while a machine speaks",
            Self::Ending(_) => "when the goodbye has begun",
            Self::Over => "after the end",
        }
    }
}

/// The phase and its deadlines: leaving a phase disarms what belonged to it.
#[derive(Debug)]
pub struct Course {
    phase: Phase,
    timers: Timers<PhaseTimer>,
    /// The longest duration is over, and its end waits.
    is_late: bool,
}

impl Default for Course {
    /// A call that is not answered.
    fn default() -> Self {
        Self { phase: Phase::Waiting, timers: Timers::default(), is_late: false }
    }
}

impl Course {
    pub fn phase(&self) -> Phase {
        self.phase
    }

    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Whether what people say is heard: in a conversation, in one that an agent leads, and from somebody who is asked to take the call.
    pub fn listens(&self) -> bool {
        matches!(self.phase, Phase::Live | Phase::Accompanied | Phase::Consulting | Phase::Screening)
    }

    pub fn is_accompanied(&self) -> bool {
        self.phase == Phase::Accompanied
    }

    pub fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Ending(_))
    }

    pub fn timers(&self) -> &Timers<PhaseTimer> {
        &self.timers
    }

    /// Media flows.
    pub fn begin(&mut self, now: Duration, longest: Duration) {
        self.phase = Phase::Live;
        self.timers.set(PhaseTimer::MaxDuration, now + longest);
        if longest > DURATION_WARNING * 2 {
            self.timers.set(PhaseTimer::DurationWarning, (now + longest).saturating_sub(DURATION_WARNING));
        }
    }

    /// Wait for an order to go on. An entry of keys goes on until it is complete.
    pub fn hold(&mut self) {
        self.phase = Phase::Held;
        self.timers.clear(PhaseTimer::Idle);
        self.timers.clear(PhaseTimer::Silence);
    }

    /// Wait for somebody to take the caller over.
    pub fn transfer(&mut self, now: Duration) {
        self.hold();
        self.phase = Phase::Transferring;
        self.timers.set(PhaseTimer::Transfer, now + TRANSFER_LIMIT);
    }

    /// Another bot is to be there by then.
    pub fn wait_for_bot(&mut self, until: Duration) {
        self.timers.ensure(PhaseTimer::Transfer, until);
    }

    pub fn not_waiting_for_bot(&mut self) {
        self.timers.clear(PhaseTimer::Transfer);
    }

    /// The bot that has the call now has another longest duration. It counts from where the one before it did.
    pub fn change_longest(&mut self, (before, after): (Duration, Duration), now: Duration) {
        let Some(ends) = self.timers.next_of(|t| t == PhaseTimer::MaxDuration) else { return };
        let ends = (ends + after).saturating_sub(before);
        let warning = ends.saturating_sub(DURATION_WARNING);
        self.timers.set(PhaseTimer::MaxDuration, ends);
        match after > DURATION_WARNING * 2 && warning > now {
            true => self.timers.set(PhaseTimer::DurationWarning, warning),
            false => self.timers.clear(PhaseTimer::DurationWarning),
        }
    }

    pub fn is_consulting(&self) -> bool {
        self.phase == Phase::Consulting
    }

    pub fn is_handed_over(&self) -> bool {
        self.phase == Phase::HandedOver
    }

    /// Somebody is asked to take the call, and must have answered by then.
    pub fn consult(&mut self, until: Duration) {
        self.hold();
        self.phase = Phase::Consulting;
        self.timers.set(PhaseTimer::Transfer, until);
    }

    /// The next step of that must be done by then.
    pub fn consult_until(&mut self, until: Duration) {
        self.timers.set(PhaseTimer::Transfer, until);
    }

    /// Nobody has answered the question then.
    pub fn ask_again_at(&mut self, at: Duration) {
        self.timers.ensure(PhaseTimer::Consult, at);
    }

    pub fn not_asked_again(&mut self) {
        self.timers.clear(PhaseTimer::Consult);
    }

    /// The longest duration waits for the end of a consultation, which is short.
    pub fn end_later(&mut self, now: Duration) {
        self.is_late = true;
        self.timers.set(PhaseTimer::MaxDuration, now + LATER);
    }

    /// Whether the longest duration is over, and waits.
    pub fn is_late(&self) -> bool {
        self.is_late
    }

    /// A person has the call: how long they talk is not the bot's to say, up to a limit that no talk reaches.
    pub fn hand_over(&mut self, now: Duration) {
        self.timers.clear_all();
        self.phase = Phase::HandedOver;
        self.timers.set(PhaseTimer::MaxDuration, now + LONGEST_TALK);
    }

    pub fn is_screening(&self) -> bool {
        self.phase == Phase::Screening
    }

    /// Who has answered must be known by then, or the call be passed on.
    pub fn screen(&mut self, until: Duration) {
        self.hold();
        self.phase = Phase::Screening;
        self.timers.set(PhaseTimer::Screening, until);
    }

    /// A machine's greeting is waited for.
    pub fn await_beep(&mut self) {
        self.hold();
        self.timers.clear(PhaseTimer::Screening);
        self.phase = Phase::Machine;
    }

    /// It is waited for until then.
    pub fn beep_by(&mut self, at: Duration) {
        self.timers.set(PhaseTimer::Machine, at);
    }

    /// An agent leads from now on. Nobody is prompted or waited for: only the longest duration goes on.
    pub fn accompany(&mut self) {
        self.hold();
        self.timers.clear(PhaseTimer::Screening);
        self.timers.clear(PhaseTimer::Transfer);
        self.timers.clear(PhaseTimer::Consult);
        self.phase = Phase::Accompanied;
    }

    /// Go on after a hold, a transfer that failed, or an agent who left.
    pub fn release(&mut self) {
        self.phase = Phase::Live;
        self.timers.clear(PhaseTimer::Screening);
        self.timers.clear(PhaseTimer::Transfer);
        self.timers.clear(PhaseTimer::Consult);
    }

    /// The last words are said from now on. A goodbye that runs already keeps its limit, and an entry of keys its end.
    pub fn end(&mut self, by: DisconnectedBy, now: Duration) {
        let limit = self.timers.next_of(|t| t == PhaseTimer::Goodbye).unwrap_or(now + GOODBYE_LIMIT);
        let keys = self.timers.next_of(|t| t == PhaseTimer::Keys);
        self.timers.clear_all();
        self.timers.set(PhaseTimer::Goodbye, limit);
        if let Some(until) = keys {
            self.await_keys(until);
        }
        self.phase = Phase::Ending(by);
    }

    /// Nothing follows.
    pub fn finish(&mut self) {
        self.phase = Phase::Over;
        self.timers.clear_all();
    }

    /// Arm the silence prompt if it is not armed.
    pub fn idle_after(&mut self, now: Duration, after: Duration) {
        self.timers.ensure(PhaseTimer::Idle, now + after);
    }

    /// Somebody speaks, or is about to.
    pub fn not_idle(&mut self) {
        self.timers.clear(PhaseTimer::Idle);
    }

    /// The caller is silent from now on: the longest silence that is allowed ends then, unless it began before.
    pub fn silent_from(&mut self, now: Duration, longest: Duration) {
        self.timers.ensure(PhaseTimer::Silence, now + longest);
    }

    /// It ends then.
    pub fn silence_at(&mut self, at: Duration) {
        self.timers.set(PhaseTimer::Silence, at);
    }

    /// The caller said something, or the bot has something new to say.
    pub fn not_silent(&mut self) {
        self.timers.clear(PhaseTimer::Silence);
    }

    /// More keys may follow until then.
    pub fn await_keys(&mut self, until: Duration) {
        self.timers.set(PhaseTimer::Keys, until);
    }

    /// A deadline has come.
    pub fn clear(&mut self, timer: PhaseTimer) {
        self.timers.clear(timer);
    }
}
