//! A tenant with a bot, a carrier with one number, workers, and campaigns that run.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::SignedDuration;
use serde_json::{Value, json};
use vox_bridge::campaign::calls::{CallDesk, CallError};
use vox_bridge::campaign::outcome::Word;
use vox_bridge::campaign::phone::Kind;
use vox_bridge::store::Stamp;
use vox_bridge::store::attempts::Attempt;
use vox_bridge::store::calls::Call;
use vox_bridge::store::campaigns::{Campaign, CampaignState};
use vox_bridge::store::contacts::{Contact, ContactNumber};
use vox_bridge::store::trunks::Trunk;
use vox_shared::ids::{AttemptId, BotId, CampaignId, CarrierId, ContactId, DidId};
use vox_shared::model::bot::BotSettings;
use vox_shared::phone::Number;
use vox_shared::wire::dialler::attempt::{Carrier, Commit, Ending, ResultNoted, ResultRequest};
use vox_shared::wire::dialler::claim::{Claim, ClaimRequest, Claimed, Refused};
use vox_shared::wire::dialler::lease::TakeRequest;

use crate::harness::TestBridge;

/// The dialler of most tests.
pub const ONE: &str = "dialler-1";

/// See the module.
pub struct Floor {
    pub bridge: TestBridge,
    pub desk: CallDesk,
    pub bot: BotId,
    made: AtomicU32,
}

impl Floor {
    pub async fn start() -> Self {
        Self::over(TestBridge::start().await).await
    }

    pub async fn over(bridge: TestBridge) -> Self {
        let tenant = bridge.tenant();
        let settings = BotSettings { name: "Caller".into(), ..BotSettings::default() };
        let bot = bridge.insert_bot(&tenant, settings).await;
        bridge.insert_large_worker().await;
        let (carrier, stores, now) = (CarrierId::generate(), &bridge.app.stores, Stamp(bridge.now()));
        let settings = json!({
            "name": "c", "sip_address": "sip.example", "outbound_cps": 100.0, "outbound_channels": 500
        });
        let known = json!({"tenant_id": tenant, "created_at": now, "updated_at": now, "settings": settings});
        let known = serde_json::from_value(known).unwrap();
        stores.carriers(&tenant).insert_carrier(&carrier, &known).await.unwrap();
        let trunk = Trunk { outbound_id: Some("ST_1".into()), ..Trunk::pending(tenant.clone()) };
        stores.trunks(&tenant).keep(&carrier, &trunk).await.unwrap();
        let number: Number = "+911140000000".parse().unwrap();
        let long_ago = now + SignedDuration::from_hours(-24 * 60);
        let did = json!({
            "tenant_id": tenant, "carrier_id": carrier, "number": number, "comparable": number.comparable(),
            "created_at": long_ago
        });
        let did = serde_json::from_value(did).unwrap();
        stores.dids(&tenant).insert_did(&DidId::generate(), &did).await.unwrap();
        let desk = bridge.app.call_desk.clone();
        Self { bridge, desk, bot, made: AtomicU32::new(0) }
    }

    pub fn now(&self) -> Stamp {
        Stamp(self.bridge.now())
    }

    pub fn pass(&self, time: SignedDuration) {
        self.bridge.clock.advance(time);
    }

    /// A campaign of one partition that runs, and whose lease [`ONE`] has. Nobody waits for its first calls unless that is set.
    pub async fn campaign(&self, settings: Value) -> CampaignId {
        let id = self.unowned_campaign(settings).await;
        assert_eq!(self.take(ONE, &id).await, 1);
        id
    }

    /// The same, and nobody has its lease.
    pub async fn unowned_campaign(&self, mut settings: Value) -> CampaignId {
        let (id, now) = (CampaignId::generate(), self.now());
        settings.as_object_mut().unwrap().entry("canary").or_insert(json!(0));
        let campaign = json!({
            "tenant_id": self.bridge.tenant(), "created_at": now, "updated_at": now, "created_by": "usr_x",
            "name": "c", "bot_id": self.bot, "state": "running", "settings": settings, "run_number": 1,
            "partitions": 1, "started_at": now
        });
        let campaign: Campaign = serde_json::from_value(campaign).unwrap();
        let campaigns = self.bridge.app.stores.campaigns(&self.bridge.tenant());
        campaigns.insert_campaign(&id, &campaign).await.unwrap();
        id
    }

    pub async fn take(&self, worker: &str, campaign: &CampaignId) -> u32 {
        let (worker, campaign) = (worker.to_owned(), campaign.clone());
        self.desk.take(&TakeRequest { worker, campaign, partition: 0, seen: None }).await.unwrap()
    }

    /// A contact with these numbers.
    pub async fn contact(&self, campaign: &CampaignId, numbers: &[&str]) -> ContactId {
        self.contact_with(campaign, numbers, |_| {}).await
    }

    pub async fn contact_with(
        &self,
        campaign: &CampaignId,
        numbers: &[&str],
        change: impl FnOnce(&mut Contact),
    ) -> ContactId {
        let n = self.made.fetch_add(1, Ordering::Relaxed);
        let id: ContactId = format!("con_{n:04}").parse().unwrap();
        let number = |number: &&str| ContactNumber {
            number: number.parse().unwrap(),
            region: "IN".into(),
            kind: Kind::Mobile,
            stopped: None,
        };
        let whose = (self.bridge.tenant(), campaign.clone(), 0);
        let mut contact = Contact::new(whose, numbers.iter().map(number).collect(), self.now());
        change(&mut contact);
        let contacts = self.bridge.app.stores.contacts(&self.bridge.tenant());
        assert!(contacts.insert_contacts(vec![(id.clone(), contact)]).await.unwrap().is_empty());
        id
    }

    pub async fn read(&self, contact: &ContactId) -> Contact {
        let contacts = self.bridge.app.stores.contacts(&self.bridge.tenant());
        contacts.find_contact(contact).await.unwrap().unwrap().value
    }

    pub async fn attempt(&self, id: &AttemptId) -> Attempt {
        self.bridge.app.stores.all_attempts().find_attempt(id).await.unwrap().unwrap().value
    }

    pub async fn state(&self, campaign: &CampaignId) -> (CampaignState, Option<String>) {
        let campaign = self.bridge.app.stores.all_campaigns().find_campaign(campaign).await.unwrap().unwrap();
        (campaign.value.state, campaign.value.why)
    }

    pub async fn set_state(&self, campaign: &CampaignId, state: CampaignState) {
        let campaigns = self.bridge.app.stores.campaigns(&self.bridge.tenant());
        let mut campaign = campaigns.get_campaign(campaign).await.unwrap();
        campaign.value.state = state;
        campaigns.replace_campaign(campaign).await.unwrap();
    }

    /// How many are in the rooms of a campaign, of all campaigns, and in the hour of the number.
    pub async fn lines(&self, campaign: &CampaignId) -> [u64; 3] {
        let rooms =
            vec![format!("lines:campaign:{campaign}"), "lines:all".into(), "shown:hour:+911140000000".into()];
        self.bridge.app.coordination.count_permits(rooms).await.unwrap().try_into().unwrap()
    }

    pub async fn try_claim(&self, campaign: &CampaignId, contact: &ContactId) -> Claim {
        claim(&self.desk, (ONE, 1), campaign, contact).await
    }

    pub async fn claim(&self, campaign: &CampaignId, contact: &ContactId) -> Claimed {
        match self.try_claim(campaign, contact).await {
            Claim::Claimed(claimed) => *claimed,
            Claim::Refused(refused) => panic!("{refused:?}"),
        }
    }

    pub async fn refused(&self, campaign: &CampaignId, contact: &ContactId) -> Refused {
        match self.try_claim(campaign, contact).await {
            Claim::Refused(refused) => refused,
            Claim::Claimed(claimed) => panic!("{claimed:?}"),
        }
    }

    /// Claim and dial.
    pub async fn dial(&self, campaign: &CampaignId, contact: &ContactId) -> AttemptId {
        let claimed = self.claim(campaign, contact).await;
        commit(&self.desk, &claimed.attempt, 1).await.unwrap();
        claimed.attempt
    }

    /// The worker's result comes: its word stands in the call, and the desk is told.
    pub async fn hears(&self, attempt: &AttemptId, word: &Word) {
        self.stands_in_call(attempt, word).await;
        self.desk.heard(attempt, word).await.unwrap();
    }

    /// The result is stored, and nobody was told yet. One write.
    pub async fn stands_in_call(&self, attempt: &AttemptId, word: &Word) {
        let (tenant, session) = (self.bridge.tenant(), self.attempt(attempt).await.session_id);
        let begun = Call::begun((&tenant, &self.bot), self.now());
        let call = Call { attempt_word: Some(Box::new(word.clone())), ..begun };
        self.bridge.app.stores.calls(&tenant).insert_call(&session, call).await.unwrap();
    }

    pub async fn ended(&self, attempt: &AttemptId, ending: Ending) -> ResultNoted {
        self.desk.ended(attempt, &self.told(ending, 1)).await.unwrap()
    }

    pub fn told(&self, ending: Ending, epoch: u32) -> ResultRequest {
        ResultRequest {
            epoch,
            ending,
            carrier: Carrier::default(),
            ring_ms: 4_000,
            answered_at: (ending == Ending::Answered).then(|| self.bridge.now()),
            ended_at: self.bridge.now(),
        }
    }

    /// Dial once with this ending.
    pub async fn ring(&self, campaign: &CampaignId, contact: &ContactId, ending: Ending) -> AttemptId {
        let attempt = self.dial(campaign, contact).await;
        self.ended(&attempt, ending).await;
        attempt
    }
}

pub async fn claim(
    desk: &CallDesk,
    (worker, epoch): (&str, u32),
    campaign: &CampaignId,
    contact: &ContactId,
) -> Claim {
    let (worker, campaign, contact) = (worker.to_owned(), campaign.clone(), contact.clone());
    let avoid = Vec::new();
    desk.claim(&ClaimRequest { worker, campaign, partition: 0, epoch, contact, avoid }).await.unwrap()
}

/// Commit, however often the trunk's pace has it wait.
pub async fn commit(desk: &CallDesk, attempt: &AttemptId, epoch: u32) -> Result<(), CallError> {
    loop {
        match desk.commit(attempt, epoch).await? {
            Commit::Dial => return Ok(()),
            Commit::Wait { wait_ms, .. } => {
                desk.clock.advance(SignedDuration::from_millis(i64::try_from(wait_ms).unwrap()));
            }
        }
    }
}

/// The word of a conversation.
pub fn talked() -> Word {
    Word {
        disconnected_by: "bot".into(),
        talk_seconds: 40.0,
        greeting_end_ms: Some(900.0),
        first_audio_ms: Some(1_500.0),
        ..Word::default()
    }
}
