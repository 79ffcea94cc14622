//! A tenant's voice is made from a clip at its vendor, spoken by bots that name it, and deleted there and here.

use std::io::Cursor;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::role::Role;
use vox_bridge::objects::Key;
use vox_bridge::store::Stamp;
use vox_bridge::store::engine::Which;
use vox_bridge::store::jobs::{Job, JobState, Queue};
use vox_bridge::store::tenants::TenantStatus;
use vox_bridge::store::voices::{VOICES, VoiceState};
use vox_bridge::voice::desk::{MAKE, REMOVE};
use vox_shared::egress::Policy;
use vox_shared::ids::{JobId, TenantId};
use vox_testkit::vendor::elevenlabs::{Script, Server};
use vox_testkit::vendor::faults::{Cut, Faults};

use crate::harness::{TestBridge, json, refusal, wrong_fields};
use crate::s3_server::eventually;

pub const SOON: Duration = Duration::from_secs(20);
/// In what is said of a person, and must be in no store in clear.
const CANARY: &str = "canary-7d1e";

const MP3: &[u8] = include_bytes!("clips/tone.mp3");
const OGG: &[u8] = include_bytes!("clips/tone.ogg");

/// A bridge that does its jobs, and a vendor.
pub struct Stage {
    pub bridge: TestBridge,
    pub vendor: Server,
    admin: String,
    stop: CancellationToken,
    runner: Option<JoinHandle<()>>,
}

impl Stage {
    pub async fn start() -> Self {
        Self::over(TestBridge::start().await).await
    }

    pub async fn over(bridge: TestBridge) -> Self {
        let vendor =
            Server::start(Script { api_key: "xi-0123456789abcdef".into(), ..Script::default() }).await;
        let (admin, stop) = (bridge.token(Role::Admin).await, CancellationToken::new());
        let runner = Some(tokio::spawn(bridge.app.runner.clone().run(stop.clone())));
        Self { bridge, vendor, admin, stop, runner }
    }

    pub fn wish(&self, clip: &[u8]) -> Value {
        wish(&self.vendor.url(), self.vendor.api_key(), clip)
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.bridge.send(method, path, &self.admin, body.clone()).await
    }

    pub async fn make(&self, wish: &Value) -> String {
        let made = json(self.send(Method::POST, "/api/v1/voices", wish).await, StatusCode::ACCEPTED).await;
        assert_eq!(made["state"], "making");
        made["id"].as_str().unwrap().to_owned()
    }

    pub async fn voice(&self, id: &str) -> Option<Value> {
        let asked = self.bridge.get(&format!("/api/v1/voices/{id}")).bearer_auth(&self.admin);
        let answer = asked.send().await.unwrap();
        (answer.status() == StatusCode::OK).then_some(answer.json().await.unwrap())
    }

    pub async fn becomes(&self, id: &str, state: &str) -> Value {
        let is_so = || async move { self.voice(id).await.is_some_and(|voice| voice["state"] == state) };
        assert!(eventually(SOON, is_so).await, "{state}: {:?}", self.voice(id).await);
        self.voice(id).await.unwrap()
    }

    async fn goes(&self, id: &str) {
        let is_gone = || async move { self.voice(id).await.is_none() };
        assert!(eventually(SOON, is_gone).await, "{:?}", self.voice(id).await);
    }

    /// The next try of a job that failed comes after a minute.
    pub async fn later(&self, id: &str, done: impl AsyncFn(&Value) -> bool) {
        let done = &done;
        let seen = || async move {
            // While one runs, or is about to, the clock stands: its lease would be over, and another would do it too.
            let jobs = json(self.send(Method::GET, "/api/v1/jobs", &Value::Null).await, StatusCode::OK).await;
            let now = self.bridge.now();
            let is_due = |job: &Value| {
                job["begins_at"].as_str().is_some_and(|at| at.parse::<Timestamp>().unwrap() <= now)
            };
            let is_busy = |job: &Value| job["state"] == "running" || job["state"] == "waiting" && is_due(job);
            if !jobs["items"].as_array().unwrap().iter().any(is_busy) {
                self.bridge.clock.advance(SignedDuration::from_secs(61));
            }
            match self.voice(id).await {
                Some(voice) => done(&voice).await,
                None => done(&Value::Null).await,
            }
        };
        assert!(eventually(SOON, seen).await, "{:?}", self.voice(id).await);
    }

    pub async fn has_clip(&self, id: &str) -> bool {
        let key = Key::parse(&format!("voices/{id}")).unwrap();
        self.bridge.app.custodian.objects.head(key).await.unwrap().is_some()
    }

    /// How often the vendor was asked so.
    pub fn asked(&self, path: &str) -> usize {
        self.vendor.observed().exchanges.iter().filter(|one| one.path.starts_with(path)).count()
    }

    pub async fn end(mut self) {
        // Refusals are what some tests are about.
        let mut broken = self.vendor.observed().violations();
        broken.retain(|what| !what.contains(": refused: "));
        assert_eq!(broken, Vec::<String>::new());
        self.stop.cancel();
        self.runner.take().unwrap().await.unwrap();
        self.bridge.stop().await;
    }
}

fn wish(base_url: &str, key: &str, clip: &[u8]) -> Value {
    json!({
        "name": "Asha", "provider": "elevenlabs", "language": "hi-IN", "clip": STANDARD.encode(clip),
        "api_key": key, "base_url": base_url,
        "consent": {"statement": format!("I agree that my voice is used, {CANARY}"), "given_by": format!("Asha {CANARY}"),
                    "given_at": "2026-11-19T10:00:00Z"},
    })
}

/// Six seconds of a tone.
pub fn wav() -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for n in 0..48_000_i32 {
        writer.write_sample(((n % 40) * 400 - 8_000) as i16).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

fn bot(voice: &str) -> Value {
    json!({"tts": {"provider": "elevenlabs", "voice": voice}})
}

#[tokio::test]
async fn a_bot_speaks_with_the_vendors_voice_until_another_takes_its_place() {
    let stage = Stage::start().await;
    let bridge = &stage.bridge;
    let clip = wav();
    let mut asked = Vec::new();
    // The repeat finds what the first began.
    for _ in 0..2 {
        let asking = bridge.request(Method::POST, "/api/v1/voices").bearer_auth(&stage.admin);
        let asking = asking.header("idempotency-key", "asha-1").json(&stage.wish(&clip));
        asked.push(json(asking.send().await.unwrap(), StatusCode::ACCEPTED).await["id"].clone());
    }
    assert_eq!(asked[0], asked[1]);
    let id = asked[0].as_str().unwrap();
    let voice = stage.becomes(id, "ready").await;
    let at_vendor = voice["vendor_voice_id"].as_str().unwrap();
    assert_eq!((&voice["clip"]["duration_ms"], &voice["clip"]["format"]), (&json!(6_000), &json!("wav")));
    assert_eq!(voice["consent"]["recorded_at"], "2026-11-20T10:00:00.000000Z");
    assert_eq!(stage.asked("/v1/voices/add"), 1);
    let sent = stage.vendor.observed().texts().concat();
    assert!(sent.contains(&format!("Asha ({id})")) && sent.contains("hi-IN"), "{sent}");
    assert!(sent.contains(&clip.len().to_string()) && !sent.contains(CANARY), "{sent}");

    // What is said of a person, the key and the clip are sealed; the clip can be heard by those who may.
    for kept in bridge.engine.list_by_id(&VOICES, Which::All, None).await.unwrap() {
        let text = Value::Object(kept.document.body).to_string();
        assert!(!text.contains(CANARY) && !text.contains(stage.vendor.api_key()), "{text}");
    }
    let path = format!("/api/v1/voices/{id}/clip");
    let heard = bridge.get(&path).bearer_auth(&stage.admin).send().await.unwrap();
    assert_eq!(heard.headers()["content-type"], "audio/wav");
    assert_eq!(heard.bytes().await.unwrap(), clip);
    let agent = bridge.token(Role::Agent).await;
    let refused = bridge.get(&path).bearer_auth(&agent).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let listed =
        json(bridge.get("/v1/voices").bearer_auth(&agent).send().await.unwrap(), StatusCode::OK).await;
    assert_eq!((&listed["own"][0]["id"], &listed["own"][0]["consent"]), (&json!(id), &Value::Null));
    let stranger = bridge.token_of(&bridge.insert_tenant("other").await, Role::Admin).await;
    let hidden = bridge.get(&format!("/api/v1/voices/{id}")).bearer_auth(&stranger).send().await.unwrap();
    assert_eq!(refusal(hidden, StatusCode::NOT_FOUND).await, "not_found");

    let named = stage.send(Method::PATCH, "/api/v1/bots/faq", &bot(id)).await;
    assert_eq!(named.status(), StatusCode::OK, "{}", named.text().await.unwrap());
    let config = json(bridge.fetch_config("faq", &[]).await, StatusCode::OK).await;
    let tts = &config["tts"];
    assert_eq!((&tts["voice"], &tts["api_key"]), (&json!(at_vendor), &json!(stage.vendor.api_key())));
    assert_eq!(tts["extra"]["base_url"], json!(stage.vendor.url()));
    for (voice, provider) in [("voice_of_nobody", "elevenlabs"), (id, "flite")] {
        let wrong = json!({"tts": {"provider": provider, "voice": voice}});
        assert_eq!(
            wrong_fields(stage.send(Method::PATCH, "/api/v1/bots/faq", &wrong).await).await,
            ["tts.voice"]
        );
    }

    let path = format!("/api/v1/voices/{id}");
    let kept = stage.send(Method::DELETE, &path, &json!({})).await;
    assert_eq!(refusal(kept, StatusCode::CONFLICT).await, "voice_in_use");
    let other = json!({"tts": {"provider": "flite", "voice": "slt"}});
    assert_eq!(stage.send(Method::PATCH, "/api/v1/bots/faq", &other).await.status(), StatusCode::OK);
    let gone = json(stage.send(Method::DELETE, &path, &json!({})).await, StatusCode::ACCEPTED).await;
    assert_eq!(gone["state"], "removing");
    stage.goes(id).await;
    assert_eq!(stage.asked(&format!("/v1/voices/{at_vendor}")), 1);
    assert!(!stage.has_clip(id).await);
    stage.end().await;
}

#[tokio::test]
async fn no_voice_is_made_twice_and_none_is_left_at_a_vendor_that_failed() {
    let stage = Stage::start().await;
    let bridge = &stage.bridge;
    // The vendor makes it, and the answer is lost.
    let once = Faults { cut_after: Some(Cut::Bytes(1)), fail_first: Some(1), ..Faults::default() };
    stage.vendor.set_faults(once);
    let id = stage.make(&stage.wish(MP3)).await;
    stage.later(&id, async |voice| voice["state"] == "ready").await;
    assert_eq!(stage.asked("/v1/voices/add"), 1, "the second try found it");
    let found = stage.voice(&id).await.unwrap();
    assert_eq!(
        (&found["clip"]["format"], &found["needs_verification"]),
        (&json!("mp3"), &json!(true)),
        "what the vendor says of a voice that is found again counts too"
    );

    // A bridge that was killed before it had marked the voice left a job that did nothing, and is done again.
    let about: Map<String, Value> = Map::from_iter([("voice_id".to_owned(), json!(id))]);
    let job = Job::new(bridge.tenant(), (Queue::Default, REMOVE), about, Stamp(bridge.now()));
    let (jobs, job_id) = (bridge.app.stores.jobs(&bridge.tenant()), Job::id_of(&format!("{REMOVE} {id}")));
    jobs.insert_job(&job_id, &job).await.unwrap();
    let is_done = || async { jobs.get_job(&job_id).await.unwrap().value.state == JobState::Done };
    assert!(eventually(SOON, is_done).await && stage.has_clip(&id).await);

    // A vendor that is away keeps a deletion from its end, and the person sees why.
    stage.vendor.set_faults(Faults { status: Some(503), ..Faults::default() });
    let path = format!("/api/v1/voices/{id}");
    assert_eq!(stage.send(Method::DELETE, &path, &json!({})).await.status(), StatusCode::ACCEPTED);
    let told = || async { stage.voice(&id).await.unwrap()["error"].is_string() };
    assert!(eventually(SOON, told).await);
    assert!(stage.has_clip(&id).await);
    stage.vendor.set_faults(Faults::default());
    stage.later(&id, async |voice| voice.is_null()).await;
    assert!(!stage.has_clip(&id).await);

    // A refusal is final.
    let refused = stage
        .make(&{
            let mut wish = stage.wish(OGG);
            wish["api_key"] = json!("xi-wrong-0123456789");
            wish
        })
        .await;
    let voice = stage.becomes(&refused, "failed").await;
    assert!(voice["error"].as_str().unwrap().contains("invalid_api_key"), "{voice}");
    assert_eq!(voice["clip"]["format"], "ogg");
    assert_eq!(
        wrong_fields(stage.send(Method::PATCH, "/api/v1/bots/faq", &bot(&refused)).await).await,
        ["tts.voice"]
    );

    // It needs no key that works to be rid of it.
    stage.send(Method::DELETE, &format!("/api/v1/voices/{refused}"), &json!({})).await;
    stage.goes(&refused).await;

    // A bridge that was killed after it had taken the clip leaves a job, which cleans up.
    let ghost: Map<String, Value> = Map::from_iter([("voice_id".to_owned(), json!("voice_ghost"))]);
    let key = Key::parse("voices/voice_ghost").unwrap();
    let bytes = futures_util::stream::once(async { Ok(bytes::Bytes::from_static(b"RIFF")) });
    let expected = vox_bridge::objects::Expected { max_bytes: 9, sha256: None };
    let put = bridge.app.custodian.objects.put(key, Box::pin(bytes), expected);
    put.await.unwrap();
    let job = Job::new(bridge.tenant(), (Queue::Default, MAKE), ghost, Stamp(bridge.now()));
    bridge.app.stores.jobs(&bridge.tenant()).insert_job(&JobId::generate(), &job).await.unwrap();
    assert!(eventually(SOON, || async { !stage.has_clip("voice_ghost").await }).await);

    // A voice that is gone when a call comes: the next one speaks, and without a next one the call is refused.
    let id = stage.make(&stage.wish(&wav())).await;
    stage.becomes(&id, "ready").await;
    let mut settings = bot(&id);
    settings["tts"]["fallbacks"] = json!([{"provider": "flite", "voice": "kal"}]);
    assert_eq!(stage.send(Method::PATCH, "/api/v1/bots/faq", &settings).await.status(), StatusCode::OK);
    let voices = bridge.app.stores.voices(&bridge.tenant());
    let stored = voices.get_voice(&id.parse().unwrap()).await.unwrap();
    voices.delete_voice(&stored).await.unwrap();
    let config = json(bridge.fetch_config("faq", &[]).await, StatusCode::OK).await;
    assert_eq!((&config["tts"]["voice"], &config["tts"]["fallbacks"]), (&json!("kal"), &json!([])));
    assert!(config["template_warnings"][0].as_str().unwrap().contains(&id), "{config}");
    assert_eq!(
        stage.send(Method::PATCH, "/api/v1/bots/faq", &json!({"tts": {"fallbacks": null}})).await.status(),
        StatusCode::OK
    );
    let refused = bridge.fetch_config("faq", &[]).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "voice_unavailable");
    stage.end().await;
}

/// A bridge that is killed between the mark and the look whether a bot names the voice leaves the mark and a job.
#[tokio::test]
async fn a_voice_that_a_bot_names_is_not_deleted_by_what_a_killed_bridge_left() {
    let stage = Stage::start().await;
    let bridge = &stage.bridge;
    let id = stage.make(&stage.wish(&wav())).await;
    let at_vendor = stage.becomes(&id, "ready").await["vendor_voice_id"].as_str().unwrap().to_owned();
    let named = stage.send(Method::PATCH, "/api/v1/bots/faq", &bot(&id)).await;
    assert_eq!(named.status(), StatusCode::OK, "{}", named.text().await.unwrap());
    let voices = bridge.app.stores.voices(&bridge.tenant());
    let mut marked = voices.get_voice(&id.parse().unwrap()).await.unwrap();
    marked.value.state = VoiceState::Removing;
    voices.replace_voice(marked).await.unwrap();
    let about: Map<String, Value> = Map::from_iter([("voice_id".to_owned(), json!(id))]);
    let job = Job::new(bridge.tenant(), (Queue::Default, REMOVE), about, Stamp(bridge.now()));
    let (jobs, job_id) = (bridge.app.stores.jobs(&bridge.tenant()), Job::id_of(&format!("{REMOVE} {id}")));
    jobs.insert_job(&job_id, &job).await.unwrap();

    let kept = stage.becomes(&id, "ready").await;
    assert!(kept["error"].as_str().unwrap().contains("used by faq"), "{kept}");
    assert_eq!(stage.asked(&format!("/v1/voices/{at_vendor}")), 0, "the vendor was asked");
    assert!(stage.has_clip(&id).await);
    // When nobody names it any more it goes as it would have gone.
    let other = json!({"tts": {"provider": "flite", "voice": "slt"}});
    assert_eq!(stage.send(Method::PATCH, "/api/v1/bots/faq", &other).await.status(), StatusCode::OK);
    let gone = stage.send(Method::DELETE, &format!("/api/v1/voices/{id}"), &json!({})).await;
    assert_eq!(gone.status(), StatusCode::ACCEPTED);
    stage.goes(&id).await;
    assert_eq!(stage.asked(&format!("/v1/voices/{at_vendor}")), 1);
    stage.end().await;
}

#[tokio::test]
async fn a_tenant_that_is_removed_leaves_no_voice_at_its_vendor() {
    let stage = Stage::start().await;
    let bridge = &stage.bridge;
    let tenant: TenantId = bridge.insert_tenant("acme").await;
    let owner = bridge.token_of(&tenant, Role::Admin).await;
    let made = bridge.send(Method::POST, "/v1/voices", &owner, stage.wish(&wav())).await;
    let id = json(made, StatusCode::ACCEPTED).await["id"].as_str().unwrap().to_owned();
    let at_vendor = || async {
        bridge.app.stores.voices(&tenant).list_voices(1).await.unwrap().items[0].value.vendor_voice_id.clone()
    };
    assert!(eventually(SOON, || async { at_vendor().await.is_some() }).await);
    let mut stored = bridge.app.stores.tenants().get_tenant(&tenant).await.unwrap();
    stored.value.status = TenantStatus::Deleted;
    stored.value.deleted_at = Some(Stamp(bridge.now()));
    bridge.app.stores.tenants().replace_tenant(stored).await.unwrap();
    bridge.clock.advance(SignedDuration::from_hours(24 * 30 + 2));

    // A vendor that is away holds it up.
    stage.vendor.set_faults(Faults { status: Some(503), ..Faults::default() });
    while bridge.app.undertaker.round().await.unwrap() {}
    assert!(at_vendor().await.is_some() && stage.has_clip(&id).await);
    stage.vendor.set_faults(Faults::default());
    let voice = at_vendor().await.unwrap();
    while bridge.app.undertaker.round().await.unwrap() {}
    assert!(bridge.app.stores.tenants().find(&tenant).await.unwrap().is_none());
    assert!(!stage.has_clip(&id).await);
    assert_eq!(stage.asked(&format!("/v1/voices/{voice}")), 2);
    stage.end().await;
}

#[tokio::test]
async fn a_wish_that_cannot_be_granted_is_told_by_its_fields() {
    // Without an exception for this machine.
    let bridge = TestBridge::start_with(|config| config.egress = Policy::default()).await;
    let admin = bridge.token(Role::Admin).await;
    let check = async |field: &str, value: Value, wrong: &[&str]| {
        let mut wish = wish("https://api.eu.residency.elevenlabs.io", "xi-0123456789abcdef", &wav());
        match field.split_once('.') {
            Some((part, field)) => wish[part][field] = value.clone(),
            None => wish[field] = value.clone(),
        }
        let answer = bridge.send(Method::POST, "/api/v1/voices", &admin, wish).await;
        assert_eq!(wrong_fields(answer).await, wrong, "{field}: {value}");
    };
    check("name", json!(" "), &["name"]).await;
    check("name", json!("x".repeat(61)), &["name"]).await;
    check("name", json!("a\nb"), &["name"]).await;
    check("provider", json!("flite"), &["provider"]).await;
    check("provider", json!("chatterbox"), &["provider"]).await;
    check("language", json!("हिन्दी"), &["language"]).await;
    check("clip", json!("not base64!"), &["clip"]).await;
    check("clip", json!(""), &["clip"]).await;
    check("clip", json!(STANDARD.encode(b"%PDF-1.7")), &["clip"]).await;
    check("clip", json!(STANDARD.encode(&MP3[..2_000])), &["clip"]).await;
    check("api_key", json!("xi-0…cdef"), &["api_key"]).await;
    check("api_key", Value::Null, &["api_key"]).await;
    check("base_url", json!("ftp://x"), &["base_url"]).await;
    check("base_url", json!("http://127.0.0.1:9"), &["base_url"]).await;
    check("consent.statement", json!("yes"), &["consent.statement"]).await;
    check("consent.given_by", json!(""), &["consent.given_by"]).await;
    check("consent.given_at", json!("2026-11-21T10:00:00Z"), &["consent.given_at"]).await;
    check("consent.given_at", json!("yesterday"), &["consent.given_at"]).await;
    check("consent", Value::Null, &["consent"]).await;
    check("colour", json!("red"), &["colour"]).await;
}

/// The vendor at a voice's own address was asked for its region by nobody.
#[tokio::test]
async fn neither_a_clip_nor_a_text_leaves_the_region_of_its_tenant() {
    let stage = Stage::start().await;
    let (bridge, operator) = (&stage.bridge, stage.bridge.token(Role::SuperAdmin).await);
    let host = stage.vendor.url().parse::<url::Url>().unwrap();
    let host = format!("{}:{}", host.host_str().unwrap(), host.port().unwrap());
    let pinned = async |region: &str, hosts: &[&str]| {
        let body = json!({"data_residency": region, "data_residency_hosts": hosts});
        let set = bridge.send(Method::PATCH, "/api/v1/tenants/default", &operator, body).await;
        assert_eq!(set.status(), StatusCode::OK, "{}", set.text().await.unwrap());
    };
    // Where a voice is made.
    pinned("eu", &[]).await;
    let mut at_home = stage.wish(&wav());
    at_home.as_object_mut().unwrap().remove("base_url");
    for (wish, field) in [(&stage.wish(&wav()), "base_url"), (&at_home, "provider")] {
        assert_eq!(wrong_fields(stage.send(Method::POST, "/api/v1/voices", wish).await).await, [field]);
    }
    assert_eq!(stage.vendor.observed().exchanges.len(), 0);

    // Where a bot that names it speaks: the vendor's own host is within, and the voice's is not any more.
    pinned("us", &[&host]).await;
    let id = stage.make(&stage.wish(&wav())).await;
    stage.becomes(&id, "ready").await;
    let mut settings = bot(&id);
    settings["tts"]["fallbacks"] = json!([{"provider": "flite", "voice": "kal"}]);
    assert_eq!(stage.send(Method::PATCH, "/api/v1/bots/faq", &settings).await.status(), StatusCode::OK);
    let config = json(bridge.fetch_config("faq", &[]).await, StatusCode::OK).await;
    assert_eq!(config["tts"]["extra"]["base_url"], json!(stage.vendor.url()));
    pinned("us", &[]).await;
    let named = stage.send(Method::PATCH, "/api/v1/bots/survey", &bot(&id)).await;
    assert_eq!(wrong_fields(named).await, ["tts.voice"]);
    let config = json(bridge.fetch_config("faq", &[]).await, StatusCode::OK).await;
    assert_eq!((&config["tts"]["voice"], &config["tts"]["fallbacks"]), (&json!("kal"), &json!([])));

    // Where a voice is made that was asked for before.
    pinned("us", &[&host]).await;
    stage.vendor.set_faults(Faults { status: Some(503), ..Faults::default() });
    let late = stage.make(&stage.wish(OGG)).await;
    assert!(eventually(SOON, || async { stage.asked("/v1/voices/add") == 2 }).await, "one clip was refused");
    pinned("us", &[]).await;
    stage.vendor.set_faults(Faults::default());
    stage.later(&late, async |voice| voice["state"] == "failed").await;
    let why = stage.voice(&late).await.unwrap()["error"].clone();
    assert!(why.as_str().unwrap().contains("data_residency_hosts"), "{why}");
    assert_eq!(stage.asked("/v1/voices/add"), 2, "no clip was sent");
    // What is there already goes all the same.
    stage
        .send(Method::PATCH, "/api/v1/bots/faq", &json!({"tts": {"provider": "flite", "voice": "slt"}}))
        .await;
    stage.send(Method::DELETE, &format!("/api/v1/voices/{id}"), &json!({})).await;
    stage.goes(&id).await;
    stage.end().await;
}
