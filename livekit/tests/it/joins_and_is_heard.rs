//! Joining, publishing, hearing, leaving.

use std::time::Instant;

use vox_livekit::{
    Disconnect, Event, JoinError, Leaving, Mode, Options, Publish, Rate, Room, Subscribe, Transport,
};

use crate::harness::guest::HEAR;
use crate::harness::{Cable, Guest, LiveKit, power, tone};

fn options(mode: Mode) -> Options {
    Options { mode, hear: HEAR, ..Options::default() }
}

/// Two guests hear each other, whoever came first and whichever way they are connected. The first one in single mode has a section to
/// receive in before there is anything to receive.
async fn two_hear_each_other(first: Options, second: Options, server: &LiveKit) {
    let start = Instant::now();
    let how = first.mode;
    let mut ada = Guest::join(server, "room", "ada", first).await;
    let joined = start.elapsed();
    ada.connected().await;
    println!(
        "{how:?}: joined after {} ms, media after {} ms",
        joined.as_millis(),
        start.elapsed().as_millis()
    );
    let mut bob = Guest::join(server, "room", "bob", second).await;
    bob.connected().await;
    bob.says(Rate::Hz24000, 1000.0).await;
    ada.hears(1000.0, 0.9).await;
    ada.says(Rate::Hz8000, 440.0).await;
    bob.hears(440.0, 0.9).await;
    ada.sees("bob's voice", |event| match event {
        Event::Subscribed { identity, track } if identity == "bob" && track.is_microphone => Some(()),
        _ => None,
    })
    .await;
    assert!(bob.saw(|event| matches!(event, Event::Joined(p) if p.identity == "ada")));
    bob.room.leave().await;
    let gone = |event: &Event| matches!(event, Event::Disconnected(Disconnect::Left)).then_some(());
    bob.sees("the end", gone).await;
    let reason = ada
        .sees("bob leaving", |event| match event {
            Event::Left { participant, reason } if participant.identity == "bob" => Some(*reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, Leaving::ClientInitiated);
    assert!(ada.saw(|event| matches!(event, Event::Unsubscribed { identity, .. } if identity == "bob")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_connection_each() {
    let server = LiveKit::start();
    two_hear_each_other(options(Mode::Single), options(Mode::Single), &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_connections_each() {
    let server = LiveKit::start();
    two_hear_each_other(options(Mode::Dual), options(Mode::Dual), &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_and_two_connections() {
    let server = LiveKit::start();
    two_hear_each_other(options(Mode::Dual), options(Mode::Single), &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tcp() {
    let server = LiveKit::with(&["--tcp", "0"]);
    let tcp = |mode| Options { transport: Transport::Tcp, ..options(mode) };
    two_hear_each_other(tcp(Mode::Single), tcp(Mode::Dual), &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_signalling_over_tls() {
    let server = LiveKit::start();
    let (url, trust) = Cable::sealed_to(&server.url).await;
    let token = server.token("room", "ada");
    let trusting = Options { tls: Some(trust), ..options(Mode::Single) };
    let mut ada = Guest::join_at(&url, &token, trusting).await;
    ada.connected().await;
    ada.room.leave().await;
    // The roots of the system do not know this server.
    let refused = Room::join(&url, &token, options(Mode::Single)).await.expect_err("not trusted");
    assert!(matches!(refused, JoinError::Unreachable(_) | JoinError::Tls(_)), "{refused}");
}

/// Several humans are one mix, and each by itself where that is asked for; one of them can be kept out of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_are_mixed() {
    let server = LiveKit::start();
    let mut bot =
        Guest::join(&server, "room", "bot", Options { separate: true, ..options(Mode::Single) }).await;
    bot.connected().await;
    let mut ada = Guest::join(&server, "room", "ada", options(Mode::Single)).await;
    ada.says(Rate::Hz48000, 500.0).await;
    let mut bob = Guest::join(&server, "room", "bob", options(Mode::Dual)).await;
    bob.says(Rate::Hz16000, 1200.0).await;
    bot.hears_all(&[500.0, 1200.0], 0.35).await;
    let heard = bot.listens(10).await.pop().expect("ten were waited for");
    assert_eq!(heard.voices.len(), 2);
    let own: Vec<_> = heard.voices.iter().map(|(_, pcm)| power(HEAR, pcm, 500.0) > 0.8).collect();
    assert!(own.contains(&true) && own.contains(&false), "each voice is one tone: {own:?}");

    let people = bot.room.participants().await;
    let bobs = people.iter().find(|p| p.identity == "bob").expect("bob is here").tracks[0].sid.clone();
    bot.room.subscribe(&bobs, Subscribe::Apart).await.unwrap();
    bot.hears(500.0, 0.95).await;
    let heard = bot.listens(1).await.pop().expect("one was waited for");
    assert_eq!(heard.voices.len(), 2, "it still comes");
    bot.room.subscribe(&bobs, Subscribe::No).await.unwrap();
    let gone = |event: &Event| {
        matches!(event, Event::Unsubscribed { identity, .. } if identity == "bob").then_some(())
    };
    bot.sees("bob's voice going", gone).await;
}

/// What is written waits until it can be heard, is sent in its time, and can be taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_can_be_taken_back() {
    let server = LiveKit::start();
    let bot = Guest::join(&server, "room", "bot", options(Mode::Single)).await;
    let microphone = bot.publish(Publish { queue_frames: 100, ..Publish::default() }).await;
    let mut next = tone(microphone.rate(), 440.0);
    assert!(microphone.write(vec![0; 3]).await.is_err(), "no frame");
    for _ in 0..10 {
        microphone.write(next()).await.unwrap();
    }
    microphone.drained().await;
    for _ in 0..100 {
        microphone.write(next()).await.unwrap();
    }
    let cleared = microphone.clear().await;
    assert!((60..=100).contains(&cleared), "{cleared}");
    assert_eq!(microphone.clear().await, 0);
    assert!(bot.room.publish(Publish::default()).await.is_err(), "one track");
    assert!(bot.room.stats().await.sent >= 10);
}
