//! How much vendors do at once for one key, where they publish a number: what counts while nobody has stated another.

use url::Url;

use super::{Kind, Vendor, account, regions};

/// What a vendor does at once for one key; what is absent is not limited, or not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Connections or contexts, of which a call has one.
    pub streams: Option<u32>,
    pub requests_per_minute: Option<u32>,
}

const fn streams(most: u32) -> Allowance {
    Allowance { streams: Some(most), requests_per_minute: None }
}

const fn requests(most: u32) -> Allowance {
    Allowance { streams: None, requests_per_minute: Some(most) }
}

/// By the account, of the smallest plan that is paid for, as the vendors' pages said it in 2026. Where plans differ much and the vendor
/// lets what is too much wait (ElevenLabs, Cartesia) there is none: it is for the operator to state.
const PUBLISHED: &[(Kind, &str, Allowance)] = &[
    (Kind::Recogniser, "deepgram", streams(50)),
    (Kind::Recogniser, "sarvam", streams(20)),
    (Kind::Recogniser, "soniox", streams(10)),
    (Kind::LanguageModel, "groq", requests(1_000)),
    (Kind::Voice, "deepgram", streams(15)),
    (Kind::Voice, "soniox", streams(3)),
];

impl Vendor {
    /// What it publishes for one key, at its own address or one of its regions'. A server of one's own has no such number.
    pub fn allowance(&self, base_url: Option<&str>) -> Allowance {
        let counts_as = account(self.name);
        let published = PUBLISHED.iter().find(|(kind, name, _)| *kind == self.kind && *name == counts_as);
        published.map_or(Allowance::default(), |(_, _, of)| {
            if self.is_at_home(base_url) { *of } else { Allowance::default() }
        })
    }

    /// Whether an address is the vendor's: its own, or one of its regions'.
    pub fn is_at_home(&self, base_url: Option<&str>) -> bool {
        let Some(given) = base_url.map(str::trim).filter(|url| !url.is_empty()) else { return true };
        let host = |text: &str| Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
        let Some(given) = host(given) else { return false };
        host(self.home).is_some_and(|home| home == given)
            || regions(self).iter().any(|(region, _)| *region == given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{AURA, DEEPGRAM, DEEPGRAM_FLUX, ELEVENLABS, GROQ};

    #[test]
    fn every_published_number_is_of_a_vendor() {
        for (kind, name, of) in PUBLISHED {
            assert!(kind.vendors().iter().any(|vendor| account(vendor.name) == *name), "{name}");
            assert!(of.streams.or(of.requests_per_minute).is_some_and(|most| most > 0), "{name}");
        }
    }

    #[test]
    fn a_number_is_of_an_account_at_the_vendors_own_hosts() {
        let check = |vendor: &Vendor, at: Option<&str>, expected: Allowance| {
            assert_eq!(vendor.allowance(at), expected, "{} {at:?}", vendor.name);
        };
        check(&DEEPGRAM, None, streams(50));
        check(&DEEPGRAM_FLUX, Some(""), streams(50));
        check(&DEEPGRAM, Some("https://api.eu.deepgram.com"), streams(50));
        check(&DEEPGRAM, Some("ws://127.0.0.1:9"), Allowance::default());
        check(&AURA, None, streams(15));
        check(&GROQ, Some("https://api.groq.com/openai/v1"), requests(1_000));
        check(&ELEVENLABS, None, Allowance::default());
    }
}
