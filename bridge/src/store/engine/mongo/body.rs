//! Bodies as BSON and back, without a difference. JSON has what BSON lacks: integers above 63 bits, which become decimals, and
//! names with a NUL character, which are written another way.

use std::str::FromStr;

use mongodb::bson::{Bson, Decimal128, Document};
use serde_json::{Map, Number, Value};

use super::super::EngineError;

/// Stands before `0` for a NUL in a name, and before `1` for itself.
const ESCAPE: char = '\u{1}';

/// A body as it is stored.
pub fn encode(body: &Map<String, Value>) -> Document {
    body.iter().map(|(name, value)| (escaped(name), encode_value(value))).collect()
}

/// A value as it is stored and searched for.
pub fn encode_value(value: &Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(b) => Bson::Boolean(*b),
        Value::Number(n) => encode_number(n),
        Value::String(text) => Bson::String(text.clone()),
        Value::Array(items) => Bson::Array(items.iter().map(encode_value).collect()),
        Value::Object(map) => Bson::Document(encode(map)),
    }
}

fn encode_number(number: &Number) -> Bson {
    match (number.as_i64(), number.as_u64()) {
        (Some(n), _) => Bson::Int64(n),
        (None, Some(n)) => Bson::Decimal128(Decimal128::from_str(&n.to_string()).expect("20 digits fit")),
        (None, None) => Bson::Double(number.as_f64().expect("without arbitrary precision it is a float")),
    }
}

fn escaped(name: &str) -> String {
    if !name.contains(['\0', ESCAPE]) {
        return name.to_owned();
    }
    name.chars().fold(String::new(), |mut out, c| {
        match c {
            '\0' => out.extend([ESCAPE, '0']),
            ESCAPE => out.extend([ESCAPE, '1']),
            other => out.push(other),
        }
        out
    })
}

/// A stored body.
pub fn decode(body: Document) -> Result<Map<String, Value>, EngineError> {
    body.into_iter().map(|(name, value)| Ok((unescaped(name), decode_value(value)?))).collect()
}

/// What of a body makes sense.
pub fn sound_part(body: Document) -> Map<String, Value> {
    let part = |(name, value): (String, Bson)| {
        let value = match value {
            Bson::Document(inner) => Value::Object(sound_part(inner)),
            other => decode_value(other).ok()?,
        };
        Some((unescaped(name), value))
    };
    body.into_iter().filter_map(part).collect()
}

fn decode_value(value: Bson) -> Result<Value, EngineError> {
    Ok(match value {
        Bson::Null => Value::Null,
        Bson::Boolean(b) => b.into(),
        Bson::Int32(n) => n.into(),
        Bson::Int64(n) => n.into(),
        Bson::Double(n) => {
            Number::from_f64(n).map(Value::Number).ok_or_else(|| foreign("a number that is none"))?
        }
        Bson::Decimal128(n) => n.to_string().parse::<u64>().map_err(|_| foreign("a decimal"))?.into(),
        Bson::String(text) => text.into(),
        Bson::Array(items) => Value::Array(items.into_iter().map(decode_value).collect::<Result<_, _>>()?),
        Bson::Document(inner) => Value::Object(decode(inner)?),
        other => return Err(foreign(&format!("a {:?}", other.element_type()))),
    })
}

fn unescaped(name: String) -> String {
    if !name.contains(ESCAPE) {
        return name;
    }
    let (mut out, mut chars) = (String::new(), name.chars());
    while let Some(c) = chars.next() {
        match (c, c == ESCAPE) {
            (_, true) => match chars.next() {
                Some('0') => out.push('\0'),
                Some('1') => out.push(ESCAPE),
                other => out.extend(other),
            },
            (c, false) => out.push(c),
        }
    }
    out
}

fn foreign(what: &str) -> EngineError {
    EngineError::Malformed(format!("it holds {what}, which Vox never writes"))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::oid::ObjectId;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_json_comes_back_as_it_was() {
        let body = json!({
            "n": [0, -1, i64::MIN, i64::MAX, u64::MAX, 1.0, -0.0, 1e300, 0.1],
            "a\u{0}b": {"\u{1}": 1, "\u{1}0": 2, "$gt": 3, "x.y": 4, "": 5},
            "t": "\u{0}\u{1F600}", "none": null, "empty": [{}, []], "yes": true
        });
        let body = body.as_object().unwrap().clone();
        assert_eq!(decode(encode(&body)).unwrap(), body);
        assert!(encode(&body).keys().all(|name| !name.contains('\0')));
    }

    #[test]
    fn what_no_json_becomes_is_refused() {
        for foreign in [Bson::ObjectId(ObjectId::new()), Bson::Double(f64::NAN)] {
            let body = Document::from_iter([("a".to_owned(), foreign)]);
            assert!(matches!(decode(body), Err(EngineError::Malformed(_))));
        }
    }
}
