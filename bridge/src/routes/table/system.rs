//! The bridge itself.

use actix_web::http::Method;

use crate::api::system;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        row(
            (Method::GET, "/health"),
            Access::Public,
            system::health::health,
            Doc::new("system", "Health")
                .answers::<system::health::Health>("200", "The bridge and its store of documents answer")
                .refuses("503", "The store does not answer, or takes no writes"),
        ),
        row(
            (Method::GET, "/ready"),
            Access::Public,
            system::ready::ready,
            Doc::new("system", "Readiness, part by part")
                .answers::<system::ready::Ready>("200", "The bridge works, perhaps with less (`degraded`)")
                .answers::<system::ready::Ready>("503", "The documents or the keys cannot be used"),
        ),
        row(
            (Method::GET, "/openapi.json"),
            Access::Public,
            system::openapi::openapi,
            Doc::new("system", "This document").answers_with("200", "application/json", "OpenAPI"),
        ),
        row(
            (Method::GET, "/docs"),
            Access::Public,
            system::docs::docs,
            Doc::new("system", "To this document as a page")
                .answers_empty("307", "It is at `/docs/index.html`"),
        ),
        row(
            (Method::GET, "/docs/{file}"),
            Access::Public,
            system::page::page,
            Doc::new("system", "A file of the page of this document, from which requests can be sent")
                .answers_with("200", "text/html", "HTML, a script, a style or an image"),
        ),
    ]
}
