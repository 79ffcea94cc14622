//! Refresh tokens. All tokens that one login leads to are one family and one document, so that a rotation and the
//! discovery of a reused token are each one atomic step.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{TenantId, UserId};

use super::SWEPT;
use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Engine, Field, Index, Query, Text};
use super::stamp::Stamp;
use crate::field;

const BY_EXPIRY: &str = "by_expiry";
const BY_USER: &str = "by_user";
/// Sessions read at once to be ended.
const PAGE: usize = 100;

const EXPIRES_AT: Field<Text> = field!(Family => expires_at: Text);
const USER_ID: Field<Text> = field!(Family => user_id: Text);

pub static REFRESH_TOKENS: Collection = Collection {
    name: "refresh_tokens",
    indexes: &[
        Index::ordered(BY_EXPIRY, &[EXPIRES_AT.place()]),
        Index::ordered(BY_USER, &[USER_ID.place(), EXPIRES_AT.place()]),
    ],
    fields: &[],
    steps: &[],
};

/// The tokens that began with one login; the id is the family's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Family {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub email: String,
    /// SHA-256 of the one token that is good now. Any other token of the family was used before.
    pub current_hash: String,
    pub expires_at: Stamp,
    pub rotations: u32,
    /// The user's `tokens_valid_from` when the session began: another one means that the password was changed since.
    /// Families from before this field lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_valid_from: Option<Stamp>,
}

/// The families of the deployment, found by the token itself.
pub struct Families(Documents<Family>);

impl Families {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &REFRESH_TOKENS))
    }

    pub async fn find_family(&self, id: &str) -> Result<Option<Stored<Family>>, StoreError> {
        self.0.find(id).await
    }

    pub async fn insert_family(&self, id: &str, family: &Family) -> Result<(), StoreError> {
        self.0.insert(id, family).await
    }

    /// [`StoreError::Conflict`] when another request rotated it first.
    pub async fn rotate(&self, family: Stored<Family>) -> Result<(), StoreError> {
        self.0.replace(family).await.map(drop)
    }

    /// End a family, whatever happened to it since it was read.
    pub async fn revoke(&self, id: &str) -> Result<(), StoreError> {
        while let Some(family) = self.0.find(id).await? {
            match self.0.delete(id, family.version).await {
                Err(StoreError::Conflict) => {}
                other => return other,
            }
        }
        Ok(())
    }

    /// End all sessions of a person, however many.
    pub async fn revoke_all_of(&self, user: &UserId) -> Result<(), StoreError> {
        let query = Query::by_index(&REFRESH_TOKENS, BY_USER).equals(USER_ID, user);
        loop {
            let families = self.0.list(query.clone().limit(PAGE)).await?.items;
            if families.is_empty() {
                return Ok(());
            }
            for family in families {
                self.revoke(&family.id).await?;
            }
        }
    }

    /// Forget what expired; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, now: Stamp) -> Result<usize, StoreError> {
        self.0
            .delete_many(Query::by_index(&REFRESH_TOKENS, BY_EXPIRY).below(EXPIRES_AT, now).limit(SWEPT))
            .await
    }
}
