//! What networks and fax machines sound like.

use vox_amd::{Because, Class, News, SitKind};

use crate::call::Call;

fn sit(first: f32, second: f32, third: f32, ms: [u32; 3]) -> Call {
    let mut call = Call::new();
    call.quiet(700).tone(&[first], ms[0]).tone(&[second], ms[1]).tone(&[third], ms[2]).quiet(900);
    call
}

#[test]
fn the_three_tones_say_why_a_call_failed() {
    let (low, high, lower, higher, third) = (913.8, 985.2, 1_370.6, 1_428.5, 1_776.7);
    let (s, l) = (274, 380);
    for (kind, first, second, ms) in [
        (SitKind::Intercept, low, lower, [s, s, l]),
        (SitKind::VacantCode, high, lower, [l, s, l]),
        (SitKind::ReorderLocal, low, lower, [s, l, l]),
        (SitKind::NoCircuitLocal, high, higher, [l, l, l]),
        (SitKind::ReorderLong, high, lower, [s, l, l]),
        (SitKind::NoCircuitLong, low, lower, [l, l, l]),
        (SitKind::ReservedOne, low, higher, [l, s, s]),
        (SitKind::ReservedTwo, high, higher, [s, s, l]),
    ] {
        let call = sit(first, second, third, ms);
        assert_eq!(
            (call.classes(), call.because()),
            (vec![Class::Carrier], Because::Sit(kind)),
            "{:?}",
            call.news
        );
        assert_eq!(call.news.len(), 1, "no beeps: {:?}", call.news);
    }
    let call = sit(950.0, 1_400.0, 1_800.0, [330, 330, 330]);
    assert_eq!(call.because(), Because::Sit(SitKind::Itu));
}

#[test]
fn a_fax_is_known_within_a_second_and_a_half() {
    let mut call = Call::new();
    call.quiet(2_000).tone(&[2_100.0], 3_000);
    assert_eq!((call.classes(), call.because()), (vec![Class::Tone], Because::Fax));
    assert!(call.decided() <= 3_500, "{}", call.decided());
    // One that calls.
    let mut call = Call::new();
    call.quiet(500).tone(&[1_100.0], 500).quiet(3_000).tone(&[1_100.0], 500).quiet(300);
    assert_eq!((call.classes(), call.because()), (vec![Class::Tone], Because::Fax), "{:?}", call.news);
}

/// A number whose fax answers is never called again.
#[test]
fn a_beep_of_a_faxs_pitch_behind_a_greeting_is_a_beep() {
    let beeps = |call: &Call| {
        let ended = |news: &News| match news {
            News::Beep { ended_ms, .. } => Some(*ended_ms),
            _ => None,
        };
        call.news.iter().filter_map(ended).collect::<Vec<_>>()
    };
    for hertz in [2_060.0, 2_100.0, 2_225.0] {
        let mut call = Call::without_words();
        call.quiet(300).speaks(2_000).quiet(500).tone(&[hertz], 1_200).quiet(400);
        assert_eq!(
            (call.classes().last(), call.because()),
            (Some(&Class::Voicemail), Because::Beep),
            "{hertz}"
        );
        let told = beeps(&call);
        assert!(matches!(told[..], [ended] if ended.abs_diff(4_000) <= 25), "{hertz}: {told:?}");
    }
    // Somebody says that it is a fax, and then it is one.
    let mut call = Call::without_words();
    call.quiet(300).speaks(2_000).quiet(500).tone(&[2_100.0], 3_000).quiet(400);
    assert_eq!(
        (call.classes().last(), call.because()),
        (Some(&Class::Tone), Because::Fax),
        "{:?}",
        call.news
    );
    assert_eq!(beeps(&call), [0; 0]);
}

#[test]
fn ringing_and_busy_of_these_countries_are_known() {
    let tone = |pitch: &[f32], rhythm: &[u32]| {
        let mut call = Call::new();
        call.quiet(500);
        for (i, ms) in rhythm.iter().cycle().take(5 * rhythm.len()).enumerate() {
            if i % 2 == 0 {
                call.tone(pitch, *ms);
            } else {
                call.quiet(*ms);
            }
        }
        (call.classes().last().copied(), call.because(), call.decided())
    };
    for (pitch, rhythm, because) in [
        (&[440.0, 480.0][..], &[2_000, 4_000][..], Because::Ringback),
        (&[400.0, 450.0], &[400, 200, 400, 2_000], Because::Ringback),
        (&[400.0], &[400, 200, 400, 2_000], Because::Ringback),
        (&[425.0], &[1_000, 4_000], Because::Ringback),
        (&[440.0], &[1_500, 3_500], Because::Ringback),
        (&[480.0, 620.0], &[500, 500], Because::Busy),
        (&[400.0], &[375, 375], Because::Busy),
        (&[400.0], &[750, 750], Because::Busy),
        (&[425.0], &[480, 480], Because::Busy),
        (&[440.0], &[500, 500], Because::Busy),
        (&[480.0, 620.0], &[250, 250], Because::Busy),
    ] {
        let (class, why, at) = tone(pitch, rhythm);
        assert_eq!((class, &why), (Some(Class::Tone), &because), "{pitch:?} {rhythm:?} {at}");
    }
}

#[test]
fn somebody_may_be_there_after_the_ringing() {
    let mut call = Call::without_words();
    call.quiet(300).tone(&[440.0, 480.0], 2_000).quiet(1_500);
    assert_eq!(call.classes(), [Class::Tone]);
    call.speaks(600).quiet(1_200);
    assert_eq!(call.classes(), [Class::Tone, Class::Human], "{:?}", call.news);
}

#[test]
fn music_is_a_queue() {
    let mut call = Call::without_words();
    let music = vox_audio::music::hold_music(8_000);
    call.quiet(300).hears(&music);
    assert_eq!(call.classes().last(), Some(&Class::Ivr), "{:?}", call.news);
}
