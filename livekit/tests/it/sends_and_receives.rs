//! Data, texts, keys of phones, attributes, who speaks.

use std::collections::BTreeMap;

use vox_livekit::{
    AccessToken, Data, Event, Kind, Mode, Muted, Options, Packet, Publish, Rate, SendError, TextHead,
};

use crate::harness::{Guest, LiveKit, tone};

fn options(mode: Mode) -> Options {
    Options { mode, ..Options::default() }
}

async fn pair(server: &LiveKit, first: Mode, second: Mode) -> (Guest, Guest) {
    let mut ada = Guest::join(server, "room", "ada", options(first)).await;
    ada.connected().await;
    let mut bob = Guest::join(server, "room", "bob", options(second)).await;
    bob.connected().await;
    (ada, bob)
}

async fn all_kinds_of_data(first: Mode, second: Mode) {
    let server = LiveKit::start();
    let (mut ada, mut bob) = pair(&server, first, second).await;
    let packet = |payload: &[u8], reliable, to: &[&str]| Packet {
        payload: payload.to_vec(),
        topic: Some("t".to_owned()),
        reliable,
        to: to.iter().map(|to| (*to).to_owned()).collect(),
    };
    ada.room.send_data(packet(b"not for bob", true, &["nobody"])).await.unwrap();
    for n in 0..50_u8 {
        ada.room.send_data(packet(&[n], true, &[])).await.unwrap();
    }
    for n in 0..50_u8 {
        let got = bob.sees("a packet", |event| match event {
            Event::Data(data) => Some(data.clone()),
            _ => None,
        });
        let expected = Data {
            identity: "ada".to_owned(),
            topic: Some("t".to_owned()),
            payload: vec![n],
            is_reliable: true,
        };
        assert_eq!(got.await, expected, "in order, and none that is for others");
    }
    // Lossy: on loopback it arrives, in time perhaps not; it is said again.
    let said_again = async {
        loop {
            ada.room.send_data(packet(b"lossy", false, &["bob"])).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let lossy = bob.sees("a lossy packet", |event| match event {
        Event::Data(data) if data.payload == b"lossy" => Some(data.is_reliable),
        _ => None,
    });
    tokio::select! {
        () = said_again => {}
        reliable = lossy => assert!(!reliable),
    }
    bob.room.send_digit('#', Vec::new()).await.unwrap();
    bob.room.send_digit('d', Vec::new()).await.unwrap();
    for expected in ['#', 'D'] {
        let got = ada.sees("a key", |event| match event {
            Event::Digit { identity, digit } if identity == "bob" => Some(*digit),
            _ => None,
        });
        assert_eq!(got.await, expected);
    }
    assert_eq!(bob.room.send_digit('x', Vec::new()).await, Err(SendError::NoDigit('x')));
    let large = bob.room.send_data(packet(&[0; 20_000], true, &[])).await;
    assert!(matches!(large, Err(SendError::TooLarge { .. })), "{large:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_with_one_connection() {
    all_kinds_of_data(Mode::Single, Mode::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_with_two_connections() {
    all_kinds_of_data(Mode::Dual, Mode::Dual).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_come_whole() {
    let server = LiveKit::start();
    let (ada, mut bob) = pair(&server, Mode::Single, Mode::Dual).await;
    let head = TextHead {
        topic: "lk.transcription".to_owned(),
        attributes: BTreeMap::from([("lk.segment_id".to_owned(), "SG_1".to_owned())]),
        to: Vec::new(),
    };
    let long = "Grüß Gott. ".repeat(5000);
    let id = ada.room.send_text(head.clone(), long.clone()).await.unwrap();
    let mut writer = ada.room.write_text(head).await.unwrap();
    for piece in ["What ", "a bot ", "says."] {
        writer.write(piece).await.unwrap();
    }
    writer.end().await.unwrap();
    for expected in [long.as_str(), "What a bot says."] {
        let text = bob
            .sees("a text", |event| match event {
                Event::Text(text) => Some(text.clone()),
                _ => None,
            })
            .await;
        assert_eq!((text.text.as_str(), text.identity.as_str()), (expected, "ada"));
        assert_eq!(
            (text.topic.as_str(), text.attributes["lk.segment_id"].as_str()),
            ("lk.transcription", "SG_1")
        );
    }
    assert!(id.starts_with("vox-"));
}

/// As a phone's participant does it: attributes of the token first, changes later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes_and_speakers_are_told() {
    let server = LiveKit::start();
    let mut bot = Guest::join(&server, "room", "bot", options(Mode::Single)).await;
    bot.connected().await;
    let mut token = AccessToken::new("room", "sip_1");
    token.kind = Kind::Sip;
    token.attributes = BTreeMap::from([("sip.callStatus".to_owned(), "ringing".to_owned())]);
    let mut phone = Guest::join_with(&server, &server.sign(&token), options(Mode::Dual)).await;
    let joined = bot
        .sees("the phone", |event| match event {
            Event::Joined(participant) => Some(participant.clone()),
            _ => None,
        })
        .await;
    assert_eq!((joined.kind, joined.attributes["sip.callStatus"].as_str()), (Kind::Sip, "ringing"));
    let active = BTreeMap::from([("sip.callStatus".to_owned(), "active".to_owned())]);
    phone.room.set_attributes(active).await.unwrap();
    let changed = bot
        .sees("active", |event| match event {
            Event::Changed { participant, attributes } => Some((participant.clone(), attributes.clone())),
            _ => None,
        })
        .await;
    assert_eq!(
        (changed.0.attributes["sip.callStatus"].as_str(), changed.1),
        ("active", vec!["sip.callStatus".to_owned()])
    );
    phone.room.set_metadata("m").await.unwrap();
    let metadata = bot.sees("metadata", |event| match event {
        Event::Changed { participant, .. } => Some(participant.metadata.clone()),
        _ => None,
    });
    assert_eq!(metadata.await, "m");

    phone.says(Rate::Hz8000, 600.0).await;
    let speaker = bot.sees("who speaks", |event| match event {
        Event::Speakers(speakers) => speakers.first().map(|speaker| speaker.identity.clone()),
        _ => None,
    });
    assert_eq!(speaker.await, "sip_1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mute_is_told_and_kept() {
    let server = LiveKit::start();
    let (mut ada, bob) = pair(&server, Mode::Single, Mode::Single).await;
    let microphone = bob.publish(Publish::default()).await;
    let mut next = tone(microphone.rate(), 800.0);
    microphone.write(next()).await.unwrap();
    ada.sees("the voice", |event| matches!(event, Event::Subscribed { .. }).then_some(())).await;
    microphone.mute(Muted::Yes).await.unwrap();
    for _ in 0..5 {
        microphone.write(next()).await.unwrap();
    }
    let muted = |wanted: bool| {
        move |event: &Event| match event {
            Event::Muted { track, .. } if track.is_muted == wanted => Some(()),
            _ => None,
        }
    };
    ada.sees("muted", muted(true)).await;
    microphone.mute(Muted::No).await.unwrap();
    ada.sees("unmuted", muted(false)).await;
}

/// A track is ended and another one published: the listener is told of both, and hears the other one.
async fn a_track_ends_and_another_begins(mode: Mode) {
    let server = LiveKit::start();
    let (mut ada, mut bob) = pair(&server, Mode::Single, mode).await;
    let sid_of = |event: &Event| match event {
        Event::Offered { track, .. } => Some(track.sid.clone()),
        // Who has just come may have a track already when it is told of.
        Event::Joined(participant) => participant.tracks.first().map(|track| track.sid.clone()),
        _ => None,
    };
    let microphone = bob.publish(Publish { rate: Rate::Hz16000, ..Publish::default() }).await;
    microphone.write(tone(Rate::Hz16000, 800.0)()).await.unwrap();
    let first = ada.sees("a track", sid_of).await;
    assert_eq!(first, microphone.sid());
    ada.sees("the voice", |event| matches!(event, Event::Subscribed { .. }).then_some(())).await;
    microphone.unpublish().await.unwrap();
    let gone = ada.sees("its end", |event| match event {
        Event::Withdrawn { track, .. } => Some(track.sid.clone()),
        _ => None,
    });
    assert_eq!(gone.await, first);
    bob.says(Rate::Hz16000, 1200.0).await;
    assert_ne!(ada.sees("another", sid_of).await, first);
    ada.hears(1200.0, 0.9).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_track_ends_and_another_begins_with_one_connection() {
    a_track_ends_and_another_begins(Mode::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_track_ends_and_another_begins_with_two_connections() {
    a_track_ends_and_another_begins(Mode::Dual).await;
}
