mod world;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::floor::Table;
use super::*;
use crate::room::Subscribe;
use world::World;

const WHISPERS_TO_BOT: Role = Role::Supervisor(Supervision::Whispers(Ear::Bot));
const BARGES: Role = Role::Supervisor(Supervision::Barges);
const LISTENS: Role = Role::Supervisor(Supervision::Listens);

/// What a table lets people hear that they must not, or does not let them hear: of each two roles at each stage. Nothing but the rights
/// counts, whatever clients do.
fn contradictions(table: Table) -> Vec<String> {
    let mut wrong = Vec::new();
    for stage in Stage::ALL {
        let speaks = |role, place| table(stage, role, place).is_some_and(|seat| seat.speaks);
        let listens = |role, place| table(stage, role, place).is_some_and(|seat| seat.listens);
        for speaker in Role::ALL {
            // Its own words, in all places where they are said or carried.
            let mut places: BTreeSet<Place> = Place::ALL
                .into_iter()
                .filter(|place| speaks(speaker, *place) && says(stage, speaker, *place) == Sound::Own)
                .collect();
            if stage == Stage::Conference {
                let from: Vec<Place> =
                    places.iter().copied().filter(|place| listens(Role::Bot, *place)).collect();
                let to = from.into_iter().filter_map(|place| carried(place, speaker));
                places.extend(to.filter(|place| speaks(Role::Bot, *place)));
            }
            for listener in Role::ALL {
                let is_heard = places.iter().any(|place| listens(listener, *place));
                let is_right = match hears(stage, listener, speaker) {
                    // Two of a role need not be there.
                    Hearing::Must => is_heard,
                    Hearing::May => true,
                    Hearing::Never => !is_heard,
                };
                if !is_right {
                    wrong.push(format!("{stage:?}: {listener:?} hears {speaker:?}: {is_heard}"));
                }
            }
        }
        for stranger in Role::ALL.into_iter().filter(|role| role.is_stranger()) {
            for place in Place::ALL {
                if table(stage, stranger, place).is_some_and(|seat| seat != Seat::BOTH) {
                    wrong.push(format!("{stage:?}: {stranger:?} takes no orders in {place:?}"));
                }
            }
        }
    }
    wrong
}

/// Tables as somebody may write them by mistake.
const WRONG: [(&str, Table); 5] = [
    ("a whisper in the call's room", |stage, role, place| match (role, place) {
        (WHISPERS_TO_BOT, Place::Call) => Some(Seat::BOTH),
        _ => seat(stage, role, place),
    }),
    ("an agent who stays with a caller on hold", |stage, role, place| match (role, place) {
        (Role::Agent, Place::Call) => Some(Seat::BOTH),
        _ => seat(stage, role, place),
    }),
    ("somebody who is asked in the call's room", |stage, role, place| match (role, place) {
        (Role::Third, Place::Call) => seat(stage, role, Place::Consult),
        _ => seat(stage, role, place),
    }),
    ("one who barges in on a caller on hold", |stage, role, place| match (role, place) {
        (BARGES, Place::Call) => Some(Seat::BOTH),
        _ => seat(stage, role, place),
    }),
    ("a supervisor who hears what another whispers", |stage, role, place| match (role, place) {
        (LISTENS, Place::BotsEar) => Some(Seat::LISTENS),
        _ => seat(stage, role, place),
    }),
];

#[test]
fn the_table_is_what_the_matrix_says() {
    assert_eq!(contradictions(seat), [""; 0]);
    for (what, table) in WRONG {
        assert!(!contradictions(table).is_empty(), "not found: {what}");
    }
}

/// Joins, leaves, other roles, other stages, at random and while others are under way: nobody hears a packet that is not for it, and what
/// must be heard is.
#[test]
fn ten_thousand_changes_leak_nothing() {
    let mut world = World::new(Floor::new(), 7);
    world.run(10_000);
    assert!(world.leaks.is_empty(), "{:?}", world.leaks);
    println!(
        "{} changes, {} packets said, {} heard, {} whispers among them, {} carried; 0 leaks",
        world.changes, world.said, world.heard, world.whispers, world.carried
    );
    assert!(world.heard > 100_000 && world.whispers > 1000 && world.carried > 1000, "{}", world.whispers);
}

/// The check is worth something: with a wrong table, without the wait for what is taken away, or without the guard, it finds leaks.
#[test]
fn what_is_wrong_is_found() {
    for (what, table) in WRONG {
        let mut world = World::new(Floor::careless(table, GUARD, true), 11);
        world.run(1500);
        assert!(!world.leaks.is_empty(), "not found: {what}");
    }
    for (what, guard, waits) in [
        ("nothing is waited for", GUARD, false),
        ("nothing is let pass before carrying", Duration::ZERO, true),
    ] {
        let mut world = World::new(Floor::careless(seat, guard, waits), 13);
        world.run(6000);
        assert!(!world.leaks.is_empty(), "not found: {what}");
    }
}

#[test]
fn what_is_taken_away_comes_first_and_is_waited_for() {
    let now = Instant::now();
    let mut floor = Floor::new();
    for (who, role) in [("caller", Role::Caller), ("bot", Role::Bot), ("eve", BARGES)] {
        floor.enter(who, role);
    }
    let orders = floor.orders(now);
    assert!(orders.iter().all(|order| !order.narrows && order.identity != "caller"));
    let speaks_in_call = |orders: &[Order]| {
        orders.iter().any(|order| {
            order.identity == "eve"
                && order.place == Place::Call
                && order.seat.is_some_and(|seat| seat.speaks)
        })
    };
    assert!(speaks_in_call(&orders));

    floor.enter("eve", WHISPERS_TO_BOT);
    let orders = floor.orders(now);
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert!(orders[0].narrows && orders[0].seat == Some(Seat::LISTENS) && orders[0].place == Place::Call);
    assert_eq!(floor.role("eve"), Some(BARGES), "until the server has done it");
    assert_eq!(floor.orders(now), [], "asked once");
    floor.again(&orders[0]);
    let orders = floor.orders(now);
    assert_eq!(orders.len(), 1, "and again if it failed");
    floor.done(&orders[0]);
    let orders = floor.orders(now);
    assert_eq!(floor.role("eve"), Some(WHISPERS_TO_BOT));
    assert!(!speaks_in_call(&orders));
    let [order] = &orders[..] else { panic!("{orders:?}") };
    assert_eq!((order.place, order.seat), (Place::BotsEar, Some(Seat::SPEAKS)));
}

/// It was done, and the answer was lost: what the server has now is made sure of before it is counted on.
#[test]
fn what_is_not_known_is_told_once_more() {
    let now = Instant::now();
    let mut floor = Floor::new();
    floor.enter("eve", BARGES);
    floor.orders(now);
    floor.enter("eve", LISTENS);
    let lost = floor.orders(now);
    assert_eq!(lost.len(), 1, "{lost:?}");
    floor.enter("eve", BARGES);
    floor.again(&lost[0]);
    let orders = floor.orders(now);
    assert!(matches!(&orders[..], [order] if order.seat == Some(Seat::BOTH) && order.narrows), "{orders:?}");
    floor.done(&orders[0]);
    assert_eq!(floor.orders(now), []);
}

#[test]
fn grants_are_those_of_the_seat() {
    let may = |role, seat: Seat| seat.grants(role);
    let listens = may(LISTENS, Seat::LISTENS);
    assert!(listens.hidden && listens.subscribe);
    assert!(!listens.publish && !listens.publish_data && !listens.update_own && !listens.admin);
    let whispers = may(WHISPERS_TO_BOT, Seat::SPEAKS);
    assert!(whispers.publish && !whispers.subscribe && !whispers.publish_data && !whispers.hidden);
    let bot = may(Role::Bot, Seat::LISTENS);
    assert!(!bot.publish && !bot.publish_data, "no transcript of a whisper, nor in its room");
    assert!(!bot.hidden);
}

#[test]
fn the_bot_talks_with_the_caller_and_hears_others_apart() {
    for (stage, speaker, expected) in [
        (Stage::Talk, Role::Caller, Subscribe::Mixed),
        (Stage::Talk, WHISPERS_TO_BOT, Subscribe::Apart),
        (Stage::Talk, Role::Agent, Subscribe::Apart),
        (Stage::Consult, Role::Caller, Subscribe::Apart),
        (Stage::Consult, Role::Third, Subscribe::Mixed),
        (Stage::Talk, Role::Supervisor(Supervision::Whispers(Ear::Agent)), Subscribe::No),
    ] {
        assert_eq!(listening(stage, speaker), expected, "{stage:?} {speaker:?}");
    }
}

/// A phone that joins a room whose name begins with `call-` is taken for a new call.
#[test]
fn rooms_have_names_of_their_own() {
    let names: BTreeSet<String> = Place::ALL.into_iter().map(|place| place.room("call-1")).collect();
    assert_eq!(names.len(), 4);
    assert_eq!(names.iter().filter(|name| name.starts_with("call-")).count(), 1);
}
