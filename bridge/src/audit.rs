//! The audit log: which person or key did what, from where, and how it went. `trail` follows a request, `log` adds entries, `check` finds out
//! whether a chain of them is as it was written.
//!
//! What workers and the deployment's own tools do with their secrets is not in it: that is in the calls' own records.

pub mod check;
pub mod log;
pub mod refusals;
pub mod trail;

use vox_shared::ids::TenantId;

use crate::auth::role::Role;
use crate::store::Stored;
use crate::store::api_keys::Key;
use crate::store::refresh_tokens::Family;
use crate::store::users::User;

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// In whose log it is written down.
    pub tenant_id: TenantId,
    pub id: String,
    /// `None` of a key.
    pub email: Option<String>,
    /// `None` of a key, and where only the session is known.
    pub role: Option<Role>,
}

impl Actor {
    pub fn person(user: &Stored<User>) -> Self {
        let User { tenant_id, email, role, .. } = &user.value;
        Self {
            tenant_id: tenant_id.clone(),
            id: user.id.clone(),
            email: Some(email.clone()),
            role: Some(*role),
        }
    }

    /// The program that holds the key.
    pub fn key(key: &Stored<Key>) -> Self {
        Self { tenant_id: key.value.tenant_id.clone(), id: key.id.clone(), email: None, role: None }
    }

    /// The person whose session it is.
    pub fn of_session(family: &Family) -> Self {
        let Family { tenant_id, user_id, email, .. } = family;
        Self { tenant_id: tenant_id.clone(), id: user_id.to_string(), email: Some(email.clone()), role: None }
    }
}
