//! How each vendor is asked, as cheaply as it can be, whether a key is good.

use reqwest::header::{HeaderName, HeaderValue};
use url::Url;

/// A vendor that needs a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    Deepgram,
    OpenAi,
    ElevenLabs,
}

impl Vendor {
    /// By the name in a bot's settings; `None` for the local engines, which need no key.
    pub fn of(provider: &str) -> Option<Self> {
        match provider {
            "deepgram" => Some(Self::Deepgram),
            "openai" => Some(Self::OpenAi),
            "elevenlabs" => Some(Self::ElevenLabs),
            _ => None,
        }
    }

    /// The address that is asked, below a bot's `base_url` or the vendor's own.
    pub fn question(self, base_url: Option<&str>) -> Option<Url> {
        let (home, path): (&str, &[&str]) = match self {
            Self::Deepgram => ("https://api.deepgram.com", &["v1", "projects"]),
            Self::OpenAi => ("https://api.openai.com/v1", &["models"]),
            Self::ElevenLabs => ("https://api.elevenlabs.io", &["v1", "user"]),
        };
        let mut url = Url::parse(base_url.filter(|base| !base.is_empty()).unwrap_or(home)).ok()?;
        // Speech vendors are configured by the address of their WebSocket; the same server speaks HTTP.
        let scheme = match url.scheme() {
            "ws" | "http" => "http",
            "wss" | "https" => "https",
            _ => return None,
        };
        url.set_scheme(scheme).ok()?;
        let last = url.path_segments()?.rfind(|part| !part.is_empty()).map(str::to_owned);
        // An address that was copied with its version does not get it twice.
        let rest = if last.as_deref() == path.first().copied() { &path[1..] } else { path };
        url.path_segments_mut().ok()?.pop_if_empty().extend(rest);
        Some(url)
    }

    /// The header with the key; `None` when the key holds what no key holds.
    pub fn header(self, key: &str) -> Option<(HeaderName, HeaderValue)> {
        let (name, text) = match self {
            Self::Deepgram => ("authorization", format!("Token {key}")),
            Self::OpenAi => ("authorization", format!("Bearer {key}")),
            Self::ElevenLabs => ("xi-api-key", key.to_owned()),
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_static(name), value))
    }

    /// Whether a self-hosted server of this kind may do without a key.
    pub fn may_be_keyless(self) -> bool {
        self == Self::OpenAi
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vendor_has_its_question() {
        let check = |vendor: Vendor, base: Option<&str>, expected: &str| {
            assert_eq!(vendor.question(base).map(String::from).as_deref(), Some(expected));
        };
        check(Vendor::Deepgram, None, "https://api.deepgram.com/v1/projects");
        check(Vendor::OpenAi, Some(""), "https://api.openai.com/v1/models");
        check(Vendor::ElevenLabs, Some("ws://127.0.0.1:9/"), "http://127.0.0.1:9/v1/user");
        check(Vendor::Deepgram, Some("wss://h/v1"), "https://h/v1/projects");
        check(Vendor::OpenAi, Some("http://h/api/v1/"), "http://h/api/v1/models");
        assert_eq!(Vendor::OpenAi.question(Some("ftp://h")), None);
        assert_eq!(Vendor::of("flite"), None);
    }

    #[test]
    fn keys_are_never_printed() {
        let (_, value) = Vendor::Deepgram.header("k123").unwrap();
        assert!(!format!("{value:?}").contains("k123"));
        assert!(Vendor::ElevenLabs.header("a\nb").is_none());
    }
}
