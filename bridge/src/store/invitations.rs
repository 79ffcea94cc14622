//! Invitations, and links that set a password anew. A link is found by the hash of its secret; the secret itself is nowhere.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{InvitationId, TenantId, UserId};

use super::SWEPT;
use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Collection, Cursor, Engine, Field, Filter, Index, Order, Query, Text, Update};
use super::stamp::Stamp;
use crate::auth::role::Role;
use crate::field;

const BY_CREATED: &str = "by_created";
const BY_SECRET: &str = "by_secret";
const BY_EXPIRY: &str = "by_expiry";

const CREATED_AT: Field<Text> = field!(Invitation => created_at: Text);
const SECRET_HASH: Field<Text> = field!(Invitation => secret_hash: Text);
const EXPIRES_AT: Field<Text> = field!(Invitation => expires_at: Text);
const CREATED_BY: Field<Text> = field!(Invitation => created_by: Text);
const USED_AT: Field<Text> = field!(Invitation => used_at: Text);
const REVOKED_AT: Field<Text> = field!(Invitation => revoked_at: Text);

pub static INVITATIONS: Collection = Collection {
    name: "invitations",
    indexes: &[
        Index::ordered(BY_CREATED, &[TENANT.place(), CREATED_AT.place()]),
        Index::unique(BY_SECRET, &[SECRET_HASH.place()]),
        Index::ordered(BY_EXPIRY, &[EXPIRES_AT.place()]),
    ],
    fields: &[CREATED_BY.place(), USED_AT.place(), REVOKED_AT.place()],
    steps: &[],
};

/// A link for one person, good once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invitation {
    pub tenant_id: TenantId,
    /// Of the person to be, or of the one whose password is set.
    pub email: String,
    pub role: Role,
    /// SHA-256 of the secret, hex.
    pub secret_hash: String,
    /// Of a link that sets a password anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
    pub created_at: Stamp,
    pub created_by: UserId,
    pub expires_at: Stamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Stamp>,
}

/// Whose password is set anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    pub user_id: UserId,
    /// The user's `tokens_valid_from` when the link was made: with another one the password was changed since, and the link is
    /// good for nothing.
    pub under: Stamp,
}

impl OfTenant for Invitation {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The invitations of one tenant.
pub struct Invitations(Scoped<Invitation>);

impl Invitations {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &INVITATIONS), tenant))
    }

    pub async fn get_invitation(&self, id: &InvitationId) -> Result<Stored<Invitation>, StoreError> {
        self.0.get(id.as_str()).await
    }

    /// Newest first, those that are over too.
    pub async fn list_invitations(
        &self,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<Invitation>, StoreError> {
        self.0.list(self.0.query(BY_CREATED).order(Order::Descending).limit(limit).after(after)).await
    }

    pub async fn insert_invitation(
        &self,
        id: &InvitationId,
        invitation: &Invitation,
    ) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), invitation).await
    }

    /// Another secret, another end and whoever answers for it now, unless it was used or revoked: `None`. The secret before is good for nothing then.
    pub async fn renew(
        &self,
        id: &InvitationId,
        (hash, by): (&str, &UserId),
        expires_at: Stamp,
    ) -> Result<Option<Stored<Invitation>>, StoreError> {
        let update = Update::default().set(SECRET_HASH, hash).set(EXPIRES_AT, expires_at).set(CREATED_BY, by);
        self.0.update(id.as_str(), vec![Filter::absent(USED_AT), Filter::absent(REVOKED_AT)], update).await
    }

    /// Revoke it. `false` when it was used already.
    pub async fn revoke(&self, id: &InvitationId, now: Stamp) -> Result<bool, StoreError> {
        let open = vec![Filter::absent(USED_AT), Filter::absent(REVOKED_AT)];
        match self.0.update(id.as_str(), open, Update::default().set(REVOKED_AT, now)).await? {
            Some(_) => Ok(true),
            None => Ok(self.get_invitation(id).await?.value.revoked_at.is_some()),
        }
    }
}

/// Look-ups across tenants, by the secret.
pub struct AllInvitations(Documents<Invitation>);

impl AllInvitations {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &INVITATIONS))
    }

    /// By the SHA-256 of the secret.
    pub async fn find_by_secret(&self, hash: &str) -> Result<Option<Stored<Invitation>>, StoreError> {
        self.0.first(Query::by_index(&INVITATIONS, BY_SECRET).equals(SECRET_HASH, hash)).await
    }

    /// Use it up. Of those who try at once one does; `false` for the others, and when it was revoked or renewed meanwhile.
    pub async fn spend(&self, invitation: &Stored<Invitation>, now: Stamp) -> Result<bool, StoreError> {
        let open = Query::by_id(&INVITATIONS, invitation.id.as_str())
            .filter(Filter::is(SECRET_HASH, &invitation.value.secret_hash))
            .filter(Filter::absent(USED_AT))
            .filter(Filter::absent(REVOKED_AT))
            .filter(Filter::at_least(EXPIRES_AT, now));
        Ok(self.0.update(open, Update::default().set(USED_AT, now)).await?.is_some())
    }

    /// It led to nothing, so it may be used still.
    pub async fn give_back(&self, id: &str, spent_at: Stamp) -> Result<(), StoreError> {
        let spent = Query::by_id(&INVITATIONS, id).filter(Filter::is(USED_AT, spent_at));
        self.0.update(spent, Update::default().unset(USED_AT)).await.map(drop)
    }

    /// Forget what expired before; answers how many, [`SWEPT`] at most.
    pub async fn sweep(&self, before: Stamp) -> Result<usize, StoreError> {
        self.0
            .delete_many(Query::by_index(&INVITATIONS, BY_EXPIRY).below(EXPIRES_AT, before).limit(SWEPT))
            .await
    }
}
