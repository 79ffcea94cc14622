//! Against a server that answers as LiveKit 1.11.0 was seen to.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

/// Answers one request so; tells its head and body.
async fn answering(status: &str, kind: &str, body: &str) -> (Service, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let answer =
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let length = |text: &str| {
            let (head, body) = text.split_once("\r\n\r\n")?;
            let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            Some((body.len(), line.map_or(0, |line| line.parse::<usize>().unwrap())))
        };
        loop {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).await.unwrap();
            request.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&request).into_owned();
            if read == 0 || length(&text).is_some_and(|(have, all)| have >= all) {
                break;
            }
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    let address = Address { url, key: "key".into(), secret: "secret".into() };
    (Service::new(&address, Box::new(|| Duration::from_secs(1_000))).unwrap(), asked)
}

const JSON: &str = "application/json";

fn claims(request: &str) -> Value {
    let token = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap();
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_call_is_asked_for_with_a_token_that_allows_it_and_nothing_else() {
    let told =
        r#"{"participant_id":"PA_1","participant_identity":"sip_1","room_name":"r","sip_call_id":"SCL_1"}"#;
    let (service, asked) = answering("200 OK", JSON, told).await;
    let dial = Dial {
        trunk: "ST_1".into(),
        to: "+15550111".into(),
        room: "r".into(),
        ringing: Some(Duration::from_secs(45)),
        wait_until_answered: true,
        ..Dial::default()
    };
    assert_eq!(service.dial(&dial).await.unwrap().sip_call_id, "SCL_1");
    let request = asked.await.unwrap();
    assert!(request.starts_with("POST /twirp/livekit.SIP/CreateSIPParticipant HTTP/1.1\r\n"), "{request}");
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&body["ringing_timeout"], &body["sip_trunk_id"]), (&json!("45s"), &json!("ST_1")));
    assert!(body.get("sip_number").is_none(), "an empty one would be a caller without a number");
    let claims = claims(&request);
    assert_eq!(claims["sip"], json!({"call": true}));
    assert_eq!(claims["video"], json!({"roomAdmin": true, "room": "r"}));
    assert_eq!((&claims["iss"], &claims["nbf"], &claims["exp"]), (&json!("key"), &json!(940), &json!(1_120)));
}

#[tokio::test]
async fn a_request_may_be_good_for_less_and_a_name_may_be_shown() {
    let (service, asked) = answering("200 OK", JSON, r#"{"sip_call_id":"SCL_1"}"#).await;
    let dial = Dial {
        good_until: Some(Duration::from_secs(1_005)),
        display_name: Some(String::new()),
        ..Dial::default()
    };
    service.dial(&dial).await.unwrap();
    let request = asked.await.unwrap();
    assert_eq!(claims(&request)["exp"], json!(1_005));
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["display_name"], "");
    let (service, asked) = answering("200 OK", JSON, r#"{"sid":"RM_1","name":"r"}"#).await;
    service.create_room_until(&RoomWanted::default(), Duration::from_secs(1_005)).await.unwrap();
    assert_eq!(claims(&asked.await.unwrap())["exp"], json!(1_005));
}

#[tokio::test]
async fn a_server_says_whether_it_makes_rooms_for_whoever_joins() {
    let no_room = "requested room does not exist";
    for (status, body, lets_in) in [
        ("200 OK", "success", Some(true)),
        ("404 Not Found", no_room, Some(false)),
        ("404 Not Found", "no such page", None),
        ("502 Bad Gateway", no_room, None),
    ] {
        let (service, asked) = answering(status, "text/plain", body).await;
        assert_eq!(service.lets_into_unmade_rooms("unmade").await.ok(), lets_in, "{status} {body}");
        let request = asked.await.unwrap();
        assert!(request.starts_with("GET /rtc/validate HTTP/1.1\r\n"), "{request}");
        let video = &claims(&request)["video"];
        assert_eq!(*video, json!({"roomJoin": true, "room": "unmade", "hidden": true}));
    }
}

#[tokio::test]
async fn refusals_say_what_became_of_a_call() {
    let busy = r#"{"code":"resource_exhausted","msg":"twirp error unknown: INVITE failed: sip status: 486: Busy Here",
        "meta":{"error_details":"CAgS","sip_status":"Busy Here","sip_status_code":"486"}}"#;
    let silent = r#"{"code":"canceled","msg":"twirp error unknown: sip request timed out"}"#;
    let nobody = r#"{"code":"unavailable","msg":"twirp error unknown: no response from servers"}"#;
    let no_redis = r#"{"code":"internal","msg":"sip not connected (redis required)"}"#;
    for (status, body, sip, is_no_answer, lacks) in [
        ("429 Too Many Requests", busy, Some(486), false, (false, false)),
        ("408 Request Timeout", silent, None, true, (false, false)),
        ("503 Service Unavailable", nobody, None, false, (false, true)),
        ("500 Internal Server Error", no_redis, None, false, (true, false)),
    ] {
        let (service, asked) = answering(status, JSON, body).await;
        let error = service.dial(&Dial::default()).await.unwrap_err();
        asked.await.unwrap();
        assert_eq!((error.sip_code(), error.is_no_answer()), (sip, is_no_answer), "{body}");
        assert_eq!((error.is_without_redis(), error.is_without_gateway()), lacks, "{body}");
        assert!(!error.is_unclear(), "{body}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_not_repeated() {
    let (service, asked) =
        answering("401 Unauthorized", "text/plain", "invalid token: eyJ.secret.token, error: x").await;
    let error = service.list_rooms(&[]).await.unwrap_err();
    asked.await.unwrap();
    assert!(matches!(error, ServiceError::Unauthorized), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("eyJ"));
}

#[tokio::test]
async fn what_is_gone_is_deleted_and_what_is_no_server_is_told() {
    let gone = r#"{"code":"not_found","msg":"object cannot be found"}"#;
    let (service, asked) = answering("404 Not Found", JSON, gone).await;
    service.delete_trunk("ST_1").await.unwrap();
    assert_eq!(claims(&asked.await.unwrap())["sip"], json!({"admin": true}));
    let (service, asked) = answering("502 Bad Gateway", "text/html", "<html>").await;
    let error = service.delete_trunk("ST_1").await.unwrap_err();
    asked.await.unwrap();
    assert!(matches!(error, ServiceError::Strange(502)) && error.is_unclear(), "{error:?}");
}

#[tokio::test]
async fn nobody_there_means_that_nothing_was_sent() {
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let address = Address { url, key: "key".into(), secret: "secret".into() };
    let service = Service::new(&address, Box::new(Duration::default)).unwrap();
    assert!(matches!(service.list_rooms(&[]).await, Err(ServiceError::NotConnected)));
}

#[test]
fn addresses_of_sockets_are_those_of_the_api() {
    let http = |url: &str| http(&url.parse().unwrap());
    assert_eq!(http("wss://lk.example").as_deref(), Some("https://lk.example"));
    assert_eq!(http("ws://127.0.0.1:7880/").as_deref(), Some("http://127.0.0.1:7880"));
    assert_eq!(http("https://lk.example/at/").as_deref(), Some("https://lk.example/at"));
    assert_eq!(http("ftp://lk.example"), None);
}
