//! The store of objects that measures: every operation passes through it, to the metrics and no further.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::direct::Direct;
use super::{Answer, ByteStream, Expected, Head, Key, ObjectError, Objects, Written};
use crate::metrics::stores::{Kinded, Operations};

/// A store whose operations are timed and counted. Reading is timed to its beginning: how long the rest takes is up to the reader.
pub struct Measured {
    inner: Arc<dyn Objects>,
    operations: Operations,
}

impl Measured {
    pub fn new(inner: Arc<dyn Objects>, operations: Operations) -> Self {
        Self { inner, operations }
    }

    fn time<'a, T: Send + 'a>(&'a self, operation: &'static str, work: Answer<'a, T>) -> Answer<'a, T> {
        Box::pin(self.operations.of((self.inner.name(), operation), work))
    }
}

impl Kinded for ObjectError {
    fn kind(&self) -> &'static str {
        match self {
            Self::BadKey(_) => "bad_key",
            Self::TooLarge(_) => "too_large",
            Self::WrongHash => "wrong_hash",
            Self::CutOff(_) => "cut_off",
            Self::InUse(_) => "in_use",
            Self::Changed => "changed",
            Self::NoBucket => "no_bucket",
            Self::Refused { .. } => "refused",
            Self::Unavailable { .. } => "unavailable",
            Self::NotBuilt => "not_built",
            Self::Unopened => "unopened",
            Self::Keys(_) => "keys",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Objects for Measured {
    fn put(&self, key: Key, content: ByteStream, expected: Expected) -> Answer<'_, Written> {
        self.time("put", self.inner.put(key, content, expected))
    }

    fn head(&self, key: Key) -> Answer<'_, Option<Head>> {
        self.time("head", self.inner.head(key))
    }

    fn get(&self, key: Key, range: Range<u64>) -> Answer<'_, Option<ByteStream>> {
        self.time("get", self.inner.get(key, range))
    }

    fn delete(&self, key: Key) -> Answer<'_, bool> {
        self.time("delete", self.inner.delete(key))
    }

    fn give_up_uploads(&self, key: Key) -> Answer<'_, usize> {
        self.time("give_up_uploads", self.inner.give_up_uploads(key))
    }

    fn check(&self) -> Answer<'_, ()> {
        self.time("check", self.inner.check())
    }

    fn link(&self, key: Key, lifetime: Duration) -> Answer<'_, Option<String>> {
        self.time("link", self.inner.link(key, lifetime))
    }

    fn direct(&self) -> Option<&dyn Direct> {
        self.inner.direct()
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }
}
