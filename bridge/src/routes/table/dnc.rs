//! Numbers that are not called.

use actix_web::http::Method;

use crate::api::dnc;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use dnc::view::{BarredPage, BarredView};
    let (read, edit) = (Access::with::<may::ReadDoNotCall>(), Access::with::<may::EditDoNotCall>());
    const LIST: &str = "/api/v1/dnc";
    vec![
        row(
            (Method::GET, LIST),
            read,
            dnc::list::list,
            Doc::new("dnc", "List numbers")
                .query::<dnc::list::ListQuery>()
                .answers::<BarredPage>("200", "Newest first"),
        ),
        row(
            (Method::POST, LIST),
            edit,
            dnc::add::add,
            Doc::new("dnc", "Add a number")
                .body::<dnc::add::EntryRequest>()
                .answers::<BarredView>("201", "It is on the list")
                .answers::<BarredView>("200", "It was on the list"),
        ),
        row(
            (Method::POST, "/api/v1/dnc/bulk"),
            edit,
            dnc::add_many::add_many,
            Doc::new("dnc", "Add numbers")
                .body::<dnc::add_many::EntriesRequest>()
                .answers::<dnc::add_many::AddedView>("200", "They are on the list"),
        ),
        row(
            (Method::GET, "/api/v1/dnc/check"),
            read,
            dnc::check::check,
            Doc::new("dnc", "Check a number")
                .query::<dnc::check::CheckQuery>()
                .answers::<dnc::check::CheckView>("200", "Whether it is on the list"),
        ),
        row(
            (Method::DELETE, "/api/v1/dnc/{phone}"),
            edit,
            dnc::remove::remove,
            Doc::new("dnc", "Remove a number").answers_empty("204", "It may be called again"),
        ),
    ]
}
