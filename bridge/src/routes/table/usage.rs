//! Usage and cost.

use actix_web::http::Method;

use crate::api::usage;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    let read = Access::with::<may::ReadUsage>();
    let sums = |path: &'static str, summary| {
        row(
            (Method::GET, path),
            read,
            usage::read::read,
            Doc::new("usage", summary)
                .query::<usage::read::UsageQuery>()
                .answers::<usage::read::UsageView>("200", "Sums of the ledger over a month"),
        )
    };
    vec![
        sums("/api/v1/usage", "Usage"),
        sums("/v1/usage", "Usage, at its other address"),
        row(
            (Method::GET, "/v1/conversations/{session_id}/events"),
            read,
            usage::conversation::conversation,
            Doc::new("usage", "The ledger of a call")
                .query::<usage::conversation::ListQuery>()
                .answers::<usage::conversation::LedgerEntryPage>("200", "In the order of the entries' ids"),
        ),
    ]
}
