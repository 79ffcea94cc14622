//! Rooms that LiveKit has and that belong to no attempt under way: those of attempts that are over, and those that are none.

use std::collections::BTreeSet;

use serde_json::json;
use vox_dialler::rooms;
use vox_livekit::service::RoomWanted;
use vox_shared::ids::AttemptId;
use vox_testkit::exchange::callees::Fate;

use crate::harness::{World, number, text};

#[tokio::test]
async fn a_room_of_an_attempt_that_is_over_is_told_from_one_that_runs_and_from_anothers() {
    let busy = Fate::Refused { after_ms: 900, rings: false, code: 486, phrase: "Busy Here".into() };
    let world = World::start(&[busy, Fate::RingsOut], false).await;
    let dialler = world.dialler();
    let campaign = world.campaign_set(2, json!({"ring_secs": 75})).await;
    let (over, rings) = world
        .eventually("one is over and one rings", async || {
            let attempts = world.attempts(&campaign).await;
            let (over, rings) = (attempts.get(&number(0))?, attempts.get(&number(1))?);
            // Its room is deleted by then.
            let is_cleared =
                dialler.desk.metrics.page().contains(r#"dialler_attempts_ended_total{ending="busy"} 1"#);
            let is_so = is_cleared && over["result"] == "busy" && rings["stage"] == "dialing";
            is_so.then(|| (text(over, "id"), text(rings, "id")))
        })
        .await;
    // As if its deletion had failed.
    for name in [over.as_str(), "con_elsewhere.1", "somebody's"] {
        let wanted = RoomWanted { name: name.into(), empty_timeout: 60, ..RoomWanted::default() };
        dialler.desk.livekit.create_room(&wanted).await.unwrap();
    }
    let seen = rooms::look(&dialler.desk, &BTreeSet::new()).await.unwrap();
    let names = |ids: &[AttemptId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        (names(&seen.over), names(&seen.unknown)),
        (vec![over.clone()], vec!["con_elsewhere.1".into()])
    );
    let own: BTreeSet<AttemptId> = [over, rings].iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(rooms::look(&dialler.desk, &own).await.unwrap().over, [], "its own lines are not asked for");
    dialler.end().await;
    world.end().await;
}
