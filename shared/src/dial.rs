//! To whom a caller is handed over, and the documents in which carriers are told to dial.

use std::str::FromStr;

use crate::phone::Number;

/// Longest SIP address, bytes.
const MAX_SIP: usize = 255;

/// Somebody to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A telephone number, `+` and digits.
    Number(Number),
    /// `sip:` or `sips:`, user and host.
    Sip(String),
}

/// The text names nobody that a carrier can dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("name a telephone number like +4930123456, or a SIP address like sip:desk@example.org")]
pub struct BadDestination;

impl FromStr for Destination {
    type Err = BadDestination;

    /// `tel:` before a number is taken away.
    fn from_str(text: &str) -> Result<Self, BadDestination> {
        let text = text.trim();
        let scheme = |name: &str| {
            let head = text.get(..name.len()).filter(|head| head.eq_ignore_ascii_case(name))?;
            Some(&text[head.len()..])
        };
        if let Some(address) = scheme("sip:").or_else(|| scheme("sips:")) {
            let (user, host) = address.split_once('@').ok_or(BadDestination)?;
            let plain = |part: &str, more: &str| {
                !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(char::from(b)))
            };
            // Parameters behind a `;` or `?` would speak to the carrier's own machines.
            let is_plain = plain(user, "-_.!~*'()&=+$,%") && plain(host, "-.:[]");
            return if is_plain && text.len() <= MAX_SIP {
                Ok(Self::Sip(text.to_owned()))
            } else {
                Err(BadDestination)
            };
        }
        let number = scheme("tel:").unwrap_or(text);
        number.parse().map(Self::Number).map_err(|_| BadDestination)
    }
}

impl Destination {
    /// The number or the address in one text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Number(number) => number.as_str(),
            Self::Sip(address) => address,
        }
    }

    /// The document in which Twilio is told to dial it (TwiML).
    pub fn twiml(&self) -> String {
        let element = match self {
            Self::Number(_) => "Number",
            Self::Sip(_) => "Sip",
        };
        document(element, self.as_str())
    }

    /// The same for Plivo, which wants numbers without their `+`.
    pub fn plivo_xml(&self) -> String {
        match self {
            Self::Number(number) => document("Number", number.as_str().trim_start_matches('+')),
            Self::Sip(address) => document("User", address),
        }
    }
}

fn document(element: &str, whom: &str) -> String {
    let whom = whom.replace('&', "&amp;");
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response><Dial><{element}>{whom}</{element}></Dial></Response>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sip_addresses_are_dialled_and_nothing_else() {
        for (text, whom) in [
            ("+49 30 123456", "+4930123456"),
            ("tel:+4930123456", "+4930123456"),
            ("TEL:+4930123456", "+4930123456"),
            ("sip:desk@example.org", "sip:desk@example.org"),
            (" SIPS:+49@[2001:db8::1]:5061", "SIPS:+49@[2001:db8::1]:5061"),
        ] {
            assert_eq!(text.parse::<Destination>().unwrap().as_str(), whom, "{text}");
        }
        for text in [
            "",
            "nobody",
            "sip:",
            "sip:example.org",
            "sip:a@b;transport=tcp",
            "sip:a@b?Replaces=x",
            "sip:<a>@b",
            "+49<Number>",
            "http://example.org",
        ] {
            assert_eq!(text.parse::<Destination>(), Err(BadDestination), "{text}");
        }
    }

    #[test]
    fn documents_hold_whom_to_dial() {
        let number: Destination = "+4930123456".parse().unwrap();
        assert!(number.twiml().ends_with("<Response><Dial><Number>+4930123456</Number></Dial></Response>"));
        assert!(number.plivo_xml().contains("<Number>4930123456</Number>"));
        let desk: Destination = "sip:a&b@example.org".parse().unwrap();
        assert!(desk.twiml().contains("<Sip>sip:a&amp;b@example.org</Sip>"));
        assert!(desk.plivo_xml().contains("<User>sip:a&amp;b@example.org</User>"));
    }
}
