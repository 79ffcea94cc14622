//! The sound that is the body of an answer, as a WAV file or as samples: no panic, and where the network cuts it does not matter.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_core::provider::tts::asked::{Body, BodyError, Heard, SoundBody};

fn read(pieces: &[&[u8]], hz: Option<u32>) -> Result<Vec<i16>, BodyError> {
    let mut body = SoundBody::new(hz);
    let mut samples = Vec::new();
    let mut take = |heard: Vec<Heard>| {
        for heard in heard {
            if let Heard::Sound { hz, samples: more } = heard {
                assert!((4_000..=192_000).contains(&hz));
                samples.extend(more);
            }
        }
    };
    for piece in pieces {
        take(body.take(piece)?);
    }
    take(body.end()?);
    Ok(samples)
}

// The first byte says where it is cut, and whether samples without a header are allowed.
fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let hz = (first % 2 == 0).then_some(24_000);
    let cut = usize::from(*first).min(body.len());
    // A header in the midst is one only at the beginning of a piece.
    let again = body.get(cut..).is_some_and(|rest| rest.starts_with(b"RIFF"));
    let (whole, cut) = (read(&[body], hz), read(&[&body[..cut], &body[cut..]], hz));
    assert!(again || whole == cut, "a cut changes what is heard");
});
