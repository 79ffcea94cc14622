//! `GET /api/v1/users`

use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};

use crate::api::auth::view::UserView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadUsers;
use crate::auth::role::Role;
use crate::auth::rules::MAX_EMAIL_BYTES;
use crate::edge::params::{InQuery, limit_of};
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;
use crate::store::users::UserFilter;
use crate::store::{Cursor, StoreError, Stores};

/// Who, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    role: Option<Role>,
    active: Option<bool>,
    /// The whole address; upper and lower case do not matter.
    email: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One page of people.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserPage {
    pub items: Vec<UserView>,
    pub next_cursor: Option<String>,
}

/// The tenant's people, newest first.
#[instrument(name = "users.list", skip_all)]
pub async fn list(
    who: Allowed<ReadUsers>,
    query: InQuery<ListQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<UserPage>> {
    let ListQuery { role, active, email, limit, cursor } = query.0;
    if email.as_ref().is_some_and(|email| !(1..=MAX_EMAIL_BYTES).contains(&email.len())) {
        return Err(ApiError::invalid(vec![FieldError::new("email", "must be a whole e-mail address")]));
    }
    let cursor = cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
    let filter = UserFilter { role, active, email };
    let listed = stores.users(who.tenant()).list_users(&filter, limit_of(limit)?, cursor).await?;
    let items = listed.items.iter().map(|user| UserView::new(&user.id, &user.value)).collect();
    Ok(Json(UserPage { items, next_cursor: listed.next_cursor }))
}
