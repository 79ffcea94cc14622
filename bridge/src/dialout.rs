//! Placing calls: who may be called when, by which worker, and once for one key however often it is asked.

pub mod once;
pub mod order;
mod place;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use vox_shared::clock::Clock;

use crate::billing::budget::{Budget, BudgetError, Purse};
use crate::billing::gate::{Gate, GateError};
use crate::bot::hours;
use crate::coordination::{Limiter, Rate, Taken};
use crate::fleet::client::FleetClient;
use crate::fleet::reserve::{Fleet, ReserveError};
use crate::live::Live;
use crate::store::bots::Bot;
use crate::store::tenants::TenantStatus;
use crate::store::{StoreError, Stores};
use crate::vendors::permits::{Full, Kept, Permits};
use order::Order;

/// Calls that one key, or one person, may ask for in a minute.
pub const PER_SENDER: u32 = 120;
/// Calls that a tenant may ask for in a minute.
pub const PER_TENANT: u32 = 600;
/// How long the workers are waited for, all tries together.
pub const DIALOUT_PATIENCE: Duration = Duration::from_secs(60);
const WINDOW: Duration = Duration::from_secs(60);

/// Places calls. Cheap to clone.
#[derive(Clone)]
pub struct Dialler {
    pub stores: Stores,
    pub clock: Clock,
    pub fleet: Fleet,
    pub client: FleetClient,
    pub limiter: Limiter,
    pub gate: Gate,
    pub purse: Purse,
    pub permits: Permits,
    pub live: Live,
    /// An event was stored.
    pub stored: Arc<Notify>,
    /// How workers reach this bridge, without a '/' at the end.
    pub config_url: String,
    /// How long the workers are waited for, all tries together.
    pub patience: Duration,
}

/// Why no call is placed, or none that is known.
#[derive(Debug, thiserror::Error)]
pub enum DialoutError {
    #[error("there is no such bot, or it is disabled")]
    UnknownBot,
    #[error("the tenant is suspended")]
    Suspended,
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error(transparent)]
    Budget(#[from] BudgetError),
    #[error("{0}")]
    OutsideHours(String),
    #[error("the number is on the do-not-call list")]
    DoNotCall,
    #[error(transparent)]
    VendorsFull(Full),
    #[error("too many calls were asked for; try again in {wait_seconds} s")]
    TooMany { wait_seconds: u64 },
    #[error("this Idempotency-Key was used with another body; choose a new one")]
    KeyReused,
    #[error("a request with this Idempotency-Key is under way; ask again for its answer")]
    UnderWay,
    #[error(transparent)]
    NoSlot(#[from] ReserveError),
    #[error("no worker that has a free slot could be reached; try again")]
    NotReached,
    #[error(
        "the workers of this fleet cannot place calls: the one that was asked has no /livekit/dialout; bring the workers up to date"
    )]
    NotBuilt,
    /// The worker said no, and did nothing.
    #[error("{detail}")]
    Refused { status: u16, detail: String },
    #[error(
        "it is not known whether the call was placed ({detail}): look for it among the calls before you ask again with another key"
    )]
    Unclear { status: u16, detail: String },
    #[error("placing the call was broken off")]
    BrokenOff,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DialoutError {
    /// Whether a call may have been placed all the same.
    fn is_unclear(&self) -> bool {
        matches!(self, Self::Unclear { .. } | Self::BrokenOff)
    }
}

impl Dialler {
    /// Place a call and answer its id. With a key the same request is answered the same, and its call placed once.
    pub async fn dial(&self, order: Order, bot: &Bot) -> Result<String, DialoutError> {
        if let Some(answer) = self.answered_before(&order).await? {
            return answer;
        }
        self.count(&order).await?;
        self.admit(&order, bot).await?;
        let kept = self.keep(&order, bot).await?;
        let Some(begun) = self.begin(&order).await? else {
            // Another request with the key was faster.
            return self.answered_before(&order).await?.unwrap_or(Err(DialoutError::UnderWay));
        };
        // In a task of its own: a client that goes away must not leave a slot taken, or a call that nobody knows.
        let dialler = self.clone();
        let placing = tokio::spawn(async move { dialler.place_and_note(order, begun, kept).await });
        placing.await.unwrap_or(Err(DialoutError::BrokenOff))
    }

    async fn count(&self, order: &Order) -> Result<(), DialoutError> {
        let rate = |key: String, most| Rate { key, most, window: WINDOW };
        let rates = vec![
            rate(format!("dialout:sender:{}", order.sender), PER_SENDER),
            rate(format!("dialout:tenant:{}", order.tenant), PER_TENANT),
        ];
        match self.limiter.take(rates).await {
            Taken::Allowed(_) => Ok(()),
            Taken::Refused(standing) => Err(DialoutError::TooMany { wait_seconds: standing.wait_seconds() }),
        }
    }

    /// Room at the bot's vendors, for the call's whole life.
    async fn keep(&self, order: &Order, bot: &Bot) -> Result<Kept, DialoutError> {
        self.permits.keep(&order.tenant, &bot.settings).await?.map_err(DialoutError::VendorsFull)
    }

    /// All that may refuse the call before anything is done.
    async fn admit(&self, order: &Order, bot: &Bot) -> Result<(), DialoutError> {
        if !bot.settings.enabled {
            return Err(DialoutError::UnknownBot);
        }
        self.has_quota(order, bot).await?;
        let (window, timezone) = (&bot.settings.active_hours, &bot.settings.timezone);
        if !hours::open_at(window, &hours::zone(timezone), self.clock.now()) {
            let (days, start, end) = (window.days.join(","), &window.start, &window.end);
            let told = format!("outside_active_hours: the bot calls {days} {start}-{end} ({timezone})");
            return Err(DialoutError::OutsideHours(told));
        }
        match self.stores.do_not_call(&order.tenant).find_number(&order.to).await? {
            Some(_) => Err(DialoutError::DoNotCall),
            None => Ok(()),
        }
    }

    /// Whether the tenant may begin a call, and pay for it: the one place where plans, quotas and budgets are asked for a dialout.
    /// Nothing is claimed: that is done when the worker asks for the call's config.
    async fn has_quota(&self, order: &Order, bot: &Bot) -> Result<(), DialoutError> {
        let tenant = &order.tenant;
        let known = self.stores.tenants().find(tenant).await?.ok_or(DialoutError::Suspended)?.value;
        if known.status != TenantStatus::Active {
            return Err(DialoutError::Suspended);
        }
        self.gate.check(tenant, known.allowance.as_ref()).await?;
        let budget = Budget::of(&bot.settings, &known.budget);
        Ok(self.purse.check((tenant, &order.bot), &budget).await?)
    }
}
