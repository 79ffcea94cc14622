//! The client of our own protocol.

use std::time::Duration;

use futures_util::SinkExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use vox_caller::{EndedBy, Event, Protocol, Report, Rule, connect};

use crate::bot::{Bot, broken, options, serve, tone};

/// For tests in which the bot does what is waited for, on a busy machine too.
const LONG: Duration = Duration::from_secs(10);
/// For those in which it does not.
const SHORT: Duration = Duration::from_millis(400);

async fn call_within<F>(
    deadline: Duration,
    script: impl FnOnce(Bot) -> F + Send + 'static,
) -> (Report, Vec<Event>)
where
    F: Future<Output = ()> + Send,
{
    let (url, server) = serve(Protocol::Talk, script).await;
    let mut options = options(Protocol::Talk, &url);
    options.deadlines.answer = deadline;
    let mut call = connect(options).await.unwrap();
    let mut events = call.take_events().unwrap();
    let report = call.ended().await;
    server.await.unwrap();
    let mut all = Vec::new();
    while let Some(event) = events.recv().await {
        all.push(event);
    }
    (report, all)
}

#[tokio::test]
async fn an_interruption_drops_what_was_queued_and_the_log_is_kept() {
    let (report, events) = call_within(LONG, |mut bot| async move {
        bot.handshake().await;
        bot.send(json!({"type": "bot_started", "turn": 1})).await;
        for _ in 0..10 {
            let frame = bot.media(tone(16_000, 20).samples());
            bot.socket.send(frame).await.unwrap();
        }
        bot.send(json!({"type": "interrupted", "turn": 1, "heard": "Good"})).await;
        bot.send(json!({
            "type": "transcript", "speaker": "bot", "text": "Good", "final": true, "interrupted": true,
            "started_ms": 0, "ended_ms": 90,
        }))
        .await;
        bot.hangup().await;
    })
    .await;
    assert_eq!(broken(&report), []);
    assert_eq!((report.session_id.as_deref(), report.transcript.len()), (Some("s"), 1));
    assert!(report.transcript[0].interrupted);
    let unheard = events.iter().find_map(|event| match event {
        Event::Cleared { unheard_ms, .. } => Some(*unheard_ms),
        _ => None,
    });
    assert!(unheard.unwrap() > 20.0, "{unheard:?}");
    assert!(
        events.iter().any(|event| matches!(event, Event::Interrupted { turn: 1, heard } if heard == "Good"))
    );
    assert!(matches!(events.last(), Some(Event::Ended(end)) if end.by == EndedBy::Bot));
}

#[tokio::test]
async fn no_ready_within_the_deadline_ends_the_call() {
    let (report, _) = call_within(SHORT, |mut bot| async move {
        assert_eq!(bot.next_event().await["type"], "hangup", "and no audio before ready");
        bot.close(1_000).await;
    })
    .await;
    assert_eq!((report.end.by, broken(&report)), (EndedBy::Carrier, vec![(Rule::AnswerDeadline, 1)]));
}

#[tokio::test]
async fn audio_before_ready_and_frames_of_another_size() {
    let (report, _) = call_within(LONG, |mut bot| async move {
        bot.socket.send(Message::binary(vec![0; 640])).await.unwrap();
        bot.ready().await;
        bot.socket.send(Message::binary(vec![0; 320])).await.unwrap();
        bot.hangup().await;
    })
    .await;
    assert_eq!(broken(&report), [(Rule::BeforeStart, 1), (Rule::PayloadSize, 1)]);
}

#[tokio::test]
async fn an_error_and_its_close_code_are_told() {
    let (report, _) = call_within(LONG, |mut bot| async move {
        bot.send(json!({"type": "error", "code": "outside_hours", "detail": "closed until Monday"})).await;
        bot.close(1_008).await;
    })
    .await;
    assert_eq!((report.end.by, report.end.close_code), (EndedBy::Server, Some(1_008)));
    assert_eq!(report.end.reason, "outside_hours: closed until Monday");
    assert_eq!(broken(&report), []);
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_call() {
    let (report, _) = call_within(LONG, |mut bot| async move {
        bot.handshake().await;
        let _ = bot.socket.send(Message::binary(vec![0; 2 << 20])).await;
        while bot.next().await.is_some() {}
    })
    .await;
    assert_eq!((report.end.by, broken(&report)), (EndedBy::Lost, vec![(Rule::Oversized, 1)]));
}

#[tokio::test]
async fn a_caller_who_is_dropped_hangs_up() {
    let (url, server) = serve(Protocol::Talk, |mut bot| async move {
        bot.handshake().await;
        bot.end().await;
        bot.events.last().unwrap()["type"].clone()
    })
    .await;
    let call = connect(options(Protocol::Talk, &url)).await.unwrap();
    assert!(call.eventually(Duration::from_secs(5), |state| state.is_answered).await);
    drop(call);
    assert_eq!(server.await.unwrap(), "hangup");
}
