//! `GET /docs/{file}`

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{self, CacheControl, CacheDirective};
use actix_web::web::Path;
use utoipa_swagger_ui::Config;

use crate::error::ApiError;

/// Where the page begins.
pub const FIRST: &str = "/docs/index.html";
/// The library sets styles of single elements and draws its icons from `data:`; scripts are its own files, and it speaks to this bridge only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Seconds that a browser keeps a file: a newer bridge has another page an hour later.
const KEPT_SECONDS: u32 = 3600;

/// A file of the page: Swagger UI, from within the program. Nothing is loaded from elsewhere.
pub async fn page(file: Path<String>) -> Result<HttpResponse, ApiError> {
    let config =
        Config::from("/openapi.json").show_extensions(true).validator_url("none").doc_expansion("none");
    let found = utoipa_swagger_ui::serve(&file, Arc::new(config))
        .map_err(|error| ApiError::internal("the page cannot be made", error.as_ref()))?;
    let found = found.ok_or_else(|| ApiError::not_found("the page has no such file"))?;
    let mut response = HttpResponse::Ok();
    response.content_type(found.content_type);
    response.insert_header(CacheControl(vec![CacheDirective::MaxAge(KEPT_SECONDS)]));
    response.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    Ok(response.body(found.bytes.into_owned()))
}
