use std::time::Duration;

use str0m::rtp::{RedEncoder, RedundantBlock};

use super::super::opus::tests::voice;
use super::super::opus::{Coding, Encoder};
use super::*;

const RATE: Rate = Rate::Hz16000;

/// Packets of something like a voice.
fn packets(count: usize) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(Coding { rate: RATE, bitrate: None, dtx: false }).unwrap();
    encoder.expect_loss(20);
    let said = voice(RATE, count);
    said.chunks(RATE.frame()).map(|frame| encoder.encode(frame).unwrap().to_vec()).collect()
}

fn loud(frame: &[i16]) -> bool {
    frame.iter().map(|s| i32::from(s.unsigned_abs())).sum::<i32>() / frame.len() as i32 > 250
}

/// Play packets that come when `arrival` says, or not at all; how many frames were heard, how many of them were loud, and the delay at
/// the end.
fn play(arrival: impl Fn(u64) -> Option<u64>, frames: u64) -> (usize, usize, Player, i64) {
    let start = Instant::now();
    let mut player = Player::new(RATE);
    let sent = packets(300);
    let mut coming: Vec<(u64, u64)> = (0..300).filter_map(|n| Some((arrival(n)?, n))).collect();
    coming.sort_unstable();
    let mut coming = coming.into_iter().peekable();
    let mut heard = Vec::new();
    for at in 0..frames {
        let ms = at * 20;
        while let Some((ms, n)) = coming.next_if(|(when, _)| *when <= ms) {
            player.push(start + Duration::from_millis(ms), n, n * 960, &sent[n as usize]);
        }
        heard.extend(player.frame(start + Duration::from_millis(ms)));
    }
    let loud = heard.iter().filter(|frame| loud(frame)).count();
    let (delay, _) = player.delay_ms(start + Duration::from_millis(frames * 20));
    (heard.len(), loud, player, delay)
}

#[test]
fn a_clean_line_is_heard_whole() {
    let (_, loud, player, _) = play(|n| Some(n * 20), 320);
    assert!((295..=310).contains(&loud), "{loud}");
    assert_eq!((player.counts().lost, player.counts().late), (0, 0));
    assert!(player.delay_ms(Instant::now()).1 <= 45);
}

#[test]
fn nobody_speaks_is_told_from_silence() {
    let (heard, _, mut player, _) = play(|n| (n < 50).then_some(n * 20), 200);
    assert!((50..80).contains(&heard), "{heard}");
    assert!(player.frame(Instant::now() + Duration::from_secs(9)).is_none());
}

/// 200 ms of jitter and a fifth of the packets lost: the voice is still heard nearly all of the time.
#[test]
fn a_bad_line_is_heard_too() {
    let mix = |n: u64| (n.wrapping_mul(2_654_435_761) >> 7) % 1000;
    let (_, loud, player, _) = play(|n| (mix(n) % 5 != 0).then_some(n * 20 + mix(n * 31) * 200 / 1000), 340);
    assert!(loud > 260, "{loud} {:?}", player.counts());
    assert!(player.counts().repaired > 10, "{:?}", player.counts());
    assert!(player.counts().late < 25, "{:?}", player.counts());
}

/// What a stall added to the delay is won back by playing faster.
#[test]
fn the_delay_comes_down_again() {
    let stall = |n: u64| Some(if (50..60).contains(&n) { 1200 } else { n * 20 });
    let (_, _, _, before) = play(stall, 70);
    let (_, _, _, after) = play(stall, 298);
    assert!(after + 40 < before, "{before} to {after}");
}

#[test]
fn redundant_copies_are_taken() {
    let start = Instant::now();
    let mut player = Player::new(RATE);
    let sent = packets(100);
    let mut loud_frames = 0;
    for n in 0..100_u64 {
        let now = start + Duration::from_millis(n * 20);
        // Every second packet is lost, and each has a copy of the one before.
        if n % 2 == 1 {
            let copy =
                RedundantBlock { pt: 111, timestamp_offset: 960, payload: sent[n as usize - 1].clone() };
            let payload = RedEncoder::encode(111, &sent[n as usize], &[copy]);
            player.push_redundant(now, n, n * 960, &payload);
        }
        loud_frames += usize::from(player.frame(now).is_some_and(|frame| loud(&frame)));
    }
    assert!(loud_frames > 90, "{loud_frames}");
    assert!(player.counts().redundant > 45, "{:?}", player.counts());
    player.push_redundant(start, 101, 101 * 960, &[0x80, 1]);
    player.push_redundant(start, 102, 102 * 960, &[]);
}
