//! Ten thousand conversations in virtual time: random vendor timing, faults, interruptions and silences. Each must hold
//! the invariants that `ARCHITECTURE.md` names: no dead air without a deadline, a context that is what was heard, one
//! terminal result.

mod random;
mod vendors;
mod world;

use world::{Verdict, World};

const CONVERSATIONS: u64 = 10_000;
/// The longest silence in which the bot owed sound, over all conversations, milliseconds: the quality bar.
const LONGEST_SILENCE_MS: u64 = 4_000;

#[test]
fn ten_thousand_random_conversations_hold_the_invariants() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let workers: Vec<_> = (0..threads)
        .map(|offset| {
            std::thread::spawn(move || {
                (offset..CONVERSATIONS).step_by(threads as usize).map(run).collect::<Vec<_>>()
            })
        })
        .collect();
    let verdicts: Vec<Verdict> =
        workers.into_iter().flat_map(|w| w.join().expect("a conversation broke an invariant")).collect();
    assert_eq!(verdicts.len() as u64, CONVERSATIONS);
    let count = |wanted: fn(&Verdict) -> bool| verdicts.iter().filter(|v| wanted(v)).count();
    let replies: usize = verdicts.iter().map(|v| v.replies).sum();
    let interrupted: usize = verdicts.iter().map(|v| v.interruptions).sum();
    let longest = verdicts.iter().map(|v| v.longest_silence_ms).max().unwrap_or(0);
    println!(
        "{} conversations, {replies} bot lines, {interrupted} interruptions, {} with vendor faults, {} ended by the bot, \
         longest owed silence {longest} ms",
        verdicts.len(),
        count(|v| v.faults > 0),
        count(|v| v.ended_by_bot),
    );
    // The run is worth something only if it tried what it claims to try.
    assert!(replies > 20_000 && interrupted > 2_000 && count(|v| v.faults > 0) > 2_000);
    assert!(longest <= LONGEST_SILENCE_MS, "a caller waited {longest} ms");
}

fn run(seed: u64) -> Verdict {
    World::new(seed).run()
}
