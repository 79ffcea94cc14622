//! The route table. A route exists by having a row here; its documentation and its tests come from the same row.

pub mod doc;
pub mod document;
mod table;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware;
use axum::routing::MethodRouter;

use crate::app::App;
use crate::auth::permission::Permission;
use crate::auth::role::Role;
use crate::edge;
use crate::edge::body::MAX_JSON_BYTES;
use doc::Doc;

pub use table::table;

/// Who may use a route. The handler's extractor enforces it; the row says it again, and a test holds them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever has the internal secret; everybody else gets 403.
    Internal,
    /// A person of this rank or above; no credential is 401, a lower rank 403, another tenant's object 404.
    Person(Role),
}

/// One route.
pub struct Route {
    pub method: Method,
    /// With `{names}`.
    pub path: &'static str,
    pub access: Access,
    handler: MethodRouter<App>,
    pub doc: Doc,
}

impl Access {
    /// Whoever has this permission.
    pub const fn with<P: Permission>() -> Self {
        Self::Person(P::ROLE)
    }
}

/// All routes with what surrounds them.
pub fn router(app: App) -> Router {
    let routes =
        table().into_iter().fold(Router::new(), |router, route| router.route(route.path, route.handler));
    routes
        .fallback(edge::unmatched)
        .method_not_allowed_fallback(edge::wrong_method)
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .layer(middleware::from_fn_with_state(app.clone(), edge::surround))
        .with_state(app)
}
