//! Searches as filters. Names come from declarations in code; values are BSON values and never operators.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::Hint;
use serde_json::Value;

use super::super::query::{By, Order, Query, Shape, Test, Word};
use super::super::{EngineError, FieldType, Index, IndexKind, Place};
use super::body::encode_value;

/// A search, checked and ready to send.
#[derive(Clone, Debug)]
pub struct Search {
    pub filter: Document,
    /// None for a search that yields one document at most.
    pub sort: Option<Document>,
    /// The index that serves it.
    pub hint: Option<Hint>,
}

/// What a search sends, its cursor included.
pub fn search(query: &Query) -> Result<Search, EngineError> {
    let shape = query.shape()?;
    let mut conditions = conditions(query, shape.as_ref());
    let Some(shape) = shape else {
        return Ok(Search { filter: all_of(conditions), sort: None, hint: None });
    };
    if let Some(cursor) = &query.after {
        conditions.push(after(query, &shape, (&cursor.keys, &cursor.id)));
    }
    let sort = (shape.index.kind != IndexKind::Unique).then(|| sort(query, &shape));
    let hint = Some(Hint::Name(index_name(shape.index)));
    Ok(Search { filter: all_of(conditions), sort, hint })
}

/// The fields are part of the name: a changed declaration makes a new index instead of silently keeping the old one.
pub fn index_name(index: &Index) -> String {
    let fields: Vec<&str> = index.fields.iter().map(|f| f.path).collect();
    format!("{}__{}", index.name, fields.join("_").replace('.', "_"))
}

/// Where a field is in a stored document.
pub fn path(place: &Place) -> String {
    format!("body.{}", place.path)
}

/// The documents that an index with an optional field holds, in the words of the index's own filter.
pub fn is_there(place: &Place) -> Document {
    let name = match place.kind {
        FieldType::Text => "string",
        FieldType::Integer => "long",
        FieldType::Boolean => "bool",
        FieldType::Json => "object",
    };
    doc! { path(place): { "$type": name } }
}

fn conditions(query: &Query, shape: Option<&Shape>) -> Vec<Document> {
    let mut conditions = Vec::new();
    match &query.by {
        By::Id(id) => conditions.push(doc! { "_id": id }),
        By::Index { equals, from, below, .. } => {
            conditions.extend(equals.iter().map(|(place, value)| is(place, value)));
            for (sign, bound) in [("$gte", from), ("$lt", below)] {
                conditions.extend(bound.iter().map(|(place, value)| compared(place, sign, value)));
            }
            conditions.extend(shape.and_then(|s| s.index.optional).iter().map(is_there));
        }
        By::Words { scope, words, from, below, .. } => {
            conditions.push(is(&scope.0, &scope.1));
            let list = shape.and_then(|s| s.index.words).map(|place| path(&place)).unwrap_or_default();
            conditions.extend(words.iter().map(|word| has(&list, word)));
            for (sign, bound) in [("$gte", from), ("$lt", below)] {
                conditions.extend(bound.iter().map(|(place, value)| compared(place, sign, value)));
            }
        }
    }
    conditions.extend(query.filters.iter().map(|filter| match &filter.test {
        Test::Is(value) => is(&filter.place, value),
        Test::AtLeast(value) => compared(&filter.place, "$gte", value),
        Test::Below(value) => compared(&filter.place, "$lt", value),
        // Equal to null is missing or null.
        Test::Absent => doc! { path(&filter.place): Bson::Null },
    }));
    conditions
}

/// Nothing equals null, as in SQL; here an equality with null would find what is absent.
fn is(place: &Place, value: &Value) -> Document {
    match value {
        Value::Null => nothing(),
        value => doc! { path(place): { "$eq": encode_value(value) } },
    }
}

fn compared(place: &Place, sign: &str, value: &Value) -> Document {
    match value {
        Value::Null => nothing(),
        value => doc! { path(place): { sign: encode_value(value) } },
    }
}

/// The list has the word.
fn has(list: &str, word: &Word) -> Document {
    match word {
        Word::Whole(word) => doc! { list: { "$eq": word } },
        // Not two bounds under $elemMatch: the DocumentDB that the tests run ends its process over them.
        Word::Prefix(word) => doc! { list: { "$regex": format!("^{}", escaped(word)) } },
    }
}

/// A text in a regular expression that means itself.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

fn nothing() -> Document {
    doc! { "_id": { "$in": [] } }
}

/// What comes after a place in the order of the index: equal in the first keys and beyond in the next one.
fn after(query: &Query, shape: &Shape, (keys, id): (&[Value], &str)) -> Document {
    let sign = if query.order == Order::Ascending { "$gt" } else { "$lt" };
    let names = shape.sorted().iter().map(path).chain(["_id".to_owned()]);
    let values = keys.iter().map(encode_value).chain([Bson::from(id)]);
    let places: Vec<(String, Bson)> = names.zip(values).collect();
    let beyond = |at: usize| {
        let equal = places[..at].iter().map(|(name, value)| doc! { name: { "$eq": value.clone() } });
        let (name, value) = &places[at];
        all_of(equal.chain([doc! { name: { sign: value.clone() } }]).collect())
    };
    doc! { "$or": (0..places.len()).map(beyond).collect::<Vec<_>>() }
}

fn sort(query: &Query, shape: &Shape) -> Document {
    let direction = if query.order == Order::Ascending { 1 } else { -1 };
    shape
        .sorted()
        .iter()
        .map(path)
        .chain(["_id".to_owned()])
        .map(|name| (name, Bson::from(direction)))
        .collect()
}

/// One condition is itself, so that the planner sees it plainly; several of one field must not overwrite each other.
pub fn all_of(conditions: Vec<Document>) -> Document {
    match <[Document; 1]>::try_from(conditions) {
        Ok([one]) => one,
        Err(several) => doc! { "$and": several },
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Collection, Field, Filter, Integer, Text};
    use super::*;

    const OWNER: Field<Text> = Field::new("owner");
    const AGE: Field<Integer> = Field::new("in.age");

    static THINGS: Collection = Collection {
        name: "things",
        indexes: &[Index::ordered("by_age", &[OWNER.place(), AGE.place()])],
        fields: &[],
        steps: &[],
    };

    #[test]
    fn a_search_is_a_filter_in_the_order_of_its_index() {
        let query =
            Query::by_index(&THINGS, "by_age").equals(OWNER, "$ne").below(AGE, 3).filter(Filter::absent(AGE));
        let search = search(&query.order(Order::Descending)).unwrap();
        assert_eq!(
            search.filter,
            doc! { "$and": [
                { "body.owner": { "$eq": "$ne" } },
                { "body.in.age": { "$lt": 3_i64 } },
                { "body.in.age": null },
            ]}
        );
        assert_eq!(search.sort, Some(doc! { "body.in.age": -1, "_id": -1 }));
        assert_eq!(search.hint, Some(Hint::Name("by_age__owner_in_age".into())));
    }

    #[test]
    fn nothing_equals_null() {
        let none: Option<String> = None;
        let query = Query::by_index(&THINGS, "by_age").equals(OWNER, none);
        assert_eq!(search(&query).unwrap().filter, nothing());
    }
}
