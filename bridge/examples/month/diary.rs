//! What happens in the month, written down for the judge.

use std::collections::HashMap;

use vox_bridge::campaign::rehearsal::stage::Told;
use vox_bridge::campaign::rehearsal::{Outcome, World};
use vox_testkit::campaign::journal::{Closed, Dial, Due, Journal};

use super::people::People;
use super::plan::Month;

/// Play a month; answers what it came to, and its journal.
pub fn play(month: Month, seed: u64) -> (Outcome, Journal) {
    let Month { stage, cast, terms } = month;
    let listed = cast.listed.iter().map(|number| (number.to_string(), stage.from)).collect();
    let callers = terms.callers.iter().enumerate().map(|(at, caller)| (caller.number.clone(), at)).collect();
    let journal = Journal { terms, listed, ..Journal::default() };
    let mut diary = Diary { journal, callers, calls: HashMap::new() };
    let (mut people, mut tell) = (People::new(seed), |told: Told<'_>| diary.note(told));
    let outcome = World::new(&stage, cast, &mut people, &mut tell, seed).play();
    (outcome, diary.journal)
}

struct Diary {
    journal: Journal,
    callers: HashMap<String, usize>,
    /// Places of the calls that are on.
    calls: HashMap<u64, usize>,
}

impl Diary {
    fn note(&mut self, told: Told<'_>) {
        let journal = &mut self.journal;
        match told {
            Told::Due { person, from, at } => journal.dues.push(Due { person, from, known_at: at }),
            Told::Dialled { call, person, att, number, caller, at } => {
                let caller = self.callers[caller];
                self.calls.insert(call, journal.dials.len());
                journal.dials.push(Dial { person, att, number: number.to_owned(), caller, at, ended: None });
            }
            Told::Ended { call, at, result } => {
                if let Some(dial) = self.calls.remove(&call).and_then(|place| journal.dials.get_mut(place)) {
                    dial.ended = Some((at, result.as_str().to_owned()));
                }
            }
            Told::Closed { person, at, status, reason } => journal.closed.push(Closed {
                person,
                at,
                status: status.as_str().to_owned(),
                reason: reason.to_owned(),
            }),
            Told::Listed { number, at } => journal.listed.push((number.to_owned(), at)),
            Told::Crashed { .. } => {}
        }
    }
}
