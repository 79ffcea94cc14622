//! Statements of months.

pub mod csv;
pub mod list;
pub mod read;
pub mod remake;

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::ledger::Amounts;
use crate::store::statements::Statement;

/// What the ledger added up to when a month was closed.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementView {
    /// A month in UTC, `2026-11`.
    pub period: String,
    /// 1 closed the month; each that was made again and said something else is one more.
    pub revision: i64,
    /// RFC 3339, UTC.
    pub made_at: String,
    /// Entries of the ledger that it is the sum of.
    pub entries: i64,
    pub total: Amounts,
    pub days: BTreeMap<String, Amounts>,
    /// By the bot's id.
    pub bots: BTreeMap<String, Amounts>,
    /// Under an empty name what no vendor did.
    pub vendors: BTreeMap<String, Amounts>,
}

impl From<Statement> for StatementView {
    fn from(statement: Statement) -> Self {
        let Statement { period, revision, made_at, entries, total, days, bots, vendors, .. } = statement;
        Self { period, revision, made_at: made_at.to_string(), entries, total, days, bots, vendors }
    }
}
