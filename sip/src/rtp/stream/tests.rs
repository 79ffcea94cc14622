use std::time::Duration;

use super::*;
use crate::codec::Codec;
use crate::sdp::Direction;

fn agreed() -> Agreed {
    Agreed {
        remote: "192.0.2.1:4000".parse().unwrap(),
        codec: Codec::Pcmu,
        payload_type: 0,
        events: Some(101),
        direction: Direction::Both,
    }
}

/// Two streams that are each other's.
fn pair() -> (Stream, Stream) {
    (Stream::new(agreed(), None), Stream::new(agreed(), None))
}

fn tone(n: usize) -> Vec<i16> {
    let sample = |at: usize| (((n * FRAME + at) as f32 * 0.3).sin() * 9000.0) as i16;
    (0..FRAME).map(sample).collect()
}

#[test]
fn sound_and_keys_go_over() {
    let start = Instant::now();
    let (mut near, mut far) = pair();
    let from = agreed().remote;
    let (mut keys, mut loud) = (String::new(), 0);
    assert!(near.press('7') && near.press('#'));
    for n in 0..100 {
        let now = start + Duration::from_millis(n * 20);
        for (to, bytes) in near.say(Some(&tone(n as usize))) {
            assert_eq!(to, from);
            if let Heard::Key(key) = far.receive(now, from, &bytes) {
                keys.push(key);
            }
        }
        loud += usize::from(far.hear(now).iter().any(|s| *s > 7000));
    }
    assert_eq!(keys, "7#");
    assert!(loud >= 55, "{loud} frames of 66 that are no keys");
    assert!(near.is_idle());
    assert_eq!((near.counts().sent, far.counts().ignored), (100 - 8 + 4, 0));
}

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// So many packets of a stream from there, each 20 ms after the one before; how many were taken.
fn send(near: &mut Stream, far: &mut Stream, from: SocketAddr, now: &mut Instant, packets: usize) -> usize {
    let mut taken = 0;
    for n in 0..packets {
        *now += Duration::from_millis(20);
        for (_, bytes) in near.say(Some(&tone(n))) {
            taken += usize::from(far.receive(*now, from, &bytes) != Heard::Nothing);
        }
    }
    taken
}

/// Behind an address translation the sound comes from elsewhere than was said: it is gone back to, and nobody else is listened to.
#[test]
fn sound_is_sent_to_where_it_comes_from() {
    let mut now = Instant::now();
    let (mut near, mut other) = pair();
    let inside = Agreed { remote: at("192.168.1.20:4000"), ..agreed() };
    let (real, thief) = (at("198.51.100.1:9000"), at("203.0.113.5:1"));
    let mut far = Stream::new(inside, Some(real.ip()));
    assert_eq!(send(&mut near, &mut far, real, &mut now, 5), 3, "two of the first are looked at only");
    assert_eq!(far.say(None)[0].0, real);
    for n in 0..10 {
        assert_eq!(send(&mut other, &mut far, thief, &mut now, 1), 0);
        assert_eq!(send(&mut near, &mut far, real, &mut now, 1), 1, "{n}");
    }
    assert_eq!(far.say(None)[0].0, real);
}

/// What was described is where the sound comes from, if that address says anything: nobody else gets the call, before it or within.
#[test]
fn nobody_else_is_listened_to() {
    let mut now = Instant::now();
    let (mut near, mut other) = pair();
    let mut far = Stream::new(agreed(), None);
    assert_eq!(send(&mut other, &mut far, at("203.0.113.5:4000"), &mut now, 50), 0);
    assert_eq!(far.say(None)[0].0, agreed().remote, "nor sent to");
    // Another port of the same machine may be it, until the one that was said speaks.
    let beside = at("192.0.2.1:4999");
    assert_eq!(send(&mut other, &mut far, beside, &mut now, 5), 3);
    assert_eq!(far.say(None)[0].0, beside);
    let mut heard = 0;
    for _ in 0..10 {
        heard += send(&mut near, &mut far, agreed().remote, &mut now, 1);
    }
    assert_eq!(heard, 8);
    assert_eq!(send(&mut other, &mut far, beside, &mut now, 10), 0);
    assert_eq!(far.say(None)[0].0, agreed().remote);
}

/// An address translation may give another port in the middle of a call. The stream goes on, and is followed; another is none.
#[test]
fn a_stream_that_moves_is_followed() {
    let mut now = Instant::now();
    let (mut near, mut other) = pair();
    let mut far = Stream::new(agreed(), None);
    assert_eq!(send(&mut near, &mut far, agreed().remote, &mut now, 10), 10);
    let moved = at("192.0.2.1:5001");
    assert_eq!(send(&mut other, &mut far, at("192.0.2.1:6000"), &mut now, 10), 0, "another stream");
    assert_eq!(send(&mut near, &mut far, moved, &mut now, 10), 8);
    assert_eq!(far.say(None)[0].0, moved);
    assert_eq!(far.counts().played.received, 18);
    // When it has fallen silent, another is taken.
    now += Duration::from_secs(1);
    assert_eq!(send(&mut other, &mut far, at("192.0.2.1:6000"), &mut now, 10), 8);
}

/// Packets of which most are missing are no stream.
#[test]
fn single_packets_are_no_source() {
    let mut now = Instant::now();
    let (mut other, mut far) = pair();
    for _ in 0..10 {
        assert_eq!(send(&mut other, &mut far, at("192.0.2.1:1"), &mut now, 1), 0);
        (0..20).for_each(|_| drop(other.say(None)));
    }
}

#[test]
fn who_does_not_send_sends_nothing_and_counts_on() {
    let held = Agreed { direction: Direction::ReceiveOnly, ..agreed() };
    let mut stream = Stream::new(agreed(), None);
    let time = |bytes: &[u8]| Packet::parse(bytes).unwrap().timestamp;
    let before = time(&stream.say(None)[0].1);
    stream.renegotiate(held, None);
    assert!(stream.say(None).is_empty() && stream.say(Some(&tone(0))).is_empty());
    stream.renegotiate(agreed(), None);
    let after = &stream.say(None)[0].1;
    assert_eq!(time(after).wrapping_sub(before), 3 * FRAME as u32);
    let packet = Packet::parse(after).unwrap();
    assert!(packet.marker && packet.payload == [0xff; FRAME], "silence, and it begins");
}

#[test]
fn numbers_go_on_over_their_wraps() {
    let start = Instant::now();
    let mut far = Stream::new(agreed(), None);
    for n in 0..200_u32 {
        let packet = Packet {
            marker: n == 0,
            payload_type: 0,
            sequence: 65_500_u16.wrapping_add(n as u16),
            timestamp: (u32::MAX - 3000).wrapping_add(n * 160),
            ssrc: 3,
            payload: &[0x80; FRAME],
        };
        let now = start + Duration::from_millis(u64::from(n) * 20);
        assert_eq!(far.receive(now, agreed().remote, &packet.to_bytes()), Heard::Sound);
        far.hear(now);
    }
    let counts = far.counts().played;
    assert_eq!((counts.received, counts.lost, counts.late), (200, 0, 0));
}
