//! Breadth first over all states of the world.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use crate::world::{Action, Rules, World};

/// What was found.
pub enum Outcome {
    /// No state breaks the promise.
    Holds { states: usize },
    /// The shortest way to one that does.
    Violated { trace: Vec<String> },
}

/// Keys are hashes already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("keys are u64")
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// Each state seen, with the one it was reached from. By 64 bits of hash: among ten million states two are taken for one with a chance of
/// 3 in a million.
type Seen = HashMap<u64, u64, BuildHasherDefault<AsIs>>;

/// Look at every state that can be reached.
pub fn search(rules: Rules) -> Outcome {
    let start = World::default();
    let mut seen = Seen::default();
    seen.insert(key(&start), key(&start));
    let (mut level, mut next, mut successors) = (vec![start], Vec::new(), Vec::new());
    while !level.is_empty() {
        for world in level.drain(..) {
            successors.clear();
            world.successors(rules, &mut successors);
            for (_, after) in &successors {
                if let Entry::Vacant(entry) = seen.entry(key(after)) {
                    entry.insert(key(&world));
                    if after.violates() {
                        return Outcome::Violated { trace: trace(rules, &seen, after) };
                    }
                    next.push(*after);
                }
            }
        }
        std::mem::swap(&mut level, &mut next);
    }
    Outcome::Holds { states: seen.len() }
}

/// The actions from the start to this state.
fn trace(rules: Rules, seen: &Seen, end: &World) -> Vec<String> {
    let mut way = vec![key(end)];
    while let Some(before) = seen.get(way.last().expect("it holds the end")) {
        if way.last() == Some(before) {
            break;
        }
        way.push(*before);
    }
    let (mut world, mut actions) = (World::default(), Vec::new());
    for step in way.iter().rev().skip(1) {
        let mut successors: Vec<(Action, World)> = Vec::new();
        world.successors(rules, &mut successors);
        let (action, after) =
            successors.into_iter().find(|(_, after)| key(after) == *step).expect("it was reached so");
        actions.push(action.to_string());
        world = after;
    }
    actions.push(format!("{world:?}"));
    actions
}

/// 64 bits of the state's 77, well mixed.
fn key(world: &World) -> u64 {
    let bits = world.bits();
    let mix = |mut bits: u64| {
        bits = (bits ^ (bits >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        bits = (bits ^ (bits >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        bits ^ (bits >> 32)
    };
    mix((bits as u64) ^ mix((bits >> 64) as u64 ^ 0x9e37_79b9_7f4a_7c15))
}
