//! What the dispatcher answers itself, and that the caller can always read it.

use std::time::Duration;

use vox_cli::dispatch::Patience;
use vox_shared::wire::handover::WorkerState;

use super::fake_worker::Desk;
use super::raw_client::{Client, get};

fn impatient() -> Patience {
    Patience {
        request_line: Duration::from_millis(150),
        refusal: Duration::from_millis(150),
        handover: Duration::from_millis(100),
    }
}

#[tokio::test]
async fn no_free_worker_is_503_with_retry_after() {
    let desk = Desk::open(Patience::default()).await;
    let check = async |what: &str| {
        for path in ["/ws/a", "/exotel/a", "/talk/a?ticket=x"] {
            let answer = get(desk.address, path).await;
            assert_eq!((answer.status, answer.body.as_str()), (503, r#"{"error":"busy"}"#), "{what} {path}");
            let head = answer.head.to_lowercase();
            assert!(head.contains("retry-after: 2") && head.contains("application/json"), "{what}: {head}");
        }
    };
    check("nobody there").await;
    let mut worker = desk.worker("w1").await;
    worker.say(WorkerState::Busy).await;
    desk.until(|counts| counts.busy == 1).await;
    check("busy").await;
    worker.say(WorkerState::Draining).await;
    worker.say(WorkerState::Draining).await;
    check("draining").await;
    assert_eq!(desk.roster.on_call().len(), 1, "its call still counts");
    desk.close().await;
}

#[tokio::test]
async fn once_calls_are_refused_a_free_worker_gets_none() {
    let desk = Desk::open(Patience::default()).await;
    let mut worker = desk.worker("w1").await;
    desk.roster.refuse_calls();
    assert_eq!(get(desk.address, "/ws/a").await.status, 503);
    let (_, health) = tokio::join!(worker.serve(), get(desk.address, "/health"));
    assert_eq!(health.status, 200);
    desk.close().await;
}

#[tokio::test]
async fn other_paths_are_404_and_nonsense_is_400() {
    let desk = Desk::open(Patience::default()).await;
    let _worker = desk.worker("w1").await;
    let answer = get(desk.address, "/api/v1/bots").await;
    assert_eq!((answer.status, answer.body.as_str()), (404, r#"{"error":"not_found"}"#));
    let mut client = Client::connect(desk.address).await;
    client.send("\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 400);
    let mut client = Client::connect(desk.address).await;
    client.send(&format!("GET /ws/{} HTTP/1.1\r\n\r\n", "a".repeat(9_000))).await;
    assert_eq!(client.answer().await.status, 414);
    desk.close().await;
}

#[tokio::test]
async fn a_large_request_is_read_before_it_is_refused() {
    let desk = Desk::open(Patience::default()).await;
    for _ in 0..20 {
        let mut client = Client::connect(desk.address).await;
        let padding = format!("X-Padding: {}\r\n", "p".repeat(1_000)).repeat(40);
        client.send(&format!("GET /ws/a HTTP/1.1\r\n{padding}\r\n")).await;
        assert_eq!(client.answer().await.status, 503);
    }
    desk.close().await;
}

#[tokio::test]
async fn slow_callers_are_let_go_and_hold_up_nobody() {
    let desk = Desk::open(impatient()).await;
    let mut worker = desk.worker("w1").await;
    let mut slow = Vec::new();
    for begin in ["", "G", "GET /ws/a HTTP/1."].repeat(30) {
        let mut client = Client::connect(desk.address).await;
        client.send(begin).await;
        slow.push(client);
    }
    let (_, quick) = tokio::join!(worker.serve(), get(desk.address, "/ws/a"));
    assert_eq!(quick.status, 200);
    for client in slow {
        assert_eq!(client.answer().await.status, 408);
    }
    desk.close().await;
}

#[tokio::test]
async fn callers_that_vanish_leave_nothing_behind() {
    let desk = Desk::open(impatient()).await;
    let mut worker = desk.worker("w1").await;
    for begin in ["", "GET /ws/a", "GET /nothing HTTP/1.1\r\n"].repeat(20) {
        let mut client = Client::connect(desk.address).await;
        client.send(begin).await;
    }
    let (_, answer) = tokio::join!(worker.serve(), get(desk.address, "/ws/a"));
    assert_eq!(answer.status, 200);
    desk.close().await;
}
