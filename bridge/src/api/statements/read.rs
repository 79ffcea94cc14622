//! `GET /api/v1/statements/{period}`

use actix_web::web::{Data, Json};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::StatementView;
use crate::api::reports::whole;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadUsage;
use crate::edge::params::{InPath, InQuery};
use crate::error::ApiResult;
use crate::store::statements::Statement;
use crate::store::{Reach, StoreError, Stores};

/// Which revision.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct RevisionQuery {
    /// The last one when left out.
    pub(super) revision: Option<i64>,
}

/// The statement of a month.
#[instrument(name = "statements.read", skip_all)]
pub async fn read(
    who: Allowed<ReadUsage>,
    period: InPath<String>,
    query: InQuery<RevisionQuery>,
    stores: Data<Stores>,
) -> ApiResult<Json<StatementView>> {
    Ok(Json(find(&stores, who.reach(), (&period.0, query.0.revision)).await?.into()))
}

/// A revision of a tenant's statement, or its last one.
pub(super) async fn find(
    stores: &Stores,
    reach: &Reach,
    (period, revision): (&str, Option<i64>),
) -> ApiResult<Statement> {
    whole(reach)?;
    let statements = stores.statements(reach.tenant());
    let found = match revision {
        Some(revision) => statements.get_revision(period, revision).await?,
        None => statements.find_last(period).await?.ok_or(StoreError::NotFound)?,
    };
    Ok(found.value)
}
