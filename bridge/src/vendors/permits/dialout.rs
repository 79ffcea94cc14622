//! The permits of a call that is about to be placed: taken before it rings, and passed on to the call.

use rand::distr::{Alphanumeric, SampleString};
use tokio::runtime::Handle;
use vox_shared::ids::TenantId;
use vox_shared::model::bot::BotSettings;
use vox_shared::wire::answers::Service;

use super::{Permits, all_limits};
use crate::store::StoreError;
use crate::vendors::limits::service_of;
use crate::vendors::of_call::settings_of_call;

/// Random characters of a member.
const MEMBER_CHARS: usize = 20;

/// All vendors of one of the bot's lists are full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the keys of all of the bot's vendors for `{}` serve as many calls as they may; try again in a while, or raise the limits that are stated",
    .0.as_str()
)]
pub struct Full(pub Service);

/// The permits of a call that is being placed; given back when dropped.
#[must_use]
pub struct Kept {
    permits: Permits,
    member: String,
    names: Vec<String>,
}

impl Permits {
    /// Take one of each of the bot's lists; an error when a list has no room.
    pub async fn keep(
        &self,
        tenant: &TenantId,
        settings: &BotSettings,
    ) -> Result<Result<Kept, Full>, StoreError> {
        let stated = self.0.memory.vendor_limits(tenant).await?;
        let of_call = Box::pin(settings_of_call(&self.0.memory, tenant, settings)).await?;
        let settings = of_call.as_ref().unwrap_or(settings);
        let member = format!("dialout-{}", Alphanumeric.sample_string(&mut rand::rng(), MEMBER_CHARS));
        let mut kept = Kept { permits: self.clone(), member, names: Vec::new() };
        for (kind, list) in all_limits(settings, &stated) {
            let mut has_room = false;
            for limit in list {
                has_room = match limit {
                    None => true,
                    Some(limit) if self.enter(&limit, &kept.member).await => {
                        kept.names.push(limit.name);
                        true
                    }
                    Some(_) => false,
                };
                if has_room {
                    break;
                }
            }
            if !has_room {
                return Ok(Err(Full(service_of(kind))));
            }
        }
        Ok(Ok(kept))
    }
}

impl Kept {
    /// They are the call's from now on, until its worker speaks for it.
    pub async fn pass_on(self, call: &str) {
        for name in &self.names {
            self.permits.enter_all_the_same(name, call).await;
        }
    }

    /// The carrier calls by itself, and nobody knows yet what the call will be called: they are free after their time, and the call
    /// takes others with its config.
    pub fn leave_standing(mut self) {
        self.names.clear();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let (names, member) = (std::mem::take(&mut self.names), std::mem::take(&mut self.member));
        // Without a runtime the process ends, and they are free after their time.
        if names.is_empty() {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let limiter = self.permits.0.limiter.clone();
            runtime.spawn(async move {
                for name in names {
                    limiter.leave(&name, &member).await;
                }
            });
        }
    }
}
