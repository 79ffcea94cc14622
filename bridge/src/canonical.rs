//! The one form in which a JSON value is hashed, the same whatever engine it was kept in.

use serde::Serialize;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use crate::auth::secret_token::hex;

/// The field of an entry in which the hash over its other ones stands.
const HASH: &str = "hash";

/// The hash over an entry of a chain but for the one that it carries, SHA-256 in hex. `form` says what is hashed, and how.
pub fn digest(form: &str, entry: &impl Serialize) -> String {
    let mut content = serde_json::to_value(entry).expect("an entry is plain data");
    if let Value::Object(fields) = &mut content {
        fields.remove(HASH);
    }
    let mut hash = Sha256::new();
    feed_text(&mut hash, form);
    feed(&mut hash, &content);
    hex(&hash.finalize())
}

/// Feed a value. Every value has one form: a letter for its type, lengths before what has one, names in order.
pub fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(false) => hash.update(b"f"),
        Value::Bool(true) => hash.update(b"t"),
        Value::Number(number) => feed_number(hash, number),
        Value::String(text) => {
            hash.update(b"s");
            feed_text(hash, text);
        }
        Value::Array(items) => {
            hash.update(b"a");
            hash.update((items.len() as u64).to_be_bytes());
            items.iter().for_each(|item| feed(hash, item));
        }
        Value::Object(map) => {
            hash.update(b"o");
            hash.update((map.len() as u64).to_be_bytes());
            let mut names: Vec<&String> = map.keys().collect();
            names.sort_unstable();
            for name in names {
                feed_text(hash, name);
                feed(hash, &map[name]);
            }
        }
    }
}

fn feed_number(hash: &mut Sha256, number: &Number) {
    match (number.as_i64(), number.as_u64()) {
        (Some(n), _) => {
            hash.update(b"i");
            hash.update(n.to_be_bytes());
        }
        (None, Some(n)) => {
            hash.update(b"u");
            hash.update(n.to_be_bytes());
        }
        (None, None) => {
            hash.update(b"d");
            hash.update(number.as_f64().unwrap_or(f64::NAN).to_bits().to_be_bytes());
        }
    }
}

/// Feed a text, its length before it.
pub fn feed_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}
