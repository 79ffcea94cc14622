//! People of a tenant.

use actix_web::http::Method;

use crate::api::auth::view::UserView;
use crate::api::invitations::view::MadeInvitation;
use crate::api::users;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    let (read, edit) = (Access::with::<may::ReadUsers>(), Access::with::<may::EditUsers>());
    const LIST: &str = "/api/v1/users";
    const ONE: &str = "/api/v1/users/{user_id}";
    const UNKNOWN: &str = "The tenant has no such user";
    vec![
        row(
            (Method::GET, LIST),
            read,
            users::list::list,
            Doc::new("users", "List users")
                .query::<users::list::ListQuery>()
                .answers::<users::list::UserPage>("200", "Newest first"),
        ),
        row(
            (Method::GET, ONE),
            read,
            users::read::read,
            Doc::new("users", "Read a user").answers::<UserView>("200", "The user").refuses("404", UNKNOWN),
        ),
        row(
            (Method::PATCH, ONE),
            edit,
            users::change::change,
            Doc::new("users", "Change a user")
                .body::<users::change::UserChange>()
                .answers::<UserView>("200", "The user")
                .refuses("403", "Their role is not below yours, or the new one is above it")
                .refuses("404", UNKNOWN)
                .refuses("409", "It is your own account, or the address is taken")
                .refuses("422", "All that is wrong with the change"),
        ),
        row(
            (Method::POST, "/api/v1/users/{user_id}/password-reset"),
            edit,
            users::reset_password::reset_password,
            Doc::new("users", "Make a link that sets a user's password")
                .answers::<MadeInvitation>("201", "The link, with its secret this once")
                .refuses("403", "Their role is not below yours")
                .refuses("404", UNKNOWN)
                .refuses("409", "It is your own account"),
        ),
        row(
            (Method::DELETE, "/api/v1/users/{user_id}/second-factor"),
            Access::with::<may::ResetSecondFactors>(),
            users::reset_second_factor::reset_second_factor,
            Doc::new("users", "Take a user's second factor away")
                .answers_empty("204", "The password is enough for them again; their sessions are over")
                .refuses("404", UNKNOWN)
                .refuses("409", "It is your own account"),
        ),
        row(
            (Method::DELETE, "/api/v1/users/{user_id}/identity"),
            Access::with::<may::ResetSecondFactors>(),
            users::unlink::unlink,
            Doc::new("users", "Forget whom a provider of sign-ins knows a user as")
                .query::<users::unlink::IssuerQuery>()
                .answers_empty("204", "It is forgotten; their sessions are over")
                .refuses("404", "The tenant has no such user, or the provider knows them as nobody")
                .refuses("409", "It is your own account"),
        ),
        row(
            (Method::DELETE, ONE),
            Access::with::<may::DeleteUsers>(),
            users::delete::delete,
            Doc::new("users", "Delete a user")
                .answers_empty("204", "The user is gone, and so are their sessions")
                .refuses("404", UNKNOWN)
                .refuses("409", "It is the last super_admin"),
        ),
    ]
}
