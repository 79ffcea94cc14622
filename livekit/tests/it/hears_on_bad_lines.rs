//! Loss and jitter on the way between client and server, both ways: how much of a voice is still heard.

use std::time::Duration;

use vox_livekit::{Impairment, Mode, Options, Publish, Rate, VoiceStats};

use crate::harness::guest::HEAR;
use crate::harness::{Guest, LiveKit, buzz, loud_frames, overtones};

/// Frames that are listened to: 4 s.
const FRAMES: usize = 200;

/// A listener's network.
#[derive(Clone, Copy, Debug)]
struct Line {
    loss_percent: u8,
    jitter_ms: u64,
    /// The speaker sends copies.
    redundant: bool,
}

/// What came through it.
#[derive(Debug)]
struct Heard {
    line: Line,
    /// Of a hundred frames so many are loud.
    loud: f64,
    /// The part of the voice in all that is heard, 0 to 1.
    voice: f64,
    stats: VoiceStats,
}

/// The listener's network loses and delays, both ways.
async fn listen(server: &LiveKit, line: Line) -> Heard {
    let Line { loss_percent, jitter_ms, redundant } = line;
    let room = format!("{line:?}");
    let impairment = Impairment { loss_percent, jitter: Duration::from_millis(jitter_ms), seed: 7 };
    let bad = Options { mode: Mode::Single, hear: HEAR, impairment: Some(impairment), ..Options::default() };
    let mut speaker = Guest::join(server, &room, "speaker", Options::default()).await;
    let publish = Publish { rate: Rate::Hz16000, redundant, ..Publish::default() };
    speaker.publishes(publish, buzz(Rate::Hz16000)).await;
    let mut listener = Guest::join(server, &room, "listener", bad).await;
    listener.hears(150.0, 0.3).await;
    // The buffer learns the line.
    listener.listens(75).await;
    let heard: Vec<Vec<i16>> = listener.listens(FRAMES).await.into_iter().map(|heard| heard.mix).collect();
    let stats = *listener.room.stats().await.voices.values().next().expect("one voice");
    let loud = loud_frames(&heard) as f64 * 100.0 / FRAMES as f64;
    Heard { line, loud, voice: voice(&heard), stats }
}

/// Over 100 ms each: a jump of the phase is no loss of the voice.
fn voice(frames: &[Vec<i16>]) -> f64 {
    let pieces: Vec<f64> = frames.chunks(5).map(|piece| overtones(HEAR, &piece.concat())).collect();
    pieces.iter().sum::<f64>() / pieces.len() as f64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_is_understood_over_each() {
    let server = LiveKit::start();
    let on =
        |loss_percent, jitter_ms, redundant| listen(&server, Line { loss_percent, jitter_ms, redundant });
    let (one, five, twenty, late, copies) = tokio::join!(
        Box::pin(on(1, 0, false)),
        Box::pin(on(5, 0, false)),
        Box::pin(on(20, 0, false)),
        Box::pin(on(0, 200, false)),
        Box::pin(on(20, 0, true))
    );
    // A machine that is busy delays packets too: what is bridged is held to more than how well.
    let all = [
        (&one, 97.0, 0.6),
        (&five, 95.0, 0.6),
        (&twenty, 85.0, 0.4),
        (&late, 90.0, 0.5),
        (&copies, 85.0, 0.5),
    ];
    for (heard, loud, voice) in all {
        println!("{heard:?}");
        assert!(heard.loud >= loud && heard.voice >= voice, "{:?}: at least {loud} and {voice}", heard.line);
    }
    let counts = copies.stats.counts;
    assert!(counts.redundant > 20, "most comes in the next packet: {counts:?}");
    assert!(twenty.stats.counts.repaired > 20, "{:?}", twenty.stats.counts);
}
