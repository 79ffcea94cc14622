//! How much of what a vendor sends may be beyond understanding.

use super::{Failure, FailureClass};

/// Messages in a row that cannot be understood before the stream counts as broken.
pub const MALFORMED_MAX: u32 = 5;

/// What is left of a vendor's credit.
#[derive(Debug, Default)]
pub struct Budget {
    malformed: u32,
}

impl Budget {
    /// Something was understood.
    pub fn restore(&mut self) {
        self.malformed = 0;
    }

    /// Something was not; the last of [`MALFORMED_MAX`] in a row is a failure.
    pub fn strain(&mut self, provider: &str, what: &str) -> Result<(), Failure> {
        self.malformed += 1;
        tracing::warn!(provider, what, count = self.malformed, "a message was not understood");
        if self.malformed < MALFORMED_MAX {
            return Ok(());
        }
        Err(Failure::new(FailureClass::Malformed, format!("{provider} sends what it should not: {what}")))
    }
}
