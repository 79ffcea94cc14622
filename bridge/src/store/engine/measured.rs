//! The engine that measures: every operation passes through it, to the metrics and no further.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::before::{Before, Writes, passes_on};
use super::{
    Amendment, Answer, Collection, Connections, Document, Engine, EngineError, Field, Integer, Kept, New,
    Page, Place, Query, Renewal, Totals, Update, Which,
};
use crate::metrics::stores::{Kinded, Operations};

/// An engine whose operations are timed and counted.
pub struct Measured {
    inner: Arc<dyn Engine>,
    operations: Operations,
}

impl Measured {
    pub fn new(inner: Arc<dyn Engine>, operations: Operations) -> Self {
        Self { inner, operations }
    }
}

impl Kinded for EngineError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::BadCursor => "bad_cursor",
            Self::Undeclared(_) => "undeclared",
            Self::Malformed(_) => "malformed",
            Self::AppendOnly(_) => "append_only",
            Self::Overflow(_) => "overflow",
            Self::TooMany { .. } => "too_many",
            Self::Newer { .. } => "newer",
            Self::Locked(_) => "locked",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl Before for Measured {
    fn around<'a, T: Send + 'a>(
        &'a self,
        operation: &'static str,
        _: Writes,
        answer: Answer<'a, T>,
    ) -> Answer<'a, T> {
        Box::pin(self.operations.of((self.inner.name(), operation), answer))
    }
}

impl Engine for Measured {
    passes_on! {
        prepare insert insert_many get find compare_and_set find_one_and_update update_many update_in_turn delete delete_many
        count sums list_by_id restore check_writable scrub settle renew_words brought_up itself
    }
}
