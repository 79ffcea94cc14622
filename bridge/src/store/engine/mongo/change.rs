//! Changes by the server itself.

use mongodb::bson::{Document, doc};
use serde_json::Value;

use super::super::update::Change;
use super::super::{Collection, MAX_KEY_BYTES, Place, Update};
use super::body::encode_value;
use super::filter::path;

/// An update in MongoDB's operators, and what must hold of the document for it to mean the same as in code.
pub struct Native {
    pub update: Document,
    pub guards: Vec<Document>,
}

/// `None` where the server would do something else: take away what an index needs, say, which it does not know.
pub fn native(update: &Update, of: &Collection) -> Option<Native> {
    let (mut set, mut unset, mut add, mut guards) =
        (Document::new(), Document::new(), Document::new(), Vec::new());
    for (place, change) in update.changes() {
        match change {
            Change::Set(value) if fits(of, place, value) => {
                set.insert(path(place), encode_value(value));
            }
            Change::Unset if !of.needs(place) => {
                unset.insert(path(place), "");
            }
            Change::Increment(by) => {
                guards.push(room(place, *by));
                add.insert(path(place), *by);
            }
            Change::Set(_) | Change::Unset => return None,
        }
    }
    set.insert("schema", super::schema(of));
    add.insert("version", 1_i64);
    let mut update = doc! { "$set": set, "$inc": add };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    Some(Native { update, guards })
}

/// The sum fits in 64 bits. Null is left to code: the server adds to a missing field and not to null.
fn room(place: &Place, by: i64) -> Document {
    let bound = match by >= 0 {
        true => doc! { "$lte": i64::MAX - by },
        false => doc! { "$gte": i64::MIN - by },
    };
    doc! { "$or": [{ path(place): bound }, { path(place): { "$exists": false } }] }
}

/// Whether a value may stand there, as [`Collection::check`] has it.
fn fits(of: &Collection, place: &Place, value: &Value) -> bool {
    match value {
        Value::Null => !of.needs(place),
        Value::String(text) => text.len() <= MAX_KEY_BYTES || !is_indexed(of, place),
        // A list of words is looked through in code.
        Value::Array(_) => !of.indexes.iter().any(|index| index.words == Some(*place)),
        value => place.takes(value),
    }
}

fn is_indexed(of: &Collection, place: &Place) -> bool {
    of.indexes.iter().any(|index| index.fields.contains(place))
}

#[cfg(test)]
mod tests {
    use super::super::super::{Field, Index, Integer, Json, Text};
    use super::*;

    const OWNER: Field<Text> = Field::new("owner");
    const KEY: Field<Text> = Field::new("in.key");
    const IN: Field<Json> = Field::new("in");
    const N: Field<Integer> = Field::new("n");

    static THINGS: Collection = Collection {
        name: "things",
        indexes: &[Index::unique("by_key", &[OWNER.place(), KEY.place()])],
        fields: &[IN.place(), N.place()],
        steps: &[],
    };

    #[test]
    fn what_the_server_would_understand_otherwise_is_done_in_code() {
        let is_native = |update: Update| native(&update, &THINGS).is_some();
        let none: Option<String> = None;
        assert!(is_native(Update::default().set(OWNER, "o").unset(KEY).increment(N, 1)));
        assert!(!is_native(Update::default().unset(OWNER)), "every document has it");
        assert!(!is_native(Update::default().set(OWNER, none)));
        assert!(!is_native(Update::default().set(KEY, "x".repeat(MAX_KEY_BYTES + 1))));
    }

    #[test]
    fn an_addition_needs_room() {
        let native = native(&Update::default().increment(N, 2), &THINGS).unwrap();
        let room =
            doc! { "$or": [{ "body.n": { "$lte": i64::MAX - 2 } }, { "body.n": { "$exists": false } }] };
        assert_eq!(native.guards, [room]);
        assert_eq!(
            native.update,
            doc! { "$set": { "schema": 1_i64 }, "$inc": { "body.n": 2_i64, "version": 1_i64 } }
        );
    }
}
