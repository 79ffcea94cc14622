//! A carrier that refuses everybody: two diallers together make as many calls as are waited for, and the campaign is paused. Resumed, it
//! makes as many once more, with whichever dialler is there.

use serde_json::json;
use vox_testkit::exchange::callees::Fate;

use crate::harness::{World, text};

const CANARY: u32 = 3;

async fn is_paused(world: &World, campaign: &str) {
    let campaign = format!("/api/v1/campaigns/{campaign}");
    world
        .eventually("the campaign is paused for its first calls", async || {
            let seen = world.get(&campaign).await;
            (text(&seen, "state") == "paused").then(|| assert_eq!(text(&seen, "why"), "canary"))
        })
        .await;
}

#[tokio::test]
async fn two_diallers_stop_after_the_first_calls_and_so_does_the_one_that_comes_after_them() {
    let refused = Fate::Refused { after_ms: 900, rings: false, code: 403, phrase: "Forbidden".into() };
    let world = World::start(&vec![refused; 12], false).await;
    let diallers = [world.dialler(), world.dialler()];
    let campaign = world.campaign_with(12, CANARY).await;
    is_paused(&world, &campaign).await;
    assert_eq!(world.invited().len(), CANARY as usize);
    for dialler in diallers {
        dialler.end().await;
    }
    let third = world.dialler();
    world.post(&format!("/api/v1/campaigns/{campaign}/resume"), &json!({})).await;
    is_paused(&world, &campaign).await;
    assert_eq!(world.invited().len(), 2 * CANARY as usize);
    third.end().await;
    world.end().await;
}
