//! The quota refuses new calls, never the end of a running one.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use vox_shared::clock::Clock;
use vox_shared::outbox::{AppendError, Entry, MAX_PAYLOAD_BYTES, Outbox, Settings};

use crate::outbox_rig::{fast_dir, look, segments, settings};

fn entry() -> Entry {
    Entry::new(1, vec![b'x'; 952])
}

fn tight() -> Settings {
    Settings { quota_bytes: 10_000, ..settings() }
}

#[tokio::test]
async fn at_the_quota_appends_are_refused_and_reservations_kept() {
    let dir = fast_dir();
    let (outbox, _) = Outbox::open(dir.path(), tight()).unwrap();
    let call = outbox.reserve(2 * entry().cost_bytes()).unwrap();
    let mut seqs = Vec::new();
    let refused = loop {
        match outbox.append(entry()).await {
            Ok(seq) => seqs.push(seq),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::QuotaExceeded { free: 0, quota: 10_000, .. }), "{refused:?}");
    assert_eq!(seqs.len(), 8);
    assert!(outbox.reserve(1).is_err(), "no new call");

    seqs.push(call.append(entry()).await.unwrap());
    call.append_detached(entry());
    outbox.flush().await.unwrap();
    assert_eq!((outbox.stats().depth, call.left_bytes()), (10, 0));
    assert!(call.append(entry()).await.is_err(), "no more than was reserved");

    // Deliver everything: the space comes back.
    for record in outbox.pending(0, 100).await.unwrap() {
        outbox.acknowledge(record.seq).await.unwrap();
    }
    assert_eq!((outbox.stats().depth, segments(dir.path()).len()), (0, 1));
    assert!(outbox.stats().bytes < 3_000, "{:?}", outbox.stats());
    outbox.append(entry()).await.unwrap();
}

#[tokio::test]
async fn a_dropped_reservation_is_given_back() {
    let dir = fast_dir();
    let (outbox, _) = Outbox::open(dir.path(), tight()).unwrap();
    let call = outbox.reserve(10_000).unwrap();
    assert!(outbox.append(entry()).await.is_err());
    drop(call);
    outbox.append(entry()).await.unwrap();
}

#[tokio::test]
async fn the_quota_counts_what_an_earlier_process_left() {
    let dir = fast_dir();
    let (outbox, _) = Outbox::open(dir.path(), tight()).unwrap();
    for _ in 0..9 {
        outbox.append(entry()).await.unwrap();
    }
    let bytes = outbox.stats().bytes;
    outbox.close().await;
    let (outbox, _) = Outbox::open(dir.path(), tight()).unwrap();
    assert_eq!(outbox.stats().bytes, bytes);
    outbox.append(entry()).await.unwrap();
    assert!(outbox.append(entry()).await.is_err());
}

#[tokio::test]
async fn one_stuck_record_does_not_hold_the_others_space() {
    let dir = fast_dir();
    let (outbox, _) = Outbox::open(dir.path(), tight()).unwrap();
    let stuck = outbox.append(entry()).await.unwrap();
    for _ in 0..200 {
        let seq = outbox.append(entry()).await.unwrap();
        outbox.acknowledge(seq).await.unwrap();
    }
    outbox.close().await;
    assert_eq!(look(dir.path()).await.records.iter().map(|r| r.seq).collect::<Vec<_>>(), [stuck]);
}

#[tokio::test]
async fn a_record_that_is_too_large_is_refused() {
    let dir = fast_dir();
    let (outbox, _) = Outbox::open(dir.path(), settings()).unwrap();
    let refused = outbox.append(Entry::new(1, vec![0; MAX_PAYLOAD_BYTES + 1])).await;
    assert!(matches!(refused, Err(AppendError::TooLarge { .. })));
    outbox.append(Entry::new(1, vec![7; MAX_PAYLOAD_BYTES])).await.unwrap();
    outbox.close().await;
    assert_eq!(look(dir.path()).await.records[0].payload.len(), MAX_PAYLOAD_BYTES);
}

#[tokio::test]
async fn figures_tell_how_far_delivery_lags() {
    let dir = fast_dir();
    let clock = Clock::manual(Timestamp::from_second(1_000_000).unwrap());
    let dated = Settings { clock: clock.clone(), ..settings() };
    let (outbox, _) = Outbox::open(dir.path(), dated.clone()).unwrap();
    assert_eq!((outbox.stats().depth, outbox.oldest_age()), (0, None));
    let first = outbox.append(entry()).await.unwrap();
    clock.advance(SignedDuration::from_secs(30));
    outbox.append(entry()).await.unwrap();
    clock.advance(SignedDuration::from_secs(12));
    assert_eq!(outbox.oldest_age(), Some(Duration::from_secs(42)));
    outbox.close().await;
    let (outbox, found) = Outbox::open(dir.path(), dated).unwrap();
    assert_eq!(found.records[0].at, Timestamp::from_second(1_000_000).unwrap());
    assert_eq!(outbox.oldest_age(), Some(Duration::from_secs(42)), "age survives a restart");
    outbox.acknowledge(first).await.unwrap();
    outbox.acknowledge(first).await.unwrap();
    assert_eq!(outbox.oldest_age(), Some(Duration::from_secs(12)));
    outbox.reject(first + 1, "refused").await.unwrap();
    assert_eq!((outbox.stats().depth, outbox.rejected_count(), outbox.oldest_age()), (0, 1, None));
}

#[tokio::test]
async fn space_for_the_end_of_a_call_is_held_on_disk() {
    use std::os::unix::fs::MetadataExt;

    const HELD_BYTES: u64 = 512 * 1024;
    let dir = fast_dir();
    let (outbox, _) = Outbox::open(dir.path(), settings()).unwrap();
    for _ in 0..3 {
        outbox.append(Entry::new(1, vec![b'x'; 700_000])).await.unwrap();
        outbox.append(entry()).await.unwrap();
        let file = segments(dir.path())[0].metadata().unwrap();
        assert!(file.blocks() * 512 >= file.len() + HELD_BYTES, "{} of {}", file.blocks() * 512, file.len());
    }
}
