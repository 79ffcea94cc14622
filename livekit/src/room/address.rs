//! Where the signalling is: the address of the server with everything that a client says about itself before the first message.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::error::JoinError;
use crate::options::Mode;
use crate::wire::Message;
use crate::wire::model::ClientInfo;
use crate::wire::signal::{ConnectionSettings, JoinRequest, SessionDescription, WrappedJoinRequest};

/// The protocol that we speak: leave with an action, `refresh_token`, `track_subscribed`, requests that are answered.
const PROTOCOL: i32 = 16;
/// Rust, as the server counts clients.
const SDK: i32 = 8;
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Coming back to a session that the server still has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resume {
    /// Ours, `PA_…`.
    pub participant_sid: String,
    /// `livekit.ReconnectReason`.
    pub reason: i32,
}

/// What an address says.
pub(crate) struct Greeting<'a> {
    pub mode: Mode,
    pub subscribe_to_all: bool,
    /// With one connection the first offer comes along.
    pub offer: Option<&'a SessionDescription>,
    pub resume: Option<&'a Resume>,
}

/// The base of a server as people write it (`wss://…`, `https://…`, with or without a path), checked.
pub(crate) fn parse(server: &str) -> Result<Url, JoinError> {
    let wrong = |what: String| JoinError::Address(what);
    let mut url = Url::parse(server).map_err(|error| wrong(format!("{server}: {error}")))?;
    let scheme = match url.scheme() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        other => return Err(wrong(format!("{server}: the scheme is {other}, not wss or ws"))),
    };
    url.set_scheme(scheme).map_err(|()| wrong(format!("{server}: no scheme can be set")))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong(format!("{server}: there is no host")));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// The address of the WebSocket.
pub(crate) fn signal(base: &Url, greeting: &Greeting<'_>) -> Url {
    let mut url = base.clone();
    let path = base.path().trim_end_matches('/');
    match greeting.mode {
        Mode::Dual => {
            url.set_path(&format!("{path}/rtc"));
            url.set_query(Some(&query(greeting)));
        }
        Mode::Single => {
            url.set_path(&format!("{path}/rtc/v1"));
            let wrapped =
                WrappedJoinRequest { compression: 0, join_request: request(greeting).encode_to_vec() };
            let coded = BASE64_URL_SAFE.encode(wrapped.encode_to_vec());
            url.set_query(Some(&format!("join_request={}", utf8_percent_encode(&coded, VALUE))));
        }
    }
    url
}

fn query(greeting: &Greeting<'_>) -> String {
    let all = i32::from(greeting.subscribe_to_all);
    let mut query =
        format!("sdk=rust&protocol={PROTOCOL}&auto_subscribe={all}&adaptive_stream=0&version={}", version());
    if let Some(resume) = greeting.resume {
        let sid = utf8_percent_encode(&resume.participant_sid, VALUE);
        query.push_str(&format!("&reconnect=1&sid={sid}&reconnect_reason={}", resume.reason));
    }
    query
}

fn request(greeting: &Greeting<'_>) -> JoinRequest {
    let resume = greeting.resume;
    JoinRequest {
        client_info: Some(ClientInfo {
            sdk: SDK,
            version: version().to_owned(),
            protocol: PROTOCOL,
            os: std::env::consts::OS.to_owned(),
        }),
        connection_settings: Some(ConnectionSettings { auto_subscribe: greeting.subscribe_to_all }),
        publisher_offer: greeting.offer.cloned(),
        reconnect: resume.is_some(),
        reconnect_reason: resume.map_or(0, |resume| resume.reason),
        participant_sid: resume.map(|resume| resume.participant_sid.clone()).unwrap_or_default(),
        sync_state: None,
    }
}

const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(mode: Mode) -> Greeting<'static> {
        Greeting { mode, subscribe_to_all: true, offer: None, resume: None }
    }

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        for (written, becomes) in [
            ("wss://lk.example", "wss://lk.example/rtc"),
            ("https://lk.example/", "wss://lk.example/rtc"),
            ("http://127.0.0.1:7880", "ws://127.0.0.1:7880/rtc"),
            ("wss://example/under/this/?x=1#y", "wss://example/under/this/rtc"),
        ] {
            let mut url = signal(&parse(written).unwrap(), &greeting(Mode::Dual));
            assert!(url.query().unwrap().contains("auto_subscribe=1"), "{url}");
            url.set_query(None);
            assert_eq!(url.as_str(), becomes);
        }
        for wrong in ["", "lk.example", "ftp://lk.example", "ws://"] {
            assert!(matches!(parse(wrong), Err(JoinError::Address(_))), "{wrong}");
        }
    }

    #[test]
    fn a_request_travels_within_the_address() {
        let resume = Resume { participant_sid: "PA_1".to_owned(), reason: 1 };
        let url = signal(
            &parse("wss://lk.example").unwrap(),
            &Greeting { resume: Some(&resume), ..greeting(Mode::Single) },
        );
        assert_eq!(url.path(), "/rtc/v1");
        let (_, coded) = url.query_pairs().next().unwrap();
        let wrapped =
            WrappedJoinRequest::decode(&BASE64_URL_SAFE.decode(coded.as_bytes()).unwrap()[..]).unwrap();
        let request = JoinRequest::decode(&wrapped.join_request[..]).unwrap();
        assert!(request.reconnect && request.connection_settings.unwrap().auto_subscribe);
        assert_eq!((request.participant_sid.as_str(), request.reconnect_reason), ("PA_1", 1));
    }
}
