//! A bounded map whose entries end.

use std::collections::HashMap;

use jiff::Timestamp;

/// Entries by name, each until its time.
#[derive(Debug)]
pub struct Expiring<V> {
    entries: HashMap<String, Entry<V>>,
    most: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    ends: Timestamp,
}

/// There is no room, and nothing that may go.
#[derive(Debug)]
pub struct NoRoom;

impl<V> Expiring<V> {
    /// With room for so many.
    pub fn with_room(most: usize) -> Self {
        Self { entries: HashMap::new(), most }
    }

    /// What is there now, and until when.
    pub fn get(&self, name: &str, now: Timestamp) -> Option<(&V, Timestamp)> {
        self.entries.get(name).filter(|e| now < e.ends).map(|e| (&e.value, e.ends))
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str, now: Timestamp) -> Option<(&mut V, &mut Timestamp)> {
        self.entries.get_mut(name).filter(|e| now < e.ends).map(|e| (&mut e.value, &mut e.ends))
    }

    pub fn remove(&mut self, name: &str) -> Option<V> {
        self.entries.remove(name).map(|e| e.value)
    }

    /// Keep it, if there is room. What is kept stays until its time.
    pub fn keep(
        &mut self,
        name: String,
        value: V,
        (now, ends): (Timestamp, Timestamp),
    ) -> Result<(), NoRoom> {
        if !self.entries.contains_key(&name) && !self.has_room(now) {
            return Err(NoRoom);
        }
        self.entries.insert(name, Entry { value, ends });
        Ok(())
    }

    /// Keep it; when there is no room the half that ends first goes.
    pub fn keep_newest(&mut self, name: String, value: V, (now, ends): (Timestamp, Timestamp)) {
        if !self.entries.contains_key(&name) && !self.has_room(now) {
            let mut times: Vec<Timestamp> = self.entries.values().map(|e| e.ends).collect();
            let (_, median, _) = times.select_nth_unstable(self.most / 2);
            let median = *median;
            self.entries.retain(|_, e| e.ends > median);
        }
        self.entries.insert(name, Entry { value, ends });
    }

    fn has_room(&mut self, now: Timestamp) -> bool {
        if self.entries.len() >= self.most {
            self.entries.retain(|_, e| now < e.ends);
        }
        self.entries.len() < self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_ended_makes_room_first() {
        let mut map = Expiring::with_room(2);
        map.keep("a".into(), 1, (at(0), at(10))).unwrap();
        map.keep("b".into(), 2, (at(0), at(20))).unwrap();
        assert!(map.keep("c".into(), 3, (at(9), at(30))).is_err(), "both are still there");
        map.keep("b".into(), 4, (at(9), at(30))).unwrap();
        map.keep("c".into(), 3, (at(10), at(30))).unwrap();
        assert!(map.get("a", at(10)).is_none());
        assert_eq!(map.get("b", at(10)), Some((&4, at(30))));
    }

    #[test]
    fn the_newest_push_out_what_ends_first() {
        let mut map = Expiring::with_room(4);
        for n in 0..5 {
            map.keep_newest(n.to_string(), n, (at(0), at(10 + n)));
        }
        assert!(map.entries.len() <= 4 && map.get("0", at(0)).is_none());
        assert_eq!(map.get("4", at(0)), Some((&4, at(14))));
    }
}
