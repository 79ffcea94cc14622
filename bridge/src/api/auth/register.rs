//! `POST /api/v1/auth/register`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::UserId;

use super::view::UserView;
use crate::app::App;
use crate::auth::allowed::Allowed;
use crate::auth::permission::CreateUsers;
use crate::auth::role::Role;
use crate::auth::rules::Checks;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::store::users::{User, fold_email};
use crate::store::{Stamp, StoreError};

/// A person to be.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewUser {
    email: String,
    #[schema(value_type = String)]
    password: SecretString,
    name: String,
    role: Role,
    #[serde(default)]
    languages: Vec<String>,
    primary_language: Option<String>,
}

/// Make a user of the own tenant, of the own rank at most.
#[instrument(name = "auth.register", skip_all)]
pub async fn register(
    who: Allowed<CreateUsers>,
    State(app): State<App>,
    body: Checked<NewUser>,
) -> ApiResult<(StatusCode, Json<UserView>)> {
    let new = body.0;
    if !who.user().role.may_assign(new.role) {
        return Err(ApiError::forbidden("a role above your own cannot be given"));
    }
    Checks::default()
        .email(&new.email)
        .name(&new.name)
        .new_password("password", &new.password)
        .languages(&new.languages, new.primary_language.as_deref())
        .finish()?;
    let now = Stamp(app.clock.now());
    let user = User {
        tenant_id: who.tenant().clone(),
        email_folded: fold_email(&new.email),
        email: new.email,
        name: new.name,
        role: new.role,
        active: true,
        languages: new.languages,
        primary_language: new.primary_language,
        password_hash: app.passwords.hash(new.password).await?,
        tokens_valid_from: now,
        created_at: now,
    };
    let id = UserId::generate();
    match app.stores.users(who.tenant()).insert_user(&id, &user).await {
        Err(StoreError::Duplicate) => {
            Err(ApiError::conflict("email_taken", "a user with this address exists"))
        }
        inserted => {
            inserted?;
            Ok((StatusCode::CREATED, Json(UserView::new(id.as_str(), &user))))
        }
    }
}
