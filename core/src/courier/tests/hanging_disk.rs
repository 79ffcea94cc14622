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
    let ask = Ask { bot_id: "faq".parse().unwrap(), request, rate_hz: 8_000, bridge_url: None };
    let begun = timeout(LONG, courier.begin(ask)).await.expect("an answer comes in time");
    assert!(begun.is_err());
}

/// What it held was read, thrown away and read again for ever, on a disk that was slow for everybody already.
#[tokio::test(start_paused = true)]
async fn what_is_read_late_is_taken_and_keeps_no_other_waiting_meanwhile() {
    let (readings, (disk, thread)) = (Arc::new(Semaphore::new(1)), std::sync::mpsc::sync_channel(1));
    let turn = readings.clone().acquire_owned().await.unwrap();
    let reading = tokio::task::spawn_blocking(move || thread.recv());
    let late = tokio::spawn(patiently(reading, Duration::from_secs(30), turn));
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_secs(29)).await;
    assert_eq!(readings.available_permits(), 0, "it has its turn");
    tokio::time::advance(Duration::from_secs(2)).await;
    drop(readings.acquire().await.unwrap());
    disk.send("all that was in it").unwrap();
    let (brought, turn) = late.await.unwrap();
    assert_eq!((brought.unwrap(), turn.is_none()), (Ok("all that was in it"), true));
}

#[tokio::test]
async fn a_directory_that_hangs_is_adopted_once_at_a_time() {
    let mut adoptions = Adoptions::default();
    for _ in 0..20 {
        adoptions.begin("hangs".into(), std::future::pending());
    }
    adoptions.begin("works".into(), async {});
    assert_eq!(adoptions.len(), 2, "it fills the places of all others");
    let works_again = async {
        while adoptions.len() > 1 {
            tokio::task::yield_now().await;
            adoptions.reap();
        }
        adoptions.begin("works".into(), async {});
        adoptions.len()
    };
    assert_eq!(timeout(LONG, works_again).await, Ok(2));
}

/// The clock of this thread runs ahead as soon as it waits; the outbox's is the world's.
#[tokio::test(start_paused = true)]
async fn an_outbox_that_takes_no_records_keeps_no_other_from_being_read() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[503]));
    let desk = desk(dir.path(), &bridge.url, settings());
    let dead = dir.path().join("outbox/dead");
    let (outbox, _) = Outbox::open(&dead, settings()).unwrap();
    for name in ["call_1", "call_2", "call_3"] {
        let Ending { mut accepted, .. } = ending(Place::reserve(&desk.outbox).unwrap());
        accepted.session_id = name.parse().unwrap();
        outbox.append(entry(&JournalRecord::Accepted(Box::new(accepted)))).await.unwrap();
    }
    outbox.close().await;
    // It waits for others to share its sync, and there are none.
    let hangs = Settings { group_wait: Duration::from_secs(3_600), ..settings() };
    let desk = Desk { directories: Directories::new(dir.path().join("outbox"), hangs), ..desk };
    let readings = Arc::new(Semaphore::new(1));
    let own = readings.clone();
    let adoption = tokio::spawn(async move { adopt(&desk, &dead, (&*own, Otherwise::Close)).await });
    tokio::task::yield_now().await;
    assert_eq!(readings.available_permits(), 0, "it is being read");
    let next = timeout(Duration::from_mins(10), readings.acquire()).await;
    assert!(next.is_ok(), "nobody else is read any more");
    adoption.abort();
}
