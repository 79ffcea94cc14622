//! Usage and cost.

use actix_web::http::Method;

use crate::api::{calls, telemetry, usage};
use crate::auth::permission as may;
use crate::edge::params::PageQuery;
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
                .query::<PageQuery>()
                .answers::<usage::conversation::LedgerEntryPage>("200", "In the order of the entries' ids"),
        ),
        row(
            (Method::POST, "/v1/conversations/{session_id}/summary"),
            Access::with::<may::AnalyseCalls>(),
            calls::summary::summary,
            Doc::new("calls", "Have the bot's model sum up a call")
                .answers::<calls::summary::SummaryView>("200", "Made now, or before")
                .refuses("402", "`quota_exceeded`")
                .refuses("409", "`call_running`, `summary_running` while models are asked for it, `too_many_runs`, or `nothing_to_ask` with the reason")
                .refuses("503", "`model_unanswered` with the reasons"),
        ),
        row(
            (Method::GET, "/v1/telemetry"),
            Access::with::<may::ReadCalls>(),
            telemetry::read,
            Doc::new("calls", "How it goes now")
                .answers::<telemetry::TelemetryView>("200", "As far as it is known"),
        ),
    ]
}
