//! The dialler's rules: each is broken once, and each is noticed.

use std::time::Duration;

use futures_util::SinkExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use vox_caller::{EndedBy, Protocol, Rule, connect};

use crate::bot::{Bot, broken, options, serve, tone};

/// For tests in which the bot does what is waited for, on a busy machine too.
const LONG: Duration = Duration::from_secs(10);
/// For those in which it does not.
const SHORT: Duration = Duration::from_millis(400);

/// Run `script` against a caller who waits for the end, and hangs up when the script says `true`.
async fn call_within<F>(
    deadline: Duration,
    script: impl FnOnce(Bot) -> F + Send + 'static,
) -> vox_caller::Report
where
    F: Future<Output = ()> + Send,
{
    let (url, server) = serve(Protocol::Ws, script).await;
    let mut options = options(Protocol::Ws, &url);
    options.deadlines.answer = deadline;
    options.deadlines.close = deadline;
    let report = connect(options).await.unwrap().ended().await;
    server.await.unwrap();
    report
}

#[tokio::test]
async fn nothing_may_come_before_start_and_no_audio_before_answer() {
    let report = call_within(LONG, |mut bot| async move {
        bot.next_event().await;
        bot.send(json!({"event": "hello"})).await;
        bot.next_event().await;
        bot.send(json!({"event": "reverse-media"})).await;
        bot.next_event().await;
        bot.stream_id = bot.events[1]["streamId"].as_str().unwrap().to_owned();
        bot.hangup().await;
    })
    .await;
    assert_eq!(broken(&report), [(Rule::BeforeStart, 1), (Rule::BeforeAnswer, 1)]);
}

#[tokio::test]
async fn binary_frames_and_unknown_events_are_noted_and_the_call_goes_on() {
    let report = call_within(LONG, |mut bot| async move {
        bot.handshake().await;
        bot.socket.send(Message::binary(vec![0; 320])).await.unwrap();
        bot.send(json!({"event": "media"})).await;
        bot.socket.send(Message::text("no json")).await.unwrap();
        bot.say(100).await;
        bot.hangup().await;
    })
    .await;
    assert_eq!(broken(&report), [(Rule::BinaryFrame, 1), (Rule::NotJson, 1), (Rule::UnknownEvent, 1)]);
    assert_eq!(report.end.by, EndedBy::Bot);
    assert!(report.heard.bot_speech_ms > 50.0);
}

#[tokio::test]
async fn a_whole_utterance_at_once_is_too_far_ahead() {
    let report = call_within(LONG, |mut bot| async move {
        bot.handshake().await;
        for _ in 0..50 {
            let message = bot.media(tone(8_000, 20).samples());
            bot.socket.send(message).await.unwrap();
        }
        bot.hangup().await;
    })
    .await;
    assert_eq!(report.violations.len(), 1);
    assert_eq!(report.violations[0].rule, Rule::TooFarAhead);
    assert!(report.violations[0].count >= 30, "{:?}", report.violations);
}

#[tokio::test]
async fn a_hangup_without_a_stop_and_audio_after_it() {
    let report = call_within(LONG, |mut bot| async move {
        bot.handshake().await;
        bot.say(100).await;
        bot.send(bot.hangup_event()).await;
        bot.say(40).await;
        bot.close(1_000).await;
    })
    .await;
    assert_eq!(broken(&report), [(Rule::AfterHangup, 2), (Rule::HangupWithoutMediaStop, 1)]);
    assert_eq!((report.end.by, report.end.reason.as_str()), (EndedBy::Bot, "Call Dropped on BOT"));
}

#[tokio::test]
async fn a_socket_that_stays_open_after_the_hangup() {
    let report = call_within(SHORT, |mut bot| async move {
        bot.handshake().await;
        bot.say(40).await;
        bot.send(bot.ids("reverse-media-stop")).await;
        bot.send(bot.hangup_event()).await;
        assert_eq!(bot.next_event().await["disconnectedBy"], "bot");
        while bot.next().await.is_some() {}
    })
    .await;
    assert_eq!(broken(&report), [(Rule::NotClosedAfterHangup, 1)]);
}

#[tokio::test]
async fn a_close_in_mid_call_and_a_broken_connection() {
    let closed = call_within(LONG, |mut bot| async move {
        bot.handshake().await;
        bot.say(40).await;
        bot.close(1_000).await;
    })
    .await;
    assert_eq!((closed.end.by, broken(&closed)), (EndedBy::Server, vec![(Rule::ClosedWithoutHangup, 1)]));
    let refused = call_within(LONG, |mut bot| async move {
        bot.handshake().await;
        bot.close(1_008).await;
    })
    .await;
    assert_eq!((refused.end.by, refused.end.close_code), (EndedBy::Server, Some(1_008)));
    assert_eq!(broken(&refused), []);
    let cut = call_within(LONG, |mut bot| async move { bot.handshake().await }).await;
    assert_eq!(cut.end.by, EndedBy::Lost);
    assert!(!cut.end.is_regular());
}

#[tokio::test]
async fn a_mute_server_is_noted_and_the_dialler_stays() {
    let report = call_within(SHORT, |mut bot| async move {
        bot.handshake().await;
        bot.hear_turn_or(Duration::from_millis(700)).await;
        bot.say(40).await;
        bot.hangup().await;
    })
    .await;
    assert_eq!(broken(&report), [(Rule::AnswerDeadline, 1)]);
    assert_eq!(report.end.by, EndedBy::Bot);
}
