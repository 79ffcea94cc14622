//! Prompts that the vendor keeps for a while (`cachedContents`): which there are, and when one is made, renewed or left alone. No
//! socket here. One is made when its prompt is asked for the second time, lives on while it is used, and ends by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Most prompts that are remembered; the one that was asked for longest ago goes first.
const PROMPTS_MAX: usize = 256;
/// One that ends within this may end while a question is on its way.
const MARGIN: Duration = Duration::from_secs(10);
/// A vendor that loses one so soon does not keep it, or does not take it in a question.
const TOO_SOON: Duration = Duration::from_secs(60);
/// How long a prompt is left alone that the vendor does not keep.
pub(super) const REFUSED_PAUSE: Duration = Duration::from_secs(3600);
/// And one that only could not be made now.
pub(super) const FAILED_PAUSE: Duration = Duration::from_secs(60);

/// A prompt with its tools, for one model of one account: a digest.
pub(super) type PromptId = [u8; 32];

/// The prompts that the vendor keeps for this process. The calls of a worker share them.
#[derive(Debug, Default)]
pub struct KeptPrompts(Mutex<HashMap<PromptId, Entry>>);

#[derive(Debug)]
struct Entry {
    state: State,
    asked: Instant,
}

#[derive(Debug)]
enum State {
    Making,
    Kept(Kept),
    /// It is asked without until then; then it may be made.
    Without(Instant),
}

#[derive(Debug)]
struct Kept {
    name: Arc<str>,
    made: Instant,
    until: Instant,
    renewing: bool,
}

/// How to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// With the whole prompt.
    Whole,
    /// The same, and have the vendor keep it.
    WholeAndMake,
    /// With the vendor's name of it.
    Kept(Arc<str>),
    /// The same, and have it live longer.
    KeptAndRenew(Arc<str>),
}

impl KeptPrompts {
    /// How to ask now with this prompt, which is kept for `life` at a time. What is to be made or renewed must be settled after.
    pub(super) fn plan(&self, id: PromptId, life: Duration, now: Instant) -> Plan {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(&id) else {
            // Whoever calls once need not be paid for.
            forget_oldest(&mut entries);
            entries.insert(id, Entry { state: State::Without(now), asked: now });
            return Plan::Whole;
        };
        entry.asked = now;
        let plan = match &mut entry.state {
            State::Making => return Plan::Whole,
            State::Without(until) if now < *until => return Plan::Whole,
            State::Kept(kept) if now + MARGIN < kept.until => kept.plan(life, now),
            State::Without(_) | State::Kept(_) => Plan::WholeAndMake,
        };
        if plan == Plan::WholeAndMake {
            entry.state = State::Making;
        }
        plan
    }

    /// The vendor keeps it, under this name, for `life` from then.
    pub(super) fn made(&self, id: PromptId, name: Arc<str>, (then, life): (Instant, Duration)) {
        self.put(id, State::Kept(Kept { name, made: then, until: then + life, renewing: false }), then);
    }

    /// The vendor does not keep it; it is asked without for so long.
    pub(super) fn leave(&self, id: PromptId, pause: Duration, now: Instant) {
        self.put(id, State::Without(now + pause), now);
    }

    /// What came of an attempt to have it live longer: until when it does, or `None` where that failed.
    pub(super) fn renewed(&self, id: PromptId, name: &str, until: Option<Instant>) {
        if let Some(Entry { state: State::Kept(kept), .. }) = self.lock().get_mut(&id)
            && &*kept.name == name
        {
            kept.renewing = false;
            kept.until = until.unwrap_or(kept.until);
        }
    }

    /// The vendor does not take this name in a question. True: it is to be made anew, and settled after.
    pub(super) fn lost(&self, id: PromptId, name: &str, now: Instant) -> bool {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(&id) else { return false };
        let State::Kept(kept) = &entry.state else { return false };
        if &*kept.name != name {
            return false;
        }
        let is_new = now < kept.made + TOO_SOON;
        entry.state = if is_new { State::Without(now + REFUSED_PAUSE) } else { State::Making };
        !is_new
    }

    fn put(&self, id: PromptId, state: State, now: Instant) {
        let mut entries = self.lock();
        match entries.get_mut(&id) {
            Some(entry) => entry.state = state,
            None => {
                forget_oldest(&mut entries);
                entries.insert(id, Entry { state, asked: now });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PromptId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn plan(&mut self, life: Duration, now: Instant) -> Plan {
        let name = Arc::clone(&self.name);
        if self.renewing || self.until - now > life / 2 {
            return Plan::Kept(name);
        }
        self.renewing = true;
        Plan::KeptAndRenew(name)
    }
}

/// Make room for one more.
fn forget_oldest(entries: &mut HashMap<PromptId, Entry>) {
    if entries.len() < PROMPTS_MAX {
        return;
    }
    let oldest = entries.iter().min_by_key(|(_, entry)| entry.asked).map(|(id, _)| *id);
    if let Some(id) = oldest {
        entries.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: PromptId = [1; 32];
    const LIFE: Duration = Duration::from_secs(600);

    fn name(text: &str) -> Arc<str> {
        Arc::from(text)
    }

    /// A prompt that was made at `start`.
    fn kept(start: Instant) -> KeptPrompts {
        let prompts = KeptPrompts::default();
        assert_eq!(prompts.plan(ID, LIFE, start), Plan::Whole, "who asks once pays for nothing");
        assert_eq!(prompts.plan(ID, LIFE, start), Plan::WholeAndMake);
        assert_eq!(prompts.plan(ID, LIFE, start), Plan::Whole, "it is being made");
        prompts.made(ID, name("a"), (start, LIFE));
        prompts
    }

    #[test]
    fn one_that_is_used_is_renewed_ahead_and_one_that_is_not_ends() {
        let start = Instant::now();
        let prompts = kept(start);
        let after = |seconds| start + Duration::from_secs(seconds);
        let plan = |seconds| prompts.plan(ID, LIFE, after(seconds));
        assert_eq!(plan(299), Plan::Kept(name("a")));
        assert_eq!(plan(300), Plan::KeptAndRenew(name("a")));
        assert_eq!(plan(301), Plan::Kept(name("a")), "once at a time");
        prompts.renewed(ID, "a", None);
        assert_eq!(plan(302), Plan::KeptAndRenew(name("a")), "it failed, so it is tried again");
        prompts.renewed(ID, "a", Some(after(902)));
        assert_eq!(plan(590), Plan::Kept(name("a")));
        assert_eq!(plan(893), Plan::WholeAndMake, "it might end on the way");
        assert_eq!(prompts.plan([2; 32], LIFE, start), Plan::Whole, "another prompt is another's");
    }

    #[test]
    fn one_that_is_lost_is_made_anew_unless_that_would_go_on() {
        let start = Instant::now();
        let prompts = kept(start);
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(!prompts.lost(ID, "another", after(100)));
        assert!(prompts.lost(ID, "a", after(100)));
        assert!(!prompts.lost(ID, "a", after(100)), "two questions met the same loss");
        prompts.made(ID, name("b"), (after(101), LIFE));
        assert!(!prompts.lost(ID, "b", after(110)), "it was only just made");
        assert_eq!(prompts.plan(ID, LIFE, after(111)), Plan::Whole);
        assert_eq!(prompts.plan(ID, LIFE, after(110 + 3600)), Plan::WholeAndMake);
    }

    #[test]
    fn a_prompt_that_is_not_kept_is_left_alone_for_a_while() {
        let start = Instant::now();
        let prompts = kept(start);
        prompts.leave(ID, FAILED_PAUSE, start);
        assert_eq!(prompts.plan(ID, LIFE, start + Duration::from_secs(59)), Plan::Whole);
        assert_eq!(prompts.plan(ID, LIFE, start + Duration::from_secs(60)), Plan::WholeAndMake);
    }

    #[test]
    fn those_that_were_asked_for_longest_ago_are_forgotten() {
        let start = Instant::now();
        let prompts = kept(start);
        let id = |n: usize| -> PromptId {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&n.to_be_bytes());
            id
        };
        for n in 0..PROMPTS_MAX {
            prompts.plan(id(n), LIFE, start + Duration::from_millis(n as u64 + 1));
        }
        assert_eq!(prompts.lock().len(), PROMPTS_MAX);
        assert_eq!(prompts.plan(ID, LIFE, start + Duration::from_secs(1)), Plan::Whole);
        assert_eq!(
            prompts.plan(id(PROMPTS_MAX - 1), LIFE, start + Duration::from_secs(1)),
            Plan::WholeAndMake
        );
    }
}
