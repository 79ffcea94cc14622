//! What a setting's value may be, and how that is said.

use std::fmt;

use serde_json::Value;
use url::Url;

/// The form of a value. Null counts as absent and is always allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// An address of a server, see [`is_address`]; an empty one counts as absent.
    Address,
    Text,
    OneOf(&'static [&'static str]),
    Flag,
    /// With its smallest and largest value.
    Number(f64, f64),
    /// Without a fraction, with its smallest and largest value.
    Whole(u64, u64),
    /// Milliseconds up to a bound; `false` and 0 switch the timer off, `true` leaves it as it is.
    Timer {
        most_ms: u64,
    },
    /// So many texts of so many bytes.
    Texts {
        most: usize,
        bytes: usize,
    },
    SomeOf(&'static [&'static str]),
    /// A script of the scripted model, which is checked by itself.
    Script,
}

impl Form {
    /// Whether a value has this form.
    pub fn allows(&self, value: &Value) -> bool {
        match self {
            _ if value.is_null() => true,
            Self::Address => value.as_str().is_some_and(|text| text.is_empty() || is_address(text)),
            Self::Text => value.is_string(),
            Self::OneOf(words) => value.as_str().is_some_and(|text| text.is_empty() || words.contains(&text)),
            Self::Flag => value.is_boolean(),
            Self::Number(least, most) => {
                value.as_f64().is_some_and(|number| (*least..=*most).contains(&number))
            }
            Self::Whole(least, most) => {
                value.as_u64().is_some_and(|number| (*least..=*most).contains(&number))
            }
            Self::Timer { most_ms } => value.is_boolean() || value.as_u64().is_some_and(|ms| ms <= *most_ms),
            Self::Texts { most, bytes } => texts(value, *most, |text| text.len() <= *bytes),
            Self::SomeOf(words) => texts(value, words.len(), |text| words.contains(&text)),
            Self::Script => true,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => {
                f.write_str("an http, https, ws or wss address without user and password, query or #")
            }
            Self::Text => f.write_str("a text"),
            Self::OneOf(words) => write!(f, "one of {}", words.join(", ")),
            Self::Flag => f.write_str("true or false"),
            Self::Number(least, most) => write!(f, "a number from {least} to {most}"),
            Self::Whole(least, most) => write!(f, "a whole number from {least} to {most}"),
            Self::Timer { most_ms } => write!(f, "false or milliseconds up to {most_ms}"),
            Self::Texts { most, bytes } => write!(f, "a list of at most {most} texts of {bytes} bytes"),
            Self::SomeOf(words) => write!(f, "a list of some of {}", words.join(", ")),
            Self::Script => f.write_str("a script (see scripted-model.md)"),
        }
    }
}

fn texts(value: &Value, most: usize, allowed: impl Fn(&str) -> bool) -> bool {
    let Some(list) = value.as_array() else { return false };
    list.len() <= most && list.iter().all(|item| item.as_str().is_some_and(&allowed))
}

/// Whether a server can be reached by an address, and the address holds nothing private or superfluous.
pub fn is_address(text: &str) -> bool {
    Url::parse(text.trim()).is_ok_and(|url| {
        let scheme = matches!(url.scheme(), "http" | "https" | "ws" | "wss");
        let plain = url.username().is_empty() && url.password().is_none();
        scheme && plain && url.has_host() && url.query().is_none() && url.fragment().is_none()
    })
}
