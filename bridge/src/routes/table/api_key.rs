//! Keys of the API.

use actix_web::http::Method;

use crate::api::api_keys;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use api_keys::view::{IssuedKey, KeyPage, KeyView};
    let manage = Access::with::<may::ManageApiKeys>();
    const LIST: &str = "/api/v1/api-keys";
    const ONE: &str = "/api/v1/api-keys/{key_id}";
    vec![
        row(
            (Method::GET, LIST),
            manage,
            api_keys::list::list,
            Doc::new("api-keys", "List keys")
                .query::<api_keys::list::ListQuery>()
                .answers::<KeyPage>("200", "Newest first, the revoked and expired ones too"),
        ),
        row(
            (Method::POST, LIST),
            manage,
            api_keys::create::create,
            Doc::new("api-keys", "Create a key")
                .body::<api_keys::create::KeyRequest>()
                .answers::<IssuedKey>("201", "The key, with its secret this once")
                .refuses("409", "`too_many_api_keys`: the tenant has 100 live ones"),
        ),
        row(
            (Method::GET, ONE),
            manage,
            api_keys::read::read,
            Doc::new("api-keys", "Read a key").answers::<KeyView>("200", "The key, without its secret"),
        ),
        row(
            (Method::DELETE, ONE),
            manage,
            api_keys::revoke::revoke,
            Doc::new("api-keys", "Revoke a key")
                .answers_empty("204", "It opens nothing any more; its record stays"),
        ),
        row(
            (Method::POST, "/api/v1/api-keys/{key_id}/rotate"),
            manage,
            api_keys::rotate::rotate,
            Doc::new("api-keys", "Give a key a new secret")
                .answers::<IssuedKey>(
                    "200",
                    "The key with its new secret; the old one opens nothing any more",
                )
                .refuses("409", "`api_key_not_live`: it is revoked or has expired"),
        ),
    ]
}
