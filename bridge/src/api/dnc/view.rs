//! How the do-not-call list is shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::fields::FieldError;
use crate::store::Listed;
use crate::store::do_not_call::Entry;

/// Longest reason, characters.
const MAX_REASON: usize = 200;

/// A number on the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct BarredView {
    /// In the form in which numbers are compared.
    pub number: String,
    pub reason: Option<String>,
    pub added_at: String,
    /// The user or the key that added it.
    pub added_by: String,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct BarredPage {
    pub items: Vec<BarredView>,
    pub next_cursor: Option<String>,
}

impl From<Entry> for BarredView {
    fn from(entry: Entry) -> Self {
        let (number, added_at) = (entry.number.to_string(), entry.added_at.to_string());
        Self { number, reason: entry.reason, added_at, added_by: entry.added_by }
    }
}

impl From<Listed<Entry>> for BarredPage {
    fn from(listed: Listed<Entry>) -> Self {
        let items = listed.items.into_iter().map(|stored| stored.value.into()).collect();
        Self { items, next_cursor: listed.next_cursor }
    }
}

/// What is wrong with a reason.
pub fn reason_fault(reason: Option<&str>) -> Option<FieldError> {
    let is_long = reason.is_some_and(|text| text.chars().count() > MAX_REASON);
    is_long.then(|| FieldError::new("reason", format!("at most {MAX_REASON} characters")))
}
