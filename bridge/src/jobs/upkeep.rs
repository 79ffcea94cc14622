//! What jobs that come by the calendar are done with.

use std::sync::Arc;

use vox_shared::clock::Clock;

use crate::audit::log::AuditLog;
use crate::custody::Custodian;
use crate::store::Stores;

/// Cheap to clone.
#[derive(Clone)]
pub struct Upkeep {
    pub stores: Stores,
    pub clock: Clock,
    pub custodian: Custodian,
    pub audit: Arc<AuditLog>,
}
