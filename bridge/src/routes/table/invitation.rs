//! Invitations.

use actix_web::http::Method;

use crate::api::auth::view::UserView;
use crate::api::invitations;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use invitations::view::{InvitationPage, MadeInvitation};
    let invite = Access::with::<may::InviteUsers>();
    const LIST: &str = "/api/v1/invitations";
    const ONE: &str = "/api/v1/invitations/{invitation_id}";
    const UNKNOWN: &str = "The tenant has no such invitation";
    vec![
        // Before the routes of one: its last part would be taken for an id.
        row(
            (Method::POST, "/api/v1/invitations/accept"),
            Access::Public,
            invitations::accept::accept,
            Doc::new("invitations", "Accept an invitation or set a new password")
                .body::<invitations::accept::AcceptRequest>()
                .answers::<UserView>("200", "The person, who may log in now")
                .refuses("404", "The link is unknown, used, revoked or expired")
                .refuses("409", "A user with the address exists by now")
                .refuses("422", "All that is wrong with it")
                .refuses("429", "Too many attempts from this client; `Retry-After` says when"),
        ),
        row(
            (Method::GET, LIST),
            invite,
            invitations::list::list,
            Doc::new("invitations", "List invitations")
                .query::<invitations::list::ListQuery>()
                .answers::<InvitationPage>("200", "Newest first, without their secrets"),
        ),
        row(
            (Method::POST, LIST),
            invite,
            invitations::create::create,
            Doc::new("invitations", "Invite a person")
                .body::<invitations::create::NewInvitation>()
                .answers::<MadeInvitation>("201", "The invitation, with its secret this once")
                .refuses("403", "The role is above your own")
                .refuses("409", "The tenant has a user with this address")
                .refuses("422", "All that is wrong with it"),
        ),
        row(
            (Method::DELETE, ONE),
            invite,
            invitations::revoke::revoke,
            Doc::new("invitations", "Revoke an invitation")
                .answers_empty("204", "Its link is good for nothing")
                .refuses("404", UNKNOWN)
                .refuses("409", "It was used"),
        ),
        row(
            (Method::POST, "/api/v1/invitations/{invitation_id}/resend"),
            invite,
            invitations::resend::resend,
            Doc::new("invitations", "Make another link for an invitation")
                .answers::<MadeInvitation>("200", "The invitation, with a new secret this once")
                .refuses("404", UNKNOWN)
                .refuses("409", "It was used or revoked, or sets a password"),
        ),
    ]
}
