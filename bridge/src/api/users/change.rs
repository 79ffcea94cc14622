//! `PATCH /api/v1/users/{user_id}`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;
use vox_shared::ids::UserId;
use vox_shared::typed::trimmed;

use crate::api::auth::view::UserView;
use crate::auth::allowed::Allowed;
use crate::auth::others::{Change, RankError};
use crate::auth::people::People;
use crate::auth::permission::EditUsers;
use crate::auth::role::Role;
use crate::auth::rules::Checks;
use crate::edge::body::Checked;
use crate::edge::params::InPath;
use crate::error::{ApiError, ApiResult};
use crate::fields::given;
use crate::store::StoreError;
use crate::store::users::User;

/// What may be changed of somebody of a lower rank; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// Their sessions end with it.
    email: Option<String>,
    name: Option<String>,
    /// Up to your own.
    role: Option<Role>,
    /// Who is not active is out at once and cannot log in.
    active: Option<bool>,
    languages: Option<Vec<String>>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    primary_language: Option<Option<String>>,
}

/// Change a person of a lower rank.
#[instrument(name = "users.change", skip_all)]
pub async fn change(
    who: Allowed<EditUsers>,
    user: InPath<UserId>,
    people: Data<People>,
    body: Checked<UserChange>,
) -> ApiResult<Json<UserView>> {
    let UserChange { email, name, role, active, languages, primary_language } = body.0;
    let email = email.map(|email| trimmed(&email).to_owned());
    let change = Change { email, name, role, active, languages, primary_language };
    let found = people.stores.users(who.tenant()).get_user(&user.0).await?;
    check(&change.applied(&found.value))?;
    let changed = people.change(who.user(), found, &change).await?;
    Ok(Json(UserView::new(&changed.id, &changed.value)))
}

fn check(user: &User) -> ApiResult<()> {
    let checks = Checks::default().email(&user.email).name(&user.name);
    checks.languages(&user.languages, user.primary_language.as_deref()).finish().map_err(ApiError::invalid)
}

impl From<RankError> for ApiError {
    fn from(error: RankError) -> Self {
        const LAST: &str = "nobody may be left without a super_admin: make another one first (of two who delete each other at the same moment both may be told this)";
        match error {
            RankError::RoleTooHigh => Self::forbidden("a role above your own cannot be given"),
            RankError::RankTooLow => Self::forbidden("your role must be above theirs"),
            RankError::OwnAccount => Self::conflict(
                "own_account",
                "change your own account under /api/v1/auth/me; your role, and whether you are active, others decide",
            ),
            RankError::SuperAdminElsewhere => Self::forbidden(
                "super_admins belong to the tenant of those who make them; leave `X-Tenant` out",
            ),
            RankError::LastSuperAdmin => Self::conflict("last_super_admin", LAST),
            RankError::Person(error) => error.into(),
            RankError::Store(StoreError::NotFound) => Self::not_found("user"),
            RankError::Store(error) => error.into(),
        }
    }
}
