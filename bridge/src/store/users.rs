//! People who may log in.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{TenantId, UserId};
use vox_shared::typed::trimmed;

use super::documents::{Documents, Listed, OfTenant, Scoped, StoreError, Stored, TENANT};
use super::engine::{Boolean, Collection, Cursor, Engine, Field, Filter, Index, Order, Query, Text, holds};
use super::stamp::Stamp;
use crate::auth::role::Role;
use crate::field;

const BY_EMAIL: &str = "by_email";
const BY_CREATED: &str = "by_created";
const BY_ROLE: &str = "by_role";

const EMAIL_FOLDED: Field<Text> = field!(User => email_folded: Text);
const CREATED_AT: Field<Text> = field!(User => created_at: Text);
const ROLE: Field<Text> = field!(User => role: Text);
const ACTIVE: Field<Boolean> = field!(User => active: Boolean);

pub static USERS: Collection = Collection {
    name: "users",
    indexes: &[
        Index::unique(BY_EMAIL, &[EMAIL_FOLDED.place()]),
        Index::ordered(BY_CREATED, &[TENANT.place(), CREATED_AT.place()]),
        Index::ordered(BY_ROLE, &[ROLE.place(), CREATED_AT.place()]),
    ],
    fields: &[ACTIVE.place()],
    steps: &[],
};

holds! { Text: Role => |role| role.as_str().into(); }

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
    /// Since when somebody is about to delete this super_admin, who is not counted as one that stays meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving_since: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<SecondFactor>,
}

impl User {
    /// Whether a password alone does not let this person in.
    pub fn has_second_factor(&self) -> bool {
        self.second_factor.as_ref().is_some_and(|factor| factor.confirmed_at.is_some())
    }
}

/// An authenticator app that makes codes (RFC 6238).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecondFactor {
    /// What the codes are made of, base32.
    pub secret: String,
    /// Absent until a code has shown that the app has the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Stamp>,
    /// The last step of time whose code was used: a code is good once.
    pub last_step: i64,
    /// SHA-256 of each recovery code that is left.
    pub recovery_hashes: Vec<String>,
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

/// Which people are wanted; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    pub role: Option<Role>,
    pub active: Option<bool>,
    /// Compared folded.
    pub email: Option<String>,
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

    /// Newest first.
    pub async fn list_users(
        &self,
        filter: &UserFilter,
        limit: usize,
        after: Option<Cursor>,
    ) -> Result<Listed<User>, StoreError> {
        let mut query = self.0.query(BY_CREATED).order(Order::Descending);
        if let Some(role) = filter.role {
            query = query.filter(Filter::is(ROLE, role));
        }
        if let Some(active) = filter.active {
            query = query.filter(Filter::is(ACTIVE, active));
        }
        if let Some(email) = &filter.email {
            query = query.filter(Filter::is(EMAIL_FOLDED, fold_email(email)));
        }
        self.0.list(query.limit(limit).after(after)).await
    }

    /// [`StoreError::Duplicate`] when the address is taken.
    pub async fn insert_user(&self, id: &UserId, user: &User) -> Result<(), StoreError> {
        self.0.insert(id.as_str(), user).await
    }

    /// [`StoreError::Duplicate`] when another person has the address.
    pub async fn replace_user(&self, user: Stored<User>) -> Result<Stored<User>, StoreError> {
        self.0.replace(user).await
    }

    pub async fn delete_user(&self, user: &Stored<User>) -> Result<(), StoreError> {
        self.0.delete(&user.id, user.version).await
    }
}

/// Look-ups across tenants, by what a person proves to be theirs.
pub struct AllUsers(Documents<User>);

impl AllUsers {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(Documents::new(engine, &USERS))
    }

    /// Somebody of whom another document says that they made it.
    pub async fn find_user(&self, id: &UserId) -> Result<Option<Stored<User>>, StoreError> {
        self.0.find(id.as_str()).await
    }

    pub async fn find_by_email(&self, email: &str) -> Result<Option<Stored<User>>, StoreError> {
        self.0.first(Query::by_index(&USERS, BY_EMAIL).equals(EMAIL_FOLDED, fold_email(email))).await
    }

    /// Active people of a role in the deployment, the oldest first.
    pub async fn list_active(&self, role: Role, limit: usize) -> Result<Vec<Stored<User>>, StoreError> {
        let query = Query::by_index(&USERS, BY_ROLE).equals(ROLE, role).filter(Filter::is(ACTIVE, true));
        Ok(self.0.list(query.limit(limit)).await?.items)
    }
}
