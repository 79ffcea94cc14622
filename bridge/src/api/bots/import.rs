//! `POST /api/v1/bots/import`

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde_json::{Map, Value};
use tracing::instrument;

use super::create::may_make;
use super::view::{WithTag, tagged};
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditBots;
use crate::bot::catalogue::{Catalogue, Origin};
use crate::bot::parcel::unpack;
use crate::edge::body::Checked;
use crate::edge::idempotency::creation;
use crate::error::{ApiError, ApiResult};

/// Make a bot out of a file that was exported. What the file left out is given with it, by its place.
#[instrument(name = "bots.import", skip_all)]
pub async fn import(
    who: Allowed<EditBots>,
    trail: Trail,
    bots: Data<Catalogue>,
    request: HttpRequest,
    body: Checked<Map<String, Value>>,
) -> ApiResult<WithTag> {
    may_make(&who)?;
    let creation = creation(request.headers(), who.id(), &Value::Object(body.0.clone()))?;
    let held = bots.held(who.reach()).await?;
    let settings = unpack(body.0, &held).map_err(ApiError::invalid)?;
    let origin = Origin { author: who.id().into(), note: "imported".into(), creation };
    let bot = bots.create(who.reach(), settings, origin).await?;
    trail.concerns(&bot.id);
    Ok(tagged(StatusCode::CREATED, bot))
}
