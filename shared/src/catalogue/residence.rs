//! Where vendors work on what they are sent, by the hosts that they document, and whether a bot keeps to a region.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{Kind, VERTEX, Vendor, vertex_host};
use crate::egress::HostRules;

/// A part of the world whose law is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    Au,
    Eu,
    In,
    Sg,
    Us,
}

impl Region {
    pub const ALL: [Self; 5] = [Self::Au, Self::Eu, Self::In, Self::Sg, Self::Us];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Au => "au",
            Self::Eu => "eu",
            Self::In => "in",
            Self::Sg => "sg",
            Self::Us => "us",
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Vendors' hosts, as their documentation names them. One that keeps data in no region of ours by contract counts as where it stands.
const HOSTS: &[(&str, Region)] = &[
    ("api.deepgram.com", Region::Us),
    ("api.au.deepgram.com", Region::Au),
    ("api.eu.deepgram.com", Region::Eu),
    ("api.in.deepgram.com", Region::In),
    ("api.elevenlabs.io", Region::Us),
    ("api.us.elevenlabs.io", Region::Us),
    ("api.eu.residency.elevenlabs.io", Region::Eu),
    ("api.in.residency.elevenlabs.io", Region::In),
    ("api.sg.residency.elevenlabs.io", Region::Sg),
    ("stt-rt.soniox.com", Region::Us),
    ("stt-rt.eu.soniox.com", Region::Eu),
    ("stt-rt.in.soniox.com", Region::In),
    ("tts-rt.soniox.com", Region::Us),
    ("tts-rt.eu.soniox.com", Region::Eu),
    ("tts-rt.in.soniox.com", Region::In),
    ("streaming.assemblyai.com", Region::Us),
    ("streaming.eu.assemblyai.com", Region::Eu),
    ("api.anthropic.com", Region::Us),
    ("generativelanguage.googleapis.com", Region::Us),
    ("aiplatform.googleapis.com", Region::Us),
    ("aiplatform.us.rep.googleapis.com", Region::Us),
    ("aiplatform.eu.rep.googleapis.com", Region::Eu),
    ("api.groq.com", Region::Us),
    ("api.openai.com", Region::Us),
    ("eu.api.openai.com", Region::Eu),
];

/// Google's regions in parts of the world that are one of ours. London and Zurich are in Europe and not in the Union.
const GOOGLE: &[(&str, Region)] = &[
    ("asia-south1", Region::In),
    ("asia-south2", Region::In),
    ("asia-southeast1", Region::Sg),
    ("australia-southeast1", Region::Au),
    ("australia-southeast2", Region::Au),
    ("europe-central2", Region::Eu),
    ("europe-north1", Region::Eu),
    ("europe-north2", Region::Eu),
    ("europe-southwest1", Region::Eu),
    ("europe-west1", Region::Eu),
    ("europe-west3", Region::Eu),
    ("europe-west4", Region::Eu),
    ("europe-west8", Region::Eu),
    ("europe-west9", Region::Eu),
    ("europe-west12", Region::Eu),
    ("us-central1", Region::Us),
    ("us-east1", Region::Us),
    ("us-east4", Region::Us),
    ("us-east5", Region::Us),
    ("us-south1", Region::Us),
    ("us-west1", Region::Us),
    ("us-west2", Region::Us),
    ("us-west3", Region::Us),
    ("us-west4", Region::Us),
];

/// Vendors' own hosts of which their documentation does not say where they are: they are in no region.
#[cfg(test)]
const UNPLACED: &[&str] = &["api.sarvam.ai", "api.cartesia.ai", "websocket.cluster.resemble.ai", "127.0.0.1"];

/// The hosts of a vendor with the regions where they are, its own first.
pub fn regions(vendor: &Vendor) -> Vec<(&'static str, Region)> {
    let own = Url::parse(vendor.home).ok().and_then(|url| Some((url.host_str()?.to_owned(), service(&url)?)));
    let Some((home, service_of_home)) = own else { return Vec::new() };
    let mut hosts: Vec<_> = HOSTS.iter().filter(|(host, _)| is_of(host, &service_of_home)).copied().collect();
    hosts.sort_by_key(|(host, _)| *host != home);
    hosts
}

/// What the hosts of one service have in common: the first label and the last two.
fn service(url: &Url) -> Option<(String, String)> {
    let host = url.host_str()?;
    Some((host.split('.').next()?.to_owned(), domain(host)))
}

fn is_of(host: &str, (first, last): &(String, String)) -> bool {
    // Some put the region before the service's own label.
    host.split('.').any(|label| label == first) && domain(host) == *last
}

fn domain(host: &str) -> String {
    let from = host.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
    host[from..].to_owned()
}

/// Where a host is, as far as a vendor's documentation says.
fn region_of(host: &str) -> Option<Region> {
    let google = host.strip_suffix("-aiplatform.googleapis.com");
    let known = google.map_or((HOSTS, host), |region| (GOOGLE, region));
    known.0.iter().find(|(name, _)| *name == known.1).map(|(_, region)| *region)
}

/// A region that must not be left, and the hosts that the operator answers for being within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    pub region: Region,
    /// As [`HostRules`] writes them.
    pub hosts: Vec<String>,
}

impl Pin {
    /// Why a vendor with these settings is not within the region; `None` when it is.
    pub fn fault(&self, kind: Kind, provider: &str, extra: &Map<String, Value>) -> Option<String> {
        let vendor = kind.find(provider)?;
        let given =
            extra.get("base_url").and_then(Value::as_str).map(str::trim).filter(|url| !url.is_empty());
        // What has no address runs on the operator's own machine.
        let address = given.map(str::to_owned).or_else(|| home(vendor, extra))?;
        // What is no address is the fault of another rule.
        let url = Url::parse(&address).ok()?;
        let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        let region = self.region;
        match region_of(&host) {
            Some(there) if there == region => None,
            Some(there) => Some(format!(
                "the tenant's data stays in `{region}`, and {host} is in `{there}`{}",
                advice(vendor, region)
            )),
            None if self.answers_for(&url) => None,
            None => Some(format!(
                "the tenant's data stays in `{region}`, and nobody says that {host} is there: a super_admin may add it to `data_residency_hosts` of the tenant"
            )),
        }
    }

    fn answers_for(&self, url: &Url) -> bool {
        let rules = HostRules { allow: self.hosts.clone(), deny: Vec::new() };
        !rules.is_empty() && rules.check(url).is_ok()
    }
}

/// The vendor's own address, with these settings.
fn home(vendor: &Vendor, extra: &Map<String, Value>) -> Option<String> {
    let location = extra.get("location").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    match vendor.name {
        name if name == VERTEX.name => Some(format!("https://{}", vertex_host(location))),
        _ => Some(vendor.home.to_owned()).filter(|home| !home.is_empty()),
    }
}

/// The vendor's own host there, if it has one.
fn advice(vendor: &Vendor, region: Region) -> String {
    if vendor.name == VERTEX.name {
        return "; name a location there in `extra.location`".to_owned();
    }
    let hosts = regions(vendor);
    let there = hosts.iter().find(|(_, place)| *place == region);
    there.map_or_else(String::new, |(host, _)| format!("; name its server {host} in `extra.base_url`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(kind: Kind, provider: &str, base_url: &str, expected: Option<&str>) {
        let extra = json!({"base_url": base_url}).as_object().unwrap().clone();
        let pin = Pin { region: Region::Eu, hosts: vec!["llm.example.net:8443".into()] };
        let fault = pin.fault(kind, provider, &extra);
        match expected {
            None => assert_eq!(fault, None, "{provider} {base_url}"),
            Some(part) => {
                assert!(fault.as_deref().is_some_and(|f| f.contains(part)), "{base_url}: {fault:?}")
            }
        }
    }

    #[test]
    fn a_vendor_is_where_its_host_is_and_other_hosts_where_the_operator_says() {
        check(Kind::Recogniser, "deepgram", "", Some("name its server api.eu.deepgram.com"));
        check(Kind::Recogniser, "deepgram", "wss://api.eu.deepgram.com", None);
        check(Kind::Recogniser, "pocketsphinx", "", None);
        check(Kind::Voice, "elevenlabs", "https://API.EU.residency.elevenlabs.io.", None);
        check(Kind::LanguageModel, "openai", "", Some("api.openai.com is in `us`"));
        check(Kind::LanguageModel, "openai", "https://api.openai.com/v1", Some("is in `us`"));
        check(Kind::LanguageModel, "openai", "https://llm.example.net:8443/v1", None);
        check(Kind::LanguageModel, "openai", "https://llm.example.net/v1", Some("nobody says"));
        check(Kind::LanguageModel, "scripted", "", None);
    }

    #[test]
    fn vertex_is_where_its_location_is() {
        let pin = Pin { region: Region::Eu, hosts: Vec::new() };
        let check = |location: &str, part: &str| {
            let extra = json!({ "location": location }).as_object().unwrap().clone();
            let fault = pin.fault(Kind::LanguageModel, "vertex", &extra).unwrap_or_default();
            assert!(
                if part.is_empty() { fault.is_empty() } else { fault.contains(part) },
                "{location}: {fault}"
            );
        };
        check("europe-west4", "");
        check("eu", "");
        check("", "aiplatform.googleapis.com is in `us`; name a location there in `extra.location`");
        check("us-central1", "us-central1-aiplatform.googleapis.com is in `us`");
        check("europe-west2", "nobody says that europe-west2-aiplatform.googleapis.com is there");
    }

    #[test]
    fn every_vendor_with_a_host_of_its_own_has_a_region() {
        for kind in [Kind::Recogniser, Kind::LanguageModel, Kind::Voice] {
            for vendor in kind.vendors().iter().filter(|vendor| !vendor.home.is_empty()) {
                let url = Url::parse(vendor.home).unwrap();
                let host = url.host_str().unwrap();
                let places = HOSTS.iter().filter(|(known, _)| *known == host).count();
                let unplaced = UNPLACED.iter().filter(|known| **known == host).count();
                assert_eq!(places + unplaced, 1, "{}: {host}", vendor.name);
                assert!(unplaced == 1 || regions(vendor)[0].0 == host, "{}", vendor.name);
            }
        }
    }

    #[test]
    fn a_vendors_hosts_are_those_of_its_service() {
        let hosts = |vendor| regions(vendor).into_iter().map(|(host, _)| host).collect::<Vec<_>>();
        assert_eq!(hosts(&crate::catalogue::OPENAI), ["api.openai.com", "eu.api.openai.com"]);
        assert_eq!(hosts(&crate::catalogue::DEEPGRAM)[..2], ["api.deepgram.com", "api.au.deepgram.com"]);
        assert!(hosts(&crate::catalogue::POCKETSPHINX).is_empty());
    }
}
