//! The ear's figures against what a scripted server really did, by the server's own clock.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use vox_caller::{Protocol, Report, Rule, Scenario, connect, run};

use crate::bot::{EXOTEL, options, serve, tone};

/// Two processes' worth of scheduling on a busy machine, beside what the caller itself noted of its own timer.
const SLACK_MS: f64 = 20.0;

fn assert_near(what: &str, measured: f64, truth: f64, report: &Report) {
    let slack = SLACK_MS + report.own_timing.frame_late_ms.max;
    assert!(
        (measured - truth).abs() <= slack,
        "{what}: measured {measured:.1} ms, truth {truth:.1} ms, slack {slack:.1}"
    );
}

fn ms(from: Instant, to: Instant) -> f64 {
    (to - from).as_secs_f64() * 1_000.0
}

async fn check_reply(protocol: Protocol, delay_ms: u64) {
    let (url, server) = serve(protocol, move |mut bot| async move {
        bot.handshake().await;
        let answered = Instant::now();
        sleep_until(answered + Duration::from_millis(150)).await;
        let greeted = bot.say(400).await;
        let last_word = bot.hear_turn().await;
        sleep_until(last_word + Duration::from_millis(delay_ms)).await;
        let replied = bot.say(400).await;
        bot.end().await;
        (ms(answered, greeted), ms(last_word, replied))
    })
    .await;
    let call = connect(options(protocol, &url)).await.unwrap();
    let quiet = Duration::from_millis(250);
    let scenario = Scenario::new().await_reply(quiet).say(tone(protocol.rate_hz(), 500)).await_reply(quiet);
    let report = run(call, scenario).await.call;
    let (greeting, reply) = server.await.unwrap();
    assert!(greeting >= 150.0 && reply >= delay_ms as f64);
    assert_near("answer to first audio", report.heard.answer_to_first_audio_ms.unwrap(), greeting, &report);
    // Exotel's carrier gathers 100 ms into a message: a word waits up to that long for its message.
    let packing = if matches!(protocol, Protocol::Exotel { .. }) { 50.0 } else { 0.0 };
    let measured = report.heard.turns[0].reply_ms.unwrap();
    let truth = reply + packing;
    let slack = packing + SLACK_MS + report.own_timing.frame_late_ms.max;
    assert!(
        (measured - truth).abs() <= slack,
        "wire to ear: measured {measured:.1}, truth {truth:.1} ± {slack:.1}"
    );
}

#[tokio::test]
async fn wire_to_ear_over_each_protocol() {
    for (protocol, delay_ms) in [(Protocol::Ws, 300), (Protocol::Talk, 450), (EXOTEL, 600)] {
        check_reply(protocol, delay_ms).await;
    }
}

#[tokio::test]
async fn barge_in_to_silence() {
    let (url, server) = serve(Protocol::Ws, |mut bot| async move {
        bot.handshake().await;
        let mut last_sent = Instant::now();
        // Speak and listen at once, frame by frame, until 200 ms after the caller's first sound.
        let began = Instant::now();
        let mut onset = None;
        for at in 0u32.. {
            let samples = tone(8_000, 20);
            let message = bot.media(samples.samples());
            futures_util::SinkExt::send(&mut bot.socket, message).await.unwrap();
            let next = began + Duration::from_millis(20) * (at + 1);
            last_sent = next;
            if onset.is_none() {
                onset = tokio::time::timeout_at(next, bot.hear_onset()).await.ok();
            }
            sleep_until(next).await;
            if onset.is_some_and(|onset| onset.elapsed() >= Duration::from_millis(200)) {
                break;
            }
        }
        bot.send(bot.ids("reverse-media-stop")).await;
        bot.end().await;
        ms(onset.unwrap(), last_sent)
    })
    .await;
    let call = connect(options(Protocol::Ws, &url)).await.unwrap();
    let scenario = Scenario::new().barge_in(Duration::from_millis(400), tone(8_000, 600));
    let report = run(call, scenario).await.call;
    let truth = server.await.unwrap();
    assert_eq!(report.heard.barge_ins.len(), 1, "{:?}", report.heard);
    // The caller's first sound is spoken 20 ms before its frame is sent.
    assert_near("barge-in to silence", report.heard.barge_ins[0].silence_ms, truth + 20.0, &report);
}

#[tokio::test]
async fn a_hole_in_the_bots_speech_is_heard_and_its_frame_is_late() {
    let (url, server) = serve(Protocol::Talk, |mut bot| async move {
        bot.handshake().await;
        let began = bot.say(400).await;
        sleep_until(began + Duration::from_millis(400 + 300)).await;
        let resumed = bot.say(400).await;
        bot.end().await;
        ms(began, resumed) - 400.0
    })
    .await;
    let call = connect(options(Protocol::Talk, &url)).await.unwrap();
    let report = run(call, Scenario::new().await_reply(Duration::from_millis(600))).await.call;
    let truth = server.await.unwrap();
    assert!(report.heard.gaps >= 1, "{:?}", report.heard);
    assert_near("the hole", report.heard.gap_longest_ms, truth, &report);
    assert_near("the late frame", report.heard.lateness_ms.max, truth, &report);
    assert!(report.heard.lateness_ms.p50 < 20.0, "{:?}", report.heard.lateness_ms);
    assert!(report.violations.iter().any(|violation| violation.rule == Rule::Starved));
}
