//! The short form of `vox-bench livekit`: one call over a socket and one in a room, of real workers at a real server.

use std::{path::Path, time::Duration};

use vox_bench::{
    calls,
    livekit::{Settings, run},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_in_a_room_is_measured_beside_one_over_a_socket() {
    let programs = Path::new(env!("CARGO_BIN_EXE_vox-bench")).parent().unwrap().to_owned();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let calls = calls::Settings {
        levels: vec![1],
        talk: Duration::from_secs(6),
        protocol: Settings::BESIDE,
        testkit: programs.join("vox-testkit"),
        programs,
        models: root.join("models"),
    };
    let script = root.join("scripts/livekit/run.sh");
    let settings = Settings { calls, script, agent: None, agent_levels: Vec::new(), only: None };
    let report = Box::pin(run(&settings, |_| ())).await.unwrap();
    let text = report.to_text();
    let [pair] = &report.pairs[..] else { panic!("one level: {text}") };
    for level in [&pair.socket, &pair.room] {
        assert_eq!((level.talk.failed, level.results, level.recordings), (0, 1, 1), "{text}");
        assert!(level.talk.answer_to_first_audio_ms.count == 1, "{text}");
        assert!(level.machine.workers > 0.0 && level.idle_private_mib.p50 > 0.0, "{text}");
    }
    let entries = &pair.entries;
    assert!(entries.packets > 100, "the bot was heard: {text}");
    // Each of these follows the one before.
    assert!(entries.joined_ms.p50 <= entries.voice_ms.p50, "{text}");
    assert!(entries.voice_ms.p50 < entries.order_to_greeting_ms.p50, "{text}");
}
