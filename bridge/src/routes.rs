//! The route table. A route exists by having a row here; its documentation and its tests come from the same row.

pub mod doc;
pub mod document;
pub mod page;
mod surface;
mod table;

use actix_web::http::Method;

use crate::auth::permission::Permission;
use crate::auth::role::Role;
use crate::auth::scope::Scope;
use doc::Doc;

pub use surface::{api, metrics_page};
pub use table::table;

/// Who may use a route. The handler's extractor enforces it; the row says it again, and a test holds them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// A worker, or one of the deployment's tools; everybody else gets 403.
    Internal,
    /// One of the deployment's own tools; everybody else gets 403, a worker too.
    Tools,
    /// A person of this rank or above, or a key with this scope; no credential is 401, a lower rank or another scope 403,
    /// another tenant's object 404. Without a scope no key opens it.
    Person(Role, Option<Scope>),
}

/// One route.
pub struct Route {
    pub method: Method,
    /// With `{names}`.
    pub path: &'static str,
    pub access: Access,
    /// Makes the route, once for each thread that serves.
    handler: Box<dyn Fn() -> actix_web::Route + Send + Sync>,
    pub doc: Doc,
}

impl Access {
    /// Whoever has this permission.
    pub const fn with<P: Permission>() -> Self {
        Self::Person(P::ROLE, P::SCOPE)
    }
}
