//! Links that open a recording without a login: one at a time for each call, the same for everybody, until it is revoked or its
//! time is over.

use jiff::SignedDuration;
use vox_shared::ids::{SessionId, TenantId};

use super::{Custodian, CustodyError};
use crate::auth::secret_token;
use crate::store::calls::Call;
use crate::store::calls::custody::Link;
use crate::store::settings::Owner;
use crate::store::{Reach, Stamp, StoreError, Stores};

/// Until when a call's link is good, if it ends by itself: counted from when it was made. The first one is made with the result.
pub fn ends_at(call: &Call, days: Option<u32>) -> Option<Stamp> {
    let made_at = match call.custody.as_ref().and_then(|custody| custody.link.as_ref()) {
        Some(link) => link.made_at,
        None => call.completed_at.unwrap_or(call.created_at),
    };
    days.map(|days| made_at + SignedDuration::from_hours(24 * i64::from(days)))
}

/// Which of the call's links is the one that counts; 0 is the first.
pub fn number(call: &Call) -> u32 {
    call.custody.as_ref().and_then(|custody| custody.link.as_ref()).map_or(0, |link| link.number)
}

/// How many days a tenant's links are good: the tenant's setting, else the deployment's; `None`: until they are revoked.
pub async fn days(stores: &Stores, tenant: &TenantId) -> Result<Option<u32>, StoreError> {
    let settings = stores.settings();
    let own = settings.get(&Owner::Tenant(tenant.clone())).await?.recording_link_days;
    match own {
        Some(days) => Ok(Some(days)),
        None => Ok(settings.get(&Owner::Deployment).await?.recording_link_days),
    }
}

/// A link that was made.
#[derive(Debug)]
pub struct Made {
    pub token: String,
    pub ends_at: Option<Stamp>,
}

impl Custodian {
    /// Make a new link; the one before opens nothing any more.
    pub async fn make_link(&self, reach: &Reach, id: &SessionId) -> Result<Made, CustodyError> {
        let now = Stamp(self.clock.now());
        let call = self.change(reach, id, |call| {
            if call.recording_key.is_none() {
                return Err(CustodyError::NoRecording);
            }
            let number = number(call).saturating_add(1);
            let token = self.tokens.recording_link(id, number)?;
            call.recording_token_hash = Some(secret_token::hash(&token));
            call.custody_mut().link = Some(Link { number, made_at: now, revoked: false });
            Ok(())
        });
        let call = call.await?.value;
        let token = self.tokens.recording_link(id, number(&call))?;
        Ok(Made { token, ends_at: ends_at(&call, days(&self.stores, &call.tenant_id).await?) })
    }

    /// Revoke the link; none is made again but on demand.
    pub async fn revoke_link(&self, reach: &Reach, id: &SessionId) -> Result<(), CustodyError> {
        let now = Stamp(self.clock.now());
        self.change(reach, id, |call| {
            let link = Link { number: number(call), made_at: now, revoked: true };
            call.recording_token_hash = None;
            call.custody_mut().link = Some(link);
            Ok(())
        })
        .await
        .map(drop)
    }
}
