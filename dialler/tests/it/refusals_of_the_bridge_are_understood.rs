//! A dialler that is fenced walks away, one that is refused does not ask again, and one whose secret is wrong loses nothing.

use vox_dialler::bridge::{Bridge, BridgeError};
use vox_shared::ids::CampaignId;
use vox_shared::wire::dialler::attempt::RecoveriesRequest;
use vox_shared::wire::dialler::codes;
use vox_shared::wire::dialler::lease::TakeRequest;
use vox_testkit::exchange::callees::Fate;

use crate::harness::World;

#[tokio::test]
async fn fenced_and_refused_and_not_let_in_are_three_things() {
    let world = World::start(&[Fate::RingsOut], false).await;
    let campaign: CampaignId = world.campaign(1).await.parse().unwrap();
    let settings = world.settings();
    let bridge = Bridge::new(&settings.bridge_url, settings.secret.clone()).unwrap();
    let take = |worker: &str| TakeRequest {
        worker: worker.to_owned(),
        campaign: campaign.clone(),
        partition: 0,
        seen: None,
    };
    let taken = bridge.take(&take("dialler-one")).await.unwrap();
    let refused = bridge.take(&take("dialler-two")).await;
    assert!(
        matches!(&refused, Err(BridgeError::Refused { code, .. }) if code == codes::LEASE_TAKEN),
        "{refused:?}"
    );
    let worker = "dialler-two".to_owned();
    let ask = RecoveriesRequest { worker, campaign: campaign.clone(), partition: 0, epoch: taken.epoch };
    let fenced = bridge.recoveries(&ask).await;
    assert!(matches!(fenced, Err(BridgeError::Fenced)), "{fenced:?}");
    let unknown = bridge.recover(&"con_nobody.1".parse().unwrap(), taken.epoch).await;
    assert!(matches!(&unknown, Err(BridgeError::Refused { code, .. }) if code == "not_found"), "{unknown:?}");
    let stranger = Bridge::new(&settings.bridge_url, "another".repeat(6).into()).unwrap();
    let shut = stranger.recover(&"con_nobody.1".parse().unwrap(), taken.epoch).await;
    assert!(matches!(shut, Err(BridgeError::Away(_))), "{shut:?}");
    world.end().await;
}
