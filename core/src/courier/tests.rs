//! The courier against a bridge that answers as it is told, and disks that take nothing.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;
use vox_shared::ids::SessionId;
use vox_shared::outbox::{Outbox, Settings};
use vox_shared::wire::journal::{Accepted, JournalRecord};
use vox_shared::wire::result::{CallEvent, CallResult, DisconnectedBy};

use super::Courier;
use super::adopt::{Adoptions, Otherwise, adopt, patiently};
use super::clips::Clips;
use super::deliver::{Left, Round};
use super::desk::{Desk, Directories, UPLOADS};
use super::keep::{End, Ending, keep};
use super::live::counts::Counts;
use super::sounds::Shelf;
use crate::bridge::Bridge;
use crate::journal::{Place, entry};
use crate::slot::Slot;
use crate::wreck::offers::Offers;

mod direct;
mod hanging_disk;
mod proving;

/// A request as the bridge got it.
#[derive(Clone, Debug, Default)]
struct Asked {
    seq: Option<String>,
    token: Option<String>,
    claim: Option<String>,
    has_secret: bool,
    body: Vec<u8>,
}

/// Answers one request after the other with these statuses, the last again and again; 0 hangs up without an answer.
struct Stub {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    fn answering(statuses: &[u16]) -> Self {
        // The one refusal whose reason is read.
        let body =
            |status: u16| if status == 403 { r#"{"error":{"code":"call_token_refused"}}"# } else { "{}" };
        Self::saying(|_| statuses.iter().map(|status| (*status, body(*status).to_owned())).collect())
    }

    /// The same with bodies, which may name its address.
    fn saying(answers: impl FnOnce(&str) -> Vec<(u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = answers(&url);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let book = asked.clone();
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream);
                let request = read_request(&mut reader);
                let number = {
                    let mut book = book.lock().unwrap();
                    book.push(request);
                    book.len() - 1
                };
                let (status, body) = answers.get(number).or(answers.last()).cloned().unwrap_or_default();
                if status > 0 {
                    let length = body.len();
                    let answer = format!(
                        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                    );
                    let _gone = reader.get_mut().write_all(answer.as_bytes());
                }
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read_request(reader: &mut impl BufRead) -> Asked {
    let (mut asked, mut length) = (Asked::default(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_lowercase();
        match line.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("x-vox-seq", value)) => asked.seq = Some(value.to_owned()),
            Some(("x-vox-call-token", value)) => asked.token = Some(value.to_owned()),
            Some(("x-vox-claim", value)) => asked.claim = Some(value.to_owned()),
            Some(("x-voxcore-secret", _)) => asked.has_secret = true,
            _ => {}
        }
        if line.is_empty() {
            break;
        }
    }
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).unwrap();
    asked
}

fn desk(dir: &Path, url: &str, settings: Settings) -> Desk {
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    let (outbox, _) = Outbox::open(&dir.join("outbox/own"), settings.clone()).unwrap();
    let recordings = dir.join("recordings");
    std::fs::create_dir_all(&recordings).unwrap();
    Desk {
        bridge: Bridge::new(url, SecretString::from("x".repeat(32))).unwrap(),
        outbox,
        directories: Directories::new(dir.join("outbox"), settings),
        recordings,
        clips: Clips::open(dir).unwrap(),
        shelf: Shelf::open(dir).unwrap(),
        books: Arc::default(),
        uploads: Arc::new(Semaphore::new(UPLOADS)),
        live: Counts::default(),
        news: Arc::default(),
        offers: Offers::new(false, Slot::default(), CancellationToken::new()),
        held: Arc::default(),
    }
}

fn settings() -> Settings {
    Settings::new(Clock::system())
}

fn session() -> SessionId {
    "call_1".parse().unwrap()
}

fn result() -> CallResult {
    CallResult::bare(session(), DisconnectedBy::Customer)
}

fn event(n: u64) -> JournalRecord {
    let event = CallEvent { at_ms: n, event: "e".into(), why: "w".into(), data: serde_json::Map::new() };
    JournalRecord::Event { session_id: session(), event }
}

fn ending(place: Place) -> Ending {
    let accepted = serde_json::json!({
        "session_id": "call_1", "bot_id": "faq", "worker_id": "worker_1", "transport": "ws",
        "started_at": "2026-11-20T10:00:00Z", "bridge_url": "",
    });
    let accepted: Accepted = serde_json::from_value(accepted).unwrap();
    let end = End::Over { result: Box::new(result()), recording: None };
    Ending { accepted, journal: Arc::new(place.journal(session())), end }
}

/// A disk that has taken a record and hangs over the next.
async fn hanging_outbox(dir: &Path, url: &str) -> Desk {
    let desk = desk(dir, url, Settings { group_wait: Duration::from_secs(3_600), ..settings() });
    desk.outbox.append(entry(&event(0))).await.unwrap();
    desk
}

#[tokio::test]
async fn the_end_of_a_call_is_on_disk_before_anybody_is_told() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    keep(&desk, ending(Place::reserve(&desk.outbox).unwrap())).await;
    let kept = desk.outbox.pending(0, 10).await.unwrap();
    assert!(matches!(serde_json::from_slice(&kept[0].payload), Ok(JournalRecord::Result(_))));
    assert_eq!((kept.len(), bridge.asked().len()), (1, 0));
}

#[tokio::test]
async fn a_result_that_bridge_and_disk_refuse_is_told_at_once_and_not_tried_again() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[422]));
    let desk = desk(dir.path(), &bridge.url, settings());
    let place = Place::reserve(&desk.outbox).unwrap();
    desk.outbox.clone().close().await;
    keep(&desk, ending(place)).await;
    assert_eq!((bridge.asked().len(), desk.books.refused()), (1, 1));
}

#[tokio::test]
async fn a_result_that_the_disk_refuses_is_offered_from_memory_until_the_bridge_takes_it() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[0, 503, 200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    let place = Place::reserve(&desk.outbox).unwrap();
    desk.outbox.clone().close().await;
    keep(&desk, ending(place)).await;
    let asked = bridge.asked();
    assert_eq!((asked.len(), desk.books.refused()), (3, 0));
    assert_eq!(asked[2].body, serde_json::to_vec(&result()).unwrap());
    assert_eq!(asked[2].seq, None, "it is in no outbox");
}

#[tokio::test]
async fn a_result_that_a_slow_disk_holds_up_is_offered_from_memory() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[200]));
    let desk = hanging_outbox(dir.path(), &bridge.url).await;
    keep(&desk, ending(Place::reserve(&desk.outbox).unwrap())).await;
    assert_eq!(bridge.asked().len(), 1);
}

/// The clock of this thread runs ahead as soon as it waits; the courier's is the world's.
#[tokio::test(start_paused = true)]
async fn the_slot_is_free_although_neither_disk_nor_bridge_takes_the_end() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[503]));
    let desk = desk(dir.path(), &bridge.url, settings());
    let place = Place::reserve(&desk.outbox).unwrap();
    desk.outbox.clone().close().await;
    let courier = Courier::start(desk).unwrap();
    courier.keep(ending(place)).await;
    assert_eq!((courier.books().held(), courier.books().refused()), (1, 0), "it is held, and told");
}

#[tokio::test]
async fn a_result_goes_out_byte_for_byte_with_its_number_beside_it() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    desk.outbox.append(entry(&event(1))).await.unwrap();
    let payload = br#"{"record":"result","session_id":"call_1","x":1.50}"#.to_vec();
    let seq = desk.outbox.append(vox_shared::outbox::Entry::new(4, payload)).await.unwrap();
    Round::new(&desk, &desk.outbox).until_empty().await;
    let asked = bridge.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].body, br#"{"session_id":"call_1","x":1.50}"#);
    assert_eq!(asked[0].seq, Some(seq.to_string()));
    assert_eq!(desk.outbox.stats().depth, 0, "the journal has served");
}

#[tokio::test]
async fn what_is_new_does_not_wait_for_what_is_tried_again() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[503, 200, 200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    for name in ["call_1", "call_2"] {
        let result = CallResult { session_id: name.parse().unwrap(), ..result() };
        desk.outbox.append(entry(&JournalRecord::Result(Box::new(result)))).await.unwrap();
    }
    Round::new(&desk, &desk.outbox).until_empty().await;
    let seqs: Vec<_> = bridge.asked().into_iter().filter_map(|asked| asked.seq).collect();
    assert_eq!(seqs, ["1", "2", "1"]);
}

#[tokio::test]
async fn a_refused_result_is_kept_in_the_rejected_log() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[404]));
    let desk = desk(dir.path(), &bridge.url, settings());
    desk.outbox.append(entry(&JournalRecord::Result(Box::new(result())))).await.unwrap();
    Round::new(&desk, &desk.outbox).until_empty().await;
    let stats = desk.outbox.stats();
    assert_eq!((bridge.asked().len(), stats.depth, stats.rejected), (1, 0, 1));
}

/// What lies on the disk is made unreadable behind the cursor: whoever read it again would find damage and count it.
#[tokio::test]
async fn the_journal_of_a_running_call_is_not_read_again() {
    let (dir, bridge) = (tempfile::tempdir().unwrap(), Stub::answering(&[200]));
    let desk = desk(dir.path(), &bridge.url, settings());
    for n in 0..20 {
        desk.outbox.append(entry(&event(n))).await.unwrap();
    }
    let mut round = Round::new(&desk, &desk.outbox);
    round.turn().await;
    let segment = std::fs::read_dir(dir.path().join("outbox/own")).unwrap().flatten().map(|e| e.path());
    let segment = segment.filter(|p| p.extension().is_some_and(|e| e == "seg")).last().unwrap();
    let length = std::fs::metadata(&segment).unwrap().len() as usize;
    std::fs::OpenOptions::new().write(true).open(&segment).unwrap().write_all(&vec![7; length]).unwrap();
    round.turn().await;
    let stats = desk.outbox.stats();
    assert_eq!((stats.depth, stats.quarantined), (20, 0));
    assert_eq!(desk.outbox.pending(0, 1).await.unwrap().len(), 0, "it is damaged indeed");
}
