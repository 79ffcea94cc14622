//! A store opened for one tenant knows nothing of another's documents.

use jiff::SignedDuration;
use serde_json::Value;
use vox_bridge::store::bots::Bot;
use vox_bridge::store::calls::CallFilter;
use vox_bridge::store::{Stamp, StoreError};
use vox_shared::ids::SessionId;
use vox_shared::model::bot::BotSettings;

use crate::harness::TestBridge;

#[tokio::test]
async fn anothers_documents_are_not_found_changed_listed_or_deleted() {
    let bridge = TestBridge::start().await;
    let other = bridge.insert_tenant("other").await;
    let mine = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    let (own, strange) = (bridge.app.stores.bots(&bridge.tenant()), bridge.app.stores.bots(&other));
    let bot = own.get_bot(&mine).await.unwrap();

    assert_eq!(strange.get_bot(&mine).await.unwrap_err(), StoreError::NotFound);
    assert_eq!(Box::pin(strange.replace_bot(bot.clone())).await.unwrap_err(), StoreError::NotFound);
    assert_eq!(strange.get_with_deleted(&mine).await.unwrap_err(), StoreError::NotFound);
    assert_eq!(
        strange.insert_bot(&mine, &bot.value).await.unwrap_err(),
        StoreError::NotFound,
        "not even filed there"
    );
    assert!(strange.list_bots(50, None).await.unwrap().items.is_empty());

    let cursor = own.list_bots(1, None).await.unwrap().next_cursor.unwrap();
    let cursor = vox_bridge::store::Cursor::parse(&cursor).unwrap();
    assert!(strange.list_bots(50, Some(cursor)).await.unwrap().items.is_empty(), "a cursor is no key");

    let theirs = Bot { tenant_id: other.clone(), ..bot.value.clone() };
    assert_eq!(own.insert_bot(&mine, &theirs).await.unwrap_err(), StoreError::NotFound);
    assert_eq!(own.get_bot(&mine).await.unwrap().version, bot.version, "nothing was changed");
}

#[tokio::test]
async fn anothers_calls_are_not_listed_whatever_the_filter() {
    let bridge = TestBridge::start().await;
    let other = bridge.insert_tenant("other").await;
    let query = [("session_id", "call_1"), ("caller_id", "+49")];
    assert!(bridge.fetch_config("faq", &query).await.status().is_success());
    let strange = bridge.app.stores.calls(&other);
    let later = bridge.now().saturating_add(SignedDuration::from_hours(1)).unwrap();
    let filters = [
        CallFilter::default(),
        CallFilter { caller: Some("+49".into()), ..CallFilter::default() },
        CallFilter { bot: Some("faq".parse().unwrap()), ..CallFilter::default() },
        CallFilter { to: Some(Stamp(later)), ..CallFilter::default() },
    ];
    for filter in filters {
        assert!(strange.list_calls(&filter, 50, None).await.unwrap().items.is_empty(), "{filter:?}");
    }
    let session: SessionId = "call_1".parse().unwrap();
    assert_eq!(strange.get_call(&session).await.unwrap_err(), StoreError::NotFound);
    assert_eq!(bridge.call("call_1").await["completed_at"], Value::Null);
}
