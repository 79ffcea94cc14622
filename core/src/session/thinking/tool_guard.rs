//! Whether a tool may run: a model that runs away must not take a server, or the caller's money, with it.

use serde_json::Value;
use vox_shared::model::bot::tool::SEND_DTMF;

use crate::provider::llm::ToolCall;

/// Rounds of tools in one turn: what the reply after them calls is refused.
pub const MAX_TOOL_ROUNDS: u32 = 3;
/// Runs that a turn of the caller's may cause.
const MOST_IN_TURN: usize = 6;
/// The same call with the same arguments so often in a conversation: a caller may ask again.
const SAME_IN_CALL: usize = 3;
/// Keys are pressed more often: menus ask for the same one again and again.
const SAME_KEYS_IN_CALL: usize = 12;
/// Calls that are remembered, the newest.
const MAX_KEPT: usize = 256;

/// Why a call is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The same one has not answered yet.
    UnderWay,
    /// The same one was carried out in this turn.
    Again,
    /// The same one was carried out too often in the conversation.
    TooOften,
    TooManyInTurn,
    /// The turn had all its rounds of tools.
    TooManyRounds,
    /// `limits.max_tool_calls` of the bot.
    TooManyInCall,
    /// The caller was not asked whether it may be done.
    Unconfirmed,
    /// They are not as the tool's schema says.
    Arguments(Vec<String>),
}

impl Refusal {
    /// In the record.
    pub fn why(&self) -> String {
        match self {
            Self::UnderWay => "the same call is under way".into(),
            Self::Again => "the same call was made in this turn".into(),
            Self::TooOften => "the same call was made as often as it may be".into(),
            Self::TooManyInTurn => format!("{MOST_IN_TURN} runs in one turn"),
            Self::TooManyRounds => format!("{MAX_TOOL_ROUNDS} rounds of tools in one turn"),
            Self::TooManyInCall => "max_tool_calls".into(),
            Self::Unconfirmed => "the caller has to be asked first".into(),
            Self::Arguments(faults) => faults.join("; "),
        }
    }

    /// What the model is told.
    pub fn for_model(&self) -> String {
        match self {
            Self::UnderWay => "error: this very call is under way already, and its answer will come. Do not call it again; tell the \
                               caller that it takes a moment."
                .into(),
            Self::Again | Self::TooOften => {
                "error: this very call was made before; use the answer that it had, and do not call it again.".into()
            }
            Self::TooManyInTurn | Self::TooManyRounds | Self::TooManyInCall => {
                "error: no more tools can be called now. Go on with what you know, and say so if it is not enough.".into()
            }
            Self::Unconfirmed => "not done yet: say first what you are about to do and ask the caller whether that is right. When the \
                                  caller has agreed, call this tool again with the same arguments; if not, do not."
                .into(),
            Self::Arguments(faults) => format!(
                "error: the arguments are wrong: {}. Call the tool again with others, or ask the caller for what is missing.",
                faults.join("; ")
            ),
        }
    }
}

#[derive(Debug)]
struct Made {
    name: String,
    arguments: Value,
    turn: u32,
}

impl Made {
    fn is(&self, call: &ToolCall) -> bool {
        self.name == call.name && self.arguments == call.arguments
    }
}

/// Counts what a conversation does with its tools.
#[derive(Debug, Default)]
pub struct ToolGuard {
    most: Option<u32>,
    count: u32,
    made: Vec<Made>,
    /// The caller is being asked whether they may be done, since this turn.
    asked: Vec<Made>,
}

impl ToolGuard {
    /// With the bot's limit of runs.
    pub fn new(most: Option<u32>) -> Self {
        Self { most, ..Self::default() }
    }

    /// Another bot has the call: its limit holds for all runs of the call.
    pub fn set_most(&mut self, most: Option<u32>) {
        self.most = most;
    }

    /// A call of this turn. It counts, unless it is refused.
    ///
    /// # Errors
    ///
    /// With the rule that is against it.
    pub fn admit(
        &mut self,
        call: &ToolCall,
        turn: u32,
        is_under_way: impl Fn() -> bool,
    ) -> Result<(), Refusal> {
        self.allows(call, turn, is_under_way)?;
        if self.made.iter().filter(|made| made.turn == turn).count() >= MOST_IN_TURN {
            return Err(Refusal::TooManyInTurn);
        }
        self.count += 1;
        // What the caller agreed to is done now: a second time is asked for anew.
        self.asked.retain(|asked| !asked.is(call));
        keep(&mut self.made, call, turn);
        Ok(())
    }

    /// Whether it may be made if the caller agrees to it. The caller is asked about nothing else: they would agree to what is done twice
    /// then, or not at all.
    ///
    /// # Errors
    ///
    /// With the rule that is against it.
    pub fn allows(&self, call: &ToolCall, turn: u32, is_under_way: impl Fn() -> bool) -> Result<(), Refusal> {
        let same = || self.made.iter().filter(|made| made.is(call));
        match () {
            () if is_under_way() => Err(Refusal::UnderWay),
            () if same().any(|made| made.turn == turn) => Err(Refusal::Again),
            () if same().count() >= most_same(call) => Err(Refusal::TooOften),
            () if self.most.is_some_and(|most| self.count >= most) => Err(Refusal::TooManyInCall),
            () => Ok(()),
        }
    }

    /// It was made before the call went on in this worker: it counts.
    pub fn recall(&mut self, call: &ToolCall, turn: u32) {
        self.count += 1;
        keep(&mut self.made, call, turn);
    }

    /// The same for a tool that the caller must agree to: there is a turn of the caller's between asking and doing.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unconfirmed`] the first time.
    pub fn confirm(&mut self, call: &ToolCall, turn: u32) -> Result<(), Refusal> {
        let Some(at) = self.asked.iter().position(|asked| asked.is(call)) else {
            keep(&mut self.asked, call, turn);
            return Err(Refusal::Unconfirmed);
        };
        if self.asked[at].turn >= turn {
            return Err(Refusal::Unconfirmed);
        }
        Ok(())
    }

    /// Whether the caller is being asked, since this turn, if something may be done.
    pub fn asks_caller(&self, turn: u32) -> bool {
        self.asked.iter().any(|asked| asked.turn == turn)
    }

    /// It was begun and given up: the same call may be made anew.
    pub fn give_up(&mut self, call: &ToolCall) {
        self.forget(call);
    }

    /// It was never begun: the same call may be made anew, and it does not count.
    pub fn take_back(&mut self, call: &ToolCall) {
        if self.forget(call) {
            self.count -= 1;
        }
    }

    fn forget(&mut self, call: &ToolCall) -> bool {
        let at = self.made.iter().rposition(|made| made.is(call));
        at.map(|at| self.made.remove(at)).is_some()
    }
}

/// How often the same call may be made in a conversation.
fn most_same(call: &ToolCall) -> usize {
    if call.name == SEND_DTMF { SAME_KEYS_IN_CALL } else { SAME_IN_CALL }
}

fn keep(list: &mut Vec<Made>, call: &ToolCall, turn: u32) {
    if list.len() >= MAX_KEPT {
        list.remove(0);
    }
    list.push(Made { name: call.name.clone(), arguments: call.arguments.clone(), turn });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(n: u32) -> ToolCall {
        ToolCall { id: n.to_string(), name: "look_up".into(), arguments: json!({"n": n}) }
    }

    fn admit(guard: &mut ToolGuard, n: u32, turn: u32) -> Result<(), Refusal> {
        guard.admit(&call(n), turn, || false)
    }

    #[test]
    fn the_same_call_is_made_once_in_a_turn_and_three_times_in_a_conversation() {
        let mut guard = ToolGuard::default();
        for turn in 1..=3 {
            assert_eq!(admit(&mut guard, 7, turn), Ok(()));
            assert_eq!(admit(&mut guard, 7, turn), Err(Refusal::Again));
        }
        assert_eq!(admit(&mut guard, 7, 4), Err(Refusal::TooOften));
        assert_eq!(guard.admit(&call(8), 4, || true), Err(Refusal::UnderWay));
        assert_eq!(admit(&mut guard, 8, 4), Ok(()));
        guard.give_up(&call(8));
        assert_eq!(admit(&mut guard, 8, 4), Ok(()), "what was given up may be made anew");
    }

    #[test]
    fn runs_are_counted_in_a_turn_and_in_the_call() {
        let mut guard = ToolGuard::new(Some(8));
        let turn = |guard: &mut ToolGuard, from, turn| {
            (from..from + 7).map(|n| admit(guard, n, turn)).collect::<Vec<_>>()
        };
        let first = turn(&mut guard, 0, 1);
        assert!(first[..6].iter().all(Result::is_ok));
        assert_eq!(first[6], Err(Refusal::TooManyInTurn));
        assert_eq!(
            turn(&mut guard, 10, 2)[1..4],
            [Ok(()), Err(Refusal::TooManyInCall), Err(Refusal::TooManyInCall)]
        );
        assert_eq!(admit(&mut ToolGuard::new(Some(0)), 1, 1), Err(Refusal::TooManyInCall));
    }

    #[test]
    fn between_asking_and_doing_there_is_a_turn_of_the_callers() {
        let mut guard = ToolGuard::default();
        for _ in 0..2 {
            assert_eq!(guard.confirm(&call(1), 3), Err(Refusal::Unconfirmed));
        }
        assert_eq!(
            guard.confirm(&call(2), 4),
            Err(Refusal::Unconfirmed),
            "with other arguments it is another"
        );
        assert_eq!(guard.confirm(&call(1), 4), Ok(()));
        assert_eq!(guard.admit(&call(1), 4, || true), Err(Refusal::UnderWay));
        assert_eq!(guard.confirm(&call(1), 5), Ok(()), "what was refused was not done: it stays agreed to");
        assert_eq!(admit(&mut guard, 1, 5), Ok(()));
        assert_eq!(guard.confirm(&call(1), 6), Err(Refusal::Unconfirmed), "each time anew");
    }

    #[test]
    fn what_was_never_begun_leaves_room_for_others() {
        let mut guard = ToolGuard::new(Some(2));
        assert_eq!(admit(&mut guard, 1, 1), Ok(()));
        assert_eq!(admit(&mut guard, 2, 1), Ok(()));
        guard.take_back(&call(2));
        assert_eq!(admit(&mut guard, 3, 2), Ok(()));
        guard.give_up(&call(3));
        assert_eq!(admit(&mut guard, 4, 2), Err(Refusal::TooManyInCall), "what was begun has counted");
        guard.take_back(&call(9));
        assert_eq!(
            admit(&mut guard, 4, 2),
            Err(Refusal::TooManyInCall),
            "and what was not made counted never"
        );
    }
}
