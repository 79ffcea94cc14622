//! A conversation by the book: what the caller does, step by step, against whatever the bot does.

use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use crate::{
    call::{Call, CallError},
    report::Report,
    speech::Clip,
    state::State,
};

/// How long a step waits for the bot unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(15);

/// One thing the caller does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Wait until the bot has spoken since the caller last did, and has been silent for `quiet`.
    AwaitReply {
        quiet: Duration,
        within: Duration,
    },
    /// Say a clip, to its end.
    Say(Clip),
    /// Wait for the bot to be audible, and `after` its onset speak over it.
    BargeIn {
        after: Duration,
        clip: Clip,
        within: Duration,
    },
    Wait(Duration),
    Dtmf(char),
    /// Wait for the bot to hang up.
    AwaitHangup {
        within: Duration,
    },
    Hangup,
}

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Self::AwaitReply { .. } => "await_reply",
            Self::Say(_) => "say",
            Self::BargeIn { .. } => "barge_in",
            Self::Wait(_) => "wait",
            Self::Dtmf(_) => "dtmf",
            Self::AwaitHangup { .. } => "await_hangup",
            Self::Hangup => "hangup",
        }
    }
}

/// A list of steps. At its end the caller hangs up.
#[derive(Clone, Debug, Default)]
pub struct Scenario(Vec<Step>);

impl Scenario {
    pub fn new() -> Self {
        Self::default()
    }

    /// Any step.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// Wait for the bot to have spoken and then to be silent for `quiet` (at least the ear's hangover, 200 ms).
    #[must_use]
    pub fn await_reply(self, quiet: Duration) -> Self {
        self.then(Step::AwaitReply { quiet, within: PATIENCE })
    }

    #[must_use]
    pub fn say(self, clip: Clip) -> Self {
        self.then(Step::Say(clip))
    }

    /// Speak over the bot, `after` it became audible.
    #[must_use]
    pub fn barge_in(self, after: Duration, clip: Clip) -> Self {
        self.then(Step::BargeIn { after, clip, within: PATIENCE })
    }

    #[must_use]
    pub fn wait(self, time: Duration) -> Self {
        self.then(Step::Wait(time))
    }

    #[must_use]
    pub fn dtmf(self, digit: char) -> Self {
        self.then(Step::Dtmf(digit))
    }

    #[must_use]
    pub fn hangup(self) -> Self {
        self.then(Step::Hangup)
    }
}

impl IntoIterator for Scenario {
    type Item = Step;
    type IntoIter = std::vec::IntoIter<Step>;

    /// The steps, for whoever takes them one by one.
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    /// The bot did not do in time what the step waited for. The scenario goes on.
    TimedOut,
    /// The call was over. The scenario stops here.
    CallEnded,
}

/// One step as it went.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    pub step: &'static str,
    pub outcome: Outcome,
}

/// A call and how each step of its scenario went.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioReport {
    pub steps: Vec<StepReport>,
    pub call: Report,
}

impl ScenarioReport {
    /// Every step did what it should.
    pub fn is_complete(&self) -> bool {
        self.steps.iter().all(|step| step.outcome == Outcome::Done)
    }
}

/// Go through `scenario` on a call, then hang up.
pub async fn run(call: Call, scenario: Scenario) -> ScenarioReport {
    let mut talker = Talker::new(&call);
    let mut steps = Vec::with_capacity(scenario.0.len());
    for step in scenario {
        let name = step.name();
        let outcome = talker.act(step).await;
        steps.push(StepReport { step: name, outcome });
        if outcome == Outcome::CallEnded {
            break;
        }
    }
    ScenarioReport { steps, call: call.finish().await }
}

/// Acts on a call step by step, for drivers that decide as they go.
pub struct Talker<'a> {
    call: &'a Call,
    /// How often the bot had become audible when the caller last began to speak.
    onsets: u64,
}

impl<'a> Talker<'a> {
    pub fn new(call: &'a Call) -> Self {
        Self { call, onsets: 0 }
    }

    /// Do one step.
    pub async fn act(&mut self, step: Step) -> Outcome {
        match step {
            Step::AwaitReply { quiet, within } => self.await_reply(quiet, within).await,
            Step::Say(clip) => self.say(&clip).await,
            Step::BargeIn { after, clip, within } => self.barge_in(after, &clip, within).await,
            Step::Wait(time) => self.wait(time).await,
            Step::Dtmf(digit) => done(self.call.dtmf(digit).await),
            Step::AwaitHangup { within } => {
                let ended = self.call.eventually(within, |state| state.is_ended).await;
                if ended || self.is_over() { Outcome::Done } else { Outcome::TimedOut }
            }
            Step::Hangup => done(self.call.hangup().await),
        }
    }

    async fn await_reply(&mut self, quiet: Duration, within: Duration) -> Outcome {
        let waited = tokio::time::timeout(within, self.quiet_after_reply(quiet)).await;
        waited.unwrap_or(Outcome::TimedOut)
    }

    async fn quiet_after_reply(&self, quiet: Duration) -> Outcome {
        let onsets = self.onsets;
        let mut state = self.call.state();
        loop {
            let replied = |state: &State| state.is_ended || (state.bot_onsets > onsets && !state.bot_speaks);
            match state.wait_for(replied).await {
                Ok(state) if !state.is_ended => {}
                _ => return Outcome::CallEnded,
            }
            // The hangover of the ear is part of the quiet that has passed; the rest is waited for.
            let rest = quiet.saturating_sub(self.call.hangover());
            match tokio::time::timeout(rest, state.wait_for(|state| state.is_ended || state.bot_speaks)).await
            {
                Err(_) => return Outcome::Done,
                Ok(Ok(state)) if !state.is_ended => {}
                Ok(_) => return Outcome::CallEnded,
            }
        }
    }

    async fn say(&mut self, clip: &Clip) -> Outcome {
        self.onsets = self.call.state().borrow().bot_onsets;
        match self.call.say(clip).await {
            Ok(_) => Outcome::Done,
            Err(_) => Outcome::CallEnded,
        }
    }

    async fn barge_in(&mut self, after: Duration, clip: &Clip, within: Duration) -> Outcome {
        let is_speaking = self.call.eventually(within, |state| state.is_ended || state.bot_speaks).await;
        if self.is_over() {
            return Outcome::CallEnded;
        }
        if !is_speaking {
            return Outcome::TimedOut;
        }
        match self.wait(after).await {
            Outcome::Done => self.say(clip).await,
            other => other,
        }
    }

    async fn wait(&self, time: Duration) -> Outcome {
        tokio::select! {
            () = sleep(time) => Outcome::Done,
            _ = self.call.eventually(time + PATIENCE, |state| state.is_ended) => Outcome::CallEnded,
        }
    }

    fn is_over(&self) -> bool {
        let state = self.call.state();
        let is_ended = state.borrow().is_ended;
        is_ended || state.has_changed().is_err()
    }
}

fn done(outcome: Result<(), CallError>) -> Outcome {
    match outcome {
        Ok(()) => Outcome::Done,
        Err(_) => Outcome::CallEnded,
    }
}
