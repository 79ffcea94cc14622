use proptest::prelude::*;
use vox_engines::frame::{FrameParser, MAX_FRAME_BYTES};
use vox_engines::message::{Reply, Request};

proptest! {
    /// What the fuzz target asserts too: any bytes, in any pieces, end in frames, a wait for more, or an error.
    #[test]
    fn any_bytes_parse_or_are_refused(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..32)) {
        let mut parser = FrameParser::default();
        for piece in &pieces {
            parser.push(piece);
            while let Ok(Some(frame)) = parser.next_frame() {
                prop_assert!(frame.body.len() < MAX_FRAME_BYTES);
                let _ = Request::decode(&frame);
                let _ = Reply::decode(&frame);
            }
        }
        let _ = parser.finish();
    }

    #[test]
    fn any_audio_survives_the_pipe(pcm in prop::collection::vec(any::<i16>(), 0..2_000)) {
        let mut parser = FrameParser::default();
        parser.push(&Request::Hear(pcm.clone()).encode().unwrap());
        let frame = parser.next_frame().unwrap().unwrap();
        prop_assert_eq!(Request::decode(&frame).unwrap(), Request::Hear(pcm));
    }
}
