//! What keeps a call from being deleted or moved when its time has come: one call's own trouble is logged and counted, and left for the
//! next day; what all calls would meet ends the round.

use crate::error::with_source;
use crate::jobs::runner::Failure;
use crate::objects::ObjectError;
use crate::shelf::pack::PackError;
use crate::store::StoreError;
use crate::store::engine::EngineError;

/// Why a call was not deleted or moved.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("what it consists of cannot be compressed")]
    Pack(#[from] PackError),
}

impl Trouble {
    /// Log what is the trouble of one call alone. What all of them would meet comes back as the error: the rest is for another time.
    pub(super) fn pass_over(self, id: &str, what: &'static str) -> Result<(), Self> {
        let is_of_all = match &self {
            Self::Store(error) => is_of_all(error),
            Self::Object(
                ObjectError::BadKey(_)
                | ObjectError::TooLarge(_)
                | ObjectError::Unopened
                | ObjectError::Changed,
            ) => false,
            Self::Object(_) => true,
            Self::Pack(error) => matches!(error, PackError::Busy),
        };
        if is_of_all {
            return Err(self);
        }
        tracing::error!(call.id = id, error = with_source(&self), "{what}");
        Ok(())
    }
}

/// Whether another call would meet it too: the store is away, or its secrets do not open.
pub(super) fn is_of_all(error: &StoreError) -> bool {
    matches!(error, StoreError::Engine(EngineError::Unavailable(_) | EngineError::Locked(_)))
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Store(error) => error.into(),
            other => Self::Now(with_source(&other)),
        }
    }
}
