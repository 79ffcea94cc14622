//! Turning one genuine message into what a lying vendor sends.

use serde_json::{Map, Value};

use super::faults::{Faults, Lie};

/// The part of a lie that only the vendor's own module knows.
pub(crate) trait Dialect: Send + Sync {
    /// A well-formed event that the vendor does not have.
    fn unknown_event(&self) -> Value;
    /// The message readdressed to something the client never opened.
    fn to_a_stranger(&self, genuine: &Value) -> Value;
    /// The message with its times or index going backwards.
    fn missequenced(&self, genuine: &Value) -> Value;
}

/// Tells the configured lies in turn.
pub(crate) struct Liar {
    dialect: &'static dyn Dialect,
    lies: Vec<Lie>,
    every: u32,
    genuine: u32,
    told: usize,
    held: Option<String>,
}

impl Liar {
    pub(crate) fn new(faults: &Faults, dialect: &'static dyn Dialect) -> Self {
        let every = faults.lie_every.max(1);
        Self { dialect, lies: faults.lies.clone(), every, genuine: 0, told: 0, held: None }
    }

    /// The texts to send, in order, for one genuine message.
    pub(crate) fn tell(&mut self, message: &Value) -> Vec<String> {
        let text = message.to_string();
        let held = self.held.take();
        let mut out = match self.next_lie() {
            None => vec![text],
            Some(Lie::OutOfOrder) if held.is_none() => {
                self.held = Some(text);
                Vec::new()
            }
            Some(Lie::OutOfOrder) => vec![text],
            Some(Lie::Duplicate) => vec![text.clone(), text],
            Some(lie) => vec![self.falsehood(lie, message, &text), text],
        };
        out.extend(held);
        out
    }

    /// Whether a message is held back.
    pub(crate) fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// A held-back message that has no successor any more.
    pub(crate) fn release(&mut self) -> Option<String> {
        self.held.take()
    }

    fn next_lie(&mut self) -> Option<Lie> {
        let due = self.genuine.is_multiple_of(self.every);
        self.genuine = self.genuine.wrapping_add(1);
        if !due || self.lies.is_empty() {
            return None;
        }
        let lie = self.lies[self.told % self.lies.len()];
        self.told += 1;
        Some(lie)
    }

    fn falsehood(&self, lie: Lie, message: &Value, text: &str) -> String {
        match lie {
            Lie::MalformedJson => first_half(text).to_owned(),
            Lie::WrongTypes => swapped_types(message).to_string(),
            Lie::UnknownEvent => self.dialect.unknown_event().to_string(),
            Lie::UnknownContext => self.dialect.to_a_stranger(message).to_string(),
            Lie::WrongSequence => self.dialect.missequenced(message).to_string(),
            Lie::OutOfOrder | Lie::Duplicate => text.to_owned(),
        }
    }
}

/// A valid message with `megabytes` of padding in a field that the vendor does not have.
pub(crate) fn oversized(mut message: Value, megabytes: u32) -> String {
    let padding = "x".repeat(megabytes as usize * 1024 * 1024);
    if let Value::Object(fields) = &mut message {
        fields.insert("padding".to_owned(), Value::String(padding));
    }
    message.to_string()
}

fn first_half(text: &str) -> &str {
    let mut middle = text.len() / 2;
    while !text.is_char_boundary(middle) {
        middle -= 1;
    }
    &text[..middle]
}

/// Discriminators stay, so that the message is routed to the parser that must cope with the rest.
fn swapped_types(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, inner)| {
                    let kept = matches!(name.as_str(), "type" | "object");
                    (name.clone(), if kept { inner.clone() } else { swapped_types(inner) })
                })
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(swapped_types).collect()),
        Value::String(text) => Value::from(text.len()),
        Value::Number(number) => Value::String(number.to_string()),
        Value::Bool(truth) => Value::String(truth.to_string()),
        Value::Null => Value::from(0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Plain;
    impl Dialect for Plain {
        fn unknown_event(&self) -> Value {
            json!({"type": "Unheard"})
        }
        fn to_a_stranger(&self, _: &Value) -> Value {
            json!({"to": "stranger"})
        }
        fn missequenced(&self, _: &Value) -> Value {
            json!({"n": -1})
        }
    }

    fn check(lies: &[Lie], expected: &[&str]) {
        let faults = Faults { lies: lies.to_vec(), ..Faults::default() };
        let mut liar = Liar::new(&faults, &Plain);
        let mut sent = Vec::new();
        for n in 1..=3 {
            sent.extend(liar.tell(&json!({"n": n})));
        }
        sent.extend(liar.release());
        assert_eq!(sent, expected);
    }

    #[test]
    fn every_genuine_message_still_comes() {
        check(&[], &[r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]);
        check(
            &[Lie::MalformedJson],
            &[r#"{"n"#, r#"{"n":1}"#, r#"{"n"#, r#"{"n":2}"#, r#"{"n"#, r#"{"n":3}"#],
        );
        check(&[Lie::OutOfOrder], &[r#"{"n":2}"#, r#"{"n":1}"#, r#"{"n":3}"#]);
        let mixed = [Lie::Duplicate, Lie::WrongTypes, Lie::UnknownContext];
        let expected =
            [r#"{"n":1}"#, r#"{"n":1}"#, r#"{"n":"2"}"#, r#"{"n":2}"#, r#"{"to":"stranger"}"#, r#"{"n":3}"#];
        check(&mixed, &expected);
    }
}
