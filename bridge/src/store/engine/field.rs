//! Places in a document's body, declared once with the one JSON type that each has. What searches and changes name is such
//! a declaration, so a misspelt name or a value of another type does not compile.

use std::marker::PhantomData;

use serde_json::{Map, Value};
use vox_shared::ids::{BotId, EventId, PlanId, SessionId, TenantId, UserId, WebhookId, WorkerId};

use super::EngineError;

/// Longest indexed text, bytes: what every engine can index.
pub const MAX_KEY_BYTES: usize = 1024;

/// The JSON type of a field, the same in all documents: engines agree on the order of equal types only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Text,
    /// 64 bits with sign. Money is in millionths.
    Integer,
    Boolean,
    /// Anything; it can be set and left out of lists, and nothing else.
    Json,
}

/// [`FieldType::Text`] as a type.
#[derive(Clone, Copy, Debug)]
pub enum Text {}
/// [`FieldType::Integer`] as a type.
#[derive(Clone, Copy, Debug)]
pub enum Integer {}
/// [`FieldType::Boolean`] as a type.
#[derive(Clone, Copy, Debug)]
pub enum Boolean {}
/// [`FieldType::Json`] as a type.
#[derive(Clone, Copy, Debug)]
pub enum Json {}

/// A type of field.
pub trait Kind {
    const TYPE: FieldType;
}

/// A type that can be compared and indexed.
pub trait Scalar: Kind {}

macro_rules! kinds {
    ($($kind:ident),*) => {$(
        impl Kind for $kind {
            const TYPE: FieldType = FieldType::$kind;
        }
    )*};
}

kinds!(Text, Integer, Boolean, Json);
impl Scalar for Text {}
impl Scalar for Integer {}
impl Scalar for Boolean {}

/// A declared place of the type `K`; made by [`field!`](crate::field!).
#[derive(Debug)]
pub struct Field<K> {
    path: &'static str,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for Field<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Field<K> {}

impl<K: Kind> Field<K> {
    /// `path` is dotted, within the body.
    pub const fn new(path: &'static str) -> Self {
        Self { path, kind: PhantomData }
    }

    /// The same, for lists of fields of several types.
    pub const fn place(self) -> Place {
        Place { path: self.path, kind: K::TYPE }
    }
}

/// A declared place, its type as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Dotted, within the body. Engines keep a body under a name of its own beside id, version and schema.
    pub path: &'static str,
    pub kind: FieldType,
}

impl Place {
    /// The value there.
    pub fn of<'a>(&self, body: &'a Map<String, Value>) -> Option<&'a Value> {
        let mut parts = self.path.split('.');
        let mut value = body.get(parts.next()?)?;
        for part in parts {
            value = value.as_object()?.get(part)?;
        }
        Some(value)
    }

    /// Whether a value is of this place's type.
    pub fn takes(&self, value: &Value) -> bool {
        match self.kind {
            FieldType::Text => value.is_string(),
            // Not 1.0, and nothing above 63 bits: engines would order, add and give them back in different ways.
            FieldType::Integer => value.as_i64().is_some(),
            FieldType::Boolean => value.is_boolean(),
            FieldType::Json => true,
        }
    }

    /// Refuse a value of another type. `None` and null are fine: whether a field may be absent is for indexes to say.
    pub(super) fn check(&self, body: &Map<String, Value>) -> Result<(), EngineError> {
        match self.of(body) {
            None | Some(Value::Null) => Ok(()),
            Some(value) if self.takes(value) => Ok(()),
            Some(_) => {
                Err(EngineError::Malformed(format!("'{}' must be of type {:?}", self.path, self.kind)))
            }
        }
    }
}

/// A Rust type whose JSON is of the type `K`.
pub trait Holds<K> {
    fn json(&self) -> Value;
}

impl<K, T: Holds<K> + ?Sized> Holds<K> for &T {
    fn json(&self) -> Value {
        (**self).json()
    }
}

/// Absent is null, in every engine.
impl<K, T: Holds<K>> Holds<K> for Option<T> {
    fn json(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::json)
    }
}

macro_rules! holds {
    ($kind:ty: $($held:ty => $json:expr;)*) => {$(
        impl $crate::store::engine::Holds<$kind> for $held {
            fn json(&self) -> ::serde_json::Value {
                let json: fn(&Self) -> ::serde_json::Value = $json;
                json(self)
            }
        }
    )*};
}
pub(crate) use holds;

holds! { Text:
    str => |s| s.into();
    String => |s| s.as_str().into();
    TenantId => |id| id.as_str().into();
    UserId => |id| id.as_str().into();
    BotId => |id| id.as_str().into();
    PlanId => |id| id.as_str().into();
    SessionId => |id| id.as_str().into();
    WorkerId => |id| id.as_str().into();
    WebhookId => |id| id.as_str().into();
    EventId => |id| id.as_str().into();
}
holds! { Integer: i64 => |n| (*n).into(); u32 => |n| (*n).into(); i32 => |n| (*n).into(); }
holds! { Boolean: bool => |b| (*b).into(); }
holds! { Json: Value => Value::clone; Map<String, Value> => |map| Value::Object(map.clone()); }

/// Declare a field of a document: `field!(Call => status: Text)`, and one level deeper in an optional part
/// `field!(Bot => creation / Creation => key: Text)`. It does not compile when the struct has no such field or one of
/// another type. Serde must write the field under its own name.
#[macro_export]
macro_rules! field {
    ($document:ty => $name:ident: $kind:ty) => {{
        const _: fn(&$document) -> &dyn $crate::store::engine::Holds<$kind> = |document| &document.$name;
        $crate::store::engine::Field::<$kind>::new(stringify!($name))
    }};
    ($document:ty => $part:ident / $inner:ty => $name:ident: $kind:ty) => {{
        const _: fn(&$document) -> &Option<$inner> = |document| &document.$part;
        const _: fn(&$inner) -> &dyn $crate::store::engine::Holds<$kind> = |inner| &inner.$name;
        $crate::store::engine::Field::<$kind>::new(concat!(stringify!($part), ".", stringify!($name)))
    }};
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_place_takes_its_own_type_only() {
        let values = [json!("x"), json!(1), json!(true), json!(1.0), json!(u64::MAX), json!([]), json!({})];
        let taken = |kind| values.iter().filter(|v| Place { path: "a", kind }.takes(v)).count();
        assert_eq!(
            [FieldType::Text, FieldType::Integer, FieldType::Boolean, FieldType::Json].map(taken),
            [1, 1, 1, 7]
        );
    }

    #[test]
    fn a_nested_place_is_found() {
        let body = json!({"a": {"b": 3}, "c": 1});
        let body = body.as_object().unwrap();
        let at = |path| Field::<Integer>::new(path).place().of(body).and_then(Value::as_i64);
        assert_eq!((at("a.b"), at("c"), at("c.d"), at("x")), (Some(3), Some(1), None, None));
    }
}
