//! The cells of one hour, day or month while something is added to them. Campaigns, dispositions and vendors are any words, so there
//! may be any number of combinations, and a document has an end: beyond so many cells what is new is counted in coarser ones, first
//! without its campaign, then without its disposition, its vendors, and its bot.
//!
//! What was counted must be taken away where it was added. So from the first coarse cell on none goes any more, not even an empty one: a
//! key has a cell of its own then if it has one already, and never gets one later.

use std::collections::BTreeMap;

use super::cell::{Cell, Key, decode, encode};

/// The name of all those that are not told apart.
pub const OTHER: &str = "other";
/// With so many cells new ones become coarser, once more with each number. A cell has 5 kB at the very most and a few hundred bytes as a
/// rule, a document of MongoDB 16 MiB.
const STEPS: [usize; 4] = [1_500, 1_750, 2_000, 2_250];

/// See the module.
pub struct Crowd {
    cells: BTreeMap<Key, Cell>,
    /// How many parts new cells lack: 0 to the number of [`STEPS`].
    coarseness: u8,
}

impl Crowd {
    /// As it was stored. A document from before there was an end is cut down to it.
    pub fn of(cells: &[String], coarseness: u8) -> Self {
        let read = cells.iter().filter_map(|cell| decode(cell));
        if coarseness > 0 || cells.len() < STEPS[0] {
            return Self { cells: read.collect(), coarseness };
        }
        let mut cut = Self { cells: BTreeMap::new(), coarseness };
        read.for_each(|(key, cell)| cut.add(&key, &cell));
        cut
    }

    /// Add a cell, or take one away that was added.
    pub fn add(&mut self, key: &Key, cell: &Cell) {
        let place = self.place(key);
        self.cells.entry(place).or_default().add(cell, 1);
        if STEPS.get(usize::from(self.coarseness)).is_some_and(|step| self.cells.len() >= *step) {
            self.coarseness += 1;
        }
    }

    /// The cells and their coarseness, to be stored.
    pub fn stored(self) -> (Vec<String>, u8) {
        let Self { cells, coarseness } = self;
        let stays = cells.iter().filter(|(_, cell)| coarseness > 0 || !cell.is_empty());
        (stays.map(|(key, cell)| encode(key, cell)).collect(), coarseness)
    }

    /// The finest that there is, or may be.
    fn place(&self, key: &Key) -> Key {
        let mut place = key.clone();
        for coarseness in 1..=self.coarseness {
            if self.cells.contains_key(&place) {
                break;
            }
            coarsen(&mut place, coarseness);
        }
        place
    }
}

/// Take one part more out of a key, from one to the next coarseness. What is empty stays empty.
fn coarsen(key: &mut Key, coarseness: u8) {
    let other = |part: &mut String| {
        if !part.is_empty() {
            OTHER.clone_into(part);
        }
    };
    match coarseness {
        1 => other(&mut key.campaign),
        2 => other(&mut key.disposition),
        3 => [&mut key.stt, &mut key.llm, &mut key.tts].into_iter().for_each(other),
        // No bot is called nothing: a key of the API that is limited to bots sees none of it.
        _ => {
            key.bot.clear();
            other(&mut key.direction);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::{Part, Sum};
    use super::*;

    fn one() -> Cell {
        let mut cell = Cell::default();
        cell.set(Sum::Calls, 1);
        cell.latency_mut(Part::Llm).record(300.0);
        cell
    }

    fn key(campaign: usize) -> Key {
        let (campaign, bot) = (format!("campaign {campaign}"), "faq".to_owned());
        Key { bot, campaign, outcome: "bot".into(), disposition: "DONE".into(), ..Key::default() }
    }

    fn calls(cells: &[String]) -> i64 {
        cells.iter().map(|cell| decode(cell).unwrap().1.sum(Sum::Calls)).sum()
    }

    /// Stored and read again after each, as batches do.
    fn added(keys: impl Iterator<Item = Key>, times: i64, stored: &mut (Vec<String>, u8)) {
        let mut crowd = Crowd::of(&stored.0, stored.1);
        for (n, key) in keys.enumerate() {
            let mut cell = Cell::default();
            cell.add(&one(), times);
            crowd.add(&key, &cell);
            if n % 499 == 0 {
                let (cells, coarseness) = crowd.stored();
                crowd = Crowd::of(&cells, coarseness);
            }
        }
        *stored = crowd.stored();
    }

    /// The document of a tenant with a campaign for each call grew until MongoDB refused it, and the tenant was never counted again.
    #[test]
    fn however_many_campaigns_there_are_a_document_has_an_end_and_nothing_is_lost() {
        let mut stored = (Vec::new(), 0);
        added((0..6_000).map(key), 1, &mut stored);
        let (cells, coarseness) = &stored;
        assert_eq!((cells.len(), *coarseness, calls(cells)), (STEPS[0] + 1, 1, 6_000));
        let others = cells.iter().filter_map(|cell| decode(cell)).find(|(key, _)| key.campaign == OTHER);
        let (others, cell) = others.unwrap();
        assert_eq!(
            (others.bot, others.disposition, cell.sum(Sum::Calls)),
            ("faq".into(), "DONE".into(), 4_500)
        );
        assert!(cells.iter().map(String::len).sum::<usize>() < 512 * 1024);
    }

    #[test]
    fn what_was_counted_is_taken_away_where_it_was_added() {
        let mut stored = (Vec::new(), 0);
        added((0..3_000).map(key), 1, &mut stored);
        // Those of their own leave empty cells, in which nobody else's are put.
        added((0..1_000).map(key), -1, &mut stored);
        added((5_000..6_000).map(key), 1, &mut stored);
        added((1_000..3_000).chain(5_000..6_000).map(key), -1, &mut stored);
        assert!(stored.0.iter().all(|cell| decode(cell).unwrap().1.is_empty()));
    }

    #[test]
    fn whatever_is_new_in_every_call_there_is_an_end() {
        let any = (0..10_000).map(|n| {
            let word = |part: &str| format!("{part} {n}");
            Key {
                bot: word("bot"),
                campaign: word("campaign"),
                direction: word("direction"),
                outcome: ["bot", "busy"][n % 2].into(),
                stt: word("stt"),
                llm: word("llm"),
                tts: word("tts"),
                disposition: word("disposition"),
            }
        });
        let any: Vec<Key> = any.collect();
        let mut stored = (Vec::new(), 0);
        added(any.iter().cloned(), 1, &mut stored);
        assert_eq!((stored.0.len(), stored.1), (STEPS[3] + 2, 4));
        assert_eq!(calls(&stored.0), 10_000);
        added(any.into_iter(), -1, &mut stored);
        assert!(stored.0.iter().all(|cell| decode(cell).unwrap().1.is_empty()));
    }

    #[test]
    fn a_document_without_an_end_gets_one_and_stays_right() {
        let old: Vec<String> = (0..9_000).map(|n| encode(&key(n), &one())).collect();
        let mut stored = (old, 0);
        added((8_990..9_010).map(key), 1, &mut stored);
        assert_eq!((stored.0.len(), calls(&stored.0)), (STEPS[0] + 1, 9_020));
        added((0..9_000).chain(8_990..9_010).map(key), -1, &mut stored);
        assert!(stored.0.iter().all(|cell| decode(cell).unwrap().1.is_empty()));
    }
}
