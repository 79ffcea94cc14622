//! A LiveKit server that makes rooms for whoever joins would let a request ring that comes too late: nobody is rung through it.

use tokio::sync::watch;
use vox_dialler::{check, fuse};
use vox_testkit::exchange::callees::Fate;

use crate::harness::{Dialler, World};

/// How many partitions somebody has, and how many diallers share them.
async fn shared(dialler: &Dialler) -> (usize, usize) {
    let now = dialler.desk.bridge.campaigns().await.unwrap();
    let owned = now.campaigns[0].leases.iter().filter(|lease| lease.owner.is_some());
    (owned.count(), now.diallers.len())
}

#[tokio::test]
async fn nothing_is_leased_and_nobody_rung_and_it_is_said_what_to_set() {
    let world = World::start(&[Fate::RingsOut], true).await;
    let dialler = world.dialler();
    let campaign = world.campaign(1).await;
    world.eventually("it is seen", async || (dialler.pulse.health().status == "no_fuse").then_some(())).await;
    let told = serde_json::to_value(dialler.pulse.health()).unwrap();
    assert_eq!(told["fuse_detail"], fuse::WHAT_TO_DO);
    // It sees the campaign, and leaves it; others are not to leave it a part.
    world.looks_twice(&dialler, &campaign).await;
    assert_eq!(shared(&dialler).await, (0, 0));
    let (told, good) = check::check(&dialler.desk).await;
    assert!(!good && told.contains("auto_create: false"), "{told}");
    assert!(told.contains("ok   the bridge") && told.contains("ok   outbound trunks"), "{told}");
    dialler.end().await;
    assert!(world.invited().is_empty());
    world.end().await;
}

#[tokio::test]
async fn whoever_loses_its_fuse_gives_up_what_it_has() {
    let world = World::start(&[Fate::RingsOut], false).await;
    let campaign = world.campaign(1).await;
    let (tells, fuse) = watch::channel(true);
    let dialler = world.dialler_with(fuse);
    world.eventually("it has all", async || (shared(&dialler).await == (16, 1)).then_some(())).await;
    tells.send_replace(false);
    world.eventually("nobody has any", async || (shared(&dialler).await.0 == 0).then_some(())).await;
    world.looks_twice(&dialler, &campaign).await;
    assert_eq!(shared(&dialler).await.0, 0, "and it takes none");
    dialler.end().await;
    world.end().await;
}
