//! From spans of sound to the figures a caller would complain about. Pure.

use serde::Serialize;

use super::{Span, Tracks};
use crate::stats::Spread;

/// A pause of the bot shorter than this does not count as having stopped for the caller: it was only a breath.
const STOPPED_MS: u64 = 400;

/// One thing the caller said and how the bot answered. Times are milliseconds after the answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Turn {
    pub from_ms: f64,
    /// The acoustic end of the caller's speech.
    pub to_ms: f64,
    /// From there to the first audible sample of the reply (wire to ear). `None` when no reply began before the
    /// caller spoke again or the call ended.
    pub reply_ms: Option<f64>,
    /// The bot began to speak before the caller had finished.
    pub cut_in: bool,
}

/// The caller spoke while the bot was audible.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Barge {
    /// First audible sample of the caller.
    pub at_ms: f64,
    /// From there to the last audible sample of the bot.
    pub silence_ms: f64,
}

/// What the caller heard of one call.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Heard {
    /// From the answer to the first audible sample of the bot.
    pub answer_to_first_audio_ms: Option<f64>,
    pub turns: Vec<Turn>,
    pub barge_ins: Vec<Barge>,
    /// Holes inside the bot's speech, because the server was late.
    pub gaps: u64,
    pub gap_total_ms: f64,
    pub gap_longest_ms: f64,
    /// Lateness of the bot's frames against their own schedule, in milliseconds.
    pub lateness_ms: Spread,
    pub bot_speech_ms: f64,
    pub caller_speech_ms: f64,
    /// Time in which nobody was audible.
    pub silence_ms: f64,
    pub longest_silence_ms: f64,
    /// The bot's audio that was still queued when the line closed.
    pub unheard_ms: f64,
}

/// Put a call's tracks into figures.
pub fn measure(tracks: &Tracks) -> Heard {
    let ms = |samples: u64| samples as f64 * 1_000.0 / f64::from(tracks.rate_hz.max(1));
    let (silence, longest_silence) = dead_air(tracks);
    let total = |spans: &[Span]| ms(spans.iter().map(|span| span.end - span.start).sum());
    Heard {
        answer_to_first_audio_ms: tracks.bot.first().map(|span| ms(span.start)),
        turns: turns(tracks),
        barge_ins: barge_ins(tracks),
        gaps: tracks.gaps.len() as u64,
        gap_total_ms: total(&tracks.gaps),
        gap_longest_ms: ms(tracks.gaps.iter().map(|gap| gap.end - gap.start).max().unwrap_or(0)),
        lateness_ms: tracks.lateness.spread(),
        bot_speech_ms: total(&tracks.bot),
        caller_speech_ms: total(&tracks.turns),
        silence_ms: ms(silence),
        longest_silence_ms: ms(longest_silence),
        unheard_ms: ms(tracks.unheard),
    }
}

fn turns(tracks: &Tracks) -> Vec<Turn> {
    let ms = |samples: u64| samples as f64 * 1_000.0 / f64::from(tracks.rate_hz.max(1));
    let until = tracks.turns.iter().skip(1).map(|next| next.start).chain([u64::MAX]);
    tracks
        .turns
        .iter()
        .zip(until)
        .map(|(turn, until)| {
            let reply = tracks.bot.iter().find(|span| span.start >= turn.end && span.start < until);
            let cut_in = tracks
                .bot
                .iter()
                .any(|span| span.start > turn.start && span.start < turn.end && span.end > turn.end);
            Turn {
                from_ms: ms(turn.start),
                to_ms: ms(turn.end),
                reply_ms: reply.map(|span| ms(span.start - turn.end)),
                cut_in,
            }
        })
        .collect()
}

fn barge_ins(tracks: &Tracks) -> Vec<Barge> {
    let rate = u64::from(tracks.rate_hz.max(1));
    let ms = |samples: u64| samples as f64 * 1_000.0 / rate as f64;
    let speeches = joined(&tracks.bot, rate * STOPPED_MS / 1_000);
    let bot_at = |at: u64| speeches.iter().find(|speech| speech.start < at && at < speech.end);
    let barge = |turn: &Span| {
        let speech = bot_at(turn.start)?;
        Some(Barge { at_ms: ms(turn.start), silence_ms: ms(speech.end - turn.start) })
    };
    tracks.turns.iter().filter_map(barge).collect()
}

/// The spans in order, those that are closer than `pause` made one.
fn joined(spans: &[Span], pause: u64) -> Vec<Span> {
    let mut sorted = spans.to_vec();
    sorted.sort_by_key(|span| span.start);
    let mut whole: Vec<Span> = Vec::with_capacity(sorted.len());
    for span in sorted {
        match whole.last_mut() {
            Some(last) if span.start < last.end + pause => last.end = last.end.max(span.end),
            _ => whole.push(span),
        }
    }
    whole
}

/// Samples in which neither side is audible: all of them, and the longest stretch.
fn dead_air(tracks: &Tracks) -> (u64, u64) {
    let sounds: Vec<Span> = tracks.bot.iter().chain(&tracks.turns).copied().collect();
    let (mut total, mut longest, mut since) = (0, 0, 0);
    for sound in joined(&sounds, 1).into_iter().chain([Span { start: tracks.end, end: tracks.end }]) {
        let silence = sound.start.saturating_sub(since);
        total += silence;
        longest = longest.max(silence);
        since = since.max(sound.end);
    }
    (total, longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spans in milliseconds at 8 kHz.
    fn spans(list: &[(u64, u64)]) -> Vec<Span> {
        list.iter().map(|&(start, end)| Span { start: start * 8, end: end * 8 }).collect()
    }

    fn call(bot: &[(u64, u64)], turns: &[(u64, u64)]) -> Heard {
        measure(&Tracks {
            rate_hz: 8_000,
            end: 20_000 * 8,
            bot: spans(bot),
            turns: spans(turns),
            ..Tracks::default()
        })
    }

    #[test]
    fn wire_to_ear_runs_from_the_last_word_to_the_first_sound() {
        let heard = call(&[(130, 2_000), (4_650, 6_000)], &[(3_000, 4_000)]);
        assert_eq!(heard.answer_to_first_audio_ms, Some(130.0));
        assert_eq!(
            heard.turns,
            [Turn { from_ms: 3_000.0, to_ms: 4_000.0, reply_ms: Some(650.0), cut_in: false }]
        );
        assert!(heard.barge_ins.is_empty());
        assert_eq!(
            (heard.silence_ms, heard.longest_silence_ms),
            (130.0 + 1_000.0 + 650.0 + 14_000.0, 14_000.0)
        );
    }

    #[test]
    fn a_turn_without_a_reply_does_not_take_the_next_ones() {
        let heard = call(&[(6_000, 7_000)], &[(1_000, 2_000), (3_000, 4_000), (8_000, 9_000)]);
        let replies: Vec<_> = heard.turns.iter().map(|turn| turn.reply_ms).collect();
        assert_eq!(replies, [None, Some(2_000.0), None]);
    }

    #[test]
    fn barge_in_counts_to_the_last_sound_even_over_a_breath() {
        let heard = call(&[(0, 3_100), (3_350, 3_500), (6_000, 7_000)], &[(3_000, 5_000)]);
        assert_eq!(heard.barge_ins, [Barge { at_ms: 3_000.0, silence_ms: 500.0 }]);
        assert_eq!(heard.turns[0].reply_ms, Some(1_000.0));
    }

    #[test]
    fn a_bot_that_answers_too_early_cuts_in() {
        let heard = call(&[(1_500, 4_000)], &[(1_000, 3_000)]);
        assert!(heard.turns[0].cut_in);
        assert_eq!(heard.turns[0].reply_ms, None);
    }

    #[test]
    fn a_silent_call_is_all_silence() {
        let heard = call(&[], &[]);
        assert_eq!((heard.answer_to_first_audio_ms, heard.silence_ms), (None, 20_000.0));
    }
}
