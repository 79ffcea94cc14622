//! The turns of tenants in a round: one that fails keeps no other from its turn, and is told all the same.

use crate::coordination::rounds::Fault;
use crate::store::StoreError;

/// Why a round did not do all that it should.
#[derive(Debug, thiserror::Error)]
pub enum Missed {
    #[error("the tenants could not be listed")]
    Listing(#[from] StoreError),
    #[error("{failed} tenants failed")]
    Tenants {
        failed: usize,
        /// What the first of them failed with.
        source: StoreError,
    },
}

impl Fault for Missed {
    fn fault(&self) -> String {
        match self {
            Self::Listing(source) => format!("{self}: {}", source.fault()),
            Self::Tenants { source, .. } => format!("{self}, the first: {}", source.fault()),
        }
    }
}

/// How the turns of a round went.
#[derive(Debug, Default)]
pub struct Turns {
    failed: usize,
    first: Option<StoreError>,
}

impl Turns {
    /// A turn failed with this.
    pub fn failed(&mut self, error: StoreError) {
        self.failed += 1;
        self.first.get_or_insert(error);
    }

    /// What the round comes to.
    pub fn end(self) -> Result<(), Missed> {
        match self.first {
            None => Ok(()),
            Some(source) => Err(Missed::Tenants { failed: self.failed, source }),
        }
    }
}
