//! `POST /api/v1/auth/register`

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use secrecy::SecretString;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::typed::trimmed;

use super::view::UserView;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::others::may_give;
use crate::auth::people::{NewPerson, People};
use crate::auth::permission::CreateUsers;
use crate::auth::role::Role;
use crate::auth::rules::Checks;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};

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

/// Make a user of the tenant that one acts in, of the own rank at most.
#[instrument(name = "auth.register", skip_all)]
pub async fn register(
    who: Allowed<CreateUsers>,
    trail: Trail,
    people: Data<People>,
    body: Checked<NewUser>,
) -> ApiResult<(Json<UserView>, StatusCode)> {
    let mut new = body.0;
    new.email = trimmed(&new.email).to_owned();
    may_give(who.user(), new.role, who.tenant())?;
    Checks::default()
        .email(&new.email)
        .name(&new.name)
        .new_password("password", &new.password)
        .languages(&new.languages, new.primary_language.as_deref())
        .finish()
        .map_err(ApiError::invalid)?;
    let NewUser { email, password, name, role, languages, primary_language } = new;
    let tenant_id = who.tenant().clone();
    let new = NewPerson { tenant_id, email, name, role, languages, primary_language, password };
    let (id, user) = people.register(new).await?;
    trail.concerns(id.as_str());
    Ok((Json(UserView::new(id.as_str(), &user)), StatusCode::CREATED))
}
