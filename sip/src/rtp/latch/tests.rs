use super::*;

/// Behind an address translation, as its telephone knows it.
const INSIDE: &str = "192.168.1.20:4000";
const PHONE: &str = "198.51.100.1:9000";
const THIEF: &str = "203.0.113.5:666";
const BEAT: Duration = Duration::from_millis(20);

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// A call whose messages come from this machine, and its time.
struct Scene {
    latch: Latch,
    now: Instant,
}

/// Somebody who sends.
#[derive(Clone, Copy)]
struct Sender {
    from: SocketAddr,
    ssrc: u32,
    sequence: u16,
}

impl Sender {
    fn new(from: &str) -> Self {
        let from = at(from);
        Self { from, ssrc: u32::from(from.port()), sequence: 65_530 }
    }
}

impl Scene {
    fn new(described: &str, signalled: Option<&str>) -> Self {
        let signalled = signalled.map(|ip| ip.parse().unwrap());
        Self { latch: Latch::new(at(described), signalled), now: Instant::now() }
    }

    /// One packet of each, again and again, 20 ms apart; how many of each were taken.
    fn send<const N: usize>(&mut self, mut who: [&mut Sender; N], times: usize) -> [usize; N] {
        let mut taken = [0; N];
        for _ in 0..times {
            self.now += BEAT;
            for (one, taken) in who.iter_mut().zip(&mut taken) {
                one.sequence = one.sequence.wrapping_add(1);
                let came = Came { from: one.from, ssrc: one.ssrc, sequence: one.sequence };
                *taken += usize::from(self.latch.judge(self.now, came) != Verdict::Ignored);
            }
        }
        taken
    }

    fn wait(&mut self, length: Duration) {
        self.now += length;
    }
}

/// Whoever sends first to the port has the call, until the telephone speaks: it comes from where its messages come from.
#[test]
fn the_machine_that_the_messages_come_from_wins_over_whoever_was_first() {
    let mut scene = Scene::new(INSIDE, Some("198.51.100.1"));
    let (mut thief, mut phone) = (Sender::new(THIEF), Sender::new(PHONE));
    let [stolen] = scene.send([&mut thief], 100);
    assert_eq!(stolen, 91, "after a fifth of a second");
    assert_eq!(scene.send([&mut thief, &mut phone], 5), [3, 3], "three in a row");
    assert_eq!(scene.send([&mut thief, &mut phone], 500), [0, 500]);
    // Nor does it come back while the telephone is silent, however long.
    scene.wait(Duration::from_secs(60));
    assert_eq!(scene.send([&mut thief], 500), [0]);
    assert_eq!(scene.send([&mut phone], 5), [5]);
}

/// Where nothing speaks for either, the first that goes on like a telephone is it, and stays it.
#[test]
fn a_stranger_is_a_stream_only_if_it_goes_on_like_one() {
    let mut scene = Scene::new(INSIDE, None);
    let (mut thief, mut phone) = (Sender::new(THIEF), Sender::new(PHONE));
    // A burst at once to each port of ours.
    for _ in 0..40 {
        thief.sequence = thief.sequence.wrapping_add(1);
        let came = Came { from: thief.from, ssrc: thief.ssrc, sequence: thief.sequence };
        assert_eq!(scene.latch.judge(scene.now, came), Verdict::Ignored);
    }
    // Single packets between the telephone's do not keep it out.
    thief.ssrc += 1;
    for n in 0..12 {
        thief.ssrc += 1;
        let [_, heard] = scene.send([&mut thief, &mut phone], 1);
        assert_eq!(heard, usize::from(n >= 9), "packet {n}");
    }
    scene.send([&mut phone], 100);
    thief.ssrc = 7;
    assert_eq!(scene.send([&mut thief, &mut phone], 100), [0, 100]);
    // A pause of a telephone that sends no silence is none.
    scene.wait(Duration::from_millis(1_500));
    assert_eq!(scene.send([&mut thief], 50), [0]);
    // Three seconds are, and whoever has spoken before has the place back at once.
    scene.wait(Duration::from_secs(2));
    assert!(scene.send([&mut thief], 50)[0] > 0);
    assert_eq!(scene.send([&mut thief, &mut phone], 10), [3, 8]);
    assert_eq!(scene.send([&mut thief, &mut phone], 10), [0, 10]);
}

/// Whoever knows the numbers of the stream is its sender behind another port or address.
#[test]
fn a_stream_that_moves_is_followed_and_one_that_only_pretends_is_not() {
    let mut scene = Scene::new(INSIDE, None);
    let mut phone = Sender::new(PHONE);
    scene.send([&mut phone], 200);
    phone.from = at("198.51.100.1:9777");
    assert_eq!(scene.send([&mut phone], 10), [8]);
    let mut pretender =
        Sender { ssrc: phone.ssrc, sequence: phone.sequence.wrapping_sub(30_000), ..Sender::new(THIEF) };
    assert_eq!(scene.send([&mut pretender, &mut phone], 100), [0, 100]);
}

#[test]
fn strangers_take_each_others_place_only_so_often() {
    let mut scene = Scene::new(INSIDE, None);
    let mut changes = 0;
    for n in 0..40 {
        let mut another = Sender { ssrc: n, ..Sender::new(&format!("198.51.100.1:{}", 9_000 + n)) };
        changes += usize::from(scene.send([&mut another], 60)[0] > 0);
        scene.wait(Duration::from_secs(4));
    }
    assert_eq!(changes, 1 + MOST_CHANGES as usize);
    // What was described is let in all the same.
    assert_eq!(scene.send([&mut Sender::new(INSIDE)], 5), [3]);
    assert!(scene.latch.candidates.len() <= LOOKED_AT);
}

/// Music, announcements, somebody else who is put through: each is a stream of its own, from one place.
#[test]
fn whoever_is_heard_may_begin_anew_as_often_as_they_like() {
    let mut scene = Scene::new(INSIDE, None);
    for n in 0..40 {
        let mut stream = Sender { ssrc: n, ..Sender::new(PHONE) };
        assert_eq!(scene.send([&mut stream], 60), [51], "stream {n}");
        scene.wait(Duration::from_millis(600));
    }
}

/// Nobody but the machine that was described, where that is one that everybody reaches.
#[test]
fn an_address_of_the_world_is_taken_at_its_word() {
    let mut scene = Scene::new("192.0.2.1:4000", Some("203.0.113.5"));
    assert_eq!(
        scene.send([&mut Sender::new(THIEF)], 100),
        [0],
        "not even the machine that the messages come from"
    );
    assert_eq!(scene.send([&mut Sender::new("192.0.2.1:4000")], 5), [5]);
}
