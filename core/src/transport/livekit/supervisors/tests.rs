use super::*;

const EVE: &str = "usr_eve";

fn ask(part: Part) -> Order {
    Order::Supervise { supervisor: EVE.into(), part, bot_goes_on: false }
}

fn name(n: u64) -> String {
    format!("{PREFIX}{n:012x}")
}

fn there(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// One who has taken a seat.
fn seated(part: Part, now: Instant) -> (Supervisors, String) {
    let (mut supervisors, eve) = (Supervisors::default(), name(1));
    assert_eq!(supervisors.order(1, ask(part), eve.clone(), now), [Act::Enter(eve.clone(), role(part))]);
    let given = supervisors.settled(|_| Some(role(part)));
    assert_eq!(given, [Act::Give { id: 1, identity: eve.clone(), part }]);
    let told = supervisors.looked(&there(&["caller", &eve]), now);
    let joined = SupervisorEvent::Joined { who: EVE.into(), part, bot_goes_on: false };
    assert_eq!(told, [Act::Tell(joined)]);
    (supervisors, eve)
}

fn left(why: &'static str, identity: &str) -> Vec<Act> {
    vec![
        Act::Leave(identity.to_owned(), why),
        Act::Tell(SupervisorEvent::Left { who: EVE.into(), why: why.to_owned() }),
    ]
}

#[test]
fn a_seat_is_given_when_it_is_in_force_and_told_when_it_is_taken() {
    let now = Instant::now();
    let (mut supervisors, eve) = (Supervisors::default(), name(1));
    supervisors.order(7, ask(Part::Barge), eve.clone(), now);
    let listens = role(Part::Listen);
    assert_eq!(supervisors.settled(|_| Some(listens)), [], "the floor has something else still");
    assert_eq!(supervisors.came(&eve), [], "nor is the call told before");
    let acts = supervisors.settled(|_| Some(role(Part::Barge)));
    assert!(
        matches!(&acts[..], [Act::Give { id: 7, .. }, Act::Tell(SupervisorEvent::Joined { .. })]),
        "{acts:?}"
    );
    assert_eq!(supervisors.settled(|_| Some(role(Part::Barge))), [], "once");
    assert_eq!((supervisors.aloud(&eve), supervisors.whispers()), (Some(false), false));
}

#[test]
fn another_part_is_the_same_seat_and_is_told_again() {
    let now = Instant::now();
    let (mut supervisors, eve) = seated(Part::Barge, now);
    let acts = supervisors.order(2, ask(Part::WhisperToBot), name(2), now);
    assert_eq!(acts, [Act::Enter(eve.clone(), role(Part::WhisperToBot))]);
    assert_eq!(supervisors.aloud(&eve), None, "not any more");
    let acts = supervisors.order(3, ask(Part::Listen), name(3), now);
    assert!(matches!(&acts[..], [Act::Refuse(2, _), Act::Enter(..)]), "{acts:?}");
    supervisors.settled(|_| Some(role(Part::Listen)));
    assert!(matches!(
        &supervisors.came(&eve)[..],
        [Act::Tell(SupervisorEvent::Joined { part: Part::Listen, .. })]
    ));
}

#[test]
fn a_seat_that_nobody_takes_is_given_up_and_so_is_one_that_was_left() {
    let now = Instant::now();
    let (mut supervisors, eve) = (Supervisors::default(), name(1));
    supervisors.order(1, ask(Part::Listen), eve.clone(), now);
    supervisors.settled(|_| Some(role(Part::Listen)));
    supervisors.looked(&there(&[]), now);
    let acts = supervisors.on_time(now + TAKE_WITHIN);
    assert!(acts.contains(&Act::Leave(eve, "the seat was not taken in time")), "{acts:?}");
    assert!(!acts.iter().any(|act| matches!(act, Act::Tell(_))), "nobody was there");

    let (mut supervisors, eve) = seated(Part::Listen, now);
    supervisors.looked(&there(&["caller"]), now);
    supervisors.looked(&there(&[&eve]), now + RETURN_WITHIN / 2);
    let gone_at = now + RETURN_WITHIN;
    supervisors.looked(&there(&[]), gone_at);
    supervisors.on_time(gone_at + RETURN_WITHIN / 2);
    assert_eq!(supervisors.identities(), std::slice::from_ref(&eve));
    let acts = supervisors.on_time(gone_at + RETURN_WITHIN);
    let lost = left("the connection was lost, or the rooms were left", &eve);
    assert!(lost.iter().all(|act| acts.contains(act)), "{acts:?}");
    assert_eq!(supervisors.identities(), [""; 0]);
}

#[test]
fn who_leaves_by_order_goes_at_once_and_whoever_comes_with_an_old_token_is_put_out() {
    let now = Instant::now();
    let (mut supervisors, eve) = seated(Part::Barge, now);
    let mut expected = left("you have left", &eve);
    expected.push(Act::Done(9));
    let leave = Order::StopSupervising { supervisor: EVE.into() };
    assert_eq!(supervisors.order(9, leave.clone(), name(4), now), expected);
    assert_eq!(supervisors.order(10, leave, name(5), now), [Act::Done(10)], "who has left has left");
    assert_eq!(supervisors.came(&eve), [Act::PutOut(eve.clone())]);
    assert_eq!(supervisors.looked(&there(&["caller", &eve]), now), [Act::PutOut(eve)]);
    assert_eq!(supervisors.came("caller"), []);
    // It is looked for those for as long as a token may be good, and no longer.
    let mut at = now;
    while let Some(due) = supervisors.next_deadline() {
        at = due;
        assert_eq!(supervisors.on_time(at), [Act::Look]);
        assert!(at < now + TAKE_WITHIN * 2);
    }
    assert!(at >= now + TAKE_WITHIN);
}

#[test]
fn there_are_so_many_seats_and_no_more() {
    let now = Instant::now();
    let mut supervisors = Supervisors::default();
    for n in 0..MOST as u64 {
        let order =
            Order::Supervise { supervisor: format!("usr_{n}"), part: Part::Listen, bot_goes_on: false };
        assert!(matches!(&supervisors.order(n, order, name(n), now)[..], [Act::Enter(..)]));
    }
    let acts = supervisors.order(9, ask(Part::Listen), name(9), now);
    assert!(
        matches!(&acts[..], [Act::Refuse(9, why)] if why.contains("supervisors are in the call")),
        "{acts:?}"
    );
    let acts = supervisors.order(10, Order::Hold, name(9), now);
    assert!(matches!(&acts[..], [Act::Refuse(10, _)]));
}

#[test]
fn in_other_rooms_a_seat_is_to_be_taken_anew_and_a_lost_ear_gives_whispers_up() {
    let now = Instant::now();
    let (mut supervisors, eve) = seated(Part::WhisperToBot, now);
    assert_eq!(supervisors.moved(now), [Act::Tell(SupervisorEvent::Moved { who: EVE.into() })]);
    supervisors.looked(&there(&[]), now);
    assert_eq!(supervisors.identities(), std::slice::from_ref(&eve), "it is waited for");
    assert_eq!(supervisors.ear_is_lost(), left("the bot's ear was lost", &eve));
    assert!(!supervisors.whispers());
}

/// A worker has died, and another one has its call.
#[test]
fn who_supervised_a_call_of_another_worker_is_put_out() {
    let now = Instant::now();
    let mut supervisors = Supervisors::of_another(now);
    assert_eq!(supervisors.on_time(now), [Act::Look]);
    assert_eq!(supervisors.looked(&there(&["caller", &name(7)]), now), [Act::PutOut(name(7))]);
}
