//! Sounds that are deleted, or not taken, while something else happens: a bot is given one, a store fails, a tenant goes.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::role::Role;
use vox_bridge::sound::desk::{MAX_SOUNDS, PATIENCE, SoundError};
use vox_bridge::store::bots::Bots;
use vox_bridge::store::engine::{Collection, EngineError};
use vox_bridge::store::sounds::{SOUNDS, Sound};
use vox_bridge::store::voices::ClipFormat;
use vox_bridge::store::{Stamp, Stores};
use vox_shared::ids::{BotId, SoundId};
use vox_shared::model::bot::BotSettings;

use crate::harness::interposed::{Documents, Step};
use crate::harness::{TestBridge, json, refusal};
use crate::s3_server::eventually;
use crate::sounds_are_kept::{ALL, kept, sent, tone};
use crate::voices_are_made_from_clips::SOON;

/// A bridge that does its jobs, and a bot that names no sound yet.
struct Stage {
    bridge: TestBridge,
    admin: String,
    bot: BotId,
    stop: CancellationToken,
    runner: JoinHandle<()>,
}

impl Stage {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let (admin, stop) = (bridge.token(Role::Admin).await, CancellationToken::new());
        let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
        let runner = tokio::spawn(bridge.app.runner.clone().run(stop.clone()));
        Self { bridge, admin, bot, stop, runner }
    }

    async fn keeps(&self) -> SoundId {
        let made = kept(&self.bridge, &self.admin, "Music", &tone()).await;
        made["id"].as_str().unwrap().parse().unwrap()
    }

    async fn delete(&self, id: &SoundId) -> reqwest::Response {
        self.bridge.send(Method::DELETE, &format!("{ALL}/{id}"), &self.admin, Value::Null).await
    }

    async fn heard(&self, id: &SoundId) -> StatusCode {
        let asked = self.bridge.get(&format!("{ALL}/{id}/wav")).bearer_auth(&self.admin);
        asked.send().await.unwrap().status()
    }

    /// The jobs that lie there are done, and `is_so` comes true.
    async fn later(&self, is_so: impl AsyncFn() -> bool) -> bool {
        let is_so = &is_so;
        self.bridge.clock.advance(PATIENCE);
        eventually(SOON, || async move { is_so().await }).await
    }

    async fn end(self) {
        self.stop.cancel();
        self.runner.await.unwrap();
        self.bridge.stop().await;
    }
}

/// Write a bot as a request does that was looked at before the sound was deleted, and stored afterwards.
async fn give(bots: &Bots, bot: &BotId, sound: &SoundId) {
    let mut bot = bots.get_bot(bot).await.unwrap();
    bot.value.settings.sounds.hold = Some(sound.clone());
    Box::pin(bots.replace_bot(bot)).await.unwrap();
}

#[tokio::test]
async fn what_was_deleted_is_gone_for_people_and_there_for_calls_under_way() {
    let stage = Stage::start().await;
    let (bridge, id) = (&stage.bridge, stage.keeps().await);
    let asked = bridge.internal(Method::GET, &format!("/api/v1/config/{}?caller_id=1", stage.bot));
    let config = json(asked.send().await.unwrap(), StatusCode::OK).await;
    let path = format!("/api/v1/internal/calls/{}/sounds/{id}", config["session_id"].as_str().unwrap());
    let of_call = async || {
        let asked = bridge.get(&path).header("x-vox-call-token", config["call_token"].as_str().unwrap());
        asked.send().await.unwrap().status()
    };
    assert_eq!(stage.delete(&id).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(stage.delete(&id).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(stage.heard(&id).await, StatusCode::NOT_FOUND);
    let listed = bridge.get(ALL).bearer_auth(&stage.admin).send().await.unwrap();
    assert_eq!(json(listed, StatusCode::OK).await["items"], json!([]));
    let named = json!({"name": "Asha", "sounds": {"hold": id}});
    let refused = bridge.send(Method::POST, "/api/v1/bots", &stage.admin, named).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(of_call().await, StatusCode::OK);
    assert!(stage.later(async || bridge.objects_in("sounds").await.is_empty()).await);
    let sounds = bridge.app.stores.sounds(&bridge.tenant());
    let is_gone = async || sounds.find_with_removed(&id).await.unwrap().is_none();
    assert!(eventually(SOON, || async { is_gone().await }).await);
    assert_eq!(of_call().await, StatusCode::NOT_FOUND);
    stage.end().await;
}

/// A bot that was written between the look for bots and the deletion named a sound that was gone.
#[tokio::test]
async fn a_sound_that_a_bot_is_given_while_it_is_deleted_stays() {
    let stage = Stage::start().await;
    let (id, tenant) = (stage.keeps().await, stage.bridge.tenant());
    let (bots, is_done) = (Arc::new(stage.bridge.app.stores.bots(&tenant)), Arc::new(AtomicBool::new(false)));
    let (named, by) = (id.clone(), stage.bot.clone());
    let before = move |step, of: &'static Collection| {
        let is_now =
            step == Step::Replace && of.name == SOUNDS.name && !is_done.swap(true, Ordering::Relaxed);
        let (bots, named, by) = (bots.clone(), named.clone(), by.clone());
        async move {
            if is_now {
                give(&bots, &by, &named).await;
            }
            Ok(())
        }
        .boxed()
    };
    let engine = Documents { inner: stage.bridge.engine.clone(), before: Box::new(before) };
    let mut desk = stage.bridge.app.sounds.clone();
    desk.stores = Stores::open(Arc::new(engine)).await.unwrap();
    let refused = desk.remove(&tenant, &id).await;
    assert!(
        matches!(&refused, Err(SoundError::InUse(users)) if *users == stage.bot.to_string()),
        "{refused:?}"
    );
    assert_eq!(stage.heard(&id).await, StatusCode::OK);
    stage.end().await;
}

/// Likewise one that was written when the deletion was over.
#[tokio::test]
async fn a_sound_that_a_bot_was_given_just_after_its_deletion_comes_back() {
    let stage = Stage::start().await;
    let id = stage.keeps().await;
    assert_eq!(stage.delete(&id).await.status(), StatusCode::NO_CONTENT);
    give(&stage.bridge.app.stores.bots(&stage.bridge.tenant()), &stage.bot, &id).await;
    assert_eq!(stage.heard(&id).await, StatusCode::NOT_FOUND);
    assert!(stage.later(async || stage.heard(&id).await == StatusCode::OK).await);
    assert_eq!(refusal(stage.delete(&id).await, StatusCode::CONFLICT).await, "sound_in_use");
    stage.end().await;
}

/// Its object was found by nobody, and stayed for ever.
#[tokio::test]
async fn a_sound_that_the_store_refuses_leaves_no_object() {
    let stage = Stage::start().await;
    let (bridge, tenant) = (&stage.bridge, stage.bridge.tenant());
    let before = |step, of: &'static Collection| {
        let is_now = step == Step::Insert && of.name == SOUNDS.name;
        ready(if is_now { Err(EngineError::Unavailable("it is told to be".into())) } else { Ok(()) }).boxed()
    };
    let engine = Documents { inner: bridge.engine.clone(), before: Box::new(before) };
    let mut desk = bridge.app.sounds.clone();
    desk.stores = Stores::open(Arc::new(engine)).await.unwrap();
    let refused = desk.take((&tenant, "usr_1"), "Music".into(), tone()).await;
    assert!(matches!(&refused, Err(SoundError::Store(_))), "{refused:?}");
    assert_eq!(bridge.objects_in("sounds").await.len(), 1, "the object came first");
    let good = stage.keeps().await;
    assert!(stage.later(async || bridge.objects_in("sounds").await == [good.to_string()]).await);
    assert_eq!(stage.heard(&good).await, StatusCode::OK);
    stage.end().await;
}

#[tokio::test]
async fn a_tenant_has_a_hundred_and_as_many_on_their_way_out() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    let (sounds, now) = (bridge.app.stores.sounds(&bridge.tenant()), Stamp(bridge.now()));
    let there = Sound {
        tenant_id: bridge.tenant(),
        created_at: now,
        name: "Music".into(),
        duration_ms: 500,
        format: ClipFormat::Wav,
        sha256: String::new(),
        created_by: "usr_1".into(),
        removed_at: None,
    };
    for _ in 1..MAX_SOUNDS {
        sounds.insert_sound(&SoundId::generate(), &there).await.unwrap();
    }
    kept(&bridge, &admin, "The hundredth", &tone()).await;
    let refused = async || {
        let refused = bridge.send(Method::POST, ALL, &admin, sent("One more", &tone())).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        let told: Value = refused.json().await.unwrap();
        assert_eq!(told["error"]["code"], "too_many_sounds");
        told["detail"].as_str().unwrap().to_owned()
    };
    assert!(refused().await.contains("delete one first"));
    for mut sound in sounds.list_sounds(MAX_SOUNDS).await.unwrap().items {
        sound.value.removed_at = Some(now);
        sounds.replace_sound(sound).await.unwrap();
        let on_its_way = Sound { removed_at: Some(now), ..there.clone() };
        sounds.insert_sound(&SoundId::generate(), &on_its_way).await.unwrap();
    }
    assert!(refused().await.contains("in 10 minutes"));
    bridge.stop().await;
}
