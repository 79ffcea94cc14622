//! People who may log in.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{TenantId, UserId};
use vox_shared::typed::trimmed;

use super::documents::{Documents, OfTenant, Scoped, StoreError, Stored};
use super::engine::{Collection, Engine, Field, Index, Query, Text};
use super::stamp::Stamp;
use crate::auth::role::Role;
use crate::field;

const BY_EMAIL: &str = "by_email";

const EMAIL_FOLDED: Field<Text> = field!(User => email_folded: Text);

pub static USERS: Collection = Collection {
    name: "users",
    indexes: &[Index::unique(BY_EMAIL, &[EMAIL_FOLDED.place()])],
    fields: &[],
    steps: &[],
};

/// A person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    pub tenant_id: TenantId,
    pub email: String,
    /// [`fold_email`] of it; unique in the deployment.
    pub email_folded: String,
    pub name: String,
    pub role: Role,
    pub active: bool,
    pub languages: Vec<String>,
    pub primary_language: Option<String>,
    /// Argon2id, PHC form.
    pub password_hash: String,
    /// Access tokens from before are refused: a changed password ends every session.
    pub tokens_valid_from: Stamp,
    pub created_at: Stamp,
}

impl OfTenant for User {
    fn tenant(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// The form in which addresses are compared. Engines share no collation, so the folded form is stored.
pub fn fold_email(email: &str) -> String {
    trimmed(email).to_lowercase()
}

/// The people of one tenant.
pub struct Users(Scoped<User>);

impl Users {
    pub(super) fn open(engine: Arc<dyn Engine>, tenant: TenantId) -> Self {
        Self(Scoped::new(Documents::new(engine, &USERS), tenant))
    }

    pub async fn get_user(&self, id: &UserId) -> Result<Stored<User>, StoreError> {
        self.0.get(id.as_str()).await
    }

    /// [`StoreError::Duplicate`] when the address is taken.
    pub async fn insert_user(&self, id: &UserId, user: &User) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), user).await
    }

    pub async fn replace_user(&self, user: Stored<User>) -> Result<Stored<User>, StoreError> {
        self.0.replace(user).await
    }
}

/// Look-ups across tenants, by what a person proves to be theirs.
pub struct AllUsers(Documents<User>);

impl AllUsers {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &USERS))
    }

    pub async fn find_by_email(&self, email: &str) -> Result<Option<Stored<User>>, StoreError> {
        self.0.first(Query::by_index(&USERS, BY_EMAIL).equals(EMAIL_FOLDED, fold_email(email))).await
    }
}
