//! Refresh tokens. All tokens that one login leads to are one family and one document, so that a rotation and the
//! discovery of a reused token are each one atomic step.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{TenantId, UserId};

use super::documents::{Documents, StoreError, Stored};
use super::engine::{Collection, Engine, Index, Query};
use super::stamp::Stamp;

const BY_EXPIRY: &str = "by_expiry";
const BY_USER: &str = "by_user";
/// Sessions of one person that are ended in one go.
const MAX_FAMILIES: usize = 500;

pub static REFRESH_TOKENS: Collection = Collection {
    name: "refresh_tokens",
    indexes: &[
        Index::ordered(BY_EXPIRY, &["expires_at"]),
        Index::ordered(BY_USER, &["user_id", "expires_at"]),
    ],
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

    /// End all sessions of a person.
    pub async fn revoke_all_of(&self, user: &UserId) -> Result<(), StoreError> {
        let query = Query::by_index(&REFRESH_TOKENS, BY_USER).equals("user_id", user.as_str());
        for family in self.0.list(query.limit(MAX_FAMILIES)).await?.items {
            self.revoke(&family.id).await?;
        }
        Ok(())
    }

    /// Forget what expired; answers how many, a page at most.
    pub async fn sweep(&self, now: Stamp) -> Result<usize, StoreError> {
        self.0.sweep(Query::by_index(&REFRESH_TOKENS, BY_EXPIRY).below(now)).await
    }
}
