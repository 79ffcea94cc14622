//! A disk that hangs: a pipe that nobody writes to hangs whoever opens it.

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::time::timeout;
use vox_shared::wire::config::{ConfigRequest, RuntimeConfig};

use super::super::Ask;
use super::super::clips::Stable;
use super::*;

/// Longer than anything of the courier waits for a disk.
const LONG: Duration = Duration::from_secs(8);

fn hang(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// The end of a call is put away all the same.
async fn assert_works(courier: &Courier, place: Place) {
    courier.keep(ending(place)).await;
    assert_eq!(courier.books().held(), 0, "the courier stands still");
}

#[tokio::test]
async fn a_hanging_look_for_dead_workers_holds_nothing_up() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    std::fs::create_dir(dir.path().join("outbox/dead")).unwrap();
    hang(&dir.path().join("outbox/dead/lock"));
    let place = Place::reserve(&desk.outbox).unwrap();
    let courier = Courier::start(desk).unwrap();
    assert_works(&courier, place).await;
}

#[tokio::test]
async fn a_phrase_that_the_disk_does_not_give_is_none() {
    let config = serde_json::json!({
        "session_id": "call_1", "webhook_url": "", "system_prompt": "", "opening_message": "Hello.",
        "stable_phrases": ["Hello."],
    });
    let config: Arc<RuntimeConfig> = Arc::new(serde_json::from_value(config).unwrap());
    let phrase = Stable::of(&config).greeting(8_000).unwrap();
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    hang(&desk.clips.path(&phrase.key()));
    let place = Place::reserve(&desk.outbox).unwrap();
    let courier = Courier::start(desk).unwrap();
    // More often than clips are read at a time.
    for _ in 0..6 {
        let answer = courier.find(phrase.clone());
        assert_eq!(timeout(LONG, answer).await.expect("an answer comes in time").unwrap(), None);
    }
    assert_works(&courier, place).await;
}

/// The clock of this thread runs ahead as soon as it waits; the courier's and the bridge's are the world's.
#[tokio::test(start_paused = true)]
async fn a_call_does_not_wait_for_ever_for_its_config() {
    let (dir, silent) = (tempfile::tempdir().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("http://{}", silent.local_addr().unwrap());
    let courier = Courier::start(desk(dir.path(), &url, settings())).unwrap();
    let request = ConfigRequest::default();
    let ask = Ask { bot_id: "faq".parse().unwrap(), request, rate_hz: 8_000 };
    let begun = timeout(LONG, courier.begin(ask)).await.expect("an answer comes in time");
    assert!(begun.is_err());
}
