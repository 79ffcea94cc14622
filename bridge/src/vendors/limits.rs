//! What a vendor does at once for one key: what somebody stated in the settings, or else what the vendor publishes.

use sha2::{Digest, Sha256};
use vox_shared::catalogue::{Allowance, Kind, account};
use vox_shared::wire::answers::Service;

use crate::bot::keys::Keyed;
use crate::store::settings::VendorLimit;

/// Requests a minute that a call may make of a vendor whose key has a limit of them, if nothing else is stated: a turn every four
/// seconds, a question that is asked twice, and rounds of tools.
pub const REQUESTS_PER_CALL: u32 = 20;
/// Of a name, characters.
const HASH_CHARS: usize = 32;

/// The limit of one key for one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is counted. No key can be told from it.
    pub name: String,
    /// Calls at once.
    pub calls: u32,
    /// Requests that each of them may make in a minute, where there is a limit of them: so many calls at once make no more than it.
    pub share: Option<u32>,
}

/// What a kind of vendor is called on the wire.
pub fn service_of(kind: Kind) -> Service {
    match kind {
        Kind::Recogniser => Service::Stt,
        Kind::LanguageModel => Service::Llm,
        Kind::Voice => Service::Tts,
    }
}

/// What a key may do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Calls at once.
    pub calls: u32,
    /// As [`Limit::share`].
    pub share: Option<u32>,
}

impl Room {
    /// That of a vendor's key at an address; `None` where it has no limit.
    pub fn of(
        kind: Kind,
        (provider, base_url): (&str, Option<&str>),
        stated: &[VendorLimit],
    ) -> Option<Self> {
        let vendor = kind.find(provider).filter(|vendor| !vendor.is_local())?;
        let row = stated.iter().find(|limit| limit.is_of(service_of(kind), provider));
        let (allowed, per_call) = match row {
            Some(row) => {
                let VendorLimit { streams, requests_per_minute, requests_per_call, .. } = row;
                let allowed = Allowance { streams: *streams, requests_per_minute: *requests_per_minute };
                (allowed, requests_per_call.unwrap_or(REQUESTS_PER_CALL))
            }
            None => (vendor.allowance(base_url), REQUESTS_PER_CALL),
        };
        let share = allowed.requests_per_minute.map(|most| per_call.clamp(1, most.max(1)));
        let by_requests = allowed.requests_per_minute.zip(share).map(|(most, share)| (most / share).max(1));
        let calls = allowed.streams.into_iter().chain(by_requests).min()?;
        Some(Self { calls, share })
    }
}

impl Limit {
    /// The limit of a bot's vendor; `None` where its key has none.
    pub fn of<T: Keyed>(kind: Kind, entry: &T, stated: &[VendorLimit]) -> Option<Self> {
        let address = entry.extra().get("base_url").and_then(|url| url.as_str()).map(str::trim);
        let Room { calls, share } = Room::of(kind, (entry.provider(), address), stated)?;
        let vendor = kind.find(entry.provider())?;
        // The vendor counts by its account; a server of one's own by where it stands.
        let own = address.filter(|_| !vendor.is_at_home(address)).unwrap_or_default();
        let counted = Sha256::digest(format!("{}\n{own}", entry.api_key().expose().trim()));
        let counted: String = counted.iter().map(|byte| format!("{byte:02x}")).collect();
        let kept = if share.is_some() { PACED } else { COUNTED };
        let (service, account) = (service_of(kind).as_str(), account(entry.provider()));
        Some(Self { name: format!("{kept}{service}:{account}:{}", &counted[..HASH_CHARS]), calls, share })
    }
}

/// Begins the names of those that are free as soon as a call ends …
pub const COUNTED: &str = "vendor:";
/// … and of those that are not before a minute has passed: what the call asked for in it counts for a minute.
pub const PACED: &str = "vendor-paced:";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vox_shared::model::bot::{LlmSettings, SttSettings};

    use super::*;

    fn stt(settings: Value) -> SttSettings {
        serde_json::from_value(settings).unwrap()
    }

    fn stated(provider: &str, streams: Option<u32>, requests: [Option<u32>; 2]) -> VendorLimit {
        let [requests_per_minute, requests_per_call] = requests;
        VendorLimit {
            service: Service::Stt,
            provider: provider.into(),
            streams,
            requests_per_minute,
            requests_per_call,
        }
    }

    #[test]
    fn what_is_stated_counts_before_what_is_published() {
        let nova = stt(json!({"provider": "deepgram", "api_key": "k"}));
        let check = |limits: &[VendorLimit], expected: Option<(u32, Option<u32>)>| {
            let found = Limit::of(Kind::Recogniser, &nova, limits);
            assert_eq!(found.map(|limit| (limit.calls, limit.share)), expected, "{limits:?}");
        };
        check(&[], Some((50, None)));
        check(&[stated("deepgram", Some(7), [None; 2])], Some((7, None)));
        check(&[stated("deepgram", None, [None; 2])], None);
        check(&[stated("sarvam", Some(7), [None; 2])], Some((50, None)));
        check(&[stated("deepgram", Some(7), [Some(100), None])], Some((5, Some(20))));
        check(&[stated("deepgram", Some(7), [Some(100), Some(2)])], Some((7, Some(2))));
        check(&[stated("deepgram", None, [Some(5), None])], Some((1, Some(5))));
    }

    #[test]
    fn a_key_is_counted_once_wherever_the_vendor_is_and_a_server_of_ones_own_by_itself() {
        let name = |settings: Value| {
            let limits = [stated("deepgram", Some(3), [None; 2])];
            Limit::of(Kind::Recogniser, &stt(settings), &limits).map(|limit| limit.name)
        };
        let nova = name(json!({"provider": "deepgram", "api_key": "k"}));
        let flux = json!({"provider": "deepgram_flux", "api_key": " k ", "extra": {"base_url": "https://api.eu.deepgram.com"}});
        assert_eq!(nova, name(flux));
        assert!(nova.as_ref().is_some_and(|name| vox_shared::wire::permit::is_name(name)), "{nova:?}");
        assert_ne!(nova, name(json!({"provider": "deepgram", "api_key": "other"})));
        let own =
            name(json!({"provider": "deepgram", "api_key": "k", "extra": {"base_url": "http://10.0.0.2"}}));
        assert!(own.is_some() && own != nova);
        assert_eq!(name(json!({"provider": "pocketsphinx"})), None);
    }

    #[test]
    fn a_model_has_a_share_of_the_requests_of_its_key() {
        let groq = LlmSettings { provider: "groq".into(), ..LlmSettings::default() };
        let limit = Limit::of(Kind::LanguageModel, &groq, &[]).unwrap();
        assert_eq!((limit.calls, limit.share), (50, Some(20)));
        assert!(limit.name.starts_with(PACED) && !limit.name.starts_with(COUNTED));
    }
}
