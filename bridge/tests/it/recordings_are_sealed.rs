//! Recordings at rest are sealed for their tenant: nobody reads one in the store, a part of one is served without the rest, and one
//! that was changed, cut, reordered or put in another's place is refused and counted.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vox_bridge::api::recordings::serve::Recordings;
use vox_bridge::auth::role::Role;
use vox_bridge::jobs::sealing::{Look, once};
use vox_bridge::objects::archive::{Archive, Sealing};
use vox_bridge::objects::{Answer, ByteStream, Expected, Head, Key, ObjectError, Objects, Written};
use vox_bridge::store::calls::CALLS;
use vox_bridge::vault::file::{HEAD_BYTES, MAGIC, PIECE_BYTES, TAG_BYTES};
use vox_harness::Random;
use vox_shared::model::bot::BotSettings;

use crate::harness::interposed::{Files, Touch};
use crate::harness::{TestBridge, json};
#[cfg(feature = "s3")]
use crate::s3_server::S3Server;

const SEALED: usize = PIECE_BYTES + TAG_BYTES;

/// No two of its pieces are alike.
fn content(length: usize) -> Vec<u8> {
    Random::new(1).bytes(length)
}

fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|b| format!("{b:02x}")).collect()
}

struct Stage {
    bridge: TestBridge,
    token: String,
    bot: String,
}

impl Stage {
    async fn on(bridge: TestBridge) -> Self {
        let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await.to_string();
        let token = bridge.token(Role::Agent).await;
        Self { bridge, token, bot }
    }

    /// A call that has ended, with this recording.
    async fn call(&self, session: &str, content: &[u8]) -> Value {
        let config = self.bridge.fetch_config(&self.bot, &[("session_id", session)]).await;
        assert_eq!(config.status(), StatusCode::OK);
        let uploaded = json(self.upload(session, content, &hash(content)).await, StatusCode::OK).await;
        let mut ended = crate::harness::result(session, "customer");
        ended["recording_key"] = json!(format!("{session}.wav"));
        assert!(self.bridge.deliver(&ended).await.status().is_success());
        uploaded
    }

    async fn upload(&self, session: &str, content: &[u8], sha256: &str) -> Response {
        let path = format!("/api/v1/internal/recordings/{session}.wav");
        let request = self.bridge.internal(Method::PUT, &path).header("x-content-sha256", sha256);
        request.body(content.to_vec()).send().await.unwrap()
    }

    async fn read(&self, session: &str, range: Option<Range<usize>>) -> Response {
        self.try_read(session, range).await.unwrap()
    }

    /// What breaks in its first piece is cut before its head.
    async fn try_read(&self, session: &str, range: Option<Range<usize>>) -> reqwest::Result<Response> {
        let request = self.bridge.get(&format!("/api/v1/recordings/{session}")).bearer_auth(&self.token);
        let request = match range {
            Some(range) => request.header(RANGE, format!("bytes={}-{}", range.start, range.end - 1)),
            None => request,
        };
        request.send().await
    }

    /// As it lies in the store.
    async fn raw(&self, session: &str) -> Vec<u8> {
        let (objects, key) = (&self.bridge.app.recordings.archive.objects, key(session));
        let size = objects.head(key.clone()).await.unwrap().unwrap().size_bytes;
        let content = objects.get(key, 0..size).await.unwrap().unwrap();
        content
            .try_fold(Vec::new(), |mut all, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            })
            .await
            .unwrap()
    }

    async fn put_raw(&self, session: &str, bytes: Vec<u8>) {
        let content = stream::once(async move { Ok(Bytes::from(bytes)) }).boxed();
        let expected = Expected { max_bytes: u64::MAX, sha256: None };
        self.bridge.app.recordings.archive.objects.put(key(session), content, expected).await.unwrap();
    }

    fn refused(&self) -> u64 {
        self.bridge.app.recordings.archive.unopened.get()
    }

    /// Nobody gets all of what is there now, nor a part that was changed.
    async fn assert_refused(&self, session: &str, what: &str) {
        let before = self.refused();
        let whole = match self.try_read(session, None).await {
            Ok(answer) => answer.status() == StatusCode::OK && answer.bytes().await.is_ok(),
            Err(_) => false,
        };
        assert!(!whole, "{what}: it is given out");
        assert!(self.refused() > before, "{what}: it is not counted");
    }
}

fn key(session: &str) -> Key {
    Key::of_recording(&format!("{session}.wav")).unwrap()
}

fn piece(number: usize) -> Range<usize> {
    HEAD_BYTES + number * SEALED..HEAD_BYTES + (number + 1) * SEALED
}

#[tokio::test]
async fn in_a_directory() {
    are_sealed(Stage::on(TestBridge::start().await).await).await;
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn in_a_bucket() {
    let server = S3Server::start().await;
    let settings = server.settings();
    are_sealed(Stage::on(TestBridge::start_with(|c| c.storage.s3 = Some(settings)).await).await).await;
}

async fn are_sealed(stage: Stage) {
    let whole = content(3 * PIECE_BYTES + 777);
    let uploaded = stage.call("call_1", &whole).await;
    assert_eq!(uploaded, json!({"key": "call_1.wav", "size_bytes": whole.len(), "sha256": hash(&whole)}));
    let raw = stage.raw("call_1").await;
    assert!(raw.starts_with(MAGIC) && raw.len() == HEAD_BYTES + whole.len() + 4 * TAG_BYTES);
    let has = |part: &[u8]| raw.windows(part.len()).any(|window| window == part);
    assert!((0..4).all(|n| !has(&whole[n * PIECE_BYTES..][..32])), "none of it is in the store");

    let answer = stage.read("call_1", None).await;
    assert_eq!(answer.headers()[CONTENT_LENGTH], whole.len().to_string());
    assert_eq!(answer.bytes().await.unwrap(), whole);
    let end = whole.len();
    for range in [
        0..1,
        0..PIECE_BYTES,
        PIECE_BYTES - 1..PIECE_BYTES + 1,
        PIECE_BYTES..2 * PIECE_BYTES,
        100..2 * PIECE_BYTES + 5,
        3 * PIECE_BYTES..end,
        end - 1..end,
    ] {
        let answer = stage.read("call_1", Some(range.clone())).await;
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(answer.headers()[CONTENT_RANGE], format!("bytes {}-{}/{end}", range.start, range.end - 1));
        assert_eq!(answer.bytes().await.unwrap(), whole[range.clone()], "{range:?}");
    }
    for (n, length) in [0, 1, PIECE_BYTES, 2 * PIECE_BYTES].into_iter().enumerate() {
        let (session, whole) = (format!("call_size_{n}"), content(length));
        stage.call(&session, &whole).await;
        assert_eq!(stage.read(&session, None).await.bytes().await.unwrap(), whole, "{length} bytes");
    }
    let wrong = stage.upload("call_1", &whole[1..], &hash(&whole)).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(stage.raw("call_1").await, raw, "what was there stays");
    are_refused(&stage, &raw).await;
    assert_eq!(stage.read("call_1", None).await.bytes().await.unwrap(), whole);
    stage.bridge.stop().await;
}

/// Whatever was done to it in the store.
async fn are_refused(stage: &Stage, raw: &[u8]) {
    let changed = |at: usize| {
        let mut bytes = raw.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let mut swapped = raw.to_vec();
    swapped[piece(0)].copy_from_slice(&raw[piece(1)]);
    swapped[piece(1)].copy_from_slice(&raw[piece(0)]);
    let without_second = [&raw[..piece(1).start], &raw[piece(2).start..]].concat();
    let last = raw.len() - 1;
    for (what, bytes) in [
        ("a changed head", changed(20)),
        ("a changed id of the key", changed(41)),
        ("a changed first piece", changed(piece(0).start + 9)),
        ("a changed tag", changed(piece(1).end - 1)),
        ("a changed end", changed(last)),
        ("a missing byte", raw[..last].to_vec()),
        ("a missing last piece", raw[..piece(3).start].to_vec()),
        ("nothing but the beginning of a head", raw[..100].to_vec()),
        ("a missing piece", without_second),
        ("pieces in another order", swapped),
        ("a byte more", [raw, &[0]].concat()),
        ("another call's recording", stage.raw("call_size_3").await),
    ] {
        stage.put_raw("call_1", bytes).await;
        stage.assert_refused("call_1", what).await;
    }
    // A part that is whole is served, and one that is not is not.
    stage.put_raw("call_1", changed(piece(1).start + 9)).await;
    assert!(stage.read("call_1", Some(0..PIECE_BYTES)).await.bytes().await.is_ok());
    let broken = stage.try_read("call_1", Some(PIECE_BYTES..PIECE_BYTES + 9)).await;
    let is_given = match broken {
        Ok(answer) => answer.bytes().await.is_ok(),
        Err(_) => false,
    };
    assert!(!is_given, "a changed part is cut before its first byte");
    stage.put_raw("call_1", raw.to_vec()).await;
}

/// Under the very name, and of the same size.
#[tokio::test]
async fn another_tenants_recording_does_not_open() {
    let stage = Stage::on(TestBridge::start().await).await;
    let whole = content(PIECE_BYTES);
    stage.call("call_1", &whole).await;
    let archive = &stage.bridge.app.recordings.archive;
    let other = "another".parse().unwrap();
    assert!(
        archive.find(Some(&other), key("call_1")).await.is_err(),
        "the first tenant's is not the other's"
    );
    let put = stream::once(async move { Ok(Bytes::from(whole)) }).boxed();
    let expected = Expected { max_bytes: u64::MAX, sha256: None };
    archive.put(Some(&other), key("call_1"), put, expected).await.unwrap();
    stage.assert_refused("call_1", "another tenant's").await;
    stage.bridge.stop().await;
}

/// A store in which an object becomes another one right after somebody looked at it.
struct Busy {
    objects: Arc<dyn Objects>,
    next: Mutex<Option<Vec<u8>>>,
}

impl Objects for Busy {
    fn name(&self) -> &'static str {
        "busy"
    }
    fn put(&self, key: Key, content: ByteStream, expected: Expected) -> Answer<'_, Written> {
        self.objects.put(key, content, expected)
    }
    fn head(&self, key: Key) -> Answer<'_, Option<Head>> {
        Box::pin(async move {
            let head = self.objects.head(key.clone()).await;
            let next = self.next.lock().unwrap().take();
            if let Some(next) = next {
                let content = stream::once(async move { Ok(Bytes::from(next)) }).boxed();
                self.put(key, content, Expected { max_bytes: u64::MAX, sha256: None }).await?;
            }
            head
        })
    }
    fn get(&self, key: Key, range: Range<u64>) -> Answer<'_, Option<ByteStream>> {
        self.objects.get(key, range)
    }
    fn delete(&self, key: Key) -> Answer<'_, bool> {
        self.objects.delete(key)
    }
    fn check(&self) -> Answer<'_, ()> {
        self.objects.check()
    }
    fn link(&self, key: Key, lifetime: Duration) -> Answer<'_, Option<String>> {
        self.objects.link(key, lifetime)
    }
}

/// A worker repeats an upload whose answer it did not get.
#[tokio::test]
async fn one_that_is_uploaded_again_while_it_is_read_is_no_damaged_one() {
    let stage = Stage::on(TestBridge::start().await).await;
    let (short, long) = (content(PIECE_BYTES + 5), content(2 * PIECE_BYTES + 9));
    stage.call("call_1", &short).await;
    let short_raw = stage.raw("call_1").await;
    stage.upload("call_1", &long, &hash(&long)).await.error_for_status().unwrap();
    let long_raw = stage.raw("call_1").await;
    let (archive, tenant) = (stage.bridge.app.recordings.archive.clone(), stage.bridge.tenant());
    for (next, expected) in [(&short_raw, &short), (&long_raw, &long)] {
        let busy = Busy { objects: archive.objects.clone(), next: Mutex::new(Some(next.clone())) };
        let busy = Archive { objects: Arc::new(busy), ..archive.clone() };
        let found = busy.find(Some(&tenant), key("call_1")).await.unwrap().unwrap();
        assert_eq!(found.size_bytes, expected.len() as u64);
    }
    let found = archive.find(Some(&tenant), key("call_1")).await.unwrap().unwrap();
    stage.put_raw("call_1", [short_raw, long_raw].concat()).await;
    let read = archive.get(&found, 0..found.size_bytes).await.unwrap().unwrap();
    assert!(read.try_collect::<Vec<_>>().await.is_err(), "nobody gets the one as the other");
    assert_eq!(stage.refused(), 0, "and nothing is counted");
    stage.bridge.stop().await;
}

/// Recordings from before are read, and sealed by the job.
#[tokio::test]
async fn clear_ones_are_read_and_then_sealed() {
    let bridge = TestBridge::start_with(|c| c.storage.sealing = Sealing::Off).await;
    let stage = Stage::on(bridge).await;
    let whole = [b"RIFF".to_vec(), content(PIECE_BYTES + 5)].concat();
    for n in 0..3 {
        stage.call(&format!("call_{n}"), &whole).await;
    }
    assert_eq!(stage.raw("call_1").await, whole, "in clear");
    assert_eq!(looked(&stage.bridge.app.recordings).await.sealed, 0, "as it is to be");
    let mut sealed = stage.bridge.app.recordings.clone();
    sealed.archive.sealing = Sealing::On;
    assert_eq!(looked(&sealed).await.sealed, 3);
    assert_eq!(looked(&sealed).await.sealed, 0, "once");
    assert!(stage.raw("call_1").await.starts_with(MAGIC));
    assert_eq!(stage.read("call_1", None).await.bytes().await.unwrap(), whole);
    one_is_stuck_and_one_goes(&stage, &sealed, &whole).await;
    stage.bridge.stop().await;
}

/// While the setting is changed, a replica that seals runs beside one that does not yet. What that one stored after the other had looked
/// through everything stayed in clear for ever.
#[tokio::test]
async fn what_another_replica_stores_in_clear_is_sealed_too() {
    let bridge = TestBridge::start_with(|c| c.storage.sealing = Sealing::Off).await;
    let stage = Stage::on(bridge).await;
    let whole = content(PIECE_BYTES + 5);
    stage.call("call_1", &whole).await;
    let mut sealing = stage.bridge.app.recordings.clone();
    sealing.archive.sealing = Sealing::On;
    let are_sealed =
        async || stage.bridge.app.vault.note_of_recordings().await.is_ok_and(|note| note.are_sealed);
    assert!(once(&sealing, &mut Look::default()).await.unwrap() && are_sealed().await);

    stage.call("call_2", &whole).await;
    assert!(!are_sealed().await && !stage.raw("call_2").await.starts_with(MAGIC));
    assert!(once(&sealing, &mut Look::default()).await.unwrap() && are_sealed().await);
    assert!(stage.raw("call_2").await.starts_with(MAGIC));

    // One that is stored while the other looks may be where it has looked already.
    stage.call("call_3", &whole).await;
    let clear = stage.bridge.app.recordings.archive.clone();
    let before = move |touch, _: &Key| {
        let archive = clear.clone();
        async move { if touch == Touch::Put { archive.stored_in_clear().await } else { Ok(()) } }.boxed()
    };
    let mut meanwhile = sealing.clone();
    meanwhile.archive.objects =
        Arc::new(Files { inner: sealing.archive.objects.clone(), before: Box::new(before) });
    assert!(once(&meanwhile, &mut Look::default()).await.unwrap());
    assert!(!are_sealed().await, "the next start looks again");
    stage.bridge.stop().await;
}

async fn looked(recordings: &Recordings) -> Look {
    let mut look = Look::default();
    look.go_on(recordings).await.unwrap();
    look
}

/// One that cannot be read keeps no older one in clear and is tried again alone, and one that is deleted meanwhile does not come back.
async fn one_is_stuck_and_one_goes(stage: &Stage, sealed: &Recordings, whole: &[u8]) {
    for session in ["call_4", "call_5", "call_6"] {
        stage.bridge.clock.advance(jiff::SignedDuration::from_secs(1));
        stage.call(session, whole).await;
    }
    let (objects, engine) = (sealed.archive.objects.clone(), stage.bridge.engine.clone());
    let is_stuck = Arc::new(AtomicBool::new(true));
    let stuck = is_stuck.clone();
    let before = move |touch, of: &Key| {
        let is_stuck = touch == Touch::Get && *of == key("call_6") && stuck.load(Ordering::Relaxed);
        let is_going = touch == Touch::Put && *of == key("call_5");
        let (objects, engine, of) = (objects.clone(), engine.clone(), of.clone());
        async move {
            if is_stuck {
                let source = std::io::ErrorKind::PermissionDenied.into();
                return Err(ObjectError::Failed { doing: "read an object", source });
            }
            if is_going {
                let mut call = engine.get(&CALLS, "call_5".into()).await.unwrap().unwrap();
                call.body.remove("recording_key");
                engine.compare_and_set(&CALLS, call).await.unwrap();
                objects.delete(of).await.unwrap();
            }
            Ok(())
        }
        .boxed()
    };
    let mut recordings = sealed.clone();
    recordings.archive.objects =
        Arc::new(Files { inner: sealed.archive.objects.clone(), before: Box::new(before) });
    let mut look = looked(&recordings).await;
    let failed = |look: &Look| look.failed.iter().map(|call| call.id.clone()).collect::<Vec<_>>();
    assert_eq!((look.sealed, failed(&look)), (2, vec!["call_6".to_owned()]));
    assert!(stage.raw("call_4").await.starts_with(MAGIC), "it is older");
    assert!(sealed.archive.objects.head(key("call_5")).await.unwrap().is_none(), "nobody names it");
    is_stuck.store(false, Ordering::Relaxed);
    look.go_on(&recordings).await.unwrap();
    assert_eq!((look.sealed, failed(&look)), (3, Vec::new()));
}

/// Everything that a rotation leaves behind opens.
#[tokio::test]
async fn those_under_older_keys_open_after_a_rotation() {
    let stage = Stage::on(TestBridge::start().await).await;
    let whole = content(PIECE_BYTES + 5);
    stage.call("call_1", &whole).await;
    let token = stage.bridge.token(Role::SuperAdmin).await;
    let path = "/api/v1/settings/keys/rotation";
    let begun = stage.bridge.request(Method::POST, path).bearer_auth(&token).send().await.unwrap();
    assert_eq!(begun.status(), StatusCode::ACCEPTED);
    let rotating = vox_bridge::vault::rotation::Rotating {
        vault: &stage.bridge.app.vault,
        collections: vox_bridge::store::COLLECTIONS,
        clock: &stage.bridge.clock,
        settled: std::time::Duration::ZERO,
        stop: &tokio_util::sync::CancellationToken::new(),
    };
    vox_bridge::vault::rotation::rotate(&rotating).await.unwrap();
    stage.call("call_2", &whole).await;
    let (old, new) = (stage.raw("call_1").await, stage.raw("call_2").await);
    assert_ne!(old[40..HEAD_BYTES], new[40..HEAD_BYTES], "another data key");
    for session in ["call_1", "call_2"] {
        assert_eq!(stage.read(session, None).await.bytes().await.unwrap(), whole, "{session}");
    }
    stage.bridge.stop().await;
}
