//! Twenty tasks on two bridges over one store reserve and release: no slot is promised twice, none is lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::Barrier;
use vox_bridge::fleet::reserve::{Fleet, ReserveError, Reserved, Wanted};
use vox_bridge::store::Stamp;
use vox_bridge::store::hosts::{Host, Polled, Reading};
use vox_shared::ids::ReservationId;

use crate::harness::TestBridge;
use crate::harness::races::{By, rounds};

const TASKS: usize = 20;

fn wanted() -> Wanted {
    Wanted { purpose: "api", ttl: SignedDuration::from_secs(90), spared: Vec::new() }
}

async fn worker(bridge: &TestBridge, id: &str, slots: u32) {
    let report = serde_json::from_value(json!({
        "worker_id": id, "host": id, "address": "http://127.0.0.1:9", "slots": slots, "calls": 0, "build": "t",
        "draining": false, "pid": 1
    }));
    let (now, later) = (Stamp(bridge.now()), Stamp(bridge.now() + SignedDuration::from_hours(1)));
    bridge.app.stores.workers().register(&report.unwrap(), (now, later)).await.unwrap();
}

/// A slot or none; with this many at once one may be told to come again. As one of many, or by a look of its own.
async fn try_reserve(fleet: &Fleet, is_of_many: bool) -> Option<Reserved> {
    loop {
        let tried = match is_of_many {
            true => fleet.reserve_one_of_many(&wanted()).await,
            false => fleet.reserve(&wanted()).await,
        };
        match tried {
            Ok(reserved) => return Some(reserved),
            Err(ReserveError::NoneFree) => return None,
            Err(ReserveError::Busy) => {}
            Err(ReserveError::Store(error)) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_that_want_the_last_slot_one_gets_it() {
    let bridge = TestBridge::start().await;
    let second = bridge.second_app().await;
    worker(&bridge, "w1", 1).await;
    let rounds = rounds(By::Steps, 1_000, 60);
    let start = Arc::new(Barrier::new(TASKS));
    let won: Arc<Mutex<Vec<Vec<ReservationId>>>> = Arc::new(Mutex::new(vec![Vec::new(); rounds]));
    let tasks: Vec<_> = (0..TASKS)
        .map(|n| {
            let fleet = if n % 2 == 0 { &bridge.app.fleet } else { &second.fleet }.clone();
            let (start, won) = (start.clone(), won.clone());
            tokio::spawn(async move {
                for round in 0..rounds {
                    start.wait().await;
                    let reserved = try_reserve(&fleet, n % 4 < 2).await;
                    if let Some(reserved) = &reserved {
                        won.lock().unwrap()[round].push(reserved.id.clone());
                    }
                    start.wait().await;
                    if let Some(reserved) = reserved {
                        fleet.release(&reserved.id).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for (round, winners) in won.lock().unwrap().iter().enumerate() {
        assert_eq!(winners.len(), 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_station_has_more_promises_than_slots_and_all_come_back() {
    let bridge = TestBridge::start().await;
    let second = bridge.second_app().await;
    worker(&bridge, "w1", 1).await;
    worker(&bridge, "w2", 3).await;
    let said = Ok(Reading { max: 4, calls: 1, available: 3, workers: Vec::new() });
    let polled = Host {
        name: "p1".into(),
        draining: false,
        added_at: Stamp(bridge.now()),
        url: Some("http://127.0.0.1:9".into()),
        next_poll_at: Some(Stamp(bridge.now())),
        polled: Some(Polled { at: Stamp(bridge.now()), said }),
        holds: Vec::new(),
    };
    bridge.app.stores.hosts().insert_host(&polled).await.unwrap();
    let most = HashMap::from([("w1", 1), ("w2", 3), ("p1", 3)]);
    let held: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let each = rounds(By::Steps, 500, 25);
    let tasks: Vec<_> = (0..TASKS)
        .map(|n| {
            let fleet = if n % 2 == 0 { &bridge.app.fleet } else { &second.fleet }.clone();
            let (held, most) = (held.clone(), most.clone());
            tokio::spawn(async move {
                let mut got = 0;
                for _ in 0..each {
                    let Some(Reserved { id, reservation }) = try_reserve(&fleet, n % 4 < 2).await else {
                        continue;
                    };
                    let host = reservation.host;
                    got += 1;
                    {
                        let mut held = held.lock().unwrap();
                        let now = held.entry(host.clone()).or_default();
                        *now += 1;
                        assert!(*now <= most[host.as_str()], "{host} has {now}");
                    }
                    tokio::task::yield_now().await;
                    *held.lock().unwrap().get_mut(&host).unwrap() -= 1;
                    fleet.release(&id).await.unwrap();
                }
                got
            })
        })
        .collect();
    let mut got = 0;
    for task in tasks {
        got += task.await.unwrap();
    }
    assert!(got >= each, "{got} of {}", TASKS * each);
    let capacity = bridge.app.fleet.look().await.unwrap().capacity();
    assert_eq!((capacity.reserved, capacity.available), (0, 7), "none is lost");
    for n in 0..7 {
        assert!(try_reserve(&second.fleet, n % 2 == 0).await.is_some());
    }
    assert!(try_reserve(&bridge.app.fleet, false).await.is_none());
    assert!(try_reserve(&bridge.app.fleet, true).await.is_none());
    worker(&bridge, "w3", 1).await;
    assert!(try_reserve(&bridge.app.fleet, true).await.is_some(), "whoever comes is found at once");
}
