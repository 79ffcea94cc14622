//! What is set for the CRMs of bots, and what was pushed to them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{BotId, SessionId, TenantId};

use super::SWEPT;
use super::deliveries::Attempt;
use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Index, Order, Query, Text};
use super::stamp::Stamp;
use crate::crm::settings::CrmSettings;
use crate::field;

const BY_CALL: &str = "by_call";
const BY_AGE: &str = "by_age";

const SESSION_ID: Field<Text> = field!(Push => session_id: Text);
const CREATED_AT: Field<Text> = field!(Push => created_at: Text);

/// Attempts of a push that are kept.
const KEPT_ATTEMPTS: usize = 20;
/// Tries against others that write the same push.
const MAX_TRIES: usize = 8;

/// Under the ids of the bots.
pub static CRM_INTEGRATIONS: Collection =
    Collection { name: "crm_integrations", indexes: &[], fields: &[], steps: &[] };

/// Under the ids of their jobs.
pub static CRM_PUSHES: Collection = Collection {
    name: "crm_pushes",
    indexes: &[
        Index::ordered(BY_CALL, &[TENANT.place(), SESSION_ID.place(), CREATED_AT.place()]),
        Index::ordered(BY_AGE, &[CREATED_AT.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// The CRM of a bot as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Integration {
    pub tenant_id: TenantId,
    pub created_at: Stamp,
    pub updated_at: Stamp,
    pub settings: CrmSettings,
}

/// The result of a call on its way to the CRM.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Push {
    pub tenant_id: TenantId,
    pub session_id: SessionId,
    pub bot_id: BotId,
    pub created_at: Stamp,
    /// The CRM took it.
    pub taken: bool,
    /// The latest 20, the oldest first.
    pub attempts: Vec<Attempt>,
}

impl OfTenant for Integration {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

impl OfTenant for Push {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The CRMs of a tenant's bots.
pub struct Integrations(Scoped<Integration>);

impl Integrations {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &CRM_INTEGRATIONS), tenant))
    }

    pub async fn get_integration(&self, bot: &BotId) -> Result<Stored<Integration>, StoreError> {
        self.0.get(bot.as_str()).await
    }

    pub async fn find_integration(&self, bot: &BotId) -> Result<Option<Stored<Integration>>, StoreError> {
        match self.get_integration(bot).await {
            Ok(found) => Ok(Some(found)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn insert_integration(&self, bot: &BotId, value: &Integration) -> Result<(), StoreError> {
        self.0.insert(bot.as_str(), value).await
    }

    pub async fn replace_integration(
        &self,
        value: Stored<Integration>,
    ) -> Result<Stored<Integration>, StoreError> {
        self.0.replace(value).await
    }

    /// Delete a bot's, if it has one, whatever is in it.
    pub async fn forget(&self, bot: &BotId) -> Result<(), StoreError> {
        self.0.forget(bot.as_str()).await
    }

    pub async fn delete_integration(&self, value: &Stored<Integration>) -> Result<(), StoreError> {
        self.0.delete(&value.id, value.version).await
    }
}

/// The pushes of one tenant.
pub struct Pushes(Scoped<Push>);

impl Pushes {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &CRM_PUSHES), tenant))
    }

    /// Newest first.
    pub async fn list_pushes(
        &self,
        call: &SessionId,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Push>, StoreError> {
        let of_call = self.0.query(BY_CALL).equals(SESSION_ID, call.as_str());
        self.0.list(of_call.order(Order::Descending).limit(limit).after(after)).await
    }

    /// Forget those of a call.
    pub async fn forget_call(&self, call: &str) -> Result<(), StoreError> {
        while self.0.delete_many(self.0.query(BY_CALL).equals(SESSION_ID, call).limit(SWEPT)).await? == SWEPT
        {
        }
        Ok(())
    }

    /// Write down an attempt of the push under this id; `first` is stored when it is the first one.
    pub async fn note_attempt(&self, id: &str, first: Push, attempt: Attempt) -> Result<(), StoreError> {
        let noted = |mut push: Push| {
            push.taken |= attempt.error.is_none();
            push.attempts.push(attempt.clone());
            let surplus = push.attempts.len().saturating_sub(KEPT_ATTEMPTS);
            push.attempts.drain(..surplus);
            push
        };
        for _ in 0..MAX_TRIES {
            let written = match self.0.get(id).await {
                Ok(known) => {
                    let value = noted(known.value);
                    self.0.replace(Stored { id: known.id, version: known.version, value }).await.map(drop)
                }
                Err(StoreError::NotFound) => self.0.insert(id, &noted(first.clone())).await,
                Err(error) => Err(error),
            };
            match written {
                Err(StoreError::Conflict | StoreError::Duplicate) => {}
                written => return written,
            }
        }
        Err(StoreError::Conflict)
    }
}

/// The pushes of all tenants, for the janitor.
pub struct AllPushes(Documents<Push>);

impl AllPushes {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &CRM_PUSHES))
    }

    /// Forget those that were made before; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, before: Stamp) -> Result<usize, StoreError> {
        self.0.delete_many(Query::by_index(&CRM_PUSHES, BY_AGE).below(CREATED_AT, before).limit(SWEPT)).await
    }
}
