//! How a sealed text is written: `sealed:1:<id of the data key>:<base64url of nonce, ciphertext, tag>`. The number is the version
//! of this form.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::aead::{Key, Unopenable};

const HEAD: &str = "sealed:1:";
/// Says what the bytes that are bound are of, so that those of another use never meet them.
const DOMAIN: &str = "vox secret 1";

/// Where a secret is. A sealed one opens there and nowhere else.
pub struct Place<'a> {
    /// The tenant, or empty for what belongs to the deployment.
    pub scope: &'a str,
    pub collection: &'a str,
    pub record: &'a str,
    /// The names that lead to it, and of lists the number.
    pub field: Vec<String>,
}

impl Place<'_> {
    /// All of it in one, each part with its length before it: no two places read the same.
    fn bound(&self, key_id: &str) -> Vec<u8> {
        let parts = [DOMAIN, key_id, self.scope, self.collection, self.record];
        bound(parts.into_iter().chain(self.field.iter().map(String::as_str)))
    }
}

/// Parts in one, each with its length before it.
pub fn bound<'a>(parts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// Seal a text for its place.
pub fn seal((key_id, key): (&str, &Key), place: &Place<'_>, clear: &str) -> String {
    let sealed = key.seal(&place.bound(key_id), clear.as_bytes());
    format!("{HEAD}{key_id}:{}", URL_SAFE_NO_PAD.encode(sealed))
}

/// The data key that a sealed text names; `None` for a text that is not sealed, or in a form that this version does not know.
pub fn key_id(text: &str) -> Option<&str> {
    Some(text.strip_prefix(HEAD)?.split_once(':')?.0)
}

/// Open a sealed text at its place.
pub fn open(key: &Key, place: &Place<'_>, text: &str) -> Result<String, Unopenable> {
    let (key_id, sealed) = text.strip_prefix(HEAD).and_then(|rest| rest.split_once(':')).ok_or(Unopenable)?;
    let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| Unopenable)?;
    let clear = key.open(&place.bound(key_id), &sealed)?;
    String::from_utf8(clear).map_err(|_| Unopenable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place<'a>(scope: &'a str, collection: &'a str, record: &'a str, field: &[&str]) -> Place<'a> {
        Place { scope, collection, record, field: field.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn it_opens_in_its_place_only() {
        let key = Key::generate();
        let home = place("default", "bots", "bot_1", &["settings", "llm", "api_key"]);
        let text = seal(("default~1", &key), &home, "sk-0123456789abcdef");
        assert_eq!(key_id(&text), Some("default~1"));
        assert_eq!(open(&key, &home, &text).as_deref(), Ok("sk-0123456789abcdef"));
        for other in [
            place("other", "bots", "bot_1", &["settings", "llm", "api_key"]),
            place("default", "bot_versions", "bot_1", &["settings", "llm", "api_key"]),
            place("default", "bots", "bot_2", &["settings", "llm", "api_key"]),
            place("default", "bots", "bot_1", &["settings", "stt", "api_key"]),
            place("default", "bots", "bot_1", &["settings", "llm.api_key"]),
            place("default", "bots", "bot_1settings", &["llm", "api_key"]),
        ] {
            assert_eq!(open(&key, &other, &text), Err(Unopenable));
        }
    }

    #[test]
    fn no_byte_of_it_may_change() {
        let key = Key::generate();
        let home = place("default", "bots", "bot_1", &["api_key"]);
        let text = seal(("default~1", &key), &home, "sk-0123456789abcdef");
        for at in 0..text.len() {
            for other in *b"AZa09-_:~." {
                let mut changed = text.clone().into_bytes();
                if changed[at] == other {
                    continue;
                }
                changed[at] = other;
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(open(&key, &home, &changed), Err(Unopenable), "byte {at}: {changed}");
            }
            assert_eq!(open(&key, &home, &text[..at]), Err(Unopenable));
        }
    }
}
