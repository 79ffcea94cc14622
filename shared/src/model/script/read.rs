//! A JSON value that knows where it stands, so that every complaint carries its path.

use serde_json::{Map, Value};

use super::pattern::{Pattern, Sets};
use super::template::Template;
use super::{MAX_ITEMS, MAX_TEXT_BYTES, ScriptError};

/// Accepted in every object and ignored: a remark of the author.
const NOTE: &str = "note";

/// A value and its path.
#[derive(Clone)]
pub(super) struct At<'v> {
    pub value: &'v Value,
    pub path: String,
}

/// An object whose keys were checked.
pub(super) struct Fields<'v> {
    at: At<'v>,
    map: &'v Map<String, Value>,
}

type Read<T> = Result<T, ScriptError>;

impl<'v> At<'v> {
    pub fn root(value: &'v Value) -> Self {
        Self { value, path: "script".into() }
    }

    pub fn error(&self, problem: impl Into<String>) -> ScriptError {
        ScriptError { path: self.path.clone(), problem: problem.into() }
    }

    fn wrong(&self, expected: &str) -> ScriptError {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.error(format!("this is {found}; write {expected}"))
    }

    fn map(&self) -> Read<&'v Map<String, Value>> {
        self.value.as_object().ok_or_else(|| self.wrong("an object"))
    }

    /// An object that may hold only these keys.
    pub fn fields(self, allowed: &[&str]) -> Read<Fields<'v>> {
        let map = self.map()?;
        if let Some(key) = map.keys().find(|key| !allowed.contains(&key.as_str()) && *key != NOTE) {
            return Err(self.error(format!("\"{key}\" is not known here; use {}", allowed.join(", "))));
        }
        Ok(Fields { at: self, map })
    }

    /// An object whose keys are names of the author's.
    pub fn entries(&self, most: usize) -> Read<Vec<(String, At<'v>)>> {
        let map = self.map()?;
        if map.len() > most {
            return Err(self.error(format!("there are {} entries; at most {most} are allowed", map.len())));
        }
        map.iter()
            .filter(|(key, _)| *key != NOTE)
            .map(|(key, value)| {
                let at = At { value, path: format!("{}.{key}", self.path) };
                if key.trim().is_empty() || key.len() > MAX_TEXT_BYTES {
                    return Err(at.error("this name is empty or too long"));
                }
                Ok((key.clone(), at))
            })
            .collect()
    }

    pub fn list(&self) -> Read<Vec<At<'v>>> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        if items.len() > MAX_ITEMS {
            return Err(
                self.error(format!("there are {} items; at most {MAX_ITEMS} are allowed", items.len()))
            );
        }
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| At { value, path: format!("{}[{index}]", self.path) })
            .collect())
    }

    /// One text or a list of them.
    fn one_or_more(&self) -> Read<Vec<At<'v>>> {
        if self.value.is_array() { self.list() } else { Ok(vec![self.clone()]) }
    }

    pub fn text(&self) -> Read<&'v str> {
        let text = self.value.as_str().ok_or_else(|| self.wrong("a text"))?;
        if text.trim().is_empty() {
            return Err(self.error("this text is empty; write something or leave it out"));
        }
        if text.len() > MAX_TEXT_BYTES {
            return Err(
                self.error(format!("this text is {} bytes long; at most {MAX_TEXT_BYTES}", text.len()))
            );
        }
        Ok(text)
    }

    pub fn names(&self) -> Read<Vec<String>> {
        self.one_or_more()?.iter().map(|item| item.text().map(str::to_owned)).collect()
    }

    pub fn templates(&self) -> Read<Vec<Template>> {
        self.one_or_more()?
            .iter()
            .map(|item| Template::parse(item.text()?).map_err(|problem| item.error(problem)))
            .collect()
    }

    pub fn patterns(&self, sets: &Sets) -> Read<Vec<Pattern>> {
        let patterns: Vec<Pattern> = self
            .one_or_more()?
            .iter()
            .map(|item| Pattern::parse(item.text()?, sets).map_err(|problem| item.error(problem)))
            .collect::<Read<_>>()?;
        if patterns.is_empty() {
            return Err(self.error("there are no patterns; write at least one"));
        }
        Ok(patterns)
    }

    /// A text, or a number or yes/no as JSON writes it.
    pub fn plain(&self) -> Read<String> {
        match self.value {
            Value::Number(number) => Ok(number.to_string()),
            _ => self.text().map(str::to_owned),
        }
    }

    pub fn integer(&self) -> Read<i64> {
        self.value.as_i64().ok_or_else(|| self.wrong("a whole number"))
    }

    pub fn flag(&self) -> Read<bool> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }
}

impl<'v> Fields<'v> {
    pub fn find(&self, key: &str) -> Option<At<'v>> {
        self.map.get(key).map(|value| At { value, path: format!("{}.{key}", self.at.path) })
    }

    pub fn get(&self, key: &str) -> Read<At<'v>> {
        self.find(key).ok_or_else(|| self.error(format!("\"{key}\" is missing; add it")))
    }

    /// What `read` makes of the value, or the default when it is absent.
    pub fn or_default<T: Default>(&self, key: &str, read: impl FnOnce(At<'v>) -> Read<T>) -> Read<T> {
        self.find(key).map_or_else(|| Ok(T::default()), read)
    }

    pub fn error(&self, problem: impl Into<String>) -> ScriptError {
        self.at.error(problem)
    }
}
