//! A new call goes to a free worker, and the worker gets the caller's socket itself.

use std::time::Duration;

use tokio::task::JoinSet;
use vox_cli::dispatch::Patience;
use vox_shared::wire::handover::{Kind, WorkerState};

use super::fake_worker::{Desk, answer};
use super::raw_client::{Client, get};

#[tokio::test]
async fn a_worker_answers_on_the_callers_own_socket() {
    let desk = Desk::open(Patience::default()).await;
    let mut worker = desk.worker("w1").await;
    for (path, kind) in [
        ("/ws/faq", Kind::Call),
        ("/exotel/faq?sample-rate=16000", Kind::Call),
        ("/talk/b?ticket=t", Kind::Call),
    ] {
        let (served, answer) = tokio::join!(worker.serve(), get(desk.address, path));
        assert_eq!(served, kind);
        assert_eq!(answer.body, format!("w1 Call GET {path} HTTP/1.1"));
        worker.say(WorkerState::Free).await;
        desk.until(|counts| counts.free == 1).await;
    }
    desk.close().await;
}

#[tokio::test]
async fn the_socket_outlives_the_dispatcher() {
    let desk = Desk::open(Patience::default()).await;
    let mut worker = desk.worker("w1").await;
    let mut caller = Client::connect(desk.address).await;
    caller.send("GET /ws/faq HTTP/1.1\r\n").await;
    let (kind, socket) = worker.receive().await;
    desk.close().await;
    caller.send("\r\n").await;
    let (_, answer) = tokio::join!(answer(socket, "w1", kind), caller.answer());
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_request_line_in_pieces_is_waited_for() {
    let desk = Desk::open(Patience::default()).await;
    let mut worker = desk.worker("w1").await;
    let mut caller = Client::connect(desk.address).await;
    for piece in ["GET /ta", "lk/faq HT", "TP/1.1\r", "\n\r\n"] {
        caller.0.set_nodelay(true).unwrap();
        caller.send(piece).await;
        // Lets the dispatcher look at every piece by itself.
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    let (_, answer) = tokio::join!(worker.serve(), caller.answer());
    assert_eq!(answer.body, "w1 Call GET /talk/faq HTTP/1.1");
    desk.close().await;
}

#[tokio::test]
async fn the_longest_unused_worker_is_first_and_a_busy_one_gets_no_call() {
    let desk = Desk::open(Patience::default()).await;
    let (mut first, mut second) = (desk.worker("w1").await, desk.worker("w2").await);
    let (_, one) = tokio::join!(first.serve(), get(desk.address, "/ws/a"));
    first.say(WorkerState::Free).await;
    desk.until(|counts| counts.free == 2).await;
    let (_, two) = tokio::join!(second.serve(), get(desk.address, "/ws/b"));
    let (_, three) = tokio::join!(first.serve(), get(desk.address, "/ws/c"));
    assert_eq!([&one.body[..2], &two.body[..2], &three.body[..2]], ["w1", "w2", "w1"]);
    assert_eq!(get(desk.address, "/ws/d").await.status, 503);
    desk.close().await;
}

#[tokio::test]
async fn health_and_recordings_take_no_slot() {
    let desk = Desk::open(Patience::default()).await;
    let mut worker = desk.worker("w1").await;
    let (_, call) = tokio::join!(worker.serve(), get(desk.address, "/ws/a"));
    assert_eq!(call.status, 200);
    for path in ["/health", "/health/fleet", "/metrics", "/recordings/call_1.wav"] {
        let (kind, answer) = tokio::join!(worker.serve(), get(desk.address, path));
        assert_eq!((kind, answer.status), (Kind::Other, 200), "{path}");
    }
    worker.say(WorkerState::Free).await;
    desk.until(|counts| counts.free == 1).await;
    desk.close().await;
}

#[tokio::test]
async fn a_free_that_crossed_a_call_is_not_believed() {
    let desk = Desk::open(Patience::default()).await;
    let mut worker = desk.worker("w1").await;
    let mut caller = Client::connect(desk.address).await;
    caller.send("GET /ws/a HTTP/1.1\r\n\r\n").await;
    desk.until(|counts| counts.busy == 1).await;
    // The worker has not looked yet: this is what it said before.
    worker.say(WorkerState::Free).await;
    assert_eq!(get(desk.address, "/ws/b").await.status, 503);
    worker.serve().await;
    assert_eq!(caller.answer().await.status, 200);
    desk.close().await;
}

#[tokio::test]
async fn a_worker_that_is_gone_is_not_called() {
    let desk = Desk::open(Patience::default()).await;
    let (first, mut second) = (desk.worker("w1").await, desk.worker("w2").await);
    drop(first);
    desk.until(|counts| counts.linked == 1).await;
    let (_, answer) = tokio::join!(second.serve(), get(desk.address, "/ws/a"));
    assert_eq!(&answer.body[..2], "w2");
    desk.close().await;
}

#[tokio::test]
async fn a_worker_that_breaks_the_protocol_is_cut_off() {
    for nonsense in ["hello\n", "F\n", "F 18446744073709551616\n", &"F".repeat(1_000)] {
        let desk = Desk::open(Patience::default()).await;
        let worker = desk.worker("w1").await;
        worker.write(nonsense).await;
        desk.until(|counts| counts.linked == 0).await;
        desk.close().await;
    }
}

#[tokio::test]
async fn many_callers_at_once_each_get_a_worker_or_a_refusal() {
    const WORKERS: usize = 8;
    const CALLERS: usize = 60;
    let desk = Desk::open(Patience::default()).await;
    let mut serving = JoinSet::new();
    for number in 0..WORKERS {
        let mut worker = desk.worker(&format!("w{number}")).await;
        serving.spawn(async move { (worker.serve().await, worker) });
    }
    let mut calling = JoinSet::new();
    for number in 0..CALLERS {
        let address = desk.address;
        calling.spawn(async move { get(address, &format!("/ws/{number}")).await });
    }
    let answers = calling.join_all().await;
    let mut served: Vec<&str> =
        answers.iter().filter(|a| a.status == 200).map(|a| a.body.split(' ').next().unwrap()).collect();
    served.sort_unstable();
    served.dedup();
    assert_eq!(served.len(), WORKERS, "each worker got exactly one call");
    assert_eq!(answers.iter().filter(|answer| answer.status == 503).count(), CALLERS - WORKERS);
    assert!(serving.join_all().await.iter().all(|(kind, _)| *kind == Kind::Call));
    desk.close().await;
}
