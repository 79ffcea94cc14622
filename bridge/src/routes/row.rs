//! How a row of the table is made.

use std::time::Duration;

use actix_web::Responder;
use actix_web::dev::Handler;
use actix_web::http::Method;

use super::doc::Doc;
use super::{Access, Route, audited};
use crate::edge::{InTurn, REQUEST_DEADLINE, followed};

pub(super) fn row<H, A>(at: (Method, &'static str), access: Access, handler: H, doc: Doc) -> Route
where
    H: Handler<A> + Send + Sync,
    H::Output: Responder,
    A: InTurn + 'static,
{
    slow_row(at, access, (handler, REQUEST_DEADLINE), doc)
}

/// A row whose handler gets another deadline.
pub(super) fn slow_row<H, A>(
    (method, path): (Method, &'static str),
    access: Access,
    (handler, deadline): (H, Duration),
    doc: Doc,
) -> Route
where
    H: Handler<A> + Send + Sync,
    H::Output: Responder,
    A: InTurn + 'static,
{
    let audited = audited(&method, access);
    let handler = Box::new(move || followed(handler.clone(), deadline, audited));
    let doc = doc.usual_refusals(path, access);
    let doc = if let Access::Person(..) = access { doc.limited() } else { doc };
    Route { method, path, access, handler, doc }
}
