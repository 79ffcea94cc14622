//! How people are shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::role::Role;
use crate::store::users::User;

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    pub id: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub tenant_id: String,
    pub active: bool,
    pub languages: Vec<String>,
    pub primary_language: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

impl UserView {
    pub fn new(id: &str, user: &User) -> Self {
        Self {
            id: id.to_owned(),
            email: user.email.clone(),
            name: user.name.clone(),
            role: user.role,
            tenant_id: user.tenant_id.to_string(),
            active: user.active,
            languages: user.languages.clone(),
            primary_language: user.primary_language.clone(),
            created_at: user.created_at.to_string(),
        }
    }
}
