//! Reading a JSON object strictly: what is missing and what has the wrong type or value is noted by name.

use serde_json::{Map, Value};

use super::Intake;
use crate::violation::Rule;

/// A JSON object of an event, and where to note its faults.
pub(super) struct Fields<'a> {
    /// Name in the notes: the event, and the path of a nested object.
    name: String,
    object: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(name: &str, object: &'a Map<String, Value>) -> Self {
        Self { name: name.to_owned(), object }
    }

    /// A nested object.
    pub(super) fn object(&self, key: &str, intake: &Intake<'_>) -> Option<Fields<'a>> {
        let object = self.typed(key, "an object", Value::as_object, intake)?;
        Some(Fields { name: format!("{}.{key}", self.name), object })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.object.contains_key(key)
    }

    pub(super) fn text(&self, key: &str, intake: &Intake<'_>) -> Option<&'a str> {
        self.typed(key, "a string", Value::as_str, intake)
    }

    pub(super) fn boolean(&self, key: &str, intake: &Intake<'_>) -> Option<bool> {
        self.typed(key, "true or false", Value::as_bool, intake)
    }

    pub(super) fn whole(&self, key: &str, intake: &Intake<'_>) -> Option<i64> {
        self.typed(key, "a whole number", Value::as_i64, intake)
    }

    /// A turn's number: whole and not negative.
    pub(super) fn turn(&self, intake: &Intake<'_>) -> Option<u64> {
        self.typed("turn", "a whole number from 0", Value::as_u64, intake)
    }

    /// A duration or time: a number that is not negative.
    pub(super) fn millis(&self, key: &str, intake: &Intake<'_>) -> Option<f64> {
        let number = |value: &Value| value.as_f64().filter(|ms| *ms >= 0.0);
        self.typed(key, "milliseconds from 0", number, intake)
    }

    pub(super) fn text_is(&self, key: &str, expected: &str, intake: &Intake<'_>) {
        if let Some(found) = self.text(key, intake).filter(|found| *found != expected) {
            self.wrong(key, || format!("{found:?} instead of {expected:?}"), intake);
        }
    }

    pub(super) fn whole_is(&self, key: &str, expected: i64, intake: &Intake<'_>) {
        if let Some(found) = self.whole(key, intake).filter(|found| *found != expected) {
            self.wrong(key, || format!("{found} instead of {expected}"), intake);
        }
    }

    pub(super) fn wrong(&self, key: &str, what: impl FnOnce() -> String, intake: &Intake<'_>) {
        intake.note(Rule::WrongField, || format!("{}.{key} is {}", self.name, what()));
    }

    fn typed<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
        intake: &Intake<'_>,
    ) -> Option<T> {
        let Some(value) = self.object.get(key) else {
            intake.note(Rule::MissingField, || format!("{}.{key}", self.name));
            return None;
        };
        let typed = read(value);
        if typed.is_none() {
            self.wrong(key, || format!("{} instead of {wanted}", kind(value)), intake);
        }
        typed
    }
}

/// A JSON object with the name of its event in the field `tag`.
pub(super) fn event<'a>(
    value: &'a Result<Value, serde_json::Error>,
    tag: &str,
    intake: &Intake<'_>,
) -> Option<(&'a str, Fields<'a>)> {
    let object = match value {
        Ok(Value::Object(object)) => object,
        Ok(other) => {
            intake.note(Rule::NotJson, || format!("{} instead of an object", kind(other)));
            return None;
        }
        Err(error) => {
            intake.note(Rule::NotJson, || error.to_string());
            return None;
        }
    };
    let name = Fields::new("message", object).text(tag, intake)?;
    Some((name, Fields::new(name, object)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number of another kind",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
