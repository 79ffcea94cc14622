//! Quiet hours and holidays of a tenant: nobody is claimed in them, and everybody who asks is told why.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::store::contacts::ContactStatus;
use vox_shared::wire::dialler::CandidatesRequest;
use vox_shared::wire::dialler::claim::Reason;

use super::CALLEE;
use super::floor::Floor;
use crate::harness::{json, wrong_fields};

async fn put(floor: &Floor, token: &str, what: &str, body: Value) -> Response {
    let path = format!("/api/v1/settings/{what}");
    floor.bridge.request(Method::PUT, &path).bearer_auth(token).json(&body).send().await.unwrap()
}

/// What the API says of a campaign.
async fn read(floor: &Floor, path: String) -> Value {
    let key = floor.bridge.key(&[Scope::CampaignsRead]).await;
    key.reads(&floor.bridge, &format!("/api/v1/campaigns/{path}")).await
}

#[tokio::test]
async fn nobody_is_called_on_a_holiday_nor_in_quiet_hours_and_all_are_told_why() {
    let floor = Floor::start().await;
    let root = floor.bridge.token(Role::SuperAdmin).await;
    let campaign = floor
        .campaign(json!({"hours": {"open": [
            {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "09:00", "end": "21:00"}
        ]}}))
        .await;
    let contact = floor.contact(&campaign, &[CALLEE]).await;
    let of_contact = format!("{campaign}/contacts/{contact}");
    assert_eq!(read(&floor, of_contact.clone()).await["why"]["reason"], "due");

    // Of India alone, every year.
    let india = jiff::tz::TimeZone::get("Asia/Kolkata").unwrap();
    let today = india.to_datetime(floor.bridge.now());
    let tomorrow = today.date().tomorrow().unwrap();
    let (month, day) = (today.month(), today.day());
    let list = format!("date;country;name\n{month:02}-{day:02};IN;A feast\n{tomorrow};DE;Another\n");
    let set = json(put(&floor, &root, "holidays", json!({"text": list})).await, StatusCode::OK).await;
    assert_eq!(set["holidays"][1], json!({"date": tomorrow, "name": "Another", "countries": ["DE"]}));
    let why = read(&floor, of_contact.clone()).await["why"].take();
    let opens = india.to_timestamp(tomorrow.at(9, 0, 0, 0)).unwrap();
    assert_eq!((&why["reason"], &why["next_at"]), (&json!("holiday"), &json!(opens)));
    let flight = read(&floor, format!("{campaign}/preflight")).await;
    assert_eq!((&flight["called_now"], &flight["later"]), (&json!(0), &json!({"holiday": 1})));
    let refused = floor.refused(&campaign, &contact).await;
    assert_eq!((refused.reason, refused.retry_at), (Reason::OutsideWindow, Some(opens)));

    // Put off for it, it is still told as what it is; and without it, it is due when it was put off to.
    let known = floor.read(&contact).await;
    assert_eq!((known.status, known.next_at.0), (ContactStatus::Ready, opens));
    json(put(&floor, &root, "holidays", json!({"items": []})).await, StatusCode::OK).await;
    let other = floor.contact(&campaign, &["+919876543219"]).await;
    let quiet = json!({"items": [{"start": format!("{:02}:00", today.hour()), "end": "06:00"}]});
    json(put(&floor, &root, "quiet-hours", quiet).await, StatusCode::OK).await;
    let ask = CandidatesRequest { campaign: campaign.clone(), partitions: vec![0], limit: 10 };
    assert!(floor.desk.candidates(&ask).await.unwrap().contacts.is_empty());
    let put_off = floor.read(&other).await;
    assert_eq!((put_off.reason.as_deref(), put_off.next_at.0), (Some("quiet_hours"), opens));
    let why = read(&floor, format!("{campaign}/contacts/{other}")).await["why"].take();
    assert_eq!((&why["reason"], &why["next_at"]), (&json!("quiet_hours"), &json!(opens)));
}

#[tokio::test]
async fn what_is_no_calendar_is_refused_and_told_line_by_line() {
    let floor = Floor::start().await;
    let (root, admin) = (floor.bridge.token(Role::SuperAdmin).await, floor.bridge.token(Role::Admin).await);
    let items =
        json!({"items": [{"date": "12-25"}, {"date": "25.12."}, {"date": "12-26", "countries": ["de"]}]});
    let wrong = wrong_fields(put(&floor, &root, "holidays", items.clone()).await).await;
    assert_eq!(wrong, ["items.1.date", "items.2.countries"]);
    let text = json!({"text": "12-25\n13-25\n2026-02-30;DE"});
    assert_eq!(wrong_fields(put(&floor, &root, "holidays", text).await).await, ["text", "text"]);
    assert_eq!(wrong_fields(put(&floor, &root, "holidays", json!({})).await).await, ["items"]);
    let quiet = json!({"items": [{"start": "21:00", "end": "21:00"}, {"start": "24:00", "end": "8"}]});
    let wrong = wrong_fields(put(&floor, &root, "quiet-hours", quiet).await).await;
    assert_eq!(wrong, ["items.0.end", "items.1.start", "items.1.end"]);
    assert_eq!(put(&floor, &admin, "holidays", items).await.status(), StatusCode::FORBIDDEN);
}
