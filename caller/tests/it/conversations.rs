//! Whole conversations with servers that do everything right.

use std::time::Duration;

use vox_caller::{EndedBy, Event, Protocol, Scenario, Wav, connect, run};

use crate::bot::{EXOTEL, broken, options, serve, tone};

const QUIET: Duration = Duration::from_millis(300);

async fn check(protocol: Protocol) {
    let (url, server) = serve(protocol, |mut bot| async move {
        bot.handshake().await;
        bot.say(600).await;
        bot.hear_turn().await;
        bot.say(400).await;
        bot.end().await;
        bot.events
    })
    .await;
    let call = connect(options(protocol, &url)).await.unwrap();
    let clip = tone(protocol.rate_hz(), 500);
    let done =
        run(call, Scenario::new().await_reply(QUIET).say(clip).dtmf('5').await_reply(QUIET).hangup()).await;
    let events = server.await.unwrap();
    assert!(done.is_complete(), "{:?}", done.steps);
    assert_eq!(broken(&done.call), [], "{:?}", done.call.violations);
    assert_eq!((done.call.end.by, done.call.end.close_code), (EndedBy::Caller, Some(1_000)));
    let heard = done.call.heard;
    assert!((900.0..1_100.0).contains(&heard.bot_speech_ms), "{heard:?}");
    assert_eq!((heard.turns.len(), heard.barge_ins.len()), (1, 0), "{heard:?}");
    assert!(heard.turns[0].reply_ms.is_some());
    assert!(events.iter().any(|event| event["digit"] == "5" || event["dtmf"]["digit"] == "5"), "{events:?}");
}

#[tokio::test]
async fn over_ws() {
    check(Protocol::Ws).await;
}

#[tokio::test]
async fn over_talk() {
    check(Protocol::Talk).await;
}

#[tokio::test]
async fn over_exotel_at_every_rate() {
    for rate_hz in [8_000, 16_000, 24_000] {
        check(Protocol::Exotel { rate_hz }).await;
    }
}

async fn check_bot_hangs_up(protocol: Protocol) {
    let (url, _server) = serve(protocol, |mut bot| async move {
        bot.handshake().await;
        bot.say(200).await;
        bot.hangup().await;
    })
    .await;
    let report = connect(options(protocol, &url)).await.unwrap().ended().await;
    assert_eq!(report.end.by, EndedBy::Bot, "{:?}", report.end);
    assert_eq!(broken(&report), [], "{:?}", report.violations);
}

#[tokio::test]
async fn the_bot_hangs_up_in_each_protocols_way() {
    for protocol in [Protocol::Ws, Protocol::Talk, EXOTEL] {
        check_bot_hangs_up(protocol).await;
    }
}

#[tokio::test]
async fn the_recording_holds_both_sides_and_the_bots_audio_can_be_played_aloud() {
    let (url, _server) = serve(Protocol::Ws, |mut bot| async move {
        bot.handshake().await;
        bot.say(300).await;
        bot.end().await;
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(Protocol::Ws, &url);
    options.hearing.save = Some(directory.path().join("call.wav"));
    options.deliver_audio = true;
    let mut call = connect(options).await.unwrap();
    let mut events = call.take_events().unwrap();
    let spoken = call.say(&tone(8_000, 400)).await.unwrap();
    let report = call.finish().await;

    let wav = Wav::read(&report.recording.unwrap()).unwrap();
    let loud = |channel: &[i16]| channel.iter().filter(|sample| sample.unsigned_abs() > 100).count();
    assert_eq!((wav.rate_hz, wav.channels.len()), (8_000, 2));
    assert!((3_100..3_200).contains(&loud(&wav.channels[0])), "caller: {}", loud(&wav.channels[0]));
    let first = wav.channels[0].iter().position(|&sample| sample != 0).unwrap();
    assert_eq!(first as f64 / 8.0, spoken.from_ms);
    assert!((2_300..2_400).contains(&loud(&wav.channels[1])), "bot: {}", loud(&wav.channels[1]));

    let mut aloud = Vec::new();
    while let Some(event) = events.recv().await {
        if let Event::BotAudio(samples) = event {
            aloud.extend_from_slice(&samples);
        }
    }
    assert!((2_300..2_400).contains(&loud(&aloud)), "delivered: {}", loud(&aloud));
}
