//! `GET /openapi.json`

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::Data;

use crate::routes::document::Documents;

/// The API as an OpenAPI document, made from the route table when the bridge started.
pub async fn openapi(documents: Data<Documents>) -> HttpResponse {
    HttpResponse::Ok().insert_header(ContentType::json()).body(documents.json.clone())
}
