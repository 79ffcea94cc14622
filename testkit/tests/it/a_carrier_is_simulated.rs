//! The simulated carrier, asked by the client that the platform asks a real server with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use vox_livekit::AccessToken;
use vox_livekit::service::{Address, Dial, RoomWanted, Service, ServiceError};
use vox_livekit::webhook::{Told, verify};
use vox_testkit::exchange::callees::{Callees, Class, Fate, Side};
use vox_testkit::exchange::checker::{Rules, check};
use vox_testkit::exchange::faults::{Faults, Harm, Strike};
use vox_testkit::exchange::journal::{How, What};
use vox_testkit::exchange::settings::{DEFAULT_TRUNK, Limits, Trunk};
use vox_testkit::exchange::{Exchange, Settings};

const CALLEE: &str = "+15550100";
const ROOM: &str = "cmp-1:1";
const PATIENCE: Duration = Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "the server judges tokens by the machine's clock")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn answered(talk_ms: u64, hangs_up: Side) -> Fate {
    Fate::Answered { after_ms: 60, class: Class::Human, talk_ms, hangs_up }
}

fn settings(fates: Vec<Fate>) -> Settings {
    let numbers = BTreeMap::from([(CALLEE.to_owned(), fates)]);
    Settings { callees: Callees { numbers, ..Callees::default() }, ..Settings::default() }
}

struct Scene {
    exchange: Exchange,
    service: Service,
}

impl Scene {
    async fn with(settings: Settings) -> Self {
        let exchange = Exchange::start(settings).await.unwrap();
        // The carrier's own client has chosen it too where there are webhooks.
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        let (key, secret) = exchange.key();
        let address = Address {
            url: exchange.url().parse().unwrap(),
            key: key.into(),
            secret: secret.to_owned().into(),
        };
        let service = Service::new(&address, Box::new(now)).unwrap();
        Self { exchange, service }
    }

    async fn makes_room(&self) {
        let wanted = RoomWanted {
            name: ROOM.into(),
            empty_timeout: 60,
            departure_timeout: 5,
            max_participants: 4,
            ..RoomWanted::default()
        };
        assert_eq!(self.service.create_room(&wanted).await.unwrap().name, ROOM);
    }

    async fn dials(&self) -> Result<(), ServiceError> {
        let dial = Dial {
            trunk: DEFAULT_TRUNK.into(),
            to: CALLEE.into(),
            from: Some("+15550199".into()),
            room: ROOM.into(),
            identity: "callee".into(),
            ringing: Some(Duration::from_secs(2)),
            wait_until_answered: true,
            ..Dial::default()
        };
        self.service.dial(&dial).await.map(drop)
    }

    fn ends(&self) -> Vec<How> {
        let ended = |what: &What| if let What::Ended { how, .. } = what { Some(*how) } else { None };
        self.exchange.journal().lines().iter().filter_map(|line| ended(&line.what)).collect()
    }

    fn invites(&self) -> usize {
        let lines = self.exchange.journal().lines();
        lines.iter().filter(|line| matches!(line.what, What::Invite { .. })).count()
    }

    async fn until(&self, what: impl Fn(&Self) -> bool) {
        let looking = async {
            while !what(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.expect("it comes to that");
    }
}

#[tokio::test]
async fn a_callee_answers_and_is_hung_up() {
    let scene = Scene::with(settings(vec![answered(60_000, Side::Bot)])).await;
    scene.makes_room().await;
    scene.dials().await.unwrap();
    let people = scene.service.list_people(ROOM).await.unwrap();
    assert_eq!((people.len(), people[0].identity.as_str(), people[0].kind.as_str()), (1, "callee", "SIP"));
    assert_eq!(people[0].attributes["sip.callStatus"], "active");
    assert_eq!(scene.exchange.counts().calls, 1);
    scene.service.remove_person(ROOM, "callee").await.unwrap();
    scene.until(|scene| scene.ends() == [How::HungUp]).await;
    assert!(scene.service.remove_person(ROOM, "callee").await.unwrap_err().is_not_found());
    assert_eq!(
        check(&scene.exchange.journal().lines(), &Rules::default(), None).faults(),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn refusals_are_told_and_a_callee_hangs_up() {
    let busy = Fate::Refused { after_ms: 10, rings: false, code: 486, phrase: "Busy Here".into() };
    let scene = Scene::with(settings(vec![busy, Fate::RingsOut, answered(40, Side::Callee)])).await;
    scene.makes_room().await;
    let error = scene.dials().await.unwrap_err();
    assert_eq!((error.sip_code(), error.may_have_been_done()), (Some(486), false), "{error}");
    let error = scene.dials().await.unwrap_err();
    assert!(error.is_no_answer() && error.sip_code().is_none(), "{error}");
    scene.dials().await.unwrap();
    scene.until(|scene| scene.ends() == [How::Refused, How::RangOut, How::CalleeHungUp]).await;
}

/// The fuse: a dial that comes when its room is gone dies before the INVITE, and a join-only token opens no room.
#[tokio::test]
async fn without_its_room_nobody_is_called() {
    let scene = Scene::with(settings(vec![answered(60_000, Side::Bot)])).await;
    let error = scene.dials().await.unwrap_err();
    assert!(error.refusal().is_some(), "{error}");
    scene.makes_room().await;
    scene.service.delete_room(ROOM).await.unwrap();
    scene.dials().await.unwrap_err();
    assert_eq!(scene.invites(), 0);
    let (key, secret) = scene.exchange.key();
    let token = AccessToken::new("nowhere", "probe").sign(key, secret, now(), Duration::from_secs(5));
    let url = format!("{}/rtc/validate?access_token={token}", scene.exchange.url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 404);
    let open = Scene::with(Settings { auto_create: true, ..Settings::default() }).await;
    let url = format!("{}/rtc/validate?access_token={token}", open.exchange.url());
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200, "the fuse is off");
}

#[tokio::test]
async fn a_room_that_ends_takes_its_call_with_it() {
    let scene = Scene::with(settings(vec![Fate::RingsOut])).await;
    scene.makes_room().await;
    let (dialled, ()) = tokio::join!(scene.dials(), async {
        scene.until(|scene| scene.invites() == 1).await;
        scene.service.delete_room(ROOM).await.unwrap();
    });
    assert!(dialled.is_err());
    scene.until(|scene| scene.ends() == [How::Cancelled]).await;
}

/// A request that the network delivers twice rings twice, and the checker says so.
#[tokio::test]
async fn a_dial_that_comes_twice_is_found() {
    let strike =
        Strike { method: "CreateSIPParticipant".into(), chance: 1.0, harm: Harm::Twice { after_ms: 5 } };
    let faults = Faults { requests: vec![strike], ..Faults::default() };
    let scene = Scene::with(Settings { faults, ..settings(vec![answered(60_000, Side::Bot)]) }).await;
    scene.makes_room().await;
    // The second telephone puts out the first, which may have been answered by then.
    let _either = scene.dials().await;
    scene.until(|scene| scene.invites() == 2).await;
    let report = check(&scene.exchange.journal().lines(), &Rules::default(), None);
    assert_eq!(report.doubles.count, 1, "{:?}", report.faults());
}

#[tokio::test]
async fn a_lost_answer_is_a_dial_that_was_done() {
    let strike = Strike { method: "CreateSIPParticipant".into(), chance: 1.0, harm: Harm::LoseAnswer };
    let faults = Faults { requests: vec![strike], ..Faults::default() };
    let scene = Scene::with(Settings { faults, ..settings(vec![answered(60_000, Side::Bot)]) }).await;
    scene.makes_room().await;
    let error = scene.dials().await.unwrap_err();
    assert!(error.may_have_been_done(), "{error}");
    assert_eq!(scene.service.list_people(ROOM).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_restart_forgets_everything() {
    let scene = Scene::with(settings(vec![answered(60_000, Side::Bot)])).await;
    scene.makes_room().await;
    scene.dials().await.unwrap();
    scene.exchange.restart(Duration::ZERO).await;
    scene.until(|scene| scene.ends() == [How::Restarted]).await;
    assert!(scene.service.list_rooms(&[]).await.unwrap().is_empty());
    scene.makes_room().await;
    scene.dials().await.unwrap();
}

#[tokio::test]
async fn a_trunk_takes_what_it_allows() {
    let limits = Limits { cps: None, concurrent: Some(1) };
    let trunk = Trunk { limits, numbers: vec!["+15550199".into()], ..Trunk::default() };
    let scene =
        Scene::with(Settings { trunks: vec![trunk], ..settings(vec![answered(60_000, Side::Bot)]) }).await;
    scene.makes_room().await;
    scene.dials().await.unwrap();
    let dial = Dial {
        trunk: DEFAULT_TRUNK.into(),
        to: "+15550101".into(),
        room: ROOM.into(),
        identity: "another".into(),
        wait_until_answered: true,
        ..Dial::default()
    };
    let error = scene.service.dial(&dial).await.unwrap_err();
    let sip = error.refusal().and_then(|refusal| refusal.sip.clone()).unwrap();
    assert_eq!((sip.code, sip.phrase.as_str()), (503, "Concurrent call limit exceeded"));
    let stranger = Dial { from: Some("+15550999".into()), identity: "third".into(), ..dial };
    scene.service.remove_person(ROOM, "callee").await.unwrap();
    scene.until(|scene| scene.exchange.counts().calls == 0).await;
    assert_eq!(scene.service.dial(&stranger).await.unwrap_err().sip_code(), Some(403));
}

/// What is told is signed, and in the order in which it happened.
#[tokio::test]
async fn webhooks_are_signed() {
    let told: Arc<Mutex<Vec<(String, bool)>>> = Arc::default();
    let kept = told.clone();
    let take = async move |headers: HeaderMap, body: Bytes| {
        let settings = Settings::default();
        let token = headers.get("authorization").and_then(|value| value.to_str().ok());
        let is_good = verify(token, &body, (&settings.key, &settings.secret), now()).is_ok();
        let event: Told = serde_json::from_slice(&body).unwrap();
        kept.lock().unwrap().push((event.event, is_good));
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let serving =
        tokio::spawn(
            async move { axum::serve(listener, axum::Router::new().route("/hook", post(take))).await },
        );
    let settings = Settings { webhooks: vec![url], ..settings(vec![answered(20, Side::Callee)]) };
    let scene = Scene::with(settings).await;
    scene.makes_room().await;
    scene.dials().await.unwrap();
    scene.until(|scene| scene.ends() == [How::CalleeHungUp]).await;
    scene.service.delete_room(ROOM).await.unwrap();
    scene.until(|_| told.lock().unwrap().len() == 4).await;
    serving.abort();
    let told = told.lock().unwrap();
    assert!(told.iter().all(|(_, is_good)| *is_good));
    let events: Vec<_> = told.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(events, ["room_started", "participant_joined", "participant_left", "room_finished"]);
}
