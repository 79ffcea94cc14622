//! `GET /openapi.json`

use axum::Json;
use utoipa::openapi::OpenApi;

use crate::routes;

/// The API as an OpenAPI document, made from the route table.
pub async fn openapi() -> Json<OpenApi> {
    Json(routes::document::document())
}
