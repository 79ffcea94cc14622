//! Ten thousand conversations in virtual time: random vendor timing, faults, interruptions and silences. Each must hold
//! the invariants that `ARCHITECTURE.md` names: no dead air without a deadline, a context that is what was heard, one
//! terminal result.

mod figures;
mod random;
mod vendors;
mod wire;
mod world;

use figures::Figures;
use vox_shared::env::Env;
use wire::ears::transcription::Manner;
use world::{Cast, Verdict, World};

const CONVERSATIONS: u64 = 10_000;
/// The longest silence in which the bot owed sound, over all conversations, milliseconds: the quality bar.
const LONGEST_SILENCE_MS: u64 = 4_000;

/// With a human agent who comes and goes.
const ACCOMPANIED: u64 = 3_000;
/// With somebody who is asked to take the call.
const CONSULTED: u64 = 3_000;
/// With other bots that take the call over, or do not come.
const FROM_BOT_TO_BOT: u64 = 500;
/// With vendors that fail, each with a mood of its own.
const BAD_DAYS: u64 = 500;
/// The same with all of them heard over the codecs of the catalogue's vendors; `just bad-day` has more of them.
const OVER_CODECS: u64 = 300;
/// With recognisers that are asked over HTTP alone.
const OVER_HTTP: u64 = 100;
/// So many have what is rare.
const MANY: u64 = 5_000;
/// How many instead, and from which seed on.
const BAD_DAYS_VAR: &str = "VOX_TEST_BAD_DAYS";
/// Where to write what was counted, as JSON: `vox-bench bad-day` makes a part of `docs/benchmarks.md` of it.
const BAD_DAYS_COUNTS_VAR: &str = "VOX_TEST_BAD_DAYS_COUNTS";
/// With each kind of model that hears or speaks by itself, with and without an agent.
const BY_THEMSELVES: u64 = 1_000;

#[test]
fn ten_thousand_random_conversations_hold_the_invariants() {
    let verdicts = converse(CONVERSATIONS, Cast::default());
    let run = Run::of(&verdicts);
    println!("{CONVERSATIONS} conversations: {run:?}");
    run.check(20_000, 2_000, 2_000);
    assert!(verdicts.iter().map(|v| v.ran).sum::<usize>() > 2_000);
}

#[test]
fn a_human_agent_may_come_and_go_at_any_time() {
    let verdicts = converse(ACCOMPANIED, Cast { agent: true, ..Cast::default() });
    let run = Run::of(&verdicts);
    println!("{ACCOMPANIED} conversations with an agent: {run:?}");
    run.check(4_000, 400, 600);
    assert!(verdicts.iter().map(|v| v.joined).sum::<usize>() > 3_000);
}

/// Callers on hold, people who take the call or do not, and lines that do not do their part: nobody hears what is not for them, and
/// nobody waits for ever.
#[test]
fn somebody_may_be_asked_to_take_the_call_at_any_time() {
    let verdicts = converse(CONSULTED, Cast { consults: true, ..Cast::default() });
    let run = Run::of(&verdicts);
    let (taken, back): (usize, usize) =
        (verdicts.iter().map(|v| v.joined).sum(), verdicts.iter().map(|v| v.came_back).sum());
    println!("{CONSULTED} conversations with transfers: {run:?}, {taken} taken, {back} came back");
    run.check(2_000, 200, 600);
    assert!(taken > 300 && back > 300, "{taken} {back}");
}

/// Bots that send a caller to each other, and come at once, late or never.
#[test]
fn a_call_may_go_from_bot_to_bot_at_any_time() {
    let verdicts = converse(FROM_BOT_TO_BOT, Cast { bots: true, ..Cast::default() });
    let run = Run::of(&verdicts);
    let changed: usize = verdicts.iter().map(|v| v.changed).sum();
    println!("{FROM_BOT_TO_BOT} conversations from bot to bot: {run:?}, {changed} hand-overs");
    run.check(1_000, 200, 100);
    assert!(changed > 60, "{changed}");
}

/// Also a model that means harm, tools of the bot's servers, keys, callbacks, people who are asked to take the call, and agents who come.
///
/// Keys that are refused, servers that are away, busy, slow or mute, on every place of every ladder, and vendors that come back: the
/// caller hears something, and the call has one end.
#[test]
fn on_a_bad_day_no_line_is_dead() {
    let (run, figures) = bad_days(BAD_DAYS, Cast { bad_day: true, ..Cast::default() });
    run.check(500, 50, 300);
    figures.check();
    figures.check_rare();
}

/// As before, and the recognisers, models and voices are those of the catalogue, whose codecs read and write their own messages: wrong
/// JSON, duplicates, what is late or lost, other types, text for sound, no UTF-8, frames that are too long, close codes and refusals.
#[test]
fn on_a_bad_day_over_all_codecs_no_line_is_dead() {
    let conversations = Env::of_process().parsed(BAD_DAYS_VAR).unwrap_or(OVER_CODECS);
    let (run, figures) = bad_days(conversations, Cast { bad_day: true, wires: true, ..Cast::default() });
    run.check(300, 30, 180);
    figures.check();
    if conversations >= MANY {
        figures.check_rare();
    }
    assert_eq!(figures.vendors.len(), wire::EARS.len() + wire::MODELS.len() + wire::MOUTHS.len());
    if let Some(path) = Env::of_process().text(BAD_DAYS_COUNTS_VAR) {
        figures.write(path.as_ref(), &run, conversations);
    }
}

/// Recognisers that are sent each segment of speech as a file, and answer every third one as they should not: without words, with some
/// that were never said, late, never, with half of them, with nonsense, with far too much, or not at all.
#[test]
fn on_a_bad_day_over_http_no_line_is_dead() {
    let (run, figures) =
        bad_days(OVER_HTTP, Cast { bad_day: true, wires: true, uploads: true, ..Cast::default() });
    run.check(100, 5, 60);
    assert!(figures.vendors.contains(&("recogniser", "openai")), "{figures:?}");
    let answered = |manner: &Manner| figures.answers_of_ears.get(manner).copied().unwrap_or_default();
    assert!(Manner::ALL.iter().all(|manner| answered(manner) > 0), "{:?}", figures.answers_of_ears);
    assert!(answered(&Manner::Well) > 50, "{:?}", figures.answers_of_ears);
}

#[test]
fn a_seed_repeats_its_conversation() {
    for seed in 0..4 {
        let run = || {
            format!("{:?}", World::new(seed, Cast { bad_day: true, wires: true, ..Cast::default() }).run())
        };
        assert_eq!(run(), run(), "seed {seed}");
    }
}

#[expect(clippy::print_stdout, reason = "what the days were is told with --nocapture")]
fn bad_days(conversations: u64, cast: Cast) -> (Run, Figures) {
    let verdicts = converse(conversations, cast);
    let (run, figures) = (Run::of(&verdicts), Figures::of(&verdicts));
    println!("{conversations} conversations on a bad day, {cast:?}: {run:?}; {figures:?}");
    (run, figures)
}

#[test]
fn a_model_may_hear_or_speak_by_itself_or_both() {
    for (hears, speaks) in [(true, true), (true, false), (false, true)] {
        for agent in [false, true] {
            let cast = Cast { agent, hears, speaks, ..Cast::default() };
            let verdicts = converse(BY_THEMSELVES, cast);
            let run = Run::of(&verdicts);
            println!("{BY_THEMSELVES} conversations, {cast:?}: {run:?}");
            run.check(1_500, 100, 100);
            let written = verdicts.iter().map(|v| v.written).sum::<usize>();
            assert_eq!(written > 500, hears, "{cast:?}: {written}");
        }
    }
}

/// What a run of many conversations showed.
#[derive(Debug)]
struct Run {
    replies: usize,
    interrupted: usize,
    faulty: usize,
    ended_by_bot: usize,
    longest_owed_silence_ms: u64,
}

impl Run {
    fn of(verdicts: &[Verdict]) -> Self {
        let count = |wanted: fn(&Verdict) -> bool| verdicts.iter().filter(|v| wanted(v)).count();
        let longest = verdicts.iter().map(|v| v.longest_silence_ms).max().unwrap_or(0);
        Self {
            replies: verdicts.iter().map(|v| v.replies).sum(),
            interrupted: verdicts.iter().map(|v| v.interruptions).sum(),
            faulty: count(|v| v.faults > 0),
            ended_by_bot: count(|v| v.ended_by_bot),
            longest_owed_silence_ms: longest,
        }
    }

    /// No caller waited too long, and the run tried what it claims to try: more than these.
    fn check(&self, replies: usize, interrupted: usize, faulty: usize) {
        assert!(self.longest_owed_silence_ms <= LONGEST_SILENCE_MS, "{self:?}");
        let tried = self.replies > replies && self.interrupted > interrupted && self.faulty > faulty;
        assert!(tried && self.ended_by_bot > 0, "{self:?}");
    }
}

fn converse(conversations: u64, cast: Cast) -> Vec<Verdict> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let workers: Vec<_> = (0..threads)
        .map(|offset| {
            std::thread::spawn(move || {
                let seeds = (offset..conversations).step_by(threads as usize);
                seeds.map(|seed| World::new(seed, cast).run()).collect::<Vec<_>>()
            })
        })
        .collect();
    let verdicts: Vec<Verdict> =
        workers.into_iter().flat_map(|w| w.join().expect("a conversation broke an invariant")).collect();
    assert_eq!(verdicts.len() as u64, conversations);
    verdicts
}
