//! What a telephone's participant tells of itself.

use std::collections::BTreeMap;

use vox_sip::message::{Headers, NameAddr};

use crate::rpc::IncludeHeaders;

pub(super) const STATUS: &str = "sip.callStatus";

/// One attribute.
pub(super) fn status(status: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(STATUS.to_owned(), status.to_owned())])
}

/// The ids of a call on the wire: its `Call-ID`, and the other side's tag.
pub(super) fn ids(call_id: &str, other_side: Option<&str>) -> BTreeMap<String, String> {
    let mut ids = BTreeMap::from([("sip.callIDFull".to_owned(), call_id.to_owned())]);
    let tag = other_side.and_then(|value| value.parse::<NameAddr>().ok());
    if let Some(tag) = tag.as_ref().and_then(NameAddr::tag) {
        ids.insert("sip.callTag".to_owned(), tag.to_owned());
    }
    ids
}

/// Headers as attributes: those that are named, and by the option those of one's own (`X-…`) or all.
pub(super) fn of_headers(
    headers: &Headers,
    include: IncludeHeaders,
    named: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    for (name, value) in headers.iter() {
        let low = name.to_ascii_lowercase();
        let is_included = match include {
            IncludeHeaders::None => false,
            IncludeHeaders::Own => low.starts_with("x-"),
            IncludeHeaders::All => true,
        };
        if is_included {
            attributes.insert(format!("sip.h.{low}"), value.to_owned());
        }
        let wanted = named.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        if let Some((_, attribute)) = wanted {
            attributes.insert(attribute.clone(), value.to_owned());
        }
    }
    attributes
}

/// Attributes as headers, as they are named. Those that are not there make none.
pub(super) fn to_headers(
    attributes: &BTreeMap<String, String>,
    named: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let header =
        |(attribute, header): (&String, &String)| Some((header.clone(), attributes.get(attribute)?.clone()));
    named.iter().filter_map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_attributes_as_it_is_asked_for() {
        let mut headers = Headers::default();
        headers.push("X-Campaign", "demo-7");
        headers.push("Subject", "hello");
        let named = BTreeMap::from([("x-campaign".to_owned(), "campaign".to_owned())]);
        let keys = |include| of_headers(&headers, include, &named).into_keys().collect::<Vec<_>>();
        assert_eq!(keys(IncludeHeaders::None), ["campaign"]);
        assert_eq!(keys(IncludeHeaders::Own), ["campaign", "sip.h.x-campaign"]);
        assert_eq!(keys(IncludeHeaders::All), ["campaign", "sip.h.subject", "sip.h.x-campaign"]);
        let ids = ids("c@h", Some("<sip:a@b>;tag=7"));
        assert_eq!((ids["sip.callIDFull"].as_str(), ids["sip.callTag"].as_str()), ("c@h", "7"));
    }
}
