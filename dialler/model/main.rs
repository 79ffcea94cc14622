//! A model check of the attempt protocol: two workers, one contact, every order of events. The steps are the program's own
//! (`vox_dialler::attempt`); around them are a bridge, a media server and a network that behave as badly as they may.
//!
//! `just model-check` looks at millions of states; the tests of every day at fewer. The counts are regression values: whoever changes the
//! protocol changes them, and looks at why.

mod search;
mod world;

use search::{Outcome, search};
use world::Rules;

/// What the program does, on a server as it is: its look at a room and the making of a session are two steps, and requests to make a room
/// may come twice.
const PROTOCOL: Rules = Rules {
    attempts: 2,
    epochs: 2,
    fuse: true,
    compare_and_set: true,
    waits: true,
    deletes: 2,
    anchored: true,
    late_copies: true,
    atomic_join: false,
};
/// The same on a server whose join is one step, in a network that loses and delays and doubles nothing, and without any trust in clocks.
const TIMELESS: Rules = Rules { anchored: false, late_copies: false, atomic_join: true, ..PROTOCOL };

/// How many states there are, none of which breaks the promise.
fn states(rules: Rules) -> usize {
    match search(rules) {
        Outcome::Holds { states } => states,
        Outcome::Violated { trace } => panic!("{rules:?}:\n{}", trace.join("\n")),
    }
}

#[test]
fn the_protocol_never_rings_twice() {
    let worlds = [
        PROTOCOL,
        Rules { atomic_join: true, ..PROTOCOL },
        Rules { late_copies: false, anchored: false, ..PROTOCOL },
        TIMELESS,
        Rules { deletes: 1, ..TIMELESS },
    ];
    assert_eq!(worlds.map(states), [90_479, 81_403, 31_089, 26_838, 26_838]);
}

#[test]
fn every_part_of_it_is_needed() {
    let weaker = [
        ("no fuse", Rules { fuse: false, ..TIMELESS }),
        ("no fuse, on a server as it is", Rules { fuse: false, anchored: false, ..PROTOCOL }),
        ("neither fuse nor wait", Rules { fuse: false, waits: false, ..PROTOCOL }),
        ("a commit that looks at nothing", Rules { compare_and_set: false, ..PROTOCOL }),
        ("the same in the kindest of worlds", Rules { compare_and_set: false, ..TIMELESS }),
        ("one delete", Rules { deletes: 1, ..PROTOCOL }),
        ("one delete, without late copies", Rules { deletes: 1, late_copies: false, ..PROTOCOL }),
        ("one delete and no wait", Rules { deletes: 1, late_copies: false, waits: false, ..PROTOCOL }),
        ("one delete, against late copies alone", Rules { deletes: 1, late_copies: true, ..TIMELESS }),
        ("two deletes at once", Rules { waits: false, ..PROTOCOL }),
        // A worker slept between commit and dial, a late copy brought the room back, and the server had looked at it.
        ("a request to dial that is good whenever it is sent", Rules { anchored: false, ..PROTOCOL }),
    ];
    let unseen = weaker.into_iter().filter(|(_, rules)| matches!(search(*rules), Outcome::Holds { .. }));
    let unseen: Vec<_> = unseen.map(|(what, _)| what).collect();
    assert!(unseen.is_empty(), "the model does not see what is wrong with {unseen:?}");
}

/// Five million states at least, for a release build: `just model-check`.
#[test]
fn the_protocol_never_rings_twice_in_a_larger_world() {
    if cfg!(debug_assertions) {
        assert_eq!(states(Rules { epochs: 3, ..PROTOCOL }), 352_520);
        return;
    }
    let seen = states(Rules { attempts: 3, epochs: 4, ..PROTOCOL });
    println!("no violation in {seen} states");
    assert!(seen >= 5_000_000, "{seen}");
}
