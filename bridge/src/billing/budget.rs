//! Budgets of a day, of a bot and of a tenant, and of one call. A call that begins sets its own budget aside in both days, each in
//! one step on one document, so that however many bridges ask, no more calls run than the day can pay for. Its result puts what it
//! really cost in that place. What models are asked about a call that is over is added to the day on which they are asked.
//!
//! The two steps after a call was stored (claims that are given back, costs that take their place) are made once at most: a bridge
//! that is killed between them leaves what was set aside as spent, until the day is over.

use jiff::{SignedDuration, Timestamp, ToSpan};
use vox_shared::clock::Clock;
use vox_shared::ids::{BotId, TenantId};
use vox_shared::model::bot::BotSettings;

use super::period::{day_of, midnight};
use super::spending::{SetAside, TenantBudget};
use crate::store::budgets::Scope;
use crate::store::calls::Call;
use crate::store::engine::EngineError;
use crate::store::{Stamp, StoreError, Stores};

/// How long a day is remembered: calls that end late still find theirs.
const KEPT: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Looks at a day that others begin and fill all the time.
const MAX_TRIES: usize = 8;

/// The budgets that count for a call of a bot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Of the call itself.
    pub call: Option<u64>,
    pub bot_day: Option<u64>,
    pub tenant_day: Option<u64>,
}

impl Budget {
    pub fn of(settings: &BotSettings, tenant: &TenantBudget) -> Self {
        let own = settings.limits.max_cost_micros;
        Self {
            call: own.into_iter().chain(tenant.max_cost_micros_per_call).min(),
            bot_day: settings.max_cost_micros_per_day,
            tenant_day: tenant.max_cost_micros_per_day,
        }
    }
}

/// A day's budget from which a call cannot be paid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{committed} of the {limit} millionths that {} may spend today are spent or set aside for running calls, and this call needs {needed}; it begins anew at {resets_at}",
    whose(*.is_bot)
)]
pub struct OverBudget {
    pub is_bot: bool,
    pub committed: i64,
    pub limit: i64,
    pub needed: i64,
    pub resets_at: Timestamp,
}

fn whose(is_bot: bool) -> &'static str {
    if is_bot { "the bot" } else { "the tenant" }
}

/// Why a call cannot be paid for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    #[error(transparent)]
    Over(#[from] OverBudget),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The budgets of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct Purse {
    pub stores: Stores,
    pub clock: Clock,
}

impl Purse {
    /// Set aside what a call may cost, or 0 for one without a budget of its own. `None` when no day has a budget.
    pub async fn set_aside(
        &self,
        (tenant, bot): (&TenantId, &BotId),
        budget: &Budget,
    ) -> Result<Option<SetAside>, BudgetError> {
        if budget.bot_day.is_none() && budget.tenant_day.is_none() {
            return Ok(None);
        }
        let day = day_of(self.clock.now()).to_string();
        let amount = amount(budget.call);
        let mut aside = SetAside { day, counted: amount, in_bot: false, in_tenant: false };
        if let Some(limit) = budget.bot_day {
            self.claim(tenant, (&Scope::Bot(bot.clone()), &aside), limit).await?;
            aside.in_bot = true;
        }
        if let Some(limit) = budget.tenant_day {
            if let Err(error) = self.claim(tenant, (&Scope::Tenant, &aside), limit).await {
                self.give_back((tenant, bot), aside).await;
                return Err(error);
            }
            aside.in_tenant = true;
        }
        Ok(Some(aside))
    }

    /// Whether a call could be paid for now. Nothing is set aside: for what is to become a call later.
    pub async fn check(
        &self,
        (tenant, bot): (&TenantId, &BotId),
        budget: &Budget,
    ) -> Result<(), BudgetError> {
        let (day, needed) = (day_of(self.clock.now()).to_string(), amount(budget.call));
        let scopes = [(Scope::Bot(bot.clone()), budget.bot_day), (Scope::Tenant, budget.tenant_day)];
        for (scope, limit) in scopes {
            let Some(limit) = limit else { continue };
            let committed = self.stores.budgets(tenant).committed(&scope, &day).await?;
            if committed >= below(limit, needed) {
                return Err(self.over(&scope, (committed, needed), limit).into());
            }
        }
        Ok(())
    }

    /// Give back what no new call needs. If that fails the day has so much less.
    pub async fn give_back(&self, whose: (&TenantId, &BotId), aside: SetAside) {
        let change = Change { by: -aside.counted, aside };
        self.settle(whose, &change).await;
    }

    /// Put what a call really cost in the place of what was set aside, once its record is stored.
    pub async fn settle(&self, (tenant, bot): (&TenantId, &BotId), change: &Change) {
        let Change { aside, by } = change;
        let scopes = [(aside.in_bot, Scope::Bot(bot.clone())), (aside.in_tenant, Scope::Tenant)];
        for (_, scope) in scopes.into_iter().filter(|(is_in, _)| *is_in && *by != 0) {
            if let Err(error) = self.stores.budgets(tenant).add((&scope, &aside.day), *by).await {
                tracing::warn!(tenant.id = %tenant, %error, "a day's budget does not have what a call really cost");
            }
        }
    }

    /// Count what was spent beside calls in the present day, where that has a budget. If that fails the day has so much more left.
    pub async fn spend(&self, (tenant, bot): (&TenantId, &BotId), budget: &Budget, cost: i64) {
        let (day, budgets) = (day_of(self.clock.now()).to_string(), self.stores.budgets(tenant));
        let scopes = [(budget.bot_day, Scope::Bot(bot.clone())), (budget.tenant_day, Scope::Tenant)];
        for (_, scope) in scopes.into_iter().filter(|(limit, _)| limit.is_some() && cost != 0) {
            let of = (&scope, day.as_str());
            let spent = match budgets.begin(of, Stamp(self.ends()) + KEPT).await {
                Ok(()) => budgets.add(of, cost).await,
                failed => failed,
            };
            if let Err(error) = spent {
                tracing::warn!(tenant.id = %tenant, %error, "a day's budget does not have what was spent beside calls");
            }
        }
    }

    async fn claim(
        &self,
        tenant: &TenantId,
        (scope, aside): (&Scope, &SetAside),
        limit: u64,
    ) -> Result<(), BudgetError> {
        let (budgets, of) = (self.stores.budgets(tenant), (scope, aside.day.as_str()));
        for _ in 0..MAX_TRIES {
            if budgets.claim(of, aside.counted, below(limit, aside.counted)).await? {
                return Ok(());
            }
            let committed = budgets.committed(scope, &aside.day).await?;
            if committed >= below(limit, aside.counted) {
                return Err(self.over(scope, (committed, aside.counted), limit).into());
            }
            // The day has not begun, or somebody gave something back in between.
            budgets.begin(of, Stamp(self.ends()) + KEPT).await?;
        }
        let busy = EngineError::Unavailable("others change the day's budget all the time".into());
        Err(StoreError::Engine(busy).into())
    }

    fn over(&self, scope: &Scope, (committed, needed): (i64, i64), limit: u64) -> OverBudget {
        let is_bot = matches!(scope, Scope::Bot(_));
        OverBudget { is_bot, committed, limit: as_signed(limit), needed, resets_at: self.ends() }
    }

    /// The end of the present day.
    fn ends(&self) -> Timestamp {
        day_of(self.clock.now()).checked_add(1.day()).map_or(Timestamp::MAX, midnight)
    }
}

/// What is to change in the days that a call counts in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    aside: SetAside,
    by: i64,
}

/// What the call was charged takes the place of what is counted for it; answers what changes in its days once it is stored.
pub fn counted_anew(call: &mut Call) -> Option<Change> {
    let cost = call.charges.iter().flat_map(|charges| &charges.lines).map(|line| line.amounts.money);
    let cost = cost.fold(0, i64::saturating_add);
    let aside = call.budget.as_mut()?;
    let by = cost.saturating_sub(aside.counted);
    aside.counted = cost;
    Some(Change { aside: aside.clone(), by })
}

fn amount(of_call: Option<u64>) -> i64 {
    as_signed(of_call.unwrap_or(0))
}

/// Less than this must be committed for a call to begin: all of it must fit, and at least something must be left.
fn below(limit: u64, amount: i64) -> i64 {
    as_signed(limit).saturating_sub(amount.max(1)).saturating_add(1)
}

fn as_signed(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_fits_when_all_of_it_does() {
        let fits = |committed: i64, limit, amount| committed < below(limit, amount);
        assert!(fits(0, 10, 10) && !fits(1, 10, 10), "to the last millionth");
        assert!(fits(9, 10, 0) && !fits(10, 10, 0), "without a budget of its own something must be left");
        assert!(!fits(0, 5, 10) && fits(-7, 3, 10), "a counter-entry gives back");
    }

    #[test]
    fn the_lower_budget_of_a_call_counts() {
        let mut settings = BotSettings::default();
        let of = |settings: &BotSettings, call| {
            let tenant = TenantBudget { max_cost_micros_per_call: call, ..TenantBudget::default() };
            Budget::of(settings, &tenant).call
        };
        assert_eq!((of(&settings, None), of(&settings, Some(5))), (None, Some(5)));
        settings.limits.max_cost_micros = Some(3);
        assert_eq!(
            (of(&settings, None), of(&settings, Some(5)), of(&settings, Some(2))),
            (Some(3), Some(3), Some(2))
        );
    }
}
