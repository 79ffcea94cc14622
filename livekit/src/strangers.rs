//! All that reads bytes of strangers, at one door: for the fuzzer and for the tests that stand in for it.

use std::time::{Duration, Instant};

use str0m::net::Protocol;

use crate::crypto;
use crate::media::Rate;
use crate::media::player::Player;
use crate::options::{Mode, Options};
use crate::room::strangers::Door;
use crate::turn;
use crate::wire::Message;
use crate::wire::signal::{Join, SignalResponse};

/// Read a list of messages: of each a byte that says what it is, two of length (little endian), and so many bytes.
///
/// `0` what the server signals, `1` a packet of a data channel, `2` a datagram of media's socket, `3` a packet of Opus, `4` one with copies
/// (RFC 2198), `5` a certificate. Another number is read as the rest of its division by six.
#[doc(hidden)]
pub fn read(mut bytes: &[u8]) {
    let start = Instant::now();
    let options = Options::default();
    let mut doors: Vec<Door> =
        [Mode::Single, Mode::Dual].into_iter().map(|mode| Door::new(&options, mode, start)).collect();
    let mut player = Player::new(Rate::Hz16000);
    let mut number = 0_u64;
    while let Some((head, rest)) = bytes.split_first_chunk::<3>() {
        let length = usize::from(u16::from_le_bytes([head[1], head[2]])).min(rest.len());
        let (message, rest) = rest.split_at(length);
        bytes = rest;
        number += 1;
        let now = start + Duration::from_millis(20 * number);
        match head[0] % 6 {
            0 => {
                let Ok(response) = SignalResponse::decode(message) else { continue };
                let Some(response) = response.message else { continue };
                doors.iter_mut().for_each(|door| door.signal(response.clone()));
            }
            1 => doors.iter_mut().for_each(|door| door.data(message)),
            2 => {
                let from = ([10, 0, 0, 1], 7882).into();
                doors.iter_mut().for_each(|door| door.datagram(now, Protocol::Udp, from, message));
            }
            3 => player.push(now, number, number * 960, message),
            4 => player.push_redundant(now, number, number * 960, message),
            _ => {
                let _any = crypto::public_key_of(message);
            }
        }
        let frame = player.frame(now);
        assert!(frame.is_none_or(|frame| frame.len() == Rate::Hz16000.frame()));
        doors.iter_mut().for_each(|door| door.pass(now));
    }
    // A join is told before there is a session's own door for it.
    let _any = Join::decode(bytes);
}

/// Read what a TURN server and those behind it send: a list as above, of what [`turn::strangers`] lists.
#[doc(hidden)]
pub fn read_relay(bytes: &[u8]) {
    turn::strangers::read(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the fuzzer begins with.
    const SEEDS: [&[u8]; 3] = [
        include_bytes!("../../fuzz/seeds/livekit/signals"),
        include_bytes!("../../fuzz/seeds/livekit/data"),
        include_bytes!("../../fuzz/seeds/livekit/sound"),
    ];

    const RELAYS: [&[u8]; 2] =
        [include_bytes!("../../fuzz/seeds/turn/datagrams"), include_bytes!("../../fuzz/seeds/turn/stream")];

    #[test]
    fn seeds_are_read() {
        SEEDS.into_iter().for_each(read);
        for seed in RELAYS {
            assert_eq!(turn::strangers::read(seed), 3, "an address, and two packets that came to it");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn damaged_messages_are_survived(
            seed in 0..SEEDS.len(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        ) {
            let mut bytes = SEEDS[seed].to_vec();
            for (at, to) in changes {
                let at = at.index(bytes.len());
                bytes[at] = to;
            }
            read(&bytes);
        }

        #[test]
        fn damaged_relays_are_survived(
            seed in 0..RELAYS.len(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        ) {
            let mut bytes = RELAYS[seed].to_vec();
            for (at, to) in changes {
                let at = at.index(bytes.len());
                bytes[at] = to;
            }
            read_relay(&bytes);
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            read(&bytes);
            read_relay(&bytes);
        }
    }
}
