//! Vendor keys.

use actix_web::http::Method;

use crate::api::vendors;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    let seen = row(
        (Method::GET, "/api/v1/vendors"),
        Access::with::<may::ReadVendors>(),
        vendors::list::list,
        Doc::new("vendors", "How vendors answer, and whether they take the tenant's keys")
            .answers::<vendors::list::VendorList>("200", "One item for each account"),
    );
    let keys = row(
        (Method::GET, "/api/v1/vendor-keys"),
        Access::with::<may::ReadVendorKeys>(),
        vendors::keys::keys,
        Doc::new("vendors", "Vendor keys of the tenant's bots in clear, for `vox doctor`")
            .answers::<vendors::keys::VendorUses>("200", "One item a key"),
    );
    vec![seen, keys]
}
