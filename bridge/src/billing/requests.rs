//! How much the people and keys of a tenant may ask, where its plan says it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::Limits;
use crate::fields::FieldError;

/// Largest limit.
const MOST: u32 = 1_000_000;

/// Requests of a tenant's people and keys, each 1 to 1,000,000. What is absent is as the bridge is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// Requests of one person or key in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u32>,
    /// Of them that wait for their answers at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
    /// Requests of all keys of the tenant in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_per_minute: Option<u32>,
    /// Of them that wait for their answers at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_at_once: Option<u32>,
}

impl Requests {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The limits that hold, of a bridge that is set so.
    pub fn over(&self, set: Limits) -> Limits {
        Limits {
            requests_per_minute: self.per_minute.unwrap_or(set.requests_per_minute),
            requests_at_once: self.at_once.unwrap_or(set.requests_at_once),
            tenant_requests_per_minute: self.tenant_per_minute.unwrap_or(set.tenant_requests_per_minute),
            tenant_requests_at_once: self.tenant_at_once.unwrap_or(set.tenant_requests_at_once),
        }
    }

    /// All that is wrong with them.
    pub fn faults(&self) -> Vec<FieldError> {
        let all = [
            ("per_minute", self.per_minute),
            ("at_once", self.at_once),
            ("tenant_per_minute", self.tenant_per_minute),
            ("tenant_at_once", self.tenant_at_once),
        ];
        let is_bad = |most: Option<u32>| most.is_some_and(|most| !(1..=MOST).contains(&most));
        let named = |(name, _)| {
            let detail = format!("must be 1 to {MOST}, or absent for what the bridge is set to");
            FieldError::new(format!("requests.{name}"), detail)
        };
        all.into_iter().filter(|(_, most)| is_bad(*most)).map(named).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plan_says_counts_before_what_the_bridge_is_set_to() {
        let set = Limits {
            requests_per_minute: 100,
            requests_at_once: 20,
            tenant_requests_per_minute: 300,
            tenant_requests_at_once: 40,
        };
        assert_eq!(Requests::default().over(set), set);
        let own = Requests { per_minute: Some(7), tenant_at_once: Some(900), ..Requests::default() };
        let want = Limits { requests_per_minute: 7, tenant_requests_at_once: 900, ..set };
        assert_eq!(own.over(set), want);
        let rest = Requests { at_once: Some(1), tenant_per_minute: Some(2), ..Requests::default() };
        let want = Limits { requests_at_once: 1, tenant_requests_per_minute: 2, ..set };
        assert_eq!(rest.over(set), want);
    }

    #[test]
    fn a_limit_that_lets_nobody_in_or_is_out_of_range_is_named() {
        let some = Some(1);
        let sound =
            Requests { per_minute: Some(MOST), at_once: some, tenant_per_minute: some, tenant_at_once: some };
        assert_eq!(sound.faults().len(), 0);
        let none = Some(0);
        let bad = Requests {
            per_minute: none,
            at_once: none,
            tenant_per_minute: Some(MOST + 1),
            tenant_at_once: none,
        };
        let named: Vec<String> = bad.faults().into_iter().map(|fault| fault.path).collect();
        let all = ["per_minute", "at_once", "tenant_per_minute", "tenant_at_once"];
        assert_eq!(named, all.map(|name| format!("requests.{name}")));
    }
}
