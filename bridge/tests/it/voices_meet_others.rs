//! Voices that meet others on their way: another clip, a bot that names one, more of them than there may be, and a bridge that seals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Map, json};
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::role::Role;
use vox_bridge::config::Sealing;
use vox_bridge::jobs::sealing;
use vox_bridge::objects::archive::Archive;
use vox_bridge::objects::{Expected, Key};
use vox_bridge::store::engine::Collection;
use vox_bridge::store::tenants::TenantStatus;
use vox_bridge::store::voices::{VOICES, Voice};
use vox_bridge::store::{Stamp, Stores};
use vox_bridge::vault::STATE;
use vox_bridge::voice::desk::{MAX_VOICES, VoiceError};
use vox_shared::ids::{TenantId, VoiceId};
use vox_shared::model::bot::BotSettings;
use vox_testkit::vendor::faults::Faults;

use crate::harness::interposed::{Documents, Step};
use crate::harness::{TestBridge, json};
use crate::s3_server::eventually;
use crate::voices_are_made_from_clips::{SOON, Stage, wav};

fn key(id: &str) -> Key {
    Key::parse(&format!("voices/{id}")).unwrap()
}

async fn put_clip(archive: &Archive, (tenant, id): (&TenantId, &str), clip: Vec<u8>) {
    let content = stream::once(async move { Ok(Bytes::from(clip)) }).boxed();
    let expected = Expected { max_bytes: 1_000_000, sha256: None };
    archive.put(Some(tenant), key(id), content, expected).await.unwrap();
}

/// Of two requests under one key the later clip lay under the first one's name, and the voice was made of that.
#[tokio::test]
async fn no_voice_is_made_of_a_clip_that_nobody_agreed_to() {
    let stage = Stage::start().await;
    stage.vendor.set_faults(Faults { status: Some(503), ..Faults::default() });
    let id = stage.make(&stage.wish(&wav())).await;
    assert!(eventually(SOON, || async { stage.asked("/v1/voices/add") == 1 }).await);
    let mut other = wav();
    other.truncate(other.len() - 2);
    put_clip(&stage.bridge.app.voices.archive, (&stage.bridge.tenant(), &id), other).await;
    stage.vendor.set_faults(Faults::default());
    stage.later(&id, async |voice| voice["state"] == "failed").await;
    let voice = stage.voice(&id).await.unwrap();
    assert!(voice["error"].as_str().unwrap().contains("not the one that was agreed to"), "{voice}");
    assert_eq!(stage.asked("/v1/voices/add"), 1, "the vendor has not heard it");
    stage.end().await;
}

/// A bot that was written between the look for bots and the deletion named a voice that was gone.
#[tokio::test]
async fn a_voice_that_a_bot_names_while_it_is_deleted_stays() {
    let stage = Stage::start().await;
    let (bridge, tenant) = (&stage.bridge, stage.bridge.tenant());
    let id = stage.make(&stage.wish(&wav())).await;
    stage.becomes(&id, "ready").await;
    let bot = bridge.insert_bot(&tenant, BotSettings::default()).await;
    let (bots, is_done) = (Arc::new(bridge.app.stores.bots(&tenant)), Arc::new(AtomicBool::new(false)));
    let (named, by) = (id.clone(), bot.clone());
    let before = move |step, of: &'static Collection| {
        let is_now =
            step == Step::Replace && of.name == VOICES.name && !is_done.swap(true, Ordering::Relaxed);
        let (bots, named, by) = (bots.clone(), named.clone(), by.clone());
        async move {
            if is_now {
                let mut bot = bots.get_bot(&by).await.unwrap();
                bot.value.settings.tts.voice = named;
                Box::pin(bots.replace_bot(bot)).await.unwrap();
            }
            Ok(())
        }
        .boxed()
    };
    let engine = Documents { inner: bridge.engine.clone(), before: Box::new(before) };
    let mut desk = bridge.app.voices.clone();
    desk.stores = Stores::open(Arc::new(engine)).await.unwrap();
    let refused = desk.remove(&tenant, &id.parse().unwrap()).await.map(|voice| voice.id);
    assert!(matches!(&refused, Err(VoiceError::InUse(users)) if *users == bot.to_string()), "{refused:?}");
    assert_eq!(stage.voice(&id).await.unwrap()["state"], "ready");
    // The job that was laid down for the deletion finds nothing to do.
    bridge.clock.advance(SignedDuration::from_mins(6));
    let jobs = || async {
        let done = stage.send(Method::GET, "/api/v1/jobs?state=done", &json!(null)).await;
        let done = json(done, StatusCode::OK).await["items"].to_string();
        done.contains("remove_voice")
    };
    assert!(eventually(SOON, jobs).await);
    assert!(stage.has_clip(&id).await && stage.asked("/v1/voices/add") == 1);
    stage.end().await;
}

/// Requests that come at once may pass the limit. What was beyond it stayed at its vendor and in the store.
#[tokio::test]
async fn voices_beyond_the_limit_go_with_their_tenant() {
    let stage = Stage::start().await;
    let bridge = &stage.bridge;
    let tenant = bridge.insert_tenant("acme").await;
    let owner = bridge.token_of(&tenant, Role::Admin).await;
    let made = bridge.send(Method::POST, "/v1/voices", &owner, stage.wish(&wav())).await;
    let first = json(made, StatusCode::ACCEPTED).await["id"].as_str().unwrap().to_owned();
    let voices = bridge.app.stores.voices(&tenant);
    let read = || async { voices.get_voice(&first.parse().unwrap()).await.unwrap().value };
    assert!(eventually(SOON, || async { read().await.vendor_voice_id.is_some() }).await);
    // It is the oldest, and comes last.
    let oldest = read().await;
    let mut clips = vec![first.clone()];
    for n in 0..MAX_VOICES + 2 {
        let (id, seconds) = (VoiceId::generate(), SignedDuration::from_secs(n as i64 + 1));
        let created_at = oldest.created_at + seconds;
        let voice = Voice { created_at, vendor_voice_id: None, never_made: true, ..oldest.clone() };
        put_clip(&bridge.app.voices.archive, (&tenant, id.as_str()), b"RIFF".to_vec()).await;
        voices.insert_voice(&id, &voice).await.unwrap();
        clips.push(id.to_string());
    }
    let mut stored = bridge.app.stores.tenants().get_tenant(&tenant).await.unwrap();
    stored.value.status = TenantStatus::Deleted;
    stored.value.deleted_at = Some(Stamp(bridge.now()));
    bridge.app.stores.tenants().replace_tenant(stored).await.unwrap();
    bridge.clock.advance(SignedDuration::from_hours(24 * 31));
    for _ in 0..10 {
        bridge.app.undertaker.round().await.unwrap();
    }
    assert!(bridge.app.stores.tenants().find(&tenant).await.unwrap().is_none());
    for id in &clips {
        assert!(!stage.has_clip(id).await, "{id}");
    }
    let at_vendor = oldest.vendor_voice_id.unwrap();
    assert_eq!(stage.asked(&format!("/v1/voices/{at_vendor}")), 1, "it is deleted there");
    stage.end().await;
}

/// A clip that was stored while sealing was off stayed in clear for ever: only recordings were sealed later.
#[tokio::test]
async fn a_clip_that_lies_in_clear_is_sealed_when_sealing_is_on_again() {
    let bridge = TestBridge::start_with(|config| config.storage.sealing = Sealing::Off).await;
    let stage = Stage::over(bridge).await;
    let (bridge, clip) = (&stage.bridge, wav());
    let id = stage.make(&stage.wish(&clip)).await;
    stage.becomes(&id, "ready").await;
    let (objects, at) = (bridge.app.recordings.archive.objects.clone(), key(&id));
    let raw = || async {
        let size = objects.head(at.clone()).await.unwrap().unwrap().size_bytes;
        let content = objects.get(at.clone(), 0..size).await.unwrap().unwrap();
        content.try_collect::<Vec<_>>().await.unwrap().concat()
    };
    assert_eq!(raw().await, clip, "in clear");
    // A version that looked at recordings alone has noted that all of them are sealed.
    bridge.engine.insert(&STATE, "recordings_sealed".into(), Map::new()).await.unwrap();
    let mut recordings = bridge.app.recordings.clone();
    recordings.archive.sealing = Sealing::On;
    let stop = CancellationToken::new();
    let running = tokio::spawn(sealing::run(recordings, stop.clone()));
    assert!(eventually(SOON, || async { raw().await.starts_with(b"VOXSEAL1") }).await, "it stays in clear");
    stop.cancel();
    running.await.unwrap();
    let heard = stage.send(Method::GET, &format!("/api/v1/voices/{id}/clip"), &json!(null)).await;
    assert_eq!(heard.bytes().await.unwrap(), clip);
    stage.end().await;
}
