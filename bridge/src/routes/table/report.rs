//! Reports of days and statements of months.

use actix_web::http::Method;

use crate::api::{reports, statements};
use crate::auth::permission as may;
use crate::edge::params::PageQuery;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use reports::ReportView;
    use statements::StatementView;
    let read = Access::with::<may::ReadUsage>();
    vec![
        row(
            (Method::GET, "/api/v1/reports"),
            read,
            reports::list::list,
            Doc::new("reports", "List daily reports")
                .query::<PageQuery>()
                .answers::<reports::list::ReportPage>("200", "The latest days first"),
        ),
        row(
            (Method::GET, "/api/v1/reports/{day}"),
            read,
            reports::read::read,
            Doc::new("reports", "Read the report of a day").answers::<ReportView>("200", "The report"),
        ),
        row(
            (Method::GET, "/api/v1/statements"),
            read,
            statements::list::list,
            Doc::new("statements", "List statements")
                .query::<PageQuery>()
                .answers::<statements::list::StatementPage>("200", "The latest months first"),
        ),
        row(
            (Method::GET, "/api/v1/statements/{period}"),
            read,
            statements::read::read,
            Doc::new("statements", "Read the statement of a month")
                .query::<statements::read::RevisionQuery>()
                .answers::<StatementView>("200", "The statement"),
        ),
        row(
            (Method::GET, "/api/v1/statements/{period}/export.csv"),
            read,
            statements::csv::csv,
            Doc::new("statements", "Export the statement of a month")
                .query::<statements::read::RevisionQuery>()
                .answers_with("200", "text/csv", "Comma-separated values, a line for each sum"),
        ),
        row(
            (Method::POST, "/api/v1/statements/{period}/remake"),
            Access::with::<may::EditPrices>(),
            statements::remake::remake,
            Doc::new("statements", "Add a month up again")
                .answers::<StatementView>(
                    "200",
                    "The last revision, a new one if the ledger says something else",
                )
                .refuses("409", "`period_open`: the month is not over"),
        ),
    ]
}
