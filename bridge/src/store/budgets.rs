//! What is spent of each day's budgets, or set aside for calls that run: a document for each bot, or tenant, and day.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{BotId, TenantId};

use super::SWEPT;
use super::documents::{Documents, OfTenant, Scoped, StoreError, TENANT};
use super::engine::{Collection, Engine, Field, Filter, Index, Integer, Query, Text, Update};
use super::stamp::Stamp;
use crate::field;

const BY_DAY: &str = "by_day";
const BY_END: &str = "by_end";

const DAY: Field<Text> = field!(DayBudget => day: Text);
const FORGET_AT: Field<Text> = field!(DayBudget => forget_at: Text);
const COMMITTED: Field<Integer> = field!(DayBudget => committed: Integer);

pub static BUDGETS: Collection = Collection {
    name: "budgets",
    indexes: &[
        Index::ordered(BY_DAY, &[TENANT.place(), DAY.place()]),
        Index::ordered(BY_END, &[FORGET_AT.place()]),
    ],
    fields: &[COMMITTED.place()],
    steps: &[],
};

/// Whose budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Bot(BotId),
    Tenant,
}

/// One day of one scope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DayBudget {
    pub tenant_id: TenantId,
    /// `2026-11-20`, UTC.
    pub day: String,
    /// Spent by calls that ended, and set aside for those that run: millionths of the currency.
    pub committed: i64,
    pub forget_at: Stamp,
}

impl OfTenant for DayBudget {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The budgets of one tenant.
pub struct Budgets(Scoped<DayBudget>);

impl Budgets {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &BUDGETS), tenant))
    }

    fn id(&self, scope: &Scope, day: &str) -> String {
        let whose = match scope {
            Scope::Bot(bot) => bot.as_str(),
            // No bot is called so.
            Scope::Tenant => "~",
        };
        format!("{}/{whose}/{day}", self.0.tenant)
    }

    /// What is spent and set aside.
    pub async fn committed(&self, scope: &Scope, day: &str) -> Result<i64, StoreError> {
        Ok(self.0.find(&self.id(scope, day)).await?.map_or(0, |stored| stored.value.committed))
    }

    /// Set an amount aside if less than `below` is committed, in one step. `false` when not, or when the day has not begun.
    pub async fn claim(
        &self,
        (scope, day): (&Scope, &str),
        amount: i64,
        below: i64,
    ) -> Result<bool, StoreError> {
        let update = Update::default().increment(COMMITTED, amount);
        let if_left = vec![Filter::below(COMMITTED, below)];
        Ok(self.0.update(&self.id(scope, day), if_left, update).await?.is_some())
    }

    /// Begin a day with nothing spent. Somebody else may have.
    pub async fn begin(&self, (scope, day): (&Scope, &str), forget_at: Stamp) -> Result<(), StoreError> {
        let tenant_id = self.0.tenant.clone();
        let new = DayBudget { tenant_id, day: day.to_owned(), committed: 0, forget_at };
        match self.0.insert(&self.id(scope, day), &new).await {
            Err(StoreError::Duplicate) => Ok(()),
            other => other,
        }
    }

    /// Add what a call spent beyond what was set aside for it, or give back what it did not need. A day that is forgotten stays so.
    pub async fn add(&self, (scope, day): (&Scope, &str), amount: i64) -> Result<(), StoreError> {
        let update = Update::default().increment(COMMITTED, amount);
        self.0.update(&self.id(scope, day), Vec::new(), update).await.map(drop)
    }
}

/// The budgets of all tenants, for the janitor.
pub struct AllBudgets(Documents<DayBudget>);

impl AllBudgets {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &BUDGETS))
    }

    /// Forget days whose time is over; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, now: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&BUDGETS, BY_END).below(FORGET_AT, now).limit(SWEPT)).await
    }
}
