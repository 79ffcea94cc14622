//! `GET /docs`

use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentType};
use actix_web::web::Data;

use crate::routes::document::Documents;
use crate::routes::page;

/// The OpenAPI document as a page for people.
pub async fn docs(documents: Data<Documents>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(ContentType::html());
    response.insert_header((header::CONTENT_SECURITY_POLICY, page::policy()));
    response.body(documents.page.clone())
}
