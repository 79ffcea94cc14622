//! The people in the call, and what each one's ear is told to do.

use std::time::Duration;

use vox_shared::wire::result::Speaker;

use super::event::{AgentCommand, Command};
use super::kind::WhyKind;

/// Whose sound and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    Caller,
    /// A human who leads the conversation while in the call.
    Agent,
}

impl Party {
    /// For people who read why something happened.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Agent => "agent",
        }
    }

    pub const fn speaker(self) -> Speaker {
        match self {
            Self::Caller => Speaker::Caller,
            Self::Agent => Speaker::Agent,
        }
    }

    pub const fn started(self) -> WhyKind {
        match self {
            Self::Caller => WhyKind::CallerStarted,
            Self::Agent => WhyKind::AgentStarted,
        }
    }

    pub const fn stopped(self) -> WhyKind {
        match self {
            Self::Caller => WhyKind::CallerStopped,
            Self::Agent => WhyKind::AgentStopped,
        }
    }

    /// A text as the model is told it: the caller's words are plain, as they are without an agent.
    pub fn quoted(self, text: &str) -> String {
        match self {
            Self::Caller => text.to_owned(),
            Self::Agent => format!("[agent: {text}]"),
        }
    }

    pub const fn open_stt(self, provider: usize, replay: Duration) -> Command {
        match self {
            Self::Caller => Command::OpenStt { provider, replay },
            Self::Agent => Command::Agent(AgentCommand::OpenStt { provider, replay }),
        }
    }

    pub const fn finalize_stt(self) -> Command {
        match self {
            Self::Caller => Command::FinalizeStt,
            Self::Agent => Command::Agent(AgentCommand::FinalizeStt),
        }
    }
}
