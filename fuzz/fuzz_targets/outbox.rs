//! The outbox's segment reader: no panic, nothing out of bounds, every byte accounted for once, numbers ascending.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_shared::outbox::{Frame, read_segment};

/// What a frame has in front of its payload.
const FRAME_HEAD_BYTES: usize = 36;

fuzz_target!(|bytes: &[u8]| {
    let scan = read_segment(bytes);
    let Some(header) = scan.header else {
        assert!(scan.frames.is_empty() && scan.bad.is_empty() && scan.torn_at.is_none());
        return;
    };
    assert!(scan.frames.first().is_none_or(|frame| frame.seq >= header.first_seq));
    assert!(scan.frames.is_sorted_by(|a, b| a.seq < b.seq));

    let extent = |frame: &Frame| {
        assert_eq!(frame.payload.start, frame.start + FRAME_HEAD_BYTES);
        frame.start..frame.payload.end
    };
    let mut parts: Vec<_> = scan.frames.iter().map(extent).chain(scan.bad.iter().cloned()).collect();
    parts.extend(scan.torn_at.map(|at| at..bytes.len()));
    parts.sort_by_key(|part| part.start);
    assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
    if let Some(last) = parts.last() {
        assert_eq!(last.end, bytes.len());
    }
});
