//! Vendors of which nothing can be asked over HTTP with a key alone: whether they open their WebSocket for it.

use url::Url;

use super::{Kind, Vendor};

/// How a vendor's WebSocket is opened to see whether it takes a key. Nothing is synthesised or recognised, and nothing billed.
#[derive(Clone, Copy, Debug)]
pub struct Knock {
    /// Below the vendor's address; the last part may have a query behind a `?`.
    pub path: &'static [&'static str],
    pub header: &'static str,
    pub prefix: &'static str,
    /// What is said first, where a vendor says nothing of a key before.
    pub first: &'static [&'static str],
}

/// A session without sound, and its end: the vendor answers the latter.
const SONIOX_SESSION: &[&str] =
    &[r#"{"model": "stt-rt-v5", "audio_format": "pcm_s16le", "sample_rate": 16000, "num_channels": 1}"#, ""];
const SARVAM: Knock = Knock {
    path: &[
        "speech-to-text",
        "ws?language-code=en-IN&model=saaras%3Av4&mode=transcribe&sample_rate=16000&input_audio_codec=pcm_s16le",
    ],
    header: "api-subscription-key",
    prefix: "",
    first: &[],
};

/// By kind and name, from each vendor's protocol.
const KNOCKS: &[(Kind, &str, Knock)] = &[
    (Kind::Recogniser, "sarvam", SARVAM),
    (Kind::Recogniser, "sarvam_realtime", SARVAM),
    (
        Kind::Recogniser,
        "soniox",
        Knock {
            path: &["transcribe-websocket"],
            header: "authorization",
            prefix: "Bearer ",
            first: SONIOX_SESSION,
        },
    ),
    (Kind::Voice, "cartesia", bearer(&["tts", "websocket"])),
    (Kind::Voice, "resemble", bearer(&["stream"])),
    (Kind::Voice, "soniox", bearer(&["tts-websocket"])),
];

const fn bearer(path: &'static [&'static str]) -> Knock {
    Knock { path, header: "authorization", prefix: "Bearer ", first: &[] }
}

impl Vendor {
    /// How it is seen whether its WebSocket opens for a key; `None` where there is another way, or none.
    pub fn knock(&self) -> Option<&'static Knock> {
        KNOCKS
            .iter()
            .find(|(kind, name, _)| (*kind, *name) == (self.kind, self.name))
            .map(|(_, _, knock)| knock)
    }

    /// Where, below a bot's `base_url` or the vendor's own address; `ws` or `wss`.
    pub fn knock_url(&self, base_url: Option<&str>) -> Option<Url> {
        let mut url = self.http_url(base_url, self.knock()?.path)?;
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        url.set_scheme(scheme).ok()?;
        Some(url)
    }
}

/// The row by which a key is tried that is used at this address: of two of a name the one whose own address it is.
pub fn find_tried(name: &str, base_url: Option<&str>) -> Option<&'static Vendor> {
    let kinds = [Kind::Recogniser, Kind::LanguageModel, Kind::Voice];
    let rows: Vec<_> =
        kinds.into_iter().filter_map(|kind| kind.find(name)).filter(|row| row.can_be_tried()).collect();
    rows.iter().find(|row| row.is_at_home(base_url)).or(rows.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{CARTESIA, SARVAM_VOICES, SONIOX, SONIOX_VOICES, find_keyed};

    #[test]
    fn every_door_is_a_vendors() {
        for (kind, name, knock) in KNOCKS {
            let vendor = kind.find(name).unwrap_or_else(|| panic!("{name}"));
            assert!(vendor.key_check.is_none() && vendor.can_be_tried(), "{name}");
            let url = vendor.knock_url(None).unwrap();
            assert!(url.scheme() == "wss" && knock.header == knock.header.to_lowercase(), "{name}");
        }
    }

    #[test]
    fn a_key_is_tried_where_it_is_used() {
        let url = |vendor: &Vendor, base: Option<&str>| vendor.knock_url(base).map(String::from);
        assert_eq!(url(&CARTESIA, None).as_deref(), Some("wss://api.cartesia.ai/tts/websocket"));
        assert_eq!(
            url(&SONIOX, Some("http://127.0.0.1:9/")).as_deref(),
            Some("ws://127.0.0.1:9/transcribe-websocket")
        );
        let name = |base: Option<&str>| find_tried("soniox", base).map(|row| row.kind);
        assert_eq!(name(None), Some(Kind::Recogniser));
        assert_eq!(name(Some("https://tts-rt.eu.soniox.com")), Some(Kind::Voice));
        assert_eq!(name(Some("https://stt-rt.eu.soniox.com")), Some(Kind::Recogniser));
        assert_eq!(name(Some("ws://127.0.0.1:9")), Some(Kind::Recogniser));
        // Its key is that of the recogniser.
        assert!(SARVAM_VOICES.knock().is_none() && find_keyed("sarvam").is_some());
        assert!(
            url(&SONIOX_VOICES, Some("wss://tts-rt.eu.soniox.com"))
                .is_some_and(|url| url.ends_with("/tts-websocket"))
        );
    }
}
