//! The address of a call: `/ws/{bot_id}?token=…`.

use http::Uri;
use percent_encoding::percent_decode_str;

use crate::access::parameter;

/// A call's address in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallAddress {
    pub bot_id: String,
    /// All parameters, still encoded.
    pub query: String,
}

impl CallAddress {
    /// The last segment of the path is the bot; iCallMate has been seen to encode the question mark, so that the parameters
    /// arrive inside of it.
    pub fn of(uri: &Uri) -> Self {
        let segment = uri.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let segment = percent_decode_str(segment).decode_utf8_lossy();
        let (bot_id, inside) = segment.split_once('?').unwrap_or((&*segment, ""));
        let parts = [uri.query().unwrap_or_default(), inside];
        let query = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
        // White space and a slash that were typed behind the id are no part of it.
        Self { bot_id: bot_id.trim().trim_end_matches('/').to_owned(), query }
    }

    /// A parameter, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        parameter(&self.query, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_question_mark_is_one_and_what_was_typed_behind_the_id_goes() {
        for address in [
            "/ws/faq?token=a%2Fb&sample-rate=16000",
            "/ws/faq%3Ftoken=a%2Fb&sample-rate=16000",
            "/ws/faq%3ftoken%3Da%252Fb%26sample-rate%3D16000",
            "/ws/faq%3Ftoken=a%2Fb?sample-rate=16000",
            "/ws/faq/?token=a%2Fb&sample-rate=16000",
            "/ws/faq%20?token=a%2Fb&sample-rate=16000",
            "/ws/f%61q?sample-rate=16000&token=&token=a/b",
        ] {
            let address = CallAddress::of(&address.parse().unwrap());
            assert_eq!(address.bot_id, "faq", "{address:?}");
            assert_eq!(address.parameter("token").as_deref(), Some("a/b"), "{address:?}");
            assert_eq!(address.parameter("sample-rate").as_deref(), Some("16000"), "{address:?}");
        }
        let plain = CallAddress::of(&"/ws/faq".parse().unwrap());
        assert_eq!((plain.bot_id.as_str(), plain.parameter("token")), ("faq", None));
    }
}
