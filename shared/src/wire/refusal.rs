//! What the bridge answers with a status that is no success.

use serde::Deserialize;

/// The body, as far as programs read it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    pub error: Said,
}

/// See [`Refusal`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Said {
    /// A word of the documented list.
    pub code: String,
    /// A sentence for people.
    #[serde(default)]
    pub detail: String,
}

impl Refusal {
    /// What an answer's body says; nothing of one that is none of the bridge's.
    pub fn of(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_stands_in_the_error() {
        let refusal = Refusal::of(include_bytes!("refusal_v1.golden.json")).unwrap();
        assert_eq!(refusal.error.code, super::super::dialler::codes::FENCED);
        assert!(refusal.error.detail.contains("walk away"));
        for other in [&b"<html>"[..], b"{}", br#"{"code": "fenced"}"#, b""] {
            assert_eq!(Refusal::of(other), None);
        }
    }
}
