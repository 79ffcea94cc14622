//! Where vendors work on what they are sent, by the hosts that they document, and whether a bot keeps to a region.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{Kind, Vendor};
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
    ("api.openai.com", Region::Us),
    ("eu.api.openai.com", Region::Eu),
];

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
        let address = given.or_else(|| home(vendor))?;
        // What is no address is the fault of another rule.
        let url = Url::parse(address).ok()?;
        let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        let region = self.region;
        match HOSTS.iter().find(|(known, _)| *known == host) {
            Some((_, there)) if *there == region => None,
            Some((_, there)) => Some(format!(
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

fn home(vendor: &Vendor) -> Option<&'static str> {
    Some(vendor.home).filter(|home| !home.is_empty())
}

/// The vendor's own host there, if it has one.
fn advice(vendor: &Vendor, region: Region) -> String {
    let domain = |host: &str| host.rsplitn(3, '.').take(2).map(str::to_owned).collect::<Vec<_>>();
    let own = Url::parse(vendor.home).ok().and_then(|url| url.host_str().map(domain));
    let there = HOSTS.iter().find(|(host, place)| *place == region && Some(domain(host)) == own);
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
    fn every_vendor_with_a_host_of_its_own_has_a_region() {
        for kind in [Kind::Recogniser, Kind::LanguageModel, Kind::Voice] {
            for vendor in kind.vendors().iter().filter(|vendor| !vendor.home.is_empty()) {
                let url = Url::parse(vendor.home).unwrap();
                let host = url.host_str().unwrap();
                assert!(HOSTS.iter().any(|(known, _)| *known == host), "{}: {host}", vendor.name);
            }
        }
    }
}
