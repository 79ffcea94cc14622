//! `GET /openapi.json`

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::Data;

use crate::routes::document::Document;

/// The API as an OpenAPI document, made from the route table when the bridge started.
pub async fn openapi(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok().insert_header(ContentType::json()).body(document.0.clone())
}
