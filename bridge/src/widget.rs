//! Visitors of web pages: who may speak to a bot from where, and by which way. A visitor has nothing but the bot's public key, which stands
//! in the page; what holds is the page's origin, which a browser tells truly, and how often is asked. Decision 0061.

mod admission;
pub mod feedback;
mod variables;
mod way;

use std::sync::Arc;
use std::time::Duration;

use vox_shared::clock::Clock;

use crate::auth::call_token::CallTokens;
use crate::auth::token::SigningFailed;
use crate::billing::budget::{BudgetError, Purse};
use crate::billing::gate::{Gate, GateError};
use crate::coordination::Limiter;
use crate::fields::FieldError;
use crate::fleet::client::FleetClient;
use crate::fleet::hand_over::HandOverError;
use crate::fleet::reserve::Fleet;
use crate::livekit::{LiveKit, NotConfigured};
use crate::runtime::memory::Memory;
use crate::store::{StoreError, Stores};

pub use admission::{
    Asked, OF_A_BOT, OF_A_CLIENT, OF_A_CLIENT_IN_ALL, Page, Visitor, WAITED_OF_A_BOT, WAITED_OF_A_CLIENT,
    WAITED_OF_A_TENANT,
};
pub use way::{Room, Socket};

/// How long a worker is waited for: nobody is given a room in which nobody will be.
pub const DISPATCH_PATIENCE: Duration = Duration::from_secs(10);

/// Lets visitors in. Cheap to clone.
#[derive(Clone)]
pub struct WidgetDesk {
    pub stores: Stores,
    pub memory: Memory,
    pub clock: Clock,
    pub limiter: Limiter,
    pub gate: Gate,
    pub purse: Purse,
    pub fleet: Fleet,
    pub client: FleetClient,
    pub livekit: LiveKit,
    pub tokens: Arc<CallTokens>,
    /// Where this bridge has pages of its own, without a '/' at the end.
    pub base_url: String,
    /// How workers reach this bridge, without a '/' at the end; `None`: they have this one, or no other, for their own.
    pub config_url: Option<String>,
    /// How browsers reach the workers' lines, without a '/' at the end.
    pub media_url: String,
    /// How long a worker is waited for, all tries together.
    pub patience: Duration,
}

/// Why a visitor is not let in.
#[derive(Debug, thiserror::Error)]
pub enum WidgetError {
    #[error("there is no such bot, or it is disabled")]
    UnknownBot,
    #[error(
        "the widget key is missing or wrong, or the bot's widget is not enabled: make one with POST /api/v1/bots/{{bot_id}}/widget-key, and set widget.enabled"
    )]
    BadKey,
    #[error("{origin} is not among the bot's widget.allowed_origins: add it exactly so", origin = .0.as_deref().unwrap_or("a page without an origin"))]
    Origin(Option<String>),
    #[error("too many visitors asked for this; try again in {wait_seconds} s")]
    TooMany { wait_seconds: u64 },
    #[error("what the page tells the bot is not acceptable")]
    Variables(Vec<FieldError>),
    #[error("the tenant is suspended")]
    Suspended,
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error(transparent)]
    Budget(#[from] BudgetError),
    #[error("{0}")]
    OutsideHours(String),
    #[error(transparent)]
    NotConfigured(#[from] NotConfigured),
    #[error("no worker took the visitor: {0}")]
    NotHandedOver(#[from] HandOverError),
    #[error("the token is missing, wrong or older than its call's longest life")]
    BadToken,
    #[error("the call has not begun")]
    NoCall,
    #[error(transparent)]
    Signing(#[from] SigningFailed),
    #[error(transparent)]
    Store(#[from] StoreError),
}
