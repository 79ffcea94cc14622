//! What a super_admin sees to for the whole deployment.

use actix_web::http::Method;

use crate::api::settings;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use settings::{rotate, rotation, view};
    let manage = Access::with::<may::ManageSettings>();
    vec![
        row(
            (Method::GET, "/api/v1/settings/keys/rotation"),
            manage,
            rotation::rotation,
            Doc::new("settings", "How far the last rotation of keys is")
                .answers::<view::RotationView>("200", "The last one"),
        ),
        row(
            (Method::POST, "/api/v1/settings/keys/rotation"),
            manage,
            rotate::rotate,
            Doc::new("settings", "Rotate the keys that secrets are encrypted under")
                .answers::<view::RotationView>("202", "It runs, or ran already"),
        ),
    ]
}
