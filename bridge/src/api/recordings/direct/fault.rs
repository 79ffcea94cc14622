//! Why an upload past the bridge does not go on.

use crate::error::ApiError;
use crate::objects::ObjectError;

pub(super) enum Fault {
    /// The server does not let the bridge's key do it. The key may put objects all the same: the recording can pass through the
    /// bridge.
    Refused(ObjectError),
    Other(ApiError),
}

impl From<ObjectError> for Fault {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Refused { .. } => Self::Refused(error),
            other => Self::Other(other.into()),
        }
    }
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        Self::Other(error)
    }
}
