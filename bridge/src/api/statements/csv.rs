//! `GET /api/v1/statements/{period}/export.csv`

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use tracing::instrument;

use super::read::{RevisionQuery, find};
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadUsage;
use crate::edge::params::{InPath, InQuery};
use crate::error::ApiResult;
use crate::store::Stores;
use crate::store::ledger::Amounts;
use crate::store::statements::Statement;

/// What the columns are.
const HEAD: &str = "period,revision,group,key,conversations,call_ms,vendor_ms,tokens_in,tokens_out,tokens_cached,characters,money_micros,unpriced";

/// The statement of a month as comma-separated values (RFC 4180).
#[instrument(name = "statements.csv", skip_all)]
pub async fn csv(
    who: Allowed<ReadUsage>,
    period: InPath<String>,
    query: InQuery<RevisionQuery>,
    stores: Data<Stores>,
) -> ApiResult<HttpResponse> {
    let statement = find(&stores, who.reach(), (&period.0, query.0.revision)).await?;
    let name = format!("attachment; filename=\"statement-{}-{}.csv\"", statement.period, statement.revision);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .body(lines(&statement)))
}

fn lines(statement: &Statement) -> String {
    let mut text = format!("{HEAD}\r\n");
    let total = std::iter::once(("total", "", &statement.total));
    let groups = [("day", &statement.days), ("bot", &statement.bots), ("vendor", &statement.vendors)];
    let groups = groups
        .into_iter()
        .flat_map(|(group, sums)| sums.iter().map(move |(key, sum)| (group, key.as_str(), sum)));
    for (group, key, sum) in total.chain(groups) {
        let Amounts {
            conversations,
            call_ms,
            vendor_ms,
            tokens_in,
            tokens_out,
            tokens_cached,
            characters,
            money,
            unpriced,
        } = sum;
        let _ = write!(
            text,
            "{},{},{group},{},{conversations},{call_ms},{vendor_ms},{tokens_in},{tokens_out},{tokens_cached},{characters},{money},{unpriced}\r\n",
            statement.period,
            statement.revision,
            quoted(key),
        );
    }
    text
}

/// A name in quotes, and no formula for whoever opens the file in a table.
fn quoted(key: &str) -> String {
    let shield = if key.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{shield}{}\"", key.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_and_no_formula() {
        assert_eq!(quoted("say \"a,b\""), "\"say \"\"a,b\"\"\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted(""), "\"\"");
    }
}
