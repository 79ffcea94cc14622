//! Values that must not reach a log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Wraps a value so that `Debug` and `Display` show only that there is one. Serialises as the value itself: it guards
/// logs, not the wire.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Hide a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, where it is truly needed.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Unwrap.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redacted_value_is_not_shown() {
        let number = Redacted::new("+4915112345678".to_owned());
        assert_eq!(format!("{number} {number:?}"), "[redacted] [redacted]");
        assert_eq!(number.expose(), "+4915112345678");
    }
}
