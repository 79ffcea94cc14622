//! Orders from outside: the bridge's secret opens the running call to them, and each is answered.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use vox_caller::{Outcome, Protocol, Step, Talker};
use vox_shared::wire::SECRET_HEADER;
use vox_testkit::vendor::openai::Script;

use crate::harness::bridge::secret;
use crate::harness::vendors::Scripts;
use crate::harness::{PATIENCE, Stage, assert_clean, eventually, speech, texts};

const CALLER: &str = "+919800000077";
const ORDERED: &str = "A colleague will join us.";
const NOTE: &str = "The caller is a doctor.";
const GOODBYE: &str = "We close now. Good bye.";

/// Whoever sends orders to one call.
struct Operator {
    http: Client,
    url: String,
}

impl Operator {
    async fn send(&self, method: Method, secret: &str, body: String) -> (StatusCode, Value) {
        let request = self.http.request(method, &self.url).header(SECRET_HEADER, secret).body(body);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn order(&self, order: Value) -> (u16, Value) {
        let (status, answer) = self.send(Method::POST, &secret(), order.to_string()).await;
        (status.as_u16(), answer)
    }

    async fn takes(&self, order: Value) {
        let expected = (200, json!({"version": 1, "taken": order["order"]}));
        assert_eq!(self.order(order).await, expected);
    }
}

/// The operator of the one call of this caller.
async fn operator(stage: &Stage) -> Operator {
    let id = eventually("the bridge knows the call", async || {
        let calls = stage.bridge.calls().await;
        calls.iter().find(|c| c["caller_id"] == CALLER)?["session_id"].as_str().map(str::to_owned)
    })
    .await;
    let url = stage.worker.http(&format!("/calls/{id}/orders"));
    Operator { http: Client::builder().no_proxy().build().unwrap(), url }
}

#[tokio::test]
async fn are_carried_out_by_the_call_they_are_for() {
    let stage = Stage::start(Scripts::new(["Tell me."], Script::saying("As you wish."))).await;
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let mut talker = Talker::new(&call);
    let hears = || Step::AwaitReply { quiet: Duration::from_secs(1), within: PATIENCE };
    assert_eq!(talker.act(hears()).await, Outcome::Done);
    let operator = operator(&stage).await;
    operator.takes(json!({"order": "steer", "text": NOTE})).await;
    assert_eq!(talker.act(Step::Say(speech(4))).await, Outcome::Done);
    operator.takes(json!({"order": "say", "text": ORDERED})).await;
    assert_eq!(talker.act(hears()).await, Outcome::Done);
    operator.takes(json!({"order": "hold"})).await;
    let (status, answer) = operator.order(json!({"order": "say", "text": "Are you there?"})).await;
    assert_eq!((status, &answer["error"]), (409, &json!("order_refused")));
    assert_eq!(answer["detail"], "it is not possible while the call is on hold");
    operator.takes(json!({"order": "go_on"})).await;
    operator.takes(json!({"version": 1, "order": "end", "goodbye": GOODBYE})).await;
    assert_eq!(talker.act(Step::AwaitHangup { within: PATIENCE }).await, Outcome::Done);
    assert_clean(&call.finish().await);

    let record = stage.record(CALLER).await;
    assert_eq!(record["disconnected_by"], "bot");
    let said = texts(&record, "bot");
    assert!(said.contains(&ORDERED.to_owned()) && said.last().unwrap() == GOODBYE, "{said:?}");
    let asked = stage.vendors.asked();
    let note = json!({"role": "system", "content": NOTE});
    let messages = asked.last().unwrap()["messages"].as_array().unwrap().clone();
    assert!(messages.contains(&note), "{messages:?}");
    let events = record["events"].as_array().unwrap();
    let count = |event: &str| events.iter().filter(|e| e["event"] == event).count();
    assert_eq!((count("order_taken"), count("order_refused")), (5, 1));
    let gone = operator.order(json!({"order": "hold"})).await;
    assert_eq!(gone, (404, json!({"error": "unknown_call"})));
    stage.end().await;
}

/// Exotel's socket has no word for it; the dialler's has.
#[tokio::test]
async fn a_transfer_is_refused_by_a_line_that_cannot_hand_a_caller_over() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(Protocol::Exotel { rate_hz: 8_000 }, &bot, CALLER).await;
    let hears = Step::AwaitReply { quiet: Duration::from_secs(1), within: PATIENCE };
    assert_eq!(Talker::new(&call).act(hears).await, Outcome::Done);
    let (status, answer) =
        operator(&stage).await.order(json!({"order": "transfer", "to": "+15550001"})).await;
    assert_eq!((status, answer["detail"].as_str()), (409, Some("this line cannot hand a caller over")));
    assert_clean(&call.finish().await);
    let record = stage.record(CALLER).await;
    assert_eq!((&record["was_transferred"], &record["transfer_destination"]), (&json!(false), &json!(null)));
    stage.end().await;
}

#[tokio::test]
async fn are_refused_from_strangers_and_when_they_are_none() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(Protocol::Ws, &bot, CALLER).await;
    let operator = operator(&stage).await;
    let hold = json!({"order": "hold"}).to_string();
    let stranger = operator.send(Method::POST, "guess", hold.clone()).await;
    assert_eq!(stranger, (StatusCode::FORBIDDEN, json!({"error": "forbidden"})));
    let read = operator.send(Method::GET, &secret(), String::new()).await;
    assert_eq!(read, (StatusCode::METHOD_NOT_ALLOWED, json!({"error": "method_not_allowed"})));
    let other = Operator { url: stage.worker.http("/calls/call_other/orders"), http: operator.http.clone() };
    assert_eq!(other.order(json!({"order": "hold"})).await, (404, json!({"error": "unknown_call"})));
    for (body, code) in [
        (json!({"order": "sing"}).to_string(), "bad_order"),
        ("{".to_owned(), "bad_order"),
        (json!({"order": "say"}).to_string(), "bad_order"),
        (json!({"order": "say", "text": " "}).to_string(), "empty_text"),
        (json!({"order": "steer", "text": "x".repeat(4_001)}).to_string(), "text_too_long"),
        ("x".repeat(70_000), "bad_body"),
    ] {
        let (status, answer) = operator.send(Method::POST, &secret(), body).await;
        assert_eq!((status, answer["error"].as_str()), (StatusCode::BAD_REQUEST, Some(code)));
    }
    let mut talker = Talker::new(&call);
    assert_eq!(talker.act(Step::Hangup).await, Outcome::Done);
    call.finish().await;
    let record = stage.record(CALLER).await;
    assert!(!record["events"].to_string().contains("order_"), "no call has seen any of them");
    stage.end().await;
}
