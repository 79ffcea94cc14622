//! Instants as they are stored: text of fixed width, so that text order is time order in every engine.

use std::fmt;
use std::ops::Add;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::engine::{Text, holds};

/// A UTC instant with microseconds, `2026-11-21T15:00:00.000000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub Timestamp);

impl Stamp {
    /// The first instant after it that can be told from it: "until now" is "below this".
    pub fn next(self) -> Self {
        self + SignedDuration::from_micros(1)
    }
}

impl Add<SignedDuration> for Stamp {
    type Output = Self;

    /// Not beyond the end of the calendar.
    fn add(self, by: SignedDuration) -> Self {
        Self(self.0.saturating_add(by).unwrap_or(Timestamp::MAX))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

impl From<Timestamp> for Stamp {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

holds! { Text: Stamp => |stamp| stamp.to_string().into(); }

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_order_is_time_order() {
        let at = |text: &str| Stamp(text.parse().unwrap()).to_string();
        assert_eq!(at("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00.000000Z");
        assert!(at("2026-01-01T00:00:00Z") < at("2026-01-01T00:00:00.5Z"));
    }
}
