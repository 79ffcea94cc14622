//! The kinds of events that a call's record holds, as `docs/events.md` lists them.

use serde::{Deserialize, Serialize};

/// What happened in a call: an entry of the record's `events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    Answered,
    /// Who, or what, has answered a call that was placed.
    AnsweredBy,
    Interrupted,
    Resumed,
    Backchannel,
    Noise,
    NotUnderstood,
    WordsAdded,
    CallerSilent,
    SilenceLimit,
    Dtmf,
    Typed,
    TypedTooFast,
    EventsLeftOut,
    Filler,
    HoldTone,
    NothingSaid,
    ToolCalled,
    ToolRefused,
    ToolFailed,
    ToolsFound,
    ToolsMissing,
    ReplyCut,
    SentenceReplaced,
    SummedUp,
    LanguageSwitched,
    DisclaimerSaid,
    DisclaimerMissed,
    LoopGuard,
    RecogniserFailed,
    ModelFailed,
    VoiceFailed,
    SecondRequest,
    SecondRequestWon,
    CommonAnswer,
    HandedOn,
    LineFailed,
    OrderTaken,
    OrderRefused,
    TransferRequested,
    ConsultAnswered,
    ConsultLine,
    Transferred,
    TransferFailed,
    TransferUnclear,
    VoicemailDetected,
    VoicemailMessage,
    VoicemailLeft,
    AgentJoined,
    AgentLeft,
    SupervisorJoined,
    SupervisorLeft,
    SupervisorMoved,
    Whispered,
    SupervisorSaid,
    WhispersLost,
    Rejoined,
    DurationWarning,
    MaxDuration,
    LimitReached,
    Draining,
    MessagesDropped,
    RecordingIncomplete,
    TemplateUnknown,
    Ended,
}

/// Why speech of the caller or the bot started or stopped: an entry of the record's `why`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyKind {
    CallerStarted,
    CallerStopped,
    AgentStarted,
    AgentStopped,
    SupervisorStarted,
    SupervisorStopped,
    TurnClosed,
    CallerWentOn,
    BotStarted,
    BotInterrupted,
    BotStopped,
}

/// How much of an event's kind may be: each rank may fill what the ones above it leave, so that no number of keys and messages keeps out
/// how a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The caller, or the noise around them, makes as many as they like.
    Chatty,
    Usual,
    /// It happens a few times in a call, mostly towards its end.
    Last,
}

impl Rank {
    pub const ALL: [Self; 3] = [Self::Chatty, Self::Usual, Self::Last];
}

impl EventKind {
    /// What is left out first.
    pub const fn rank(self) -> Rank {
        match self {
            Self::Interrupted
            | Self::Resumed
            | Self::Backchannel
            | Self::Noise
            | Self::NotUnderstood
            | Self::WordsAdded
            | Self::Dtmf
            | Self::Typed
            | Self::TypedTooFast
            | Self::Filler
            | Self::HoldTone => Rank::Chatty,
            Self::Transferred
            | Self::TransferUnclear
            | Self::LineFailed
            | Self::LoopGuard
            | Self::DurationWarning
            | Self::MaxDuration
            | Self::SilenceLimit
            | Self::LimitReached
            | Self::DisclaimerMissed
            | Self::Draining
            | Self::MessagesDropped
            | Self::RecordingIncomplete
            | Self::VoicemailLeft
            | Self::Ended => Rank::Last,
            _ => Rank::Usual,
        }
    }

    /// Every kind, for the test that the documentation lists them all.
    pub const ALL: [Self; 65] = [
        Self::Answered,
        Self::AnsweredBy,
        Self::Interrupted,
        Self::Resumed,
        Self::Backchannel,
        Self::Noise,
        Self::NotUnderstood,
        Self::WordsAdded,
        Self::CallerSilent,
        Self::SilenceLimit,
        Self::Dtmf,
        Self::Typed,
        Self::TypedTooFast,
        Self::EventsLeftOut,
        Self::Filler,
        Self::HoldTone,
        Self::NothingSaid,
        Self::ToolCalled,
        Self::ToolRefused,
        Self::ToolFailed,
        Self::ToolsFound,
        Self::ToolsMissing,
        Self::ReplyCut,
        Self::SentenceReplaced,
        Self::SummedUp,
        Self::LanguageSwitched,
        Self::DisclaimerSaid,
        Self::DisclaimerMissed,
        Self::LoopGuard,
        Self::RecogniserFailed,
        Self::ModelFailed,
        Self::VoiceFailed,
        Self::SecondRequest,
        Self::SecondRequestWon,
        Self::CommonAnswer,
        Self::HandedOn,
        Self::LineFailed,
        Self::OrderTaken,
        Self::OrderRefused,
        Self::TransferRequested,
        Self::ConsultAnswered,
        Self::ConsultLine,
        Self::Transferred,
        Self::TransferFailed,
        Self::TransferUnclear,
        Self::VoicemailDetected,
        Self::VoicemailMessage,
        Self::VoicemailLeft,
        Self::AgentJoined,
        Self::AgentLeft,
        Self::SupervisorJoined,
        Self::SupervisorLeft,
        Self::SupervisorMoved,
        Self::Whispered,
        Self::SupervisorSaid,
        Self::WhispersLost,
        Self::Rejoined,
        Self::DurationWarning,
        Self::MaxDuration,
        Self::LimitReached,
        Self::Draining,
        Self::MessagesDropped,
        Self::RecordingIncomplete,
        Self::TemplateUnknown,
        Self::Ended,
    ];
    /// The word in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::AnsweredBy => "answered_by",
            Self::Interrupted => "interrupted",
            Self::Resumed => "resumed",
            Self::Backchannel => "backchannel",
            Self::Noise => "noise",
            Self::NotUnderstood => "not_understood",
            Self::WordsAdded => "words_added",
            Self::CallerSilent => "caller_silent",
            Self::SilenceLimit => "silence_limit",
            Self::Dtmf => "dtmf",
            Self::Typed => "typed",
            Self::TypedTooFast => "typed_too_fast",
            Self::EventsLeftOut => "events_left_out",
            Self::Filler => "filler",
            Self::HoldTone => "hold_tone",
            Self::NothingSaid => "nothing_said",
            Self::ToolCalled => "tool_called",
            Self::ToolRefused => "tool_refused",
            Self::ToolFailed => "tool_failed",
            Self::ToolsFound => "tools_found",
            Self::ToolsMissing => "tools_missing",
            Self::ReplyCut => "reply_cut",
            Self::SentenceReplaced => "sentence_replaced",
            Self::SummedUp => "summed_up",
            Self::LanguageSwitched => "language_switched",
            Self::DisclaimerSaid => "disclaimer_said",
            Self::DisclaimerMissed => "disclaimer_missed",
            Self::LoopGuard => "loop_guard",
            Self::RecogniserFailed => "recogniser_failed",
            Self::ModelFailed => "model_failed",
            Self::VoiceFailed => "voice_failed",
            Self::SecondRequest => "second_request",
            Self::SecondRequestWon => "second_request_won",
            Self::CommonAnswer => "common_answer",
            Self::HandedOn => "handed_on",
            Self::LineFailed => "line_failed",
            Self::OrderTaken => "order_taken",
            Self::OrderRefused => "order_refused",
            Self::TransferRequested => "transfer_requested",
            Self::ConsultAnswered => "consult_answered",
            Self::ConsultLine => "consult_line",
            Self::Transferred => "transferred",
            Self::TransferFailed => "transfer_failed",
            Self::TransferUnclear => "transfer_unclear",
            Self::VoicemailDetected => "voicemail_detected",
            Self::VoicemailMessage => "voicemail_message",
            Self::VoicemailLeft => "voicemail_left",
            Self::AgentJoined => "agent_joined",
            Self::AgentLeft => "agent_left",
            Self::SupervisorJoined => "supervisor_joined",
            Self::SupervisorLeft => "supervisor_left",
            Self::SupervisorMoved => "supervisor_moved",
            Self::Whispered => "whispered",
            Self::SupervisorSaid => "supervisor_said",
            Self::WhispersLost => "whispers_lost",
            Self::Rejoined => "rejoined",
            Self::DurationWarning => "duration_warning",
            Self::MaxDuration => "max_duration",
            Self::LimitReached => "limit_reached",
            Self::Draining => "draining",
            Self::MessagesDropped => "messages_dropped",
            Self::RecordingIncomplete => "recording_incomplete",
            Self::TemplateUnknown => "template_unknown",
            Self::Ended => "ended",
        }
    }
}

impl WhyKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::CallerStarted,
        Self::CallerStopped,
        Self::AgentStarted,
        Self::AgentStopped,
        Self::SupervisorStarted,
        Self::SupervisorStopped,
        Self::TurnClosed,
        Self::CallerWentOn,
        Self::BotStarted,
        Self::BotInterrupted,
        Self::BotStopped,
    ];
    /// The word in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CallerStarted => "caller_started",
            Self::CallerStopped => "caller_stopped",
            Self::AgentStarted => "agent_started",
            Self::AgentStopped => "agent_stopped",
            Self::SupervisorStarted => "supervisor_started",
            Self::SupervisorStopped => "supervisor_stopped",
            Self::TurnClosed => "turn_closed",
            Self::CallerWentOn => "caller_went_on",
            Self::BotStarted => "bot_started",
            Self::BotInterrupted => "bot_interrupted",
            Self::BotStopped => "bot_stopped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_serialised_name_and_a_row_in_the_documentation() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/events.md");
        let page = std::fs::read_to_string(path).unwrap();
        let rows: Vec<&str> = page.lines().filter(|l| l.starts_with("| `")).collect();
        let documented = |word: &str| rows.iter().any(|row| row.contains(&format!("`{word}`")));
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert!(documented(kind.as_str()), "{} is not in docs/events.md", kind.as_str());
        }
        for kind in WhyKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert!(documented(kind.as_str()), "{} is not in docs/events.md", kind.as_str());
        }
    }
}
