//! What can be asked of a document engine: searches by a declared index, and updates that are applied atomically.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::collection::{Collection, Index, at_path};
use super::{Document, EngineError, IndexKind};

/// Most documents one page may hold.
pub const MAX_PAGE: usize = 500;
/// Longest cursor accepted from outside, bytes.
const MAX_CURSOR_BYTES: usize = 2048;

/// A search. It names a declared index, gives values for a prefix of its fields and may bound the next field; the order
/// is the index's own, then the id.
#[derive(Clone, Debug)]
pub struct Query {
    pub collection: &'static Collection,
    pub by: By,
    /// Checked on each document the index yields.
    pub filters: Vec<Filter>,
    pub order: Order,
    pub limit: usize,
    pub after: Option<Cursor>,
    /// Top-level fields left out of the answer, for lists of documents with a heavy part.
    pub omit: &'static [&'static str],
}

/// Where a search begins.
#[derive(Clone, Debug)]
pub enum By {
    Id(String),
    Index {
        name: &'static str,
        equals: Vec<(&'static str, Value)>,
        from: Option<Value>,
        below: Option<Value>,
    },
}

/// A condition on a field that need not be indexed.
#[derive(Clone, Debug)]
pub enum Filter {
    Is(&'static str, Value),
    /// The field is missing or null.
    Absent(&'static str),
    AtLeast(&'static str, Value),
    Below(&'static str, Value),
}

/// The direction in which the index is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    Ascending,
    Descending,
}

/// Where the page before ended. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "i")]
    index: String,
    #[serde(rename = "o")]
    order: Order,
    #[serde(rename = "k")]
    pub(super) keys: Vec<Value>,
    #[serde(rename = "d")]
    pub(super) id: String,
}

/// A change to one document, applied as a whole or not at all; the version goes up by one.
#[derive(Clone, Debug, Default)]
pub struct Update {
    set: Vec<(&'static str, Value)>,
    unset: Vec<&'static str>,
    increment: Vec<(&'static str, i64)>,
}

impl Query {
    /// Search by an index; add a value for each field of its prefix with [`Query::equals`].
    pub fn by_index(collection: &'static Collection, name: &'static str) -> Self {
        Self::new(collection, By::Index { name, equals: Vec::new(), from: None, below: None })
    }

    /// The one document of that id, if the filters hold.
    pub fn by_id(collection: &'static Collection, id: impl Into<String>) -> Self {
        Self::new(collection, By::Id(id.into()))
    }

    fn new(collection: &'static Collection, by: By) -> Self {
        Self {
            collection,
            by,
            filters: Vec::new(),
            order: Order::Ascending,
            limit: MAX_PAGE,
            after: None,
            omit: &[],
        }
    }

    /// Fix the next field of the index.
    pub fn equals(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        if let By::Index { equals, .. } = &mut self.by {
            equals.push((field, value.into()));
        }
        self
    }

    /// The field after the fixed ones is at least this.
    pub fn from(mut self, value: impl Into<Value>) -> Self {
        if let By::Index { from, .. } = &mut self.by {
            *from = Some(value.into());
        }
        self
    }

    /// The field after the fixed ones is less than this.
    pub fn below(mut self, value: impl Into<Value>) -> Self {
        if let By::Index { below, .. } = &mut self.by {
            *below = Some(value.into());
        }
        self
    }

    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, MAX_PAGE);
        self
    }

    pub fn after(mut self, cursor: Option<Cursor>) -> Self {
        self.after = cursor;
        self
    }

    pub fn omit(mut self, fields: &'static [&'static str]) -> Self {
        self.omit = fields;
        self
    }

    /// Whether it may look at many more documents than it answers: those that the index yields and the filters refuse.
    pub(super) fn is_scan(&self) -> bool {
        !self.filters.is_empty() && matches!(self.by, By::Index { .. })
    }

    /// Check the search against its index and split the index's fields: how many are fixed, and by which the answer is
    /// sorted. `None` for a search by id.
    pub(super) fn shape(&self) -> Result<Option<Shape>, EngineError> {
        let By::Index { name, equals, from, below } = &self.by else { return Ok(None) };
        let index = self.collection.index(name)?;
        let refuse = |why: &str| EngineError::Undeclared(format!("{}.{name}: {why}", self.collection.name));
        if equals.len() > index.fields.len() || equals.iter().zip(index.fields).any(|((f, _), i)| f != i) {
            return Err(refuse("the fixed fields are no prefix of the index"));
        }
        let ranged = from.is_some() || below.is_some();
        if equals.is_empty() && !ranged {
            return Err(refuse("without a fixed field or a bound this would read the whole collection"));
        }
        if ranged && equals.len() == index.fields.len() {
            return Err(refuse("no field is left to bound"));
        }
        if index.kind == IndexKind::Unique && equals.len() < index.fields.len() {
            return Err(refuse("a unique key is searched whole"));
        }
        if self.after.as_ref().is_some_and(|c| !c.fits(index, equals.len(), self.order)) {
            return Err(EngineError::BadCursor);
        }
        Ok(Some(Shape { index, fixed: equals.len() }))
    }

    /// The cursor that continues after a document.
    pub(super) fn cursor_after(&self, shape: &Shape, last: &Document) -> Cursor {
        let key = |field: &&str| at_path(&last.body, field).cloned().unwrap_or(Value::Null);
        Cursor {
            index: shape.index.name.to_owned(),
            order: self.order,
            keys: shape.sorted().iter().map(key).collect(),
            id: last.id.clone(),
        }
    }
}

/// How a search uses its index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub index: &'static Index,
    pub fixed: usize,
}

impl Shape {
    /// The fields that the answer is sorted by, before the id.
    pub fn sorted(&self) -> &'static [&'static str] {
        &self.index.fields[self.fixed..]
    }
}

impl Cursor {
    /// Read a cursor that a client sent back.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        if text.len() > MAX_CURSOR_BYTES {
            return Err(EngineError::BadCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| EngineError::BadCursor)?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| EngineError::BadCursor)?;
        if cursor.keys.iter().any(|k| k.is_array() || k.is_object() || k.is_null()) {
            return Err(EngineError::BadCursor);
        }
        Ok(cursor)
    }

    /// The text that a client gets.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("a cursor holds only plain JSON"))
    }

    fn fits(&self, index: &Index, fixed: usize, order: Order) -> bool {
        self.index == index.name && self.order == order && self.keys.len() == index.fields.len() - fixed
    }
}

impl Update {
    pub fn set(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.set.push((field, value.into()));
        self
    }

    pub fn unset(mut self, field: &'static str) -> Self {
        self.unset.push(field);
        self
    }

    /// Add to an integer; a missing field counts as zero.
    pub fn increment(mut self, field: &'static str, by: i64) -> Self {
        self.increment.push((field, by));
        self
    }

    /// Apply to a body, for engines that update in code.
    pub(super) fn apply(&self, body: &mut Map<String, Value>) -> Result<(), EngineError> {
        for (path, value) in &self.set {
            let (parent, last) = parent_of(body, path)?;
            parent.insert(last.to_owned(), value.clone());
        }
        for path in &self.unset {
            let (parent, last) = parent_of(body, path)?;
            parent.remove(last);
        }
        for (path, by) in &self.increment {
            let (parent, last) = parent_of(body, path)?;
            let sum = match parent.get(last) {
                None => Some(*by),
                Some(old) => old.as_i64().and_then(|old| old.checked_add(*by)),
            };
            let sum =
                sum.ok_or_else(|| EngineError::Malformed(format!("'{path}' cannot be incremented by {by}")))?;
            parent.insert(last.to_owned(), sum.into());
        }
        Ok(())
    }
}

fn parent_of<'a, 'p>(
    body: &'a mut Map<String, Value>,
    path: &'p str,
) -> Result<(&'a mut Map<String, Value>, &'p str), EngineError> {
    let mut at = body;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return Ok((at, part));
        }
        at = at
            .entry(part)
            .or_insert_with(|| Value::Object(Map::new()))
            .as_object_mut()
            .ok_or_else(|| EngineError::Malformed(format!("'{part}' of '{path}' is no object")))?;
    }
    Err(EngineError::Malformed("an empty path".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    static THINGS: Collection = Collection {
        name: "things",
        indexes: &[
            Index::ordered("by_age", &["tenant_id", "age"]),
            Index::unique("by_key", &["tenant_id", "key"]),
        ],
    };

    #[test]
    fn a_search_must_fit_its_index() {
        let by = |name| Query::by_index(&THINGS, name);
        assert!(by("by_age").shape().is_err(), "nothing fixed");
        assert!(by("by_age").equals("age", 1).shape().is_err(), "not a prefix");
        assert!(by("by_key").equals("tenant_id", "t").shape().is_err(), "half a unique key");
        assert!(by("nope").equals("tenant_id", "t").shape().is_err());
        assert!(by("by_age").equals("tenant_id", "t").from(3).shape().is_ok());
        assert!(by("by_age").equals("tenant_id", "t").equals("age", 3).from(3).shape().is_err());
    }

    #[test]
    fn a_cursor_fits_only_its_own_search() {
        let query = Query::by_index(&THINGS, "by_age").equals("tenant_id", "t");
        let shape = query.shape().unwrap().unwrap();
        let body = json!({"tenant_id": "t", "age": 4}).as_object().unwrap().clone();
        let cursor = query.cursor_after(&shape, &Document { id: "a".into(), version: 1, body });
        let back = Cursor::parse(&cursor.encode()).unwrap();
        assert_eq!(back, cursor);
        assert!(query.clone().after(Some(back.clone())).shape().is_ok());
        assert!(query.order(Order::Descending).after(Some(back)).shape().is_err());
        for bad in ["", "!!", "bnVsbA", &"A".repeat(5000)] {
            assert!(Cursor::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_update_reaches_into_nested_fields() {
        let mut body = json!({"a": {"n": 1}, "gone": 1}).as_object().unwrap().clone();
        Update::default().set("a.b.c", "x").unset("gone").increment("a.n", 2).apply(&mut body).unwrap();
        assert_eq!(Value::Object(body), json!({"a": {"n": 3, "b": {"c": "x"}}}));
    }
}
