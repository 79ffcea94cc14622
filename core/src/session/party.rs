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
    /// Whoever instructs the bot. What they say is no line of the conversation.
    Supervisor,
}

impl Party {
    /// For people who read why something happened.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
        }
    }

    /// Whose lines they are, where there are any.
    pub const fn speaker(self) -> Option<Speaker> {
        match self {
            Self::Caller => Some(Speaker::Caller),
            Self::Agent => Some(Speaker::Agent),
            Self::Supervisor => None,
        }
    }

    pub const fn started(self) -> WhyKind {
        match self {
            Self::Caller => WhyKind::CallerStarted,
            Self::Agent => WhyKind::AgentStarted,
            Self::Supervisor => WhyKind::SupervisorStarted,
        }
    }

    pub const fn stopped(self) -> WhyKind {
        match self {
            Self::Caller => WhyKind::CallerStopped,
            Self::Agent => WhyKind::AgentStopped,
            Self::Supervisor => WhyKind::SupervisorStopped,
        }
    }

    /// A text as the model is told it: the caller's words are plain, as they are without an agent.
    pub fn quoted(self, text: &str) -> String {
        match self {
            Self::Caller => text.to_owned(),
            Self::Agent => format!("[agent: {text}]"),
            Self::Supervisor => format!("[supervisor: {text}]"),
        }
    }

    pub const fn open_stt(self, provider: usize, replay: Duration) -> Command {
        match self {
            Self::Caller => Command::OpenStt { provider, replay },
            Self::Agent => Command::Agent(AgentCommand::OpenStt { provider, replay }),
            Self::Supervisor => Command::Supervisor(AgentCommand::OpenStt { provider, replay }),
        }
    }

    pub const fn finalize_stt(self) -> Command {
        match self {
            Self::Caller => Command::FinalizeStt,
            Self::Agent => Command::Agent(AgentCommand::FinalizeStt),
            Self::Supervisor => Command::Supervisor(AgentCommand::FinalizeStt),
        }
    }
}
