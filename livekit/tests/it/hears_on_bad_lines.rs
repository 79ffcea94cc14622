//! Loss and jitter on the way between client and server, both ways: how much of a voice is still heard.

use std::time::Duration;

use vox_livekit::{Counts, Impairment, Mode, Options, Publish, Rate};

use crate::harness::guest::HEAR;
use crate::harness::{Guest, LiveKit, buzz, loud_frames, overtones};

/// Frames that are listened to: 4 s.
const FRAMES: usize = 200;

/// The listener's network loses and delays; how many of a hundred frames are loud, and the part of the voice in all of it.
async fn line(loss_percent: u8, jitter_ms: u64, redundant: bool) -> (f64, f64, Counts) {
    let server = LiveKit::start();
    let impairment = Impairment { loss_percent, jitter: Duration::from_millis(jitter_ms), seed: 7 };
    let bad = Options { mode: Mode::Single, hear: HEAR, impairment: Some(impairment), ..Options::default() };
    let mut speaker = Guest::join(&server, "room", "speaker", Options::default()).await;
    let publish = Publish { rate: Rate::Hz16000, redundant, ..Publish::default() };
    speaker.publishes(publish, buzz(Rate::Hz16000)).await;
    let mut listener = Guest::join(&server, "room", "listener", bad).await;
    listener.hears(150.0, 0.3).await;
    // The buffer learns the line.
    listener.listens(75).await;
    let heard: Vec<Vec<i16>> = listener.listens(FRAMES).await.into_iter().map(|heard| heard.mix).collect();
    let loud = loud_frames(&heard) as f64 * 100.0 / FRAMES as f64;
    let part = power_in_pieces(&heard);
    let stats = listener.room.stats().await;
    let voice = stats.voices.values().next().expect("one voice");
    println!(
        "loss {loss_percent} %, jitter {jitter_ms} ms, redundant {redundant}: {loud:.1} % of frames loud, {:.1} % voice, buffer {} ms of {} ms, {:?}",
        part * 100.0,
        voice.delay_ms,
        voice.target_ms,
        voice.counts
    );
    (loud, part, voice.counts)
}

/// Over 100 ms each: a jump of the phase is no loss of the voice.
fn power_in_pieces(frames: &[Vec<i16>]) -> f64 {
    let pieces: Vec<f64> = frames.chunks(5).map(|piece| overtones(HEAR, &piece.concat())).collect();
    pieces.iter().sum::<f64>() / pieces.len() as f64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_in_a_hundred_is_not_heard() {
    let (loud, voice, _) = line(1, 0, false).await;
    assert!(loud > 97.0 && voice > 0.85, "{loud} {voice}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_in_a_hundred_are_bridged() {
    let (loud, voice, _) = line(5, 0, false).await;
    assert!(loud > 95.0 && voice > 0.8, "{loud} {voice}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_in_five_is_understood() {
    let (loud, voice, counts) = line(20, 0, false).await;
    assert!(loud > 85.0 && voice > 0.6, "{loud} {voice} {counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jitter_of_200_ms_is_waited_for() {
    let (loud, voice, counts) = line(0, 200, false).await;
    assert!(loud > 93.0 && voice > 0.7, "{loud} {voice} {counts:?}");
}

/// A speaker who allows it is sent on by the server with copies: most of what is lost comes in the next packet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_make_up_for_losses() {
    let (loud, voice, counts) = line(20, 0, true).await;
    assert!(counts.redundant > counts.lost && counts.redundant > 20, "{counts:?}");
    assert!(loud > 85.0 && voice > 0.75, "{loud} {voice} {counts:?}");
}
