//! What is limited, and how much of it is left.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::fields::FieldError;
use crate::store::engine::{Json, holds};

/// Largest limit: what a JSON number holds exactly everywhere.
pub const MAX_LIMIT: i64 = 9_000_000_000_000_000;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// Something that is counted per period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Calls whose config was handed out.
    Conversations,
    /// Whole minutes of calls: their milliseconds are added up, and the sum is rounded down.
    Minutes,
    /// Tokens of language models, in and out; cached ones are among those that go in.
    Tokens,
    /// Characters that were spoken.
    Characters,
    /// Millionths of the currency.
    Money,
}

impl Resource {
    pub const ALL: [Self; 5] =
        [Self::Conversations, Self::Minutes, Self::Tokens, Self::Characters, Self::Money];

    /// The word in paths and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::Minutes => "minutes",
            Self::Tokens => "tokens",
            Self::Characters => "characters",
            Self::Money => "money",
        }
    }

    /// The resource of that word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.as_str() == word)
    }
}

/// Most of each that a tenant may use in a period. What is absent is not limited; 0 allows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversations: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<i64>,
    /// Millionths of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<i64>,
}

impl Limits {
    pub fn of(&self, resource: Resource) -> Option<i64> {
        match resource {
            Resource::Conversations => self.conversations,
            Resource::Minutes => self.minutes,
            Resource::Tokens => self.tokens,
            Resource::Characters => self.characters,
            Resource::Money => self.money,
        }
    }

    /// The first counted amount that is too much, in the unit that is counted: milliseconds for minutes.
    pub fn bound(&self, resource: Resource) -> Option<i64> {
        let limit = self.of(resource)?;
        Some(if resource == Resource::Minutes { limit.saturating_mul(MINUTE_MS) } else { limit })
    }

    /// All that is wrong with them.
    pub fn faults(&self) -> Vec<FieldError> {
        let is_bad = |resource: &Resource| self.of(*resource).is_some_and(|n| !(0..=MAX_LIMIT).contains(&n));
        let named = |resource: Resource| {
            let path = format!("limits.{}", resource.as_str());
            FieldError::new(path, format!("must be 0 to {MAX_LIMIT}, or absent for no limit"))
        };
        Resource::ALL.into_iter().filter(is_bad).map(named).collect()
    }
}

/// What was used in a period, as it is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    pub conversations: i64,
    /// Milliseconds of calls.
    pub call_ms: i64,
    pub tokens: i64,
    pub characters: i64,
    /// Millionths of the currency.
    pub money: i64,
}

impl Used {
    /// As it is told: minutes are whole ones, rounded down.
    pub fn of(&self, resource: Resource) -> i64 {
        match resource {
            Resource::Conversations => self.conversations,
            Resource::Minutes => self.call_ms.div_euclid(MINUTE_MS),
            Resource::Tokens => self.tokens,
            Resource::Characters => self.characters,
            Resource::Money => self.money,
        }
    }

    /// What of it is left; `None` where there is no limit. Never below 0.
    pub fn left(&self, limits: &Limits, resource: Resource) -> Option<i64> {
        Some(limits.of(resource)?.saturating_sub(self.of(resource)).max(0))
    }

    /// The first resource of which nothing is left.
    pub fn spent(&self, limits: &Limits) -> Option<Resource> {
        Resource::ALL.into_iter().find(|resource| self.left(limits, *resource) == Some(0))
    }
}

holds! { Json: Limits => |limits| serde_json::to_value(limits).unwrap_or(Value::Null); }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_at_the_limit_and_beyond() {
        let limits = Limits { minutes: Some(10), money: Some(0), ..Limits::default() };
        let used = |call_ms| Used { call_ms, ..Used::default() };
        let left = |ms| used(ms).left(&limits, Resource::Minutes);
        assert_eq!(
            [left(0), left(599_999), left(600_000), left(i64::MAX)].map(Option::unwrap),
            [10, 1, 0, 0]
        );
        assert_eq!(limits.bound(Resource::Minutes), Some(600_000));
        assert_eq!(used(0).left(&limits, Resource::Tokens), None);
        assert_eq!(used(600_000).spent(&limits), Some(Resource::Minutes));
        assert_eq!(used(0).spent(&limits), Some(Resource::Money));
        let huge = Limits { minutes: Some(MAX_LIMIT), ..Limits::default() };
        assert_eq!(huge.bound(Resource::Minutes), Some(i64::MAX), "no overflow");
        let credit = Used { money: i64::MIN, ..Used::default() };
        let all = Limits { money: Some(MAX_LIMIT), ..Limits::default() };
        assert_eq!(credit.left(&all, Resource::Money), Some(i64::MAX));
    }

    #[test]
    fn a_limit_out_of_range_is_named() {
        let limits = Limits { tokens: Some(-1), money: Some(i64::MAX), ..Limits::default() };
        let faults: Vec<String> = limits.faults().into_iter().map(|fault| fault.path).collect();
        assert_eq!(faults, ["limits.tokens", "limits.money"]);
        for resource in Resource::ALL {
            assert_eq!(Resource::find(resource.as_str()), Some(resource));
        }
    }
}
