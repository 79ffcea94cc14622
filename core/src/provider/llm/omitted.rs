//! Fields that a server does not take, as its settings or its refusals say.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// What is left out of the requests to one server.
#[derive(Debug, Default)]
pub(super) struct Omitted(Mutex<BTreeSet<String>>);

impl Omitted {
    pub(super) fn new<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        Self(Mutex::new(fields.into_iter().map(str::to_owned).collect()))
    }

    /// Leave a field out from now on; false when it already was.
    pub(super) fn leave_out(&self, provider: &str, field: &str) -> bool {
        tracing::info!(provider, field, "the server refuses a field; it is left out from now on");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(field.to_owned())
    }

    /// What is left out now.
    pub(super) fn fields(&self) -> BTreeSet<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
