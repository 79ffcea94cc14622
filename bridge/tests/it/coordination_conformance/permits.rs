//! Permits: all of one or nothing, in one step.

use std::time::Duration;

use tokio::task::JoinSet;
use vox_bridge::coordination::permits::{Ask, Kept, Pace, Permitted, Room};

use super::{LONG, SHORT, Subject, name};

fn ask(member: &str, rooms: &[(&str, u32)]) -> Ask {
    let room = |(key, most): &(&str, u32)| Room { key: (*key).into(), most: *most, ttl: LONG };
    Ask { member: member.into(), rooms: rooms.iter().map(room).collect(), ..Ask::default() }
}

async fn open(on: &Subject) {
    let run = on.engine.permits_run().await.unwrap();
    on.engine.open_permits(run).await.unwrap();
}

async fn permit(on: &Subject, ask: Ask) -> Permitted {
    on.engine.permit(ask).await.unwrap()
}

pub async fn permits_are_given_when_it_was_told_what_runs(on: &Subject) {
    let room = name();
    let run = on.engine.permits_run().await.unwrap();
    assert!(!run.is_open);
    assert_eq!(permit(on, ask("a", &[(&room, 2)])).await, Permitted::Closed);
    let runs = Kept { member: "before".into(), rooms: vec![(room.clone(), LONG)] };
    on.engine.keep_permits(vec![runs], run.clone()).await.unwrap();
    on.engine.open_permits(run).await.unwrap();
    assert!(on.engine.permits_run().await.unwrap().is_open);
    assert_eq!(permit(on, ask("a", &[(&room, 2)])).await, Permitted::Granted);
    assert_eq!(permit(on, ask("b", &[(&room, 2)])).await, Permitted::Full(0), "what ran counts");
    on.engine.give_up_permits("before".into(), vec![room.clone()]).await.unwrap();
    assert_eq!(permit(on, ask("b", &[(&room, 2)])).await, Permitted::Granted);
}

pub async fn a_permit_is_given_whole_or_not_at_all(on: &Subject) {
    open(on).await;
    let (wide, narrow, turns) = (name(), name(), name());
    let whole = |member: &str| Ask {
        paces: vec![Pace { key: turns.clone(), interval: LONG, burst: 2 }],
        ..ask(member, &[(&wide, 9), (&narrow, 1)])
    };
    assert_eq!(permit(on, whole("a")).await, Permitted::Granted);
    for member in ["b", "c", "d"] {
        assert_eq!(permit(on, whole(member)).await, Permitted::Full(1));
    }
    let rooms = vec![wide.clone(), narrow.clone()];
    assert_eq!(
        on.engine.count_permits(rooms.clone()).await.unwrap(),
        [1, 1],
        "refused, nobody went in anywhere"
    );
    assert_eq!(
        permit(on, whole("a")).await,
        Permitted::Granted,
        "whoever is there stays; that was the second turn"
    );
    assert!(matches!(permit(on, whole("a")).await, Permitted::TooSoon(0, _)));
    on.engine.give_up_permits("a".into(), rooms.clone()).await.unwrap();
    assert_eq!(on.engine.count_permits(rooms).await.unwrap(), [0, 0]);
}

pub async fn no_stretch_of_time_has_more_turns_than_the_pace_and_its_burst(on: &Subject) {
    open(on).await;
    let key = name();
    // Four requests come within it, on a busy machine too.
    let interval = Duration::from_secs(1);
    let turn = || Ask {
        member: "a".into(),
        paces: vec![Pace { key: key.clone(), interval, burst: 3 }],
        ..Ask::default()
    };
    for _ in 0..3 {
        assert_eq!(permit(on, turn()).await, Permitted::Granted);
    }
    let Permitted::TooSoon(0, wait) = permit(on, turn()).await else { panic!("the burst is over") };
    assert!(!wait.is_zero() && wait <= interval, "{wait:?}");
    on.pass(wait).await;
    assert_eq!(permit(on, turn()).await, Permitted::Granted, "the wait was told right");
    on.pass(4 * interval).await;
    for _ in 0..3 {
        assert_eq!(permit(on, turn()).await, Permitted::Granted);
    }
    assert!(
        matches!(permit(on, turn()).await, Permitted::TooSoon(0, _)),
        "a pause saves up no more than the burst"
    );
}

pub async fn whoever_was_replaced_gets_no_permit(on: &Subject) {
    open(on).await;
    let (room, fence) = (name(), name());
    let under = |member: &str, number: u64| Ask {
        fence: Some((fence.clone(), number)),
        ..ask(member, &[(&room, 9)])
    };
    assert_eq!(permit(on, under("a", 7)).await, Permitted::Granted);
    assert_eq!(permit(on, under("b", 8)).await, Permitted::Granted);
    assert_eq!(permit(on, under("c", 7)).await, Permitted::Fenced);
    assert_eq!(permit(on, under("c", 8)).await, Permitted::Granted);
    assert_eq!(on.engine.count_permits(vec![room]).await.unwrap(), [3]);
}

pub async fn a_place_ends_unless_it_is_kept(on: &Subject) {
    open(on).await;
    let room = name();
    let short = |member: &str| Ask {
        rooms: vec![Room { key: room.clone(), most: 2, ttl: SHORT }],
        ..ask(member, &[])
    };
    assert_eq!(permit(on, short("leaks")).await, Permitted::Granted);
    assert_eq!(permit(on, short("stays")).await, Permitted::Granted);
    assert_eq!(permit(on, short("late")).await, Permitted::Full(0));
    let run = on.engine.permits_run().await.unwrap();
    let kept = Kept { member: "stays".into(), rooms: vec![(room.clone(), LONG)] };
    on.engine.keep_permits(vec![kept], run).await.unwrap();
    on.pass(SHORT).await;
    assert_eq!(on.engine.count_permits(vec![room.clone()]).await.unwrap(), [1]);
    assert_eq!(permit(on, short("late")).await, Permitted::Granted);
}

pub async fn many_at_once_get_exactly_so_many_permits(on: &Subject) {
    open(on).await;
    let (room, mut tasks) = (name(), JoinSet::new());
    for task in 0..10 {
        let (engine, room) = (on.engine.clone(), room.clone());
        tasks.spawn(async move {
            let mut granted = 0;
            for n in 0..20 {
                let one = engine.permit(ask(&format!("{task}-{n}"), &[(&room, 57)])).await.unwrap();
                granted += u32::from(one == Permitted::Granted);
            }
            granted
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), 57);
    assert_eq!(on.engine.count_permits(vec![room]).await.unwrap(), [57]);
}
