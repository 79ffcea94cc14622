//! How keys are shown.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::keys::Issued;
use crate::auth::scope::Scope;
use crate::store::api_keys::Key;
use crate::store::{Stamp, Stored};

/// Whether a key opens anything.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    Live,
    Expired,
    Revoked,
}

/// A key without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyView {
    pub id: String,
    pub name: String,
    /// The first characters of the secret.
    #[schema(example = "vx_3fQ9")]
    pub prefix: String,
    pub status: KeyStatus,
    pub scopes: BTreeSet<Scope>,
    /// The bots that it is limited to; null when all of the tenant's are open.
    pub bots: Option<Vec<String>>,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// The user who made it.
    pub created_by: String,
    pub expires_at: Option<String>,
    /// Behind by up to a minute.
    pub last_used_at: Option<String>,
    pub revoked_at: Option<String>,
}

/// A key with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedKey {
    /// What a program sends. It is shown this once.
    pub token: String,
    #[serde(flatten)]
    pub key: KeyView,
}

/// One page of keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyPage {
    pub items: Vec<KeyView>,
    pub next_cursor: Option<String>,
}

impl KeyView {
    /// As it stands at that time.
    pub fn new(stored: Stored<Key>, now: Timestamp) -> Self {
        let key = stored.value;
        let status = match key.revoked_at {
            Some(_) => KeyStatus::Revoked,
            None if key.is_expired(Stamp(now)) => KeyStatus::Expired,
            None => KeyStatus::Live,
        };
        let bots = key.bots.map(|bots| bots.iter().map(ToString::to_string).collect());
        let told = |at: Option<Stamp>| at.map(|at| at.to_string());
        Self {
            id: stored.id,
            name: key.name,
            prefix: key.prefix,
            status,
            scopes: key.scopes,
            bots,
            created_at: key.created_at.to_string(),
            created_by: key.created_by.to_string(),
            expires_at: told(key.expires_at),
            last_used_at: told(key.last_used_at),
            revoked_at: told(key.revoked_at),
        }
    }
}

impl IssuedKey {
    /// As it stands at that time.
    pub fn new(issued: Issued, now: Timestamp) -> Self {
        Self { token: issued.token, key: KeyView::new(issued.key, now) }
    }
}
