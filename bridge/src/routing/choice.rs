//! The choice among three lists, without I/O.

use serde::Serialize;

/// Why these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The first of each list fit.
    FirstChoice,
    /// The first usable of each list fit; another before one of them is not usable.
    Unusable,
    /// It is not known how fast the first ones are, so they stay.
    NoObservations,
    /// The first ones do not fit; these do.
    Faster,
    /// None fits; these are the fastest that are known.
    NoneFits,
}

/// A vendor of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    pub is_usable: bool,
    /// `None`: nothing was observed yet. That is not fast.
    pub p50_ms: Option<f64>,
}

/// What is picked, by the places in the lists.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    pub places: [usize; 3],
    /// Of the three together; `None` while one was not observed.
    pub predicted_ms: Option<f64>,
    /// The prediction is over the budget.
    pub overrun: bool,
    pub why: Reason,
}

/// Pick one of each list. The first usable ones are kept as long as they fit, or as long as it is not known whether they do; else those
/// that fit and stand nearest to the begin of their lists; else the fastest. Lists are short: at most 125 triples are looked at.
pub fn choose(lists: &[Vec<Candidate>; 3], budget_ms: f64) -> Choice {
    let [stt, llm, tts] = lists.each_ref().map(|list| usable(list));
    let first = [stt[0], llm[0], tts[0]];
    let kept = |why| {
        let predicted_ms = predicted(lists, first);
        Choice { places: first, predicted_ms, overrun: predicted_ms.is_some_and(|ms| ms > budget_ms), why }
    };
    match predicted(lists, first) {
        None => return kept(Reason::NoObservations),
        Some(ms) if ms <= budget_ms && first == [0; 3] => return kept(Reason::FirstChoice),
        Some(ms) if ms <= budget_ms => return kept(Reason::Unusable),
        Some(_) => {}
    }
    let triples = stt.iter().flat_map(|s| llm.iter().flat_map(|l| tts.iter().map(|t| [*s, *l, *t])));
    let known: Vec<([usize; 3], f64)> =
        triples.filter_map(|places| Some((places, predicted(lists, places)?))).collect();
    let distance = |places: &[usize; 3]| places.iter().sum::<usize>();
    let by_time = |a: &([usize; 3], f64), b: &([usize; 3], f64)| a.1.total_cmp(&b.1);
    let fitting = known.iter().filter(|(_, ms)| *ms <= budget_ms);
    let fitting = fitting.min_by(|a, b| distance(&a.0).cmp(&distance(&b.0)).then_with(|| by_time(a, b)));
    if let Some((places, ms)) = fitting {
        let why = Reason::Faster;
        return Choice { places: *places, predicted_ms: Some(*ms), overrun: false, why };
    }
    match known.iter().min_by(|a, b| by_time(a, b)) {
        Some((places, ms)) => {
            let why = Reason::NoneFits;
            Choice { places: *places, predicted_ms: Some(*ms), overrun: true, why }
        }
        None => kept(Reason::NoneFits),
    }
}

/// The places of the usable ones; of a list without any, its first: a call that fails says why.
fn usable(list: &[Candidate]) -> Vec<usize> {
    let places: Vec<usize> =
        list.iter().enumerate().filter(|(_, one)| one.is_usable).map(|(place, _)| place).collect();
    if places.is_empty() { vec![0] } else { places }
}

fn predicted(lists: &[Vec<Candidate>; 3], places: [usize; 3]) -> Option<f64> {
    let of = |(list, place): (&Vec<Candidate>, usize)| list.get(place)?.p50_ms;
    lists.iter().zip(places).map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(p50s: &[Option<f64>]) -> Vec<Candidate> {
        p50s.iter().map(|p50_ms| Candidate { is_usable: true, p50_ms: *p50_ms }).collect()
    }

    fn check(lists: [&[Option<f64>]; 3], expected: ([usize; 3], Option<f64>, Reason)) {
        let found = choose(&lists.map(list), 1_000.0);
        assert_eq!((found.places, found.predicted_ms, found.why), expected, "{lists:?}");
        assert_eq!(found.overrun, found.why == Reason::NoneFits, "{lists:?}");
    }

    #[test]
    fn the_first_choice_stays_while_it_fits_or_nothing_is_known() {
        check(
            [&[Some(300.0)], &[Some(500.0), Some(10.0)], &[Some(200.0), Some(10.0)]],
            ([0, 0, 0], Some(1_000.0), Reason::FirstChoice),
        );
        check([&[None], &[Some(5_000.0), Some(1.0)], &[Some(1.0)]], ([0; 3], None, Reason::NoObservations));
    }

    #[test]
    fn what_fits_nearest_to_the_first_choice_is_picked() {
        check(
            [
                &[Some(300.0), Some(100.0)],
                &[Some(900.0), Some(700.0), Some(100.0)],
                &[Some(200.0), Some(100.0)],
            ],
            ([0, 2, 0], Some(600.0), Reason::Faster),
        );
        // One alone would do: the one that gains more.
        check(
            [&[Some(300.0), Some(100.0)], &[Some(600.0), Some(500.0)], &[Some(200.0), Some(20.0)]],
            ([1, 0, 0], Some(900.0), Reason::Faster),
        );
        // What was never observed is not fast.
        check(
            [&[Some(300.0)], &[Some(900.0), None], &[Some(200.0), None]],
            ([0; 3], Some(1_400.0), Reason::NoneFits),
        );
        check(
            [&[Some(900.0), Some(700.0)], &[Some(900.0), Some(800.0)], &[Some(200.0)]],
            ([1, 1, 0], Some(1_700.0), Reason::NoneFits),
        );
    }

    #[test]
    fn what_cannot_be_used_is_passed_over() {
        let mut lists = [list(&[Some(1.0)]), list(&[Some(1.0), Some(2.0)]), list(&[Some(1.0)])];
        lists[1][0].is_usable = false;
        let found = choose(&lists, 1_000.0);
        assert_eq!((found.places, found.predicted_ms), ([0, 1, 0], Some(4.0)));
        assert_eq!(found.why, Reason::Unusable);
        lists[1][1].is_usable = false;
        assert_eq!(choose(&lists, 1_000.0).places, [0; 3], "none is better: the first says why");
    }
}
