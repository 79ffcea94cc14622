//! Calls between a LiveKit server and its gateways: psrpc, which is messages of protobuf over Redis' channels. A caller publishes what it
//! asks; whoever can do it claims it; the caller names one of them; that one answers.

mod bus;
mod client;
mod error;
mod messages;
mod server;

pub(crate) use bus::{Bus, BusError};
pub(crate) use client::Client;
pub(crate) use error::{Code, RpcError};
pub(crate) use messages::*;
pub(crate) use server::{Served, Server};

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The name of a channel: parts that are there, with what is neither letter, digit nor underscore spelled out.
fn channel(parts: &[&str]) -> String {
    let parts: Vec<_> = parts.iter().filter(|part| !part.is_empty()).map(|part| spelled(part)).collect();
    parts.join("|")
}

fn spelled(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for sign in part.chars() {
        match sign {
            '0'..='9' | 'A'..='Z' | 'a'..='z' | '_' => text.push(sign),
            sign if (sign as u32) < 0x1_0000 => text.push_str(&format!("u+{:04x}", sign as u32)),
            sign => text.push_str(&format!("U+{:08x}", sign as u32)),
        }
    }
    text
}

/// `PRE_` and twelve random letters and digits, as LiveKit's own.
pub(crate) fn new_id(prefix: &str) -> String {
    const LETTERS: &[u8; 58] = b"23456789ABCDEFGHIJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let letter = |_| char::from(LETTERS[rand::random_range(0..LETTERS.len())]);
    prefix.chars().chain((0..12).map(letter)).collect()
}

/// Nanoseconds since 1970, which both ends count by.
fn now_ns() -> i64 {
    since_1970().as_nanos().try_into().unwrap_or(i64::MAX)
}

/// Time since 1970.
pub(crate) fn since_1970() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "the server compares with its own clock")]
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_named_as_the_other_side_names_them() {
        assert_eq!(
            channel(&["SIPInternal", "CreateSIPParticipant", "", "REQ"]),
            "SIPInternal|CreateSIPParticipant|REQ"
        );
        assert_eq!(channel(&["S", "M", "SCL_a-b", "RCLAIM"]), "S|M|SCL_au+002db|RCLAIM");
        assert_eq!(spelled("é😀"), "u+00e9U+0001f600");
        assert_eq!(new_id("SRV_").len(), 16);
    }
}
