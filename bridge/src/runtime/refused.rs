//! Why a call gets no config.

use vox_shared::wire::config::LINE_FORBIDDEN;

use crate::auth::token::SigningFailed;
use crate::billing::budget::{BudgetError, OverBudget};
use crate::billing::gate::{GateError, Spent};
use crate::store::StoreError;
use crate::store::engine::EngineError;

/// Why there is no config.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("there is no such bot, or it is disabled")]
    UnknownBot,
    #[error("the tenant is suspended")]
    Suspended,
    #[error(transparent)]
    Spent(Spent),
    #[error(transparent)]
    OverBudget(OverBudget),
    #[error("outside_active_hours: the bot answers {days} {start}-{end} ({timezone})")]
    OutsideHours { days: String, start: String, end: String, timezone: String },
    /// With the field of the bot's settings.
    #[error("egress_forbidden: {0}")]
    Egress(String),
    /// The same.
    #[error("residency_forbidden: {0}")]
    Residency(String),
    #[error("voice_unavailable: the bot's voice was not made, or is deleted; give the bot another one")]
    NoVoice,
    #[error("the ticket is missing, spent, expired or for another bot")]
    BadTicket,
    #[error(
        "line_forbidden: this bot's lines are guarded; present its line token, or call from an address on its list"
    )]
    LineForbidden,
    #[error("this session id belongs to another call")]
    SessionTaken,
    #[error(
        "the worker is of a version without claims, and VOX_CALLS_WITHOUT_TOKEN is false here; bring the worker up to date"
    )]
    NoClaim,
    #[error("no call that runs here has this session id and this claim")]
    NoSuchCall,
    #[error("the bot that has the call names this one in no enabled transfer target of method bot")]
    NotATarget,
    #[error(
        "redaction_differs: what a call hides is settled when it begins; give both bots the same redaction, or this one none"
    )]
    HidesMore,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the call's token could not be made")]
    Token(#[from] SigningFailed),
}

impl From<GateError> for Refused {
    fn from(error: GateError) -> Self {
        match error {
            GateError::Spent(spent) => Self::Spent(spent),
            GateError::Store(error) => Self::Store(error),
        }
    }
}

impl From<BudgetError> for Refused {
    fn from(error: BudgetError) -> Self {
        match error {
            BudgetError::Over(over) => Self::OverBudget(over),
            BudgetError::Store(error) => Self::Store(error),
        }
    }
}

impl Refused {
    /// Status and code of the answer.
    pub fn word(&self) -> (u16, &'static str) {
        match self {
            Self::UnknownBot => (404, "unknown_bot"),
            Self::Spent(_) => (402, "quota_exceeded"),
            Self::OverBudget(_) => (402, "budget_exceeded"),
            Self::Suspended => (402, "tenant_suspended"),
            Self::OutsideHours { .. } => (503, "outside_active_hours"),
            Self::Egress(_) => (403, "egress_forbidden"),
            Self::Residency(_) => (403, "residency_forbidden"),
            Self::NoVoice => (409, "voice_unavailable"),
            Self::BadTicket => (401, "bad_ticket"),
            Self::LineForbidden => (403, LINE_FORBIDDEN),
            Self::SessionTaken => (409, "session_taken"),
            Self::NoClaim => (403, "claim_missing"),
            Self::NoSuchCall => (404, "unknown_call"),
            Self::NotATarget => (403, "not_a_target"),
            Self::HidesMore => (409, "redaction_differs"),
            Self::Store(StoreError::Engine(EngineError::Unavailable(_))) => (503, "store_unavailable"),
            Self::Store(_) | Self::Token(_) => (500, "internal"),
        }
    }
}
