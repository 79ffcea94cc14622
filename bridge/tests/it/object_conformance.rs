//! The suite that every store of objects passes. It uses nothing but the seam, so another one joins with one more test at the end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future, stream};
use sha2::{Digest, Sha256};
use vox_bridge::objects::directory::Directory;
use vox_bridge::objects::{ByteStream, Expected, Key, ObjectError, Objects, Written};

type Shared = Arc<dyn Objects>;

/// Two parts of S3 and the beginning of a third.
const LARGE: usize = 11_000_000;
const LIMIT: u64 = 12_000_000;

async fn suite(store: Shared) {
    store.check().await.unwrap();
    what_was_put_comes_back(&store).await;
    ranges_are_exact(&store).await;
    absent_is_no_error(&store).await;
    a_put_replaces_the_whole(&store).await;
    what_is_not_as_announced_is_not_stored(&store).await;
    a_cut_upload_leaves_what_was_there(&store).await;
    an_abandoned_upload_leaves_what_was_there(&store).await;
    readers_see_one_or_the_other(&store).await;
    deleted_is_gone(&store).await;
}

fn key(name: &str) -> Key {
    Key::parse(&format!("recordings/{name}")).unwrap()
}

/// Bytes that differ from place to place and by seed.
pub fn content(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|n| (n % 251) as u8 ^ (n >> 16) as u8 ^ seed).collect()
}

pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// In pieces as a socket gives them.
pub fn pieces(content: &[u8]) -> ByteStream {
    let pieces: Vec<_> = content.chunks(30_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces).boxed()
}

pub async fn put(store: &Shared, name: &str, content: &[u8]) -> Result<Written, ObjectError> {
    store.put(key(name), pieces(content), Expected { max_bytes: LIMIT, sha256: None }).await
}

pub async fn read(store: &Shared, name: &str) -> Option<Vec<u8>> {
    let head = store.head(key(name)).await.unwrap()?;
    let content = store.get(key(name), 0..head.size_bytes).await.unwrap().expect("it has a head");
    let content: Vec<Bytes> = content.try_collect().await.unwrap();
    Some(content.concat())
}

async fn what_was_put_comes_back(store: &Shared) {
    for (name, size) in [("empty", 0), ("small", 1000), ("part", 5 * 1024 * 1024), ("large", LARGE)] {
        let content = content(size, 0);
        let written = put(store, name, &content).await.unwrap();
        assert_eq!(written, Written { size_bytes: size as u64, sha256: sha256(&content) }, "{name}");
        let head = store.head(key(name)).await.unwrap().unwrap();
        assert_eq!(head.size_bytes, size as u64, "{name}");
        assert!(
            head.etag.starts_with('"') && head.etag.ends_with('"') && head.etag.len() > 2,
            "{}",
            head.etag
        );
        assert!(read(store, name).await.unwrap() == content, "{name}");
    }
}

async fn ranges_are_exact(store: &Shared) {
    let content = content(LARGE, 0);
    let end = LARGE as u64;
    for range in [0..1, 0..0, 7..7, 5..6_000_000, 5_242_879..5_242_881, end - 1..end, end - 70_000..end] {
        let part = store.get(key("large"), range.clone()).await.unwrap().unwrap();
        let part: Vec<Bytes> = part.try_collect().await.unwrap();
        let wanted = &content[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        assert!(part.concat() == wanted, "{range:?}");
    }
}

async fn absent_is_no_error(store: &Shared) {
    // Nor is what only looks like a folder.
    for name in ["missing", "large/below"] {
        assert_eq!(store.head(key(name)).await.unwrap(), None, "{name}");
        assert!(store.get(key(name), 0..5).await.unwrap().is_none(), "{name}");
        assert!(store.get(key(name), 0..0).await.unwrap().is_none(), "{name}");
        assert!(!store.delete(key(name)).await.unwrap(), "{name}");
    }
    assert_eq!(store.head(Key::parse("recordings").unwrap()).await.unwrap(), None);
}

async fn a_put_replaces_the_whole(store: &Shared) {
    let (long, short) = (content(LARGE, 1), content(2000, 2));
    let mut tags = Vec::new();
    for content in [&long, &short, &long] {
        put(store, "again", content).await.unwrap();
        assert!(read(store, "again").await.unwrap() == *content);
        tags.push(store.head(key("again")).await.unwrap().unwrap().etag);
    }
    assert_ne!(tags[0], tags[1], "a tag changes with the content");
    assert_ne!(tags[1], tags[2]);
}

async fn what_is_not_as_announced_is_not_stored(store: &Shared) {
    put(store, "kept", b"as it was").await.unwrap();
    for size in [1000, LARGE] {
        let content = content(size, 3);
        let expected = |sha256: String, max_bytes| Expected { max_bytes, sha256: Some(sha256) };
        let wrong = expected(sha256(b"another"), LIMIT);
        let refused = store.put(key("kept"), pieces(&content), wrong).await.unwrap_err();
        assert!(matches!(refused, ObjectError::WrongHash), "{refused:?}");
        let small = expected(sha256(&content), size as u64 - 1);
        let refused = store.put(key("kept"), pieces(&content), small).await.unwrap_err();
        assert!(matches!(refused, ObjectError::TooLarge(_)), "{refused:?}");
        assert_eq!(read(store, "kept").await.unwrap(), b"as it was");
        let right = expected(sha256(&content).to_uppercase(), size as u64);
        store.put(key("announced"), pieces(&content), right).await.unwrap();
        assert!(read(store, "announced").await.unwrap() == content);
    }
}

async fn a_cut_upload_leaves_what_was_there(store: &Shared) {
    for size in [1000, LARGE] {
        let gone = stream::once(future::ready(Err(std::io::Error::other("the sender is gone"))));
        let cut = pieces(&content(size, 4)).chain(gone).boxed();
        let refused =
            store.put(key("kept"), cut, Expected { max_bytes: LIMIT, sha256: None }).await.unwrap_err();
        assert!(matches!(refused, ObjectError::CutOff(_)), "{refused:?}");
        assert_eq!(read(store, "kept").await.unwrap(), b"as it was");
    }
}

/// The sender's connection is dropped, and the future with it.
async fn an_abandoned_upload_leaves_what_was_there(store: &Shared) {
    let hangs = pieces(&content(LARGE, 5)).chain(stream::pending()).boxed();
    let put = store.put(key("kept"), hangs, Expected { max_bytes: LIMIT, sha256: None });
    let abandoned = tokio::time::timeout(Duration::from_secs(1), put).await;
    assert!(abandoned.is_err(), "it waits for the rest");
    assert_eq!(read(store, "kept").await.unwrap(), b"as it was");
}

async fn readers_see_one_or_the_other(store: &Shared) {
    let (one, other) = (content(LARGE, 6), content(LARGE, 7));
    put(store, "raced", &one).await.unwrap();
    let writing = async {
        for content in [&other, &one, &other] {
            put(store, "raced", content).await.unwrap();
        }
    };
    let reading = async {
        let mut seen = 0;
        for _ in 0..8 {
            let stream = store.get(key("raced"), 0..LARGE as u64).await.unwrap().expect("it is never gone");
            // A store may notice that the object was replaced meanwhile; it never hands out a mixture.
            let Ok(pieces) = stream.try_collect::<Vec<Bytes>>().await else { continue };
            let found = pieces.concat();
            assert!(found == one || found == other, "half of each");
            seen += 1;
        }
        assert!(seen > 0, "nobody could ever read");
    };
    future::join(writing, reading).await;
    assert!(read(store, "raced").await.unwrap() == other);
}

async fn deleted_is_gone(store: &Shared) {
    assert!(store.delete(key("large")).await.unwrap());
    assert!(!store.delete(key("large")).await.unwrap());
    assert_eq!(store.head(key("large")).await.unwrap(), None);
    put(store, "large", b"anew").await.unwrap();
    assert_eq!(read(store, "large").await.unwrap(), b"anew");
}

#[tokio::test]
async fn a_directory_keeps_the_promises() {
    let dir = tempfile::tempdir().unwrap();
    let store: Shared = Arc::new(Directory::open(dir.path()).unwrap());
    suite(store.clone()).await;
    assert_eq!(store.link(key("small"), Duration::from_secs(60)).await.unwrap(), None);
    assert_eq!(
        std::fs::read_dir(dir.path().join(".parts")).unwrap().count(),
        0,
        "nothing half-written stays"
    );
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn a_bucket_keeps_the_promises() {
    use crate::s3_server::{S3Server, eventually};
    let (dir, server) = (tempfile::tempdir().unwrap(), S3Server::start().await);
    suite(open(&server, dir.path()).await).await;
    let is_clean = || async { !server.has_unfinished().await };
    assert!(eventually(Duration::from_secs(10), is_clean).await, "parts of failed uploads are given up");
}

#[cfg(feature = "s3")]
pub async fn open(server: &crate::s3_server::S3Server, dir: &std::path::Path) -> Shared {
    let mut config = vox_bridge::config::Config::for_tests(dir.to_owned());
    config.storage.s3 = Some(server.settings());
    // Its TLS provider is chosen for the whole process.
    drop(crate::harness::client());
    vox_bridge::objects::open(&config.storage).await.unwrap()
}
