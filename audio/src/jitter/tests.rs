use std::time::Duration;

use super::*;

/// A packet of 20 ms that may repair the one before it.
fn speech(number: u64, time: u64, payload: &[u8]) -> Arrival<'_> {
    Arrival { number, time, ticks: FRAME_TICKS, payload, repairs: true, origin: Origin::Primary }
}

/// A line in virtual time: packets come when they are said to, a frame is taken every 20 ms.
struct Line {
    jitter: Jitter,
    start: Instant,
    coming: Vec<(u64, u64, u64)>,
}

impl Line {
    fn new() -> Self {
        Self { jitter: Jitter::new(), start: Instant::now(), coming: Vec::new() }
    }

    /// A packet with this number and time in frames comes so many milliseconds after the start.
    fn comes(&mut self, at_ms: u64, number: u64, frame: u64) {
        self.coming.push((at_ms, number, frame));
    }

    /// Play until this moment. What was played: numbers of packets, or what was done instead.
    fn play(&mut self, until_ms: u64) -> Vec<String> {
        self.coming.sort_unstable();
        let mut played = Vec::new();
        for at in (0..until_ms).step_by(20) {
            let now = |ms| self.start + Duration::from_millis(ms);
            while self.coming.first().is_some_and(|(ms, _, _)| *ms <= at) {
                let (ms, number, frame) = self.coming.remove(0);
                self.jitter.push(now(ms), speech(number, frame * FRAME_TICKS, &[number as u8]));
            }
            played.push(match self.jitter.next(now(at)) {
                Next::Packet(payload) => payload[0].to_string(),
                Next::Repair(payload) => format!("before {}", payload[0]),
                Next::Invent => "invent".to_owned(),
                Next::Silence => "-".to_owned(),
            });
        }
        played
    }
}

/// What was played without the silence before it began.
fn spoken(played: &[String]) -> String {
    let begin = played.iter().position(|what| what != "-").unwrap_or(played.len());
    played[begin..].join(" ")
}

#[test]
fn packets_are_played_in_their_order() {
    let mut line = Line::new();
    for (at, n) in [(0, 0), (40, 1), (20, 2), (60, 3), (80, 4)] {
        line.comes(at, n, n);
    }
    let played = line.play(160);
    assert!(spoken(&played).starts_with("0 1 2 3 4"), "{played:?}");
    assert_eq!(line.jitter.counts.lost, 0);
}

#[test]
fn what_is_lost_is_repaired_from_the_next_packet_and_else_invented() {
    let mut line = Line::new();
    for n in (0..12).filter(|n| ![3, 6, 7].contains(n)) {
        line.comes(n * 20, n, n);
    }
    let played = line.play(300);
    assert!(spoken(&played).starts_with("0 1 2 before 4 4 5 invent before 8 8 9"), "{played:?}");
    let counts = line.jitter.counts;
    assert_eq!((counts.lost, counts.repaired, counts.received), (3, 2, 9));
}

/// Discontinuous transmission: the time goes on, the numbers do not.
#[test]
fn a_pause_is_silence_and_no_loss() {
    let mut line = Line::new();
    for n in 0..5 {
        line.comes(n * 20, n, n);
    }
    for n in 5..10 {
        line.comes((n + 50) * 20, n, n + 50);
    }
    let played = line.play(1400);
    assert!(spoken(&played).starts_with("0 1 2 3 4 "), "{played:?}");
    assert!(spoken(&played).contains("- 5 6 7 8 9"), "{played:?}");
    assert_eq!(line.jitter.counts.lost, 0);
    let begin = played.iter().position(|what| what == "0").unwrap();
    let again = played.iter().position(|what| what == "5").unwrap();
    assert!((53..=58).contains(&(again - begin)), "the pause keeps its length: {}", again - begin);
}

#[test]
fn a_stall_is_bridged_and_nothing_is_said_twice_or_lost() {
    let mut line = Line::new();
    for n in 0..50 {
        // What is said in 100 ms comes at its end.
        let at = if (10..15).contains(&n) { 15 * 20 } else { n * 20 };
        line.comes(at, n, n);
    }
    let played = line.play(1400);
    let numbers: Vec<u64> = played.iter().filter_map(|what| what.parse().ok()).collect();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>(), "{played:?}");
    assert!(line.jitter.counts.invented >= 1);
    assert_eq!((line.jitter.counts.late, line.jitter.counts.lost), (0, 0));
}

/// After a stall the stream is further behind than it must be, and is played faster.
#[test]
fn the_pace_follows_the_delay() {
    let mut line = Line::new();
    for n in 0..200 {
        line.comes(n * 20 + if n < 20 { 0 } else { 10 }, n, n);
    }
    line.play(400);
    let now = line.start + Duration::from_millis(400);
    assert_eq!(line.jitter.pace(now), Pace::Usual);
    assert_eq!(line.jitter.pace(now + Duration::from_millis(200)), Pace::Faster);
}

#[test]
fn late_packets_are_counted_and_not_played() {
    let mut line = Line::new();
    for n in (0..20).filter(|n| *n != 5) {
        line.comes(n * 20, n, n);
    }
    line.comes(330, 5, 5);
    let played = line.play(460);
    assert!(!played.contains(&"5".to_owned()), "{played:?}");
    assert_eq!(line.jitter.counts.late, 1);
}

/// Copies in later packets fill what is missing; the packet itself, when it comes after all, is not played again.
#[test]
fn copies_fill_holes() {
    let start = Instant::now();
    let mut jitter = Jitter::new();
    for n in 0..10_u64 {
        let now = start + Duration::from_millis(n * 20);
        if n > 0 {
            let before = [(n - 1) as u8];
            let copy = speech(n - 1, (n - 1) * FRAME_TICKS, &before);
            jitter.push(now, Arrival { origin: Origin::Redundant, ..copy });
        }
        if n != 4 {
            jitter.push(now, speech(n, n * FRAME_TICKS, &[n as u8]));
        }
    }
    let mut played = Vec::new();
    for at in 0..10 {
        if let Next::Packet(payload) = jitter.next(start + Duration::from_millis(200 + at * 20)) {
            played.push(payload[0]);
        }
    }
    assert_eq!(played, (0..10).collect::<Vec<u8>>());
    assert_eq!((jitter.counts.redundant, jitter.counts.lost), (1, 0));
}

#[test]
fn a_flood_and_a_jump_of_the_clock_are_survived() {
    let now = Instant::now();
    let mut jitter = Jitter::new();
    for n in 0..1000 {
        jitter.push(now, speech(n, n * FRAME_TICKS, &[0]));
    }
    assert!(jitter.held.len() <= CAPACITY);
    let mut line = Line::new();
    for n in 0..10 {
        line.comes(n * 20, n, 1_000_000 + n);
    }
    for n in 10..20 {
        line.comes(n * 20, n, n);
    }
    let played = line.play(500);
    assert!(spoken(&played).contains("12 13 14 15 16 17 18 19"), "{played:?}");
    line.jitter.push(line.start, Arrival { ticks: 0, ..speech(30, 30, &[]) });
}

/// Whatever comes, in whatever order: the buffer never panics, never holds more than it may, and never says a packet twice.
#[test]
fn any_traffic_is_survived() {
    let mut seed = 1_u64;
    let mut random = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    for _ in 0..50 {
        let mut line = Line::new();
        let (loss, wander) = (random(40), random(500) + 1);
        for n in 0..200 {
            if random(100) >= loss {
                line.comes(n * 20 + random(wander), n, n + if n > 100 { 30 } else { 0 });
            }
        }
        let played = line.play(6000);
        let numbers: Vec<u64> = played.iter().filter_map(|what| what.parse().ok()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        assert!(numbers.len() >= 20, "{numbers:?}");
    }
}

/// A gateway that begins its clock again, within the time that is no jump otherwise, and goes on counting.
#[test]
fn a_clock_that_goes_back_is_another_stream() {
    let mut line = Line::new();
    for n in 0..500 {
        line.comes(n * 20, n, n);
    }
    for n in 0..50 {
        line.comes((500 + n) * 20, 500 + n, n);
    }
    let played = line.play(550 * 20 + 400);
    let (_, behind) = played.split_at(500);
    let heard = behind.iter().filter(|what| what.parse::<u64>().is_ok()).count();
    assert!(heard >= 45, "{behind:?}");
}
