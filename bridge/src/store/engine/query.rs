//! What can be asked of a document engine: searches by a declared index.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::collection::{Collection, Index};
use super::field::{Field, Holds, Json, Kind, Place, Scalar, Text};
use super::{Document, EngineError, IndexKind, MAX_LISTED_BYTES};

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
    pub omit: &'static [Field<Json>],
    /// The page ends when it has this many bytes; one document may pass it.
    pub max_bytes: usize,
}

/// Where a search begins.
#[derive(Clone, Debug)]
pub enum By {
    Id(String),
    Index {
        name: &'static str,
        equals: Vec<(Place, Value)>,
        from: Option<(Place, Value)>,
        below: Option<(Place, Value)>,
    },
    /// Documents of a scope that have all of these words, and whose places are within the bounds; sorted by the place.
    Words {
        name: &'static str,
        scope: (Place, Value),
        words: Vec<Word>,
        from: Option<(Place, Value)>,
        below: Option<(Place, Value)>,
    },
}

/// A word that is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    Whole(String),
    /// Any word that begins so.
    Prefix(String),
}

/// A condition on a field that need not be indexed.
#[derive(Clone, Debug)]
pub struct Filter {
    pub(super) place: Place,
    pub(super) test: Test,
}

/// What a filter asks of its field.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Is(Value),
    /// The field is missing or null.
    Absent,
    AtLeast(Value),
    Below(Value),
}

impl Filter {
    pub fn is<K: Scalar>(field: Field<K>, value: impl Holds<K>) -> Self {
        Self { place: field.place(), test: Test::Is(value.json()) }
    }

    /// The field is missing or null.
    pub fn absent<K: Kind>(field: Field<K>) -> Self {
        Self { place: field.place(), test: Test::Absent }
    }

    pub fn at_least<K: Scalar>(field: Field<K>, value: impl Holds<K>) -> Self {
        Self { place: field.place(), test: Test::AtLeast(value.json()) }
    }

    pub fn below<K: Scalar>(field: Field<K>, value: impl Holds<K>) -> Self {
        Self { place: field.place(), test: Test::Below(value.json()) }
    }
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

impl Query {
    /// Search by an index; add a value for each field of its prefix with [`Query::equals`].
    pub fn by_index(collection: &'static Collection, name: &'static str) -> Self {
        Self::new(collection, By::Index { name, equals: Vec::new(), from: None, below: None })
    }

    /// Search by words within a scope; add them with [`Query::word`].
    pub fn by_words(
        collection: &'static Collection,
        name: &'static str,
        scope: (Field<Text>, impl Holds<Text>),
    ) -> Self {
        let scope = (scope.0.place(), scope.1.json());
        Self::new(collection, By::Words { name, scope, words: Vec::new(), from: None, below: None })
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
            max_bytes: usize::MAX,
        }
    }

    /// Fix the next field of the index.
    pub fn equals<K: Scalar>(mut self, field: Field<K>, value: impl Holds<K>) -> Self {
        if let By::Index { equals, .. } = &mut self.by {
            equals.push((field.place(), value.json()));
        }
        self
    }

    /// The documents have this word too. An engine may look at all that have the first one.
    pub fn word(mut self, word: Word) -> Self {
        if let By::Words { words, .. } = &mut self.by {
            words.push(word);
        }
        self
    }

    /// The field after the fixed ones is at least this.
    pub fn from<K: Scalar>(mut self, field: Field<K>, value: impl Holds<K>) -> Self {
        if let By::Index { from, .. } | By::Words { from, .. } = &mut self.by {
            *from = Some((field.place(), value.json()));
        }
        self
    }

    /// The field after the fixed ones is less than this.
    pub fn below<K: Scalar>(mut self, field: Field<K>, value: impl Holds<K>) -> Self {
        if let By::Index { below, .. } | By::Words { below, .. } = &mut self.by {
            *below = Some((field.place(), value.json()));
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

    pub fn omit(mut self, fields: &'static [Field<Json>]) -> Self {
        self.omit = fields;
        self
    }

    /// End the page at [`MAX_LISTED_BYTES`], for lists of documents that may be large and are wanted whole.
    pub fn weighed(mut self) -> Self {
        self.max_bytes = MAX_LISTED_BYTES;
        self
    }

    /// Whether it may look at many more documents than it answers: those that the index yields and the filters refuse. Lists ask
    /// for the absence of marks that few documents have, of a deletion above all, and belong to the requests that must not wait.
    pub(super) fn is_scan(&self) -> bool {
        match self.by {
            By::Id(_) => false,
            By::Index { .. } => self.filters.iter().any(|filter| !matches!(filter.test, Test::Absent)),
            By::Words { .. } => true,
        }
    }

    /// Check the search against its index and split the index's fields: how many are fixed, and by which the answer is
    /// sorted. `None` for a search by id.
    pub(super) fn shape(&self) -> Result<Option<Shape>, EngineError> {
        for filter in &self.filters {
            self.collection.declares(&filter.place)?;
        }
        let (name, equals, from, below) = match &self.by {
            By::Id(_) => return Ok(None),
            By::Words { .. } => return self.shape_of_words().map(Some),
            By::Index { name, equals, from, below } => (name, equals, from, below),
        };
        let index = self.collection.index(name)?;
        let refuse = |why: &str| EngineError::Undeclared(format!("{}.{name}: {why}", self.collection.name));
        if index.kind == IndexKind::Words {
            return Err(refuse("it is an index over words"));
        }
        if equals.len() > index.fields.len() || equals.iter().zip(index.fields).any(|((f, _), i)| f != i) {
            return Err(refuse("the fixed fields are no prefix of the index"));
        }
        let ranged = from.is_some() || below.is_some();
        if equals.is_empty() && !ranged {
            return Err(refuse("without a fixed field or a bound this would read the whole collection"));
        }
        if [from, below].into_iter().flatten().any(|(place, _)| index.fields.get(equals.len()) != Some(place))
        {
            return Err(refuse("the bound is not on the field after the fixed ones"));
        }
        if index.kind == IndexKind::Unique && equals.len() < index.fields.len() {
            return Err(refuse("a unique key is searched whole"));
        }
        if self.after.as_ref().is_some_and(|c| !c.fits(index, equals.len(), self.order)) {
            return Err(EngineError::BadCursor);
        }
        Ok(Some(Shape { index, fixed: equals.len() }))
    }

    fn shape_of_words(&self) -> Result<Shape, EngineError> {
        let By::Words { name, scope, words, from, below } = &self.by else {
            return Err(EngineError::Undeclared("no search by words".into()));
        };
        let refuse = |why: &str| EngineError::Undeclared(format!("{}.{name}: {why}", self.collection.name));
        let index = self.collection.index(name)?;
        let (IndexKind::Words, [of_scope, place]) = (index.kind, index.fields) else {
            return Err(refuse("it is no index over words"));
        };
        if scope.0 != *of_scope || [from, below].into_iter().flatten().any(|(bound, _)| bound != place) {
            return Err(refuse("the scope or a bound is not on the index's own field"));
        }
        if words.is_empty() {
            return Err(refuse("without a word this would read the whole scope"));
        }
        if self.after.as_ref().is_some_and(|cursor| !cursor.fits(index, 1, self.order)) {
            return Err(EngineError::BadCursor);
        }
        Ok(Shape { index, fixed: 1 })
    }

    /// The cursor that continues after a document.
    pub(super) fn cursor_after(&self, shape: &Shape, last: &Document) -> Cursor {
        let key = |place: &Place| place.of(&last.body).cloned().unwrap_or(Value::Null);
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
    pub fn sorted(&self) -> &'static [Place] {
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
        Ok(cursor)
    }

    /// The text that a client gets.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("a cursor holds only plain JSON"))
    }

    /// The place behind a document in a list by an index that ends with a time, newest first.
    pub fn newest_first(index: &str, at: &str, id: String) -> Self {
        Self { index: index.to_owned(), order: Order::Descending, keys: vec![at.into()], id }
    }

    /// The place behind a document in a list by an index over words, greatest places first.
    pub fn of_place(index: &str, place: i64, id: String) -> Self {
        Self { index: index.to_owned(), order: Order::Descending, keys: vec![place.into()], id }
    }

    /// The place that a list by an index over words has reached; `None` when the cursor is of another list.
    pub fn reached(&self, index: &str) -> Option<i64> {
        let [key] = self.keys.as_slice() else { return None };
        key.as_i64().filter(|_| self.index == index)
    }

    /// Time and id at that place; `None` when the cursor is of another list.
    pub fn place_newest_first(&self, index: &str) -> Option<(&str, &str)> {
        let [key] = self.keys.as_slice() else { return None };
        let fits = self.index == index && self.order == Order::Descending;
        fits.then_some((key.as_str()?, self.id.as_str()))
    }

    fn fits(&self, index: &Index, fixed: usize, order: Order) -> bool {
        let sorted = &index.fields[fixed..];
        self.index == index.name
            && self.order == order
            && self.keys.len() == sorted.len()
            && sorted.iter().zip(&self.keys).all(|(place, key)| place.takes(key))
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::Integer;
    use super::*;
    use serde_json::json;

    const TENANT: Field<Text> = Field::new("tenant_id");
    const KEY: Field<Text> = Field::new("key");
    const AGE: Field<Integer> = Field::new("age");
    const COLOUR: Field<Text> = Field::new("colour");

    static THINGS: Collection = Collection {
        name: "things",
        indexes: &[
            Index::ordered("by_age", &[TENANT.place(), AGE.place()]),
            Index::unique("by_key", &[TENANT.place(), KEY.place()]),
        ],
        fields: &[COLOUR.place()],
        steps: &[],
    };

    #[test]
    fn a_search_must_fit_its_index() {
        let by = |name| Query::by_index(&THINGS, name);
        assert!(by("by_age").shape().is_err(), "nothing fixed");
        assert!(by("by_age").equals(AGE, 1).shape().is_err(), "not a prefix");
        assert!(by("by_key").equals(TENANT, "t").shape().is_err(), "half a unique key");
        assert!(by("nope").equals(TENANT, "t").shape().is_err());
        assert!(by("by_age").equals(TENANT, "t").from(AGE, 3).shape().is_ok());
        assert!(by("by_age").equals(TENANT, "t").from(KEY, "3").shape().is_err(), "not the next field");
        assert!(by("by_age").equals(TENANT, "t").equals(AGE, 3).from(AGE, 3).shape().is_err());
        let filtered = |filter| by("by_age").equals(TENANT, "t").filter(filter).shape();
        assert!(filtered(Filter::is(COLOUR, "red")).is_ok() && filtered(Filter::absent(KEY)).is_ok());
        assert!(filtered(Filter::is(Field::<Text>::new("color"), "red")).is_err(), "not declared");
        assert!(filtered(Filter::is(Field::<Integer>::new("colour"), 1)).is_err(), "of another type");
    }

    #[test]
    fn a_cursor_fits_only_its_own_search() {
        let query = Query::by_index(&THINGS, "by_age").equals(TENANT, "t");
        let shape = query.shape().unwrap().unwrap();
        let body = json!({"tenant_id": "t", "age": 4}).as_object().unwrap().clone();
        let cursor = query.cursor_after(&shape, &Document { id: "a".into(), version: 1, body });
        let back = Cursor::parse(&cursor.encode()).unwrap();
        assert_eq!(back, cursor);
        assert!(query.clone().after(Some(back.clone())).shape().is_ok());
        for key in [json!("4"), json!(4.5), json!(null), json!([4])] {
            let forged = Cursor { keys: vec![key], ..back.clone() };
            assert!(query.clone().after(Some(forged)).shape().is_err(), "a key of another type");
        }
        assert!(query.order(Order::Descending).after(Some(back)).shape().is_err());
        for bad in ["", "!!", "bnVsbA", &"A".repeat(5000)] {
            assert!(Cursor::parse(bad).is_err(), "{bad}");
        }
    }
}
