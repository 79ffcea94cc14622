//! `GET /telnyx/{bot_id}?codec=&rate=`: a call of Telnyx' media streaming. The two parameters say what the carrier takes, as it
//! was told with `stream_bidirectional_codec` and `stream_bidirectional_sampling_rate`.

use http::StatusCode;

use super::address::CallAddress;
use super::call::{Misaddressed, Protocol};
use crate::transport::encoding::Encoding;
use crate::transport::telnyx::{Taken, TelnyxCodec};

/// 400 for what the line does not serve.
pub fn protocol(address: &CallAddress) -> Result<Protocol, Misaddressed> {
    let encoding = match address.parameter("codec") {
        None => Encoding::Ulaw,
        Some(codec) => Encoding::named(&codec).ok_or((StatusCode::BAD_REQUEST, "bad_codec"))?,
    };
    let rate_hz = match (address.parameter("rate").as_deref(), encoding) {
        (None | Some("8000"), _) => 8_000,
        (Some("16000"), Encoding::Linear16) => 16_000,
        (Some(_), _) => return Err((StatusCode::BAD_REQUEST, "bad_sample_rate")),
    };
    let codec = TelnyxCodec::new(Taken { encoding, rate_hz });
    Ok(Protocol { codec: Box::new(codec), opening: Vec::new(), ticket: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_line_serves_is_taken() {
        for (query, expected) in [
            ("", None),
            ("?codec=PCMA", None),
            ("?codec=L16&rate=16000", None),
            ("?codec=OPUS", Some("bad_codec")),
            ("?rate=16000", Some("bad_sample_rate")),
            ("?codec=L16&rate=24000", Some("bad_sample_rate")),
        ] {
            let address = CallAddress::of(&format!("/telnyx/faq{query}").parse().unwrap());
            assert_eq!(protocol(&address).err().map(|(_, code)| code), expected, "{query}");
        }
    }
}
