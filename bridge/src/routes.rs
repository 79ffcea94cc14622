//! The route table. A route exists by having a row here; its documentation and its tests come from the same row.

pub mod doc;
pub mod document;
mod row;
mod surface;
mod table;

use actix_web::http::Method;

use crate::audit::trail::Audited;
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
    /// Whoever has the token of the call that it is about, or a worker, or one of the deployment's tools; everybody else, another call's
    /// token too, gets 403.
    OfCall,
    /// One of the deployment's own tools; everybody else gets 403, a worker too.
    Tools,
    /// A page with a bot's public key, of an origin that the bot allows, or with the token of its visitor's call: the handler finds that out.
    Page,
    /// The LiveKit server, which signs what it tells.
    LiveKit,
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

impl Route {
    /// Whether its requests are in the audit log. Whatever may change something is, so no new route can be forgotten.
    pub fn audited(&self) -> Audited {
        audited(&self.method, self.access)
    }
}

fn audited(method: &Method, access: Access) -> Audited {
    match access {
        _ if [Method::GET, Method::HEAD].contains(method) => Audited::No,
        // Workers and tools: what they do is in the calls' own records.
        Access::Internal | Access::OfCall | Access::Tools => Audited::No,
        // Visitors and telephones: the calls that come of it are records.
        Access::Page | Access::LiveKit => Audited::No,
        Access::Public => Audited::ByTheHandler,
        Access::Person(..) => Audited::AtTheDoor,
    }
}

impl Access {
    /// Whoever has this permission.
    pub const fn with<P: Permission>() -> Self {
        Self::Person(P::ROLE, P::SCOPE)
    }
}
