//! `GET|PUT /api/v1/auth/me`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::view::UserView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::OwnProfile;
use crate::auth::rules::Checks;
use crate::edge::body::Checked;
use crate::error::{ApiError, ApiResult};
use crate::store::Stores;

/// What people may change of themselves; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Profile {
    name: Option<String>,
    languages: Option<Vec<String>>,
    primary_language: Option<String>,
}

/// Oneself.
#[instrument(name = "auth.me", skip_all)]
pub async fn read(who: Allowed<OwnProfile>) -> Json<UserView> {
    Json(UserView::new(who.user_id().as_str(), who.user()))
}

/// Change one's own name and languages.
#[instrument(name = "auth.change_me", skip_all)]
pub async fn replace(
    who: Allowed<OwnProfile>,
    stores: Data<Stores>,
    body: Checked<Profile>,
) -> ApiResult<Json<UserView>> {
    // One's own, wherever one acts.
    let users = stores.users(&who.user().tenant_id);
    let mut stored = who.into_stored();
    let Profile { name, languages, primary_language } = body.0;
    let user = &mut stored.value;
    user.name = name.unwrap_or_else(|| user.name.clone());
    if let Some(languages) = languages {
        // A primary language that is no longer among them goes with them.
        user.primary_language = user.primary_language.take().filter(|p| languages.contains(p));
        user.languages = languages;
    }
    user.primary_language = primary_language.or(user.primary_language.take());
    Checks::default()
        .name(&user.name)
        .languages(&user.languages, user.primary_language.as_deref())
        .finish()
        .map_err(ApiError::invalid)?;
    let stored = users.replace_user(stored).await?;
    Ok(Json(UserView::new(&stored.id, &stored.value)))
}
