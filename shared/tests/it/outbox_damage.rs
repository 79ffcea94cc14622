//! A log that was torn or damaged: every record that can be read is kept, and nothing is made up.

use std::ops::Range;
use std::os::unix::fs::FileExt;

use vox_harness::Random;
use vox_shared::outbox::{Entry, Frame, Outbox, Record, read_segment};

use crate::outbox_rig::{fast_dir, look, segments, settings};

const FLIPS: usize = 10_000;
/// One flip in so many is also put to a whole outbox, on disk.
const FLIPS_PER_OPENING: usize = 25;

/// The bytes of a segment of 20 varied records, and the records.
async fn written() -> (Vec<u8>, Vec<Record>) {
    let dir = fast_dir();
    let (outbox, _) = Outbox::open(dir.path(), settings()).unwrap();
    let mut dice = Random::new(7);
    for n in 0..20u8 {
        let bytes = [0, 1, 7, 35, 36, 37, 90, 200][dice.index(8)];
        let payload: Vec<u8> = (0..bytes).map(|_| u8::try_from(dice.index(256)).unwrap()).collect();
        outbox.append(Entry::new(n, payload)).await.unwrap();
    }
    outbox.close().await;
    let bytes = std::fs::read(&segments(dir.path())[0]).unwrap();
    let records = look(dir.path()).await.records;
    assert_eq!(records.len(), 20);
    (bytes, records)
}

/// What a directory holds in which only this segment is.
async fn open_copy(bytes: &[u8]) -> (tempfile::TempDir, vox_shared::outbox::Recovered) {
    let dir = fast_dir();
    std::fs::write(dir.path().join("0000000001-00000000000000000001.seg"), bytes).unwrap();
    let found = look(dir.path()).await;
    (dir, found)
}

fn extent(frame: &Frame) -> Range<usize> {
    frame.start..frame.payload.end
}

#[tokio::test]
async fn a_log_cut_at_any_byte_keeps_every_record_before_the_cut() {
    let (bytes, records) = written().await;
    let whole = read_segment(&bytes);
    for cut in 0..bytes.len() {
        let kept = whole.frames.iter().take_while(|f| f.payload.end <= cut).count();
        let (dir, found) = open_copy(&bytes[..cut]).await;
        assert_eq!(found.records, records[..kept], "cut at {cut}");
        let end = whole.frames[..kept].last().map_or(whole.frames[0].start, |f| f.payload.end);
        let torn = if cut < 36 { cut } else { cut.saturating_sub(end) };
        assert_eq!((found.quarantined, found.torn_bytes), (0, torn as u64), "cut at {cut}");

        let (outbox, again) = Outbox::open(dir.path(), settings()).unwrap();
        assert_eq!((again.records, again.torn_bytes), (found.records, 0), "the tail is gone, the rest stays");
        let seq = outbox.append(Entry::new(0, "next")).await.unwrap();
        assert!(seq > kept as u64, "numbers go on");
        outbox.close().await;
    }
}

#[tokio::test]
async fn a_flipped_bit_costs_at_most_the_record_it_is_in() {
    let (bytes, records) = written().await;
    let whole = read_segment(&bytes).frames;
    let mut dice = Random::new(42);
    for n in 0..FLIPS {
        let at = dice.index(bytes.len());
        let mut bad = bytes.clone();
        // Half single bits, half whole bytes.
        bad[at] ^= if n % 2 == 0 { 1 << dice.index(8) } else { u8::try_from(1 + dice.index(255)).unwrap() };

        let hit = whole.iter().position(|frame| extent(frame).contains(&at));
        let expected: Vec<&Frame> =
            whole.iter().enumerate().filter(|(i, _)| Some(*i) != hit).map(|(_, f)| f).collect();
        let scan = read_segment(&bad);
        assert_eq!(scan.frames.iter().collect::<Vec<_>>(), expected, "flip at {at}");
        assert_eq!(scan.bad, hit.map(|i| extent(&whole[i])).into_iter().collect::<Vec<_>>(), "flip at {at}");
        assert_eq!(scan.torn_at, None, "flip at {at}");

        if n % FLIPS_PER_OPENING == 0 {
            let (dir, found) = open_copy(&bad).await;
            let expected: Vec<Record> =
                records.iter().enumerate().filter(|(i, _)| Some(*i) != hit).map(|(_, r)| r.clone()).collect();
            assert_eq!(
                (found.records, found.quarantined),
                (expected, u64::from(hit.is_some())),
                "flip at {at}"
            );
            assert_eq!(look(dir.path()).await.quarantined, 0, "set aside once only");
        }
    }
}

#[tokio::test]
async fn many_flips_at_once_never_make_a_record_up() {
    let (bytes, _) = written().await;
    let whole = read_segment(&bytes).frames;
    let mut dice = Random::new(3);
    for _ in 0..2_000 {
        let mut bad = bytes.clone();
        for _ in 0..1 + dice.index(12) {
            let at = dice.index(bad.len());
            bad[at] = u8::try_from(dice.index(256)).unwrap();
        }
        for frame in read_segment(&bad).frames {
            assert!(whole.contains(&frame), "{frame:?}");
            let untouched = bytes[extent(&frame)] == bad[extent(&frame)];
            assert!(untouched, "{frame:?}");
        }
    }
}

#[tokio::test]
async fn a_payload_that_quotes_a_log_brings_no_record_back() {
    let (quoted, _) = written().await;
    let dir = fast_dir();
    let (outbox, _) = Outbox::open(dir.path(), settings()).unwrap();
    outbox.append(Entry::new(1, quoted)).await.unwrap();
    outbox.append(Entry::new(2, "after")).await.unwrap();
    outbox.close().await;
    let path = &segments(dir.path())[0];
    let mut bytes = std::fs::read(path).unwrap();
    // The length of the first record: now the reader must search for the next one through the quotation.
    bytes[72 + 5] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
    let found = look(dir.path()).await;
    assert_eq!(found.records.iter().map(|r| r.payload.as_slice()).collect::<Vec<_>>(), [b"after"]);
    assert_eq!(found.quarantined, 1);
}

#[tokio::test]
async fn a_segment_without_a_sound_header_is_set_aside_whole() {
    let (mut bytes, _) = written().await;
    bytes[3] ^= 1;
    bytes[36 + 3] ^= 1;
    let (dir, found) = open_copy(&bytes).await;
    assert_eq!((found.records.len(), found.quarantined), (0, 1));
    let kept = dir.path().join("quarantine/0000000001-0000000000.bad");
    assert_eq!(std::fs::read(kept).unwrap(), bytes);
    let (outbox, _) = Outbox::open(dir.path(), settings()).unwrap();
    assert!(outbox.append(Entry::new(0, "next")).await.unwrap() > 20, "no number is given out twice");
}

#[tokio::test]
async fn a_record_that_rots_while_the_outbox_is_open_is_set_aside() {
    let dir = fast_dir();
    let (outbox, _) = Outbox::open(dir.path(), settings()).unwrap();
    for n in 0..3 {
        outbox.append(Entry::new(0, format!("record {n}"))).await.unwrap();
    }
    let segment = std::fs::OpenOptions::new().write(true).open(&segments(dir.path())[0]).unwrap();
    segment.write_all_at(b"R", 72 + 36 + 8 + 36).unwrap();
    let kept = outbox.pending(0, 10).await.unwrap();
    assert_eq!(kept.iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 3]);
    assert_eq!((outbox.stats().depth, outbox.stats().quarantined), (2, 1));
    outbox.close().await;
    assert_eq!(look(dir.path()).await.records, kept);
}

/// The seeds of the fuzzer were written by another program after the description in `format.rs`: a log that one version
/// wrote must stay readable to the next.
#[test]
fn the_format_on_disk_does_not_change() {
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/outbox").join(name);
        read_segment(&std::fs::read(path).unwrap())
    };
    let whole = read("whole.seg");
    assert_eq!(whole.header.map(|h| (h.number, h.first_seq)), Some((3, 7)));
    let frames: Vec<_> =
        whole.frames.iter().map(|f| (f.seq, f.kind, f.payload.len(), f.at.as_microsecond())).collect();
    let born = 1_767_225_600_000_000;
    assert_eq!(
        frames,
        [(7, 0, 0, born + 7), (8, 1, 2, born + 8), (9, 2, 45, born + 9), (10, 3, 64, born + 10)]
    );
    assert_eq!((read("torn.seg").frames.len(), read("torn.seg").torn_at), (3, Some(whole.frames[3].start)));
    assert_eq!((read("damaged.seg").frames.len(), read("damaged.seg").bad.len()), (3, 1));
    assert_eq!((read("zeroed.seg").frames.len(), read("zeroed.seg").torn_at), (1, Some(110)));
    assert_eq!(read("empty.seg").frames, []);
}
