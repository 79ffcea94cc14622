//! What may be spent, and what is set aside of it, as it is stored.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::FieldError;

/// Largest budget, millionths of the currency.
pub const MAX_BUDGET: u64 = 1_000_000_000_000;

/// What a tenant may spend. Millionths of the currency; what is absent is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TenantBudget {
    /// Most that one call may cost; a bot's own limit counts where it is lower.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cost_micros_per_call: Option<u64>,
    /// Most that the calls of a day, UTC, may cost together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cost_micros_per_day: Option<u64>,
}

impl TenantBudget {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// All that is wrong with it.
    pub fn faults(&self) -> Vec<FieldError> {
        let Self { max_cost_micros_per_call, max_cost_micros_per_day } = self;
        let named = [("per_call", max_cost_micros_per_call), ("per_day", max_cost_micros_per_day)];
        let is_bad = |n: u64| !(1..=MAX_BUDGET).contains(&n);
        let bad = named.into_iter().filter(|(_, limit)| limit.is_some_and(is_bad));
        let fault = |(name, _)| {
            let message = format!("must be 1 to {MAX_BUDGET}, or absent for no limit");
            FieldError::new(format!("budget.max_cost_micros_{name}"), message)
        };
        let mut faults: Vec<FieldError> = bad.map(fault).collect();
        if let (Some(call), Some(day)) = (max_cost_micros_per_call, max_cost_micros_per_day)
            && call > day
        {
            let message = "must be at least the budget of one call, or no call ever begins";
            faults.push(FieldError::new("budget.max_cost_micros_per_day", message));
        }
        faults
    }
}

/// What is set aside for a call, then what it cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// The day that it counts in, UTC.
    pub day: String,
    /// Counted so far in the scopes below, millionths of the currency.
    pub counted: i64,
    pub in_bot: bool,
    pub in_tenant: bool,
}
