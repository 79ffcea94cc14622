//! Tenants.

use actix_web::http::Method;

use crate::api::tenants;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use tenants::view::{TenantPage, TenantView};
    let (manage, own) = (Access::with::<may::ManageTenants>(), Access::with::<may::EditOwnTenant>());
    const LIST: &str = "/api/v1/tenants";
    const ONE: &str = "/api/v1/tenants/{tenant_id}";
    const OWN: &str = "/api/v1/tenant";
    const UNKNOWN: &str = "There is no such tenant";
    vec![
        row(
            (Method::GET, LIST),
            manage,
            tenants::list::list,
            Doc::new("tenants", "List tenants")
                .query::<tenants::list::ListQuery>()
                .answers::<TenantPage>("200", "Newest first, the deleted ones too"),
        ),
        row(
            (Method::POST, LIST),
            manage,
            tenants::create::create,
            Doc::new("tenants", "Create a tenant")
                .body::<tenants::create::NewTenant>()
                .answers::<TenantView>("201", "The tenant")
                .refuses("409", "Another tenant has the slug")
                .refuses("422", "All that is wrong with it"),
        ),
        row(
            (Method::GET, ONE),
            manage,
            tenants::read::read,
            Doc::new("tenants", "Read a tenant")
                .answers::<TenantView>("200", "The tenant")
                .refuses("404", UNKNOWN),
        ),
        row(
            (Method::PATCH, ONE),
            manage,
            tenants::change::change,
            Doc::new("tenants", "Change a tenant")
                .body::<tenants::change::TenantChange>()
                .answers::<TenantView>("200", "The tenant")
                .refuses("404", UNKNOWN)
                .refuses("409", "It was changed in the meantime, or another tenant has the slug")
                .refuses("422", "All that is wrong with it"),
        ),
        row(
            (Method::DELETE, ONE),
            manage,
            tenants::delete::delete,
            Doc::new("tenants", "Delete a tenant")
                .answers_empty("204", "It is deleted, and can be restored for 30 days")
                .refuses("404", UNKNOWN)
                .refuses("409", "It is your own"),
        ),
        row(
            (Method::POST, "/api/v1/tenants/{tenant_id}/restore"),
            manage,
            tenants::delete::restore,
            Doc::new("tenants", "Restore a deleted tenant")
                .answers::<TenantView>("200", "The tenant, suspended")
                .refuses("404", UNKNOWN)
                .refuses("409", "It is not deleted, or was deleted more than 30 days ago"),
        ),
        row(
            (Method::POST, "/api/v1/tenants/{tenant_id}/suspend"),
            manage,
            tenants::suspend::suspend,
            Doc::new("tenants", "Suspend a tenant")
                .answers::<TenantView>("200", "The tenant; it begins nothing new from now on")
                .refuses("404", UNKNOWN)
                .refuses("409", "It is your own, or deleted"),
        ),
        row(
            (Method::POST, "/api/v1/tenants/{tenant_id}/activate"),
            manage,
            tenants::suspend::activate,
            Doc::new("tenants", "Activate a suspended tenant")
                .answers::<TenantView>("200", "The tenant")
                .refuses("404", UNKNOWN)
                .refuses("409", "It is deleted"),
        ),
        row(
            (Method::GET, OWN),
            own,
            tenants::own::read,
            Doc::new("tenants", "Read own tenant").answers::<TenantView>("200", "The tenant"),
        ),
        row(
            (Method::PATCH, OWN),
            own,
            tenants::own::change,
            Doc::new("tenants", "Change own tenant")
                .body::<tenants::own::OwnTenantChange>()
                .answers::<TenantView>("200", "The tenant")
                .refuses("422", "All that is wrong with it"),
        ),
    ]
}
