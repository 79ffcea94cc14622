//! Exotel's playback queue and its rules.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use vox_caller::{EndedBy, Event, Report, Rule, connect};

use crate::bot::{Bot, EXOTEL, broken, options, serve, tone};

/// For tests in which the bot does what is waited for, on a busy machine too.
const LONG: Duration = Duration::from_secs(10);
/// For those in which it does not.
const SHORT: Duration = Duration::from_millis(400);

async fn call_within<F, T>(deadline: Duration, script: impl FnOnce(Bot) -> F + Send + 'static) -> (Report, T)
where
    F: Future<Output = T> + Send,
    T: Send + 'static,
{
    let (url, server) = serve(EXOTEL, script).await;
    let mut options = options(EXOTEL, &url);
    options.deadlines.answer = deadline;
    options.query = vec![("plan".to_owned(), "gold".to_owned())];
    let report = connect(options).await.unwrap().ended().await;
    (report, server.await.unwrap())
}

fn mark(bot: &Bot, name: &str) -> Value {
    json!({"event": "mark", "stream_sid": bot.stream_id, "mark": {"name": name}})
}

/// Send `ms` of sound in one piece.
async fn queue(bot: &mut Bot, ms: u32) {
    let message = bot.media(tone(8_000, ms).samples());
    futures_util::SinkExt::send(&mut bot.socket, message).await.unwrap();
}

#[tokio::test]
async fn a_mark_comes_back_when_the_audio_before_it_has_been_played() {
    let (report, (first, second)) = call_within(LONG, |mut bot| async move {
        bot.handshake().await;
        assert_eq!(bot.events[1]["start"]["custom_parameters"]["plan"], "gold");
        let began = Instant::now();
        queue(&mut bot, 400).await;
        bot.send(mark(&bot, "a")).await;
        queue(&mut bot, 400).await;
        bot.send(mark(&bot, "b")).await;
        assert_eq!(bot.next_event().await["mark"]["name"], "a");
        let first = began.elapsed();
        assert_eq!(bot.next_event().await["mark"]["name"], "b");
        let second = began.elapsed();
        bot.hangup().await;
        (first, second)
    })
    .await;
    assert!(
        first >= Duration::from_millis(395) && second >= Duration::from_millis(795),
        "{first:?} {second:?}"
    );
    assert!(second < Duration::from_secs(5), "{second:?}");
    assert_eq!(broken(&report), []);
    assert_eq!(report.end.by, EndedBy::Bot);
}

#[tokio::test]
async fn clear_empties_the_queue_and_returns_the_marks_at_once() {
    let (report, returned) = call_within(LONG, |mut bot| async move {
        bot.handshake().await;
        queue(&mut bot, 3_000).await;
        bot.send(mark(&bot, "a")).await;
        bot.send(mark(&bot, "b")).await;
        tokio::time::sleep_until(Instant::now() + Duration::from_millis(300)).await;
        bot.send(json!({"event": "clear", "stream_sid": bot.stream_id})).await;
        let cleared = Instant::now();
        bot.next_event().await;
        bot.next_event().await;
        let returned = cleared.elapsed();
        bot.hangup().await;
        returned
    })
    .await;
    assert!(returned < Duration::from_millis(1_000), "{returned:?}");
    assert_eq!(broken(&report), []);
    assert!((250.0..1_000.0).contains(&report.heard.bot_speech_ms), "{:?}", report.heard);
}

#[tokio::test]
async fn the_chunk_rule_and_marks_out_of_place() {
    let (report, ()) = call_within(LONG, |mut bot| async move {
        bot.handshake().await;
        bot.send(mark(&bot, "a")).await;
        queue(&mut bot, 20).await;
        bot.hangup().await;
    })
    .await;
    assert_eq!(broken(&report), [(Rule::PayloadSize, 1), (Rule::MarkOrder, 1)]);
}

#[tokio::test]
async fn a_message_before_start_is_too_early() {
    let (report, ()) = call_within(LONG, |mut bot| async move {
        bot.next_event().await;
        bot.send(json!({"event": "clear"})).await;
        bot.hangup().await;
    })
    .await;
    assert_eq!(broken(&report), [(Rule::BeforeStart, 1)]);
}

#[tokio::test]
async fn the_carrier_gives_up_on_a_mute_server() {
    let (report, events) = call_within(SHORT, |mut bot| async move {
        bot.handshake().await;
        bot.end().await;
        bot.events
    })
    .await;
    assert_eq!((report.end.by, broken(&report)), (EndedBy::Carrier, vec![(Rule::AnswerDeadline, 1)]));
    assert_eq!(events.last().unwrap()["stop"]["reason"], "callended");
    assert!((400.0..2_000.0).contains(&report.duration_ms), "{}", report.duration_ms);
}

#[tokio::test]
async fn a_goodbye_that_is_still_queued_is_not_heard() {
    let (url, _server) = serve(EXOTEL, |mut bot| async move {
        bot.handshake().await;
        queue(&mut bot, 2_000).await;
        bot.hear_turn_or(Duration::from_millis(500)).await;
        bot.hangup().await;
    })
    .await;
    let mut call = connect(options(EXOTEL, &url)).await.unwrap();
    let mut events = call.take_events().unwrap();
    let report = call.ended().await;
    assert!((100.0..1_900.0).contains(&report.heard.unheard_ms), "{:?}", report.heard);
    let mut names = Vec::new();
    while let Some(event) = events.recv().await {
        names.push(match event {
            Event::Answered => "answered",
            Event::BotAudible { .. } => "audible",
            Event::Ended(_) => "ended",
            _ => "other",
        });
    }
    assert_eq!(names, ["answered", "audible", "ended"]);
}
