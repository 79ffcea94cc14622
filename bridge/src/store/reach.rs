//! What somebody may touch. Stores of what belongs to bots are opened with it, so that no handler can forget a limit.

use std::sync::Arc;

use vox_shared::ids::{BotId, TenantId};

/// A tenant, all of it or only some of its bots with what belongs to them.
#[derive(Clone, Debug)]
pub struct Reach {
    tenant: TenantId,
    bots: Option<Arc<[BotId]>>,
}

impl Reach {
    /// All of a tenant.
    pub fn whole(tenant: TenantId) -> Self {
        Self { tenant, bots: None }
    }

    /// These bots of a tenant; what is no bot's is not limited.
    pub fn limited(tenant: TenantId, bots: &[BotId]) -> Self {
        Self { tenant, bots: Some(bots.into()) }
    }

    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The bots that it is limited to, if it is.
    pub fn bots(&self) -> Option<&[BotId]> {
        self.bots.as_deref()
    }

    /// Whether a bot of the tenant, and what belongs to it, is within.
    pub fn includes(&self, bot: &str) -> bool {
        self.bots().is_none_or(|bots| bots.iter().any(|known| known.as_str() == bot))
    }
}

impl From<&TenantId> for Reach {
    fn from(tenant: &TenantId) -> Self {
        Self::whole(tenant.clone())
    }
}

impl From<&Reach> for Reach {
    fn from(reach: &Reach) -> Self {
        reach.clone()
    }
}
