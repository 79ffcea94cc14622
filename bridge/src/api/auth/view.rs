//! How people are shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::role::Role;
use crate::auth::session::Session;
use crate::auth::token::ACCESS_SECONDS;
use crate::store::users::User;

/// What a login and a refresh answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    pub access_token: String,
    /// Good once.
    pub refresh_token: String,
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Of the access token, seconds.
    pub expires_in: i64,
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        let Session { access_token, refresh_token } = session;
        Self { access_token, refresh_token, token_type: "bearer", expires_in: ACCESS_SECONDS }
    }
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    pub id: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub tenant_id: String,
    pub active: bool,
    /// Whether a log-in needs a code beside the password.
    pub second_factor: bool,
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
            second_factor: user.has_second_factor(),
            languages: user.languages.clone(),
            primary_language: user.primary_language.clone(),
            created_at: user.created_at.to_string(),
        }
    }
}
