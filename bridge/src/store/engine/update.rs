//! A change to one document, of declared fields only.

use serde_json::{Map, Value};

use super::EngineError;
use super::collection::Collection;
use super::field::{Field, Holds, Integer, Kind, MAX_KEY_BYTES, Place};
use super::query::{Filter, Query};

/// Applied as a whole or not at all; the version goes up by one.
#[derive(Clone, Debug, Default)]
pub struct Update(Vec<(Place, Change)>);

#[derive(Clone, Debug)]
pub(super) enum Change {
    Set(Value),
    Unset,
    Increment(i64),
}

impl Update {
    pub fn set<K: Kind>(self, field: Field<K>, value: impl Holds<K>) -> Self {
        self.with(field, Change::Set(value.json()))
    }

    pub fn unset<K: Kind>(self, field: Field<K>) -> Self {
        self.with(field, Change::Unset)
    }

    /// Add to an integer; a missing field counts as zero.
    pub fn increment(self, field: Field<Integer>, by: i64) -> Self {
        self.with(field, Change::Increment(by))
    }

    fn with<K: Kind>(mut self, field: Field<K>, change: Change) -> Self {
        self.0.push((field.place(), change));
        self
    }

    /// Refuse what is not declared, and two changes of one field or of a field and its part: engines differ in which wins.
    pub(super) fn check(&self, collection: &Collection) -> Result<(), EngineError> {
        for (at, (place, _)) in self.0.iter().enumerate() {
            collection.declares(place)?;
            if let Some((other, _)) = self.0[..at].iter().find(|(other, _)| overlaps(other.path, place.path))
            {
                let text = format!("'{}' and '{}' are changed at once", other.path, place.path);
                return Err(EngineError::Undeclared(text));
            }
        }
        Ok(())
    }

    /// Whether it may be made of a document that nobody looks at: it only sets and takes away fields at the top, none of which an
    /// index needs or is inside, so that a sound document stays sound.
    pub(super) fn is_blind(&self, of: &Collection) -> bool {
        let indexed = |place: &Place| {
            let ordered = of.indexes.iter().flat_map(|index| index.fields);
            ordered
                .chain(of.indexes.iter().filter_map(|i| i.words.as_ref()))
                .any(|f| overlaps(f.path, place.path))
        };
        let fits = |place: &Place, value: &Value| match value {
            Value::Null => !of.needs(place),
            Value::String(text) => place.takes(value) && (text.len() <= MAX_KEY_BYTES || !indexed(place)),
            Value::Array(_) | Value::Object(_) => !indexed(place),
            value => place.takes(value),
        };
        self.0.iter().all(|(place, change)| match change {
            _ if place.path.contains('.') => false,
            Change::Set(value) => fits(place, value),
            Change::Unset => !of.needs(place),
            Change::Increment(_) => false,
        })
    }

    /// What changes, for engines that update by operators of their own.
    pub(super) fn changes(&self) -> &[(Place, Change)] {
        &self.0
    }

    /// Apply to a body, for engines that update in code.
    pub(super) fn apply(&self, body: &mut Map<String, Value>) -> Result<(), EngineError> {
        for (place, change) in &self.0 {
            let (parent, last) = parent_of(body, place.path)?;
            match change {
                Change::Set(value) => {
                    parent.insert(last.to_owned(), value.clone());
                }
                Change::Unset => {
                    parent.remove(last);
                }
                Change::Increment(by) => {
                    let old = match parent.get(last) {
                        None | Some(Value::Null) => 0,
                        Some(old) => old.as_i64().ok_or_else(|| {
                            EngineError::Malformed(format!("'{}' is no integer", place.path))
                        })?,
                    };
                    let sum =
                        old.checked_add(*by).ok_or_else(|| EngineError::Overflow(place.path.to_owned()))?;
                    parent.insert(last.to_owned(), sum.into());
                }
            }
        }
        Ok(())
    }
}

/// A change of one document among those of many: made when the filters hold.
#[derive(Clone, Debug)]
pub struct Amendment {
    pub id: String,
    pub filters: Vec<Filter>,
    pub update: Update,
}

impl Amendment {
    /// Of the document of that id, whatever is in it.
    pub fn of(id: impl Into<String>, update: Update) -> Self {
        Self { id: id.into(), filters: Vec::new(), update }
    }

    /// Only if this holds too.
    #[must_use]
    pub fn when(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// The document that is changed.
    pub(super) fn query(&self, of: &'static Collection) -> Query {
        self.filters.iter().cloned().fold(Query::by_id(of, &self.id), Query::filter).limit(1)
    }
}

fn overlaps(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn parent_of<'a, 'p>(
    body: &'a mut Map<String, Value>,
    path: &'p str,
) -> Result<(&'a mut Map<String, Value>, &'p str), EngineError> {
    let mut at = body;
    let mut rest = path;
    while let Some((part, after)) = rest.split_once('.') {
        at = at
            .entry(part)
            .or_insert_with(|| Value::Object(Map::new()))
            .as_object_mut()
            .ok_or_else(|| EngineError::Malformed(format!("'{part}' of '{path}' is no object")))?;
        rest = after;
    }
    Ok((at, rest))
}

#[cfg(test)]
mod tests {
    use super::super::collection::Index;
    use super::super::field::{Json, Text};
    use super::*;
    use serde_json::json;

    const NAME: Field<Text> = Field::new("a.b.c");
    const GONE: Field<Text> = Field::new("gone");
    const COUNT: Field<Integer> = Field::new("a.n");

    static THINGS: Collection = Collection {
        name: "things",
        indexes: &[],
        fields: &[NAME.place(), GONE.place(), COUNT.place()],
        steps: &[],
    };

    fn body() -> Map<String, Value> {
        json!({"a": {"n": 1}, "gone": "x"}).as_object().unwrap().clone()
    }

    #[test]
    fn an_update_reaches_into_nested_fields() {
        let mut body = body();
        let update = Update::default().set(NAME, "x").unset(GONE).increment(COUNT, 2);
        update.check(&THINGS).unwrap();
        update.apply(&mut body).unwrap();
        assert_eq!(Value::Object(body), json!({"a": {"n": 3, "b": {"c": "x"}}}));
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused() {
        let update = Update::default().increment(COUNT, i64::MAX);
        assert_eq!(update.apply(&mut body()), Err(EngineError::Overflow("a.n".into())));
    }

    #[test]
    fn only_what_leaves_every_document_sound_is_changed_unread() {
        const KEY: Field<Text> = Field::new("key");
        const AGE: Field<Integer> = Field::new("age");
        const IN: Field<Json> = Field::new("in");
        const WORDS: Field<Json> = Field::new("words");
        const SINCE: Field<Text> = Field::new("in.since");
        static INDEXED: Collection = Collection {
            name: "things",
            indexes: &[
                Index::ordered("by_age", &[AGE.place()]),
                Index::sparse("by_since", &[SINCE.place()]),
                Index::unique("by_key", &[KEY.place()]),
                Index::words("by_words", &[KEY.place(), AGE.place()], WORDS),
            ],
            fields: &[IN.place(), COUNT.place()],
            steps: &[],
        };
        let is_blind = |update: Update| update.is_blind(&INDEXED);
        assert!(is_blind(Update::default().unset(IN).set(AGE, 1)));
        assert!(is_blind(Update::default().set(AGE, 1).set(KEY, "k")));
        let long = "k".repeat(MAX_KEY_BYTES + 1);
        for update in [
            Update::default().unset(AGE),
            Update::default().set(AGE, None::<i64>),
            Update::default().set(KEY, long),
            Update::default().set(IN, json!({"since": "x"})),
            Update::default().set(WORDS, json!(["a"])),
            Update::default().unset(SINCE),
            Update::default().increment(AGE, 1),
        ] {
            assert!(!is_blind(update.clone()), "{update:?}");
        }
    }

    #[test]
    fn what_is_not_declared_or_changed_twice_is_refused() {
        let refused = |update: Update| matches!(update.check(&THINGS), Err(EngineError::Undeclared(_)));
        assert!(refused(Update::default().set(Field::<Text>::new("a.b.d"), "x")));
        assert!(refused(Update::default().set(Field::<Integer>::new("gone"), 1)), "of another type");
        assert!(refused(Update::default().set(GONE, "x").unset(GONE)));
        assert!(
            overlaps("a", "a.b") && overlaps("a.b", "a") && !overlaps("a.b", "a.bc") && !overlaps("ab", "a")
        );
    }
}
