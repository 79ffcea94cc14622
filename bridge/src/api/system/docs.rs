//! `GET /docs`

use actix_web::HttpResponse;
use actix_web::http::header;

use super::page;

/// To the OpenAPI document as a page for people, from which requests can be sent.
pub async fn docs() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, page::FIRST)).finish()
}
