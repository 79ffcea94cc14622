//! Who may speak to a bot. The order of the refusals is the contract's: bot, key, origin, how often.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use vox_shared::ids::BotId;

use super::{WidgetDesk, WidgetError, variables};
use crate::billing::budget::Budget;
use crate::bot::hours;
use crate::coordination::{Rate, Taken};
use crate::fleet::hand_over::HandOverError;
use crate::fleet::reserve::ReserveError;
use crate::fleet::sight::Standing;
use crate::store::Stamp;
use crate::store::bots::Bot;
use crate::store::calls::visit::{Terms, Visit};
use crate::store::tenants::TenantStatus;

/// Calls that one client may ask for in a minute, of one bot.
pub const OF_A_CLIENT: u32 = 10;
/// Calls that all visitors of a bot may ask for in a minute.
pub const OF_A_BOT: u32 = 120;
/// Calls that one client may ask for in a minute, of all bots together: their keys stand in pages that anybody may read.
pub const OF_A_CLIENT_IN_ALL: u32 = 20;
const WINDOW: Duration = Duration::from_secs(60);
/// Workers that wait for visitors who have not come yet, of one client, one bot and one tenant. Each of them is a slot of the fleet's,
/// which may be the next phone's.
pub const WAITED_OF_A_CLIENT: u32 = 4;
pub const WAITED_OF_A_BOT: u32 = 20;
pub const WAITED_OF_A_TENANT: u32 = 40;
/// How long a worker waits for somebody who does not come.
const WAITED: Duration = Duration::from_secs(30);
/// Of so many slots of the fleet one is kept for calls of others than visitors.
const ONE_IN: u32 = 5;

/// What a page asks for.
pub struct Asked {
    pub bot: BotId,
    pub key: Option<String>,
    /// What the page tells the bot.
    pub variables: Map<String, Value>,
    /// The page says that its visitor agreed to these terms, by the name that it gives them.
    pub terms: Option<Option<String>>,
}

/// The page that asks.
pub struct Page {
    /// As the browser tells it.
    pub origin: Option<String>,
    pub client: IpAddr,
}

/// Somebody who was let in.
pub struct Visitor {
    pub bot_id: BotId,
    pub bot: Arc<Bot>,
    pub variables: Map<String, Value>,
    pub visit: Visit,
    /// Where it comes from, as far as is counted.
    pub network: IpAddr,
}

impl WidgetDesk {
    /// Whether a page of this origin may speak to the bot, and so read what it is answered.
    pub async fn may_read(&self, bot: &BotId, origin: &str) -> bool {
        let Ok(Some(bot)) = self.memory.bot(bot).await else { return false };
        bot.deleted_at.is_none() && self.is_allowed(&bot, origin)
    }

    /// Pages of the bridge itself are the operator's own.
    fn is_allowed(&self, bot: &Bot, origin: &str) -> bool {
        bot.settings.widget.allowed_origins.iter().any(|allowed| allowed == origin)
            || origin_of(&self.base_url).as_deref() == Some(origin)
    }

    /// Let a visitor in, or say why not. Nothing is done yet.
    pub async fn admit(&self, asked: Asked, page: Page) -> Result<Visitor, WidgetError> {
        let bot = self.memory.bot(&asked.bot).await?.ok_or(WidgetError::UnknownBot)?;
        if !bot.settings.enabled || bot.deleted_at.is_some() {
            return Err(WidgetError::UnknownBot);
        }
        let key = bot.widget_key.as_deref().filter(|_| bot.settings.widget.enabled);
        if !key.zip(asked.key.as_deref()).is_some_and(|(key, shown)| is_equal(key, shown)) {
            return Err(WidgetError::BadKey);
        }
        let origin = match page.origin {
            Some(origin) if self.is_allowed(&bot, &origin) => origin,
            other => return Err(WidgetError::Origin(other)),
        };
        let network = network(page.client);
        self.count(&asked.bot, network).await?;
        let faults = variables::faults(&asked.variables);
        if !faults.is_empty() {
            return Err(WidgetError::Variables(faults));
        }
        self.may_begin(&asked.bot, &bot).await?;
        let told_at = Stamp(self.clock.now());
        let terms = asked.terms.map(|version| Terms { version, told_at });
        let visit = Visit { origin, terms, feedback: None };
        Ok(Visitor { bot_id: asked.bot, bot, variables: asked.variables, visit, network })
    }

    async fn count(&self, bot: &BotId, network: IpAddr) -> Result<(), WidgetError> {
        let rate = |key: String, most| Rate { key, most, window: WINDOW };
        self.take(vec![
            rate(format!("widget:{bot}:{network}"), OF_A_CLIENT),
            rate(format!("widget:client:{network}"), OF_A_CLIENT_IN_ALL),
            rate(format!("widget:{bot}"), OF_A_BOT),
        ])
        .await
    }

    /// Count a worker that is about to wait for a visitor.
    pub(super) async fn count_waiting(&self, visitor: &Visitor) -> Result<(), WidgetError> {
        let rates = waiting(visitor).map(|(key, most)| Rate { key, most, window: WAITED });
        self.take(rates.into()).await
    }

    /// No worker waits after all.
    pub(super) async fn nobody_waits(&self, visitor: &Visitor) {
        for (key, _) in waiting(visitor) {
            self.limiter.give_back(&key).await;
        }
    }

    /// Visitors do not take the last slots of the fleet: whoever reads a page can ask for one, and a phone that rings finds none then.
    /// A fleet with fewer slots than [`ONE_IN`] keeps none.
    pub(super) async fn leave_slots(&self) -> Result<(), WidgetError> {
        let sight = self.fleet.look().await?;
        let taking = sight.seats.iter().filter(|seat| seat.standing == Standing::Ok);
        let (total, free) = taking.fold((0u32, 0u32), |(total, free), seat| {
            (total.saturating_add(seat.capacity.total), free.saturating_add(seat.capacity.available))
        });
        let kept = total / ONE_IN;
        if kept > 0 && free <= kept {
            return Err(HandOverError::NoSlot(ReserveError::NoneFree).into());
        }
        Ok(())
    }

    async fn take(&self, rates: Vec<Rate>) -> Result<(), WidgetError> {
        match self.limiter.take(rates).await {
            Taken::Allowed(_) => Ok(()),
            Taken::Refused(standing) => Err(WidgetError::TooMany { wait_seconds: standing.wait_seconds() }),
        }
    }

    /// What would have the call refused right after it began.
    async fn may_begin(&self, bot_id: &BotId, bot: &Bot) -> Result<(), WidgetError> {
        let tenant = self.memory.tenant(&bot.tenant_id).await?.ok_or(WidgetError::Suspended)?;
        if tenant.status != TenantStatus::Active {
            return Err(WidgetError::Suspended);
        }
        self.gate.check(&bot.tenant_id, tenant.allowance.as_ref()).await?;
        let budget = Budget::of(&bot.settings, &tenant.budget);
        self.purse.check((&bot.tenant_id, bot_id), &budget).await?;
        let (window, timezone) = (&bot.settings.active_hours, &bot.settings.timezone);
        if !hours::open_at(window, &hours::zone(timezone), self.clock.now()) {
            let (days, start, end) = (window.days.join(","), &window.start, &window.end);
            let told = format!("outside_active_hours: the bot speaks {days} {start}-{end} ({timezone})");
            return Err(WidgetError::OutsideHours(told));
        }
        Ok(())
    }
}

/// What a worker that waits for a visitor counts against, and how many may.
fn waiting(visitor: &Visitor) -> [(String, u32); 3] {
    [
        (format!("widget:waited:client:{}", visitor.network), WAITED_OF_A_CLIENT),
        (format!("widget:waited:bot:{}", visitor.bot_id), WAITED_OF_A_BOT),
        (format!("widget:waited:tenant:{}", visitor.bot.tenant_id), WAITED_OF_A_TENANT),
    ]
}

/// In constant time whatever the lengths are.
fn is_equal(one: &str, other: &str) -> bool {
    Sha256::digest(one).ct_eq(&Sha256::digest(other)).into()
}

/// A household has a whole /64 of IPv6.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

fn origin_of(url: &str) -> Option<String> {
    Some(url::Url::parse(url).ok()?.origin().ascii_serialization())
}
