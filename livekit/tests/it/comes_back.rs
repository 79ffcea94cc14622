//! Lines that are cut, servers that die.

use std::time::{Duration, Instant};

use vox_livekit::{Disconnect, Event, Mode, Options, Rate, Simulation};

use crate::harness::guest::HEAR;
use crate::harness::{Cable, Guest, LiveKit, loud_frames};

fn options(mode: Mode) -> Options {
    Options { mode, hear: HEAR, ..Options::default() }
}

fn recovered(event: &Event) -> Option<bool> {
    match event {
        Event::Recovered { resumed } => Some(*resumed),
        _ => None,
    }
}

/// The signalling is cut: the session goes on, nobody else notices, and what was sent meanwhile comes.
async fn a_cut_line_is_resumed(mode: Mode) {
    let server = LiveKit::start();
    let mut ada = Guest::join(&server, "room", "ada", options(Mode::Single)).await;
    ada.says(Rate::Hz16000, 440.0).await;
    let mut bot = Guest::join(&server, "room", "bot", options(mode)).await;
    bot.says(Rate::Hz16000, 1000.0).await;
    bot.hears(440.0, 0.9).await;
    ada.hears(1000.0, 0.9).await;
    for _ in 0..2 {
        bot.room.simulate(Simulation::LineLost).await;
        bot.room.send_digit('5', Vec::new()).await.unwrap();
        assert!(bot.sees("the line back", recovered).await, "resumed");
        bot.hears(440.0, 0.9).await;
        ada.hears(1000.0, 0.9).await;
        let digit = |event: &Event| matches!(event, Event::Digit { digit: '5', .. }).then_some(());
        ada.sees("a key", digit).await;
    }
    assert!(!ada.saw(|event| matches!(event, Event::Left { .. })), "{:?}", ada.happened);
    assert_eq!(bot.room.stats().await.resumed, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_line_is_resumed_with_one_connection() {
    a_cut_line_is_resumed(Mode::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_line_is_resumed_with_two_connections() {
    a_cut_line_is_resumed(Mode::Dual).await;
}

/// The signalling is away for 5 s: sound goes on all the while, both ways.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_goes_on_without_signalling() {
    let server = LiveKit::start();
    let cable = Cable::to(&server.url).await;
    let mut ada = Guest::join(&server, "room", "ada", options(Mode::Single)).await;
    ada.says(Rate::Hz16000, 440.0).await;
    let mut bot = Guest::join_at(&cable.url, &server.token("room", "bot"), options(Mode::Single)).await;
    bot.says(Rate::Hz16000, 1000.0).await;
    bot.hears(440.0, 0.9).await;
    ada.hears(1000.0, 0.9).await;
    cable.cut();
    let (heard, theirs) = tokio::join!(bot.listens(250), ada.listens(250));
    cable.mend();
    assert!(bot.sees("the line back", recovered).await, "resumed");
    bot.hears(440.0, 0.9).await;
    ada.hears(1000.0, 0.9).await;
    let loud = |heard: &[vox_livekit::Heard]| loud_frames(heard.iter().map(|heard| &heard.mix));
    println!("of 250 frames without signalling {} and {} were loud", loud(&heard), loud(&theirs));
    // With the sound cut off, it would be none.
    assert!(loud(&heard) > 150 && loud(&theirs) > 150, "{} {}", loud(&heard), loud(&theirs));
    assert!(!ada.saw(|event| matches!(event, Event::Left { .. })), "{:?}", ada.happened);
}

/// The server does not know us any more: others see us go and come, and hear us again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_begins_anew_when_the_server_has_forgotten_us() {
    let server = LiveKit::start();
    let mut ada = Guest::join(&server, "room", "ada", options(Mode::Single)).await;
    ada.says(Rate::Hz16000, 440.0).await;
    let mut bot = Guest::join(&server, "room", "bot", options(Mode::Single)).await;
    bot.says(Rate::Hz16000, 1000.0).await;
    ada.hears(1000.0, 0.9).await;
    bot.room.set_attributes([("k".to_owned(), "v".to_owned())].into()).await.unwrap();
    let attribute = |event: &Event| match event {
        Event::Changed { participant, .. } if participant.attributes.contains_key("k") => Some(()),
        Event::Joined(participant) if participant.attributes.contains_key("k") => Some(()),
        _ => None,
    };
    ada.sees("an attribute", attribute).await;
    bot.room.simulate(Simulation::NodeFailure).await;
    assert!(!bot.sees("being back", recovered).await, "as another session");
    ada.sees("the attribute again", attribute).await;
    bot.hears(440.0, 0.9).await;
    ada.hears(1000.0, 0.9).await;
    assert_eq!(bot.room.stats().await.rejoined, 1);
}

/// The server is killed and started again: the room is joined anew, and what was published is heard again.
async fn a_new_server_is_joined(mode: Mode) {
    let server = LiveKit::start();
    let mut ada = Guest::join(&server, "room", "ada", options(mode)).await;
    ada.says(Rate::Hz16000, 440.0).await;
    let mut bot = Guest::join(&server, "room", "bot", options(mode)).await;
    bot.hears(440.0, 0.9).await;
    let server = tokio::task::spawn_blocking(move || server.restart()).await.unwrap();
    let start = Instant::now();
    assert!(!bot.sees("being back", recovered).await);
    bot.hears(440.0, 0.9).await;
    println!("heard again {} ms after the server was back ({mode:?})", start.elapsed().as_millis());
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_server_is_joined_with_one_connection() {
    a_new_server_is_joined(Mode::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_server_is_joined_with_two_connections() {
    a_new_server_is_joined(Mode::Dual).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_away_is_given_up() {
    let server = LiveKit::start();
    let patience = Duration::from_secs(2);
    let mut bot =
        Guest::join(&server, "room", "bot", Options { recover_within: patience, ..options(Mode::Single) })
            .await;
    bot.connected().await;
    drop(server);
    let why = bot
        .sees("the end", |event| match event {
            Event::Disconnected(why) => Some(why.clone()),
            _ => None,
        })
        .await;
    assert_eq!(why, Disconnect::Lost);
    assert!(bot.saw(|event| matches!(event, Event::Recovering)));
}
