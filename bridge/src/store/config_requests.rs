//! What became of the last requests for a bot's config, one document for each bot: bounded, however many ask.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{BotId, SessionId, TenantId, WorkerId};

use super::SWEPT;
use super::documents::{Documents, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Engine, Field, Index, Query, Text};
use super::stamp::Stamp;
use crate::field;

/// Requests of a bot that are kept, the last ones.
pub const KEPT_REQUESTS: usize = 100;

const BY_TENANT: &str = "by_tenant";
const BY_END: &str = "by_end";
/// Tries against other bridges that write the same document.
const MAX_TRIES: usize = 4;

const FORGET_AT: Field<Text> = field!(Requests => forget_at: Text);

/// Under the ids of the bots.
pub static CONFIG_REQUESTS: Collection = Collection {
    name: "config_requests",
    indexes: &[
        Index::ordered(BY_TENANT, &[TENANT.place(), FORGET_AT.place()]),
        Index::ordered(BY_END, &[FORGET_AT.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// One request of a worker. It has no numbers, no addresses, and nothing of what the line said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub at: Stamp,
    /// What was answered.
    pub status: u16,
    /// `ok`, or the code of the refusal.
    pub outcome: String,
    /// Why it was refused, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// The call's id: the one that was handed out, or else the one that was proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    pub took_ms: u32,
}

/// The last ones of a bot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Requests {
    pub tenant_id: TenantId,
    pub forget_at: Stamp,
    /// The oldest first.
    pub requests: Vec<Request>,
}

impl OfTenant for Requests {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The requests for the configs of a tenant's bots.
pub struct ConfigRequests(Scoped<Requests>);

impl ConfigRequests {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &CONFIG_REQUESTS), tenant))
    }

    /// The last ones that were written down, the oldest first.
    pub async fn list(&self, bot: &BotId) -> Result<Vec<Request>, StoreError> {
        Ok(self.0.find(bot.as_str()).await?.map(|stored| stored.value.requests).unwrap_or_default())
    }

    /// Add some, the oldest first, and forget those that are too many.
    pub async fn note(&self, bot: &BotId, new: &[Request], forget_at: Stamp) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            let known = self.0.find(bot.as_str()).await?;
            let old = known.as_ref().map(|known| known.value.requests.clone()).unwrap_or_default();
            let mut requests: Vec<Request> = old.into_iter().chain(new.iter().cloned()).collect();
            // Another bridge may have written later ones before.
            requests.sort_by_key(|request| request.at);
            requests.drain(..requests.len().saturating_sub(KEPT_REQUESTS));
            let value = Requests { tenant_id: self.0.tenant.clone(), forget_at, requests };
            let written = match known {
                None => self.0.insert(bot.as_str(), &value).await,
                Some(known) => self.0.replace(Stored { value, ..known }).await.map(drop),
            };
            match written {
                Err(StoreError::Conflict | StoreError::Duplicate) => {}
                written => return written,
            }
        }
        Err(StoreError::Conflict)
    }

    /// Forget those of a bot.
    pub async fn forget(&self, bot: &BotId) -> Result<(), StoreError> {
        self.0.forget(bot.as_str()).await
    }
}

/// Those of all tenants, for the janitor.
pub struct AllConfigRequests(Documents<Requests>);

impl AllConfigRequests {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &CONFIG_REQUESTS))
    }

    /// Forget bots that nobody asked for in a long time; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, now: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&CONFIG_REQUESTS, BY_END).below(FORGET_AT, now).limit(SWEPT)).await
    }
}
