//! Load balancers match these texts byte by byte.

use vox_caller::Protocol;

use crate::harness::vendors::Scripts;
use crate::harness::{Stage, assert_clean};

async fn text(stage: &Stage, path: &str) -> String {
    let response = reqwest::get(stage.worker.http(path)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    response.text().await.unwrap()
}

fn expected(pid: u32, calls: u32) -> (String, String) {
    let free = 1 - calls;
    let health = format!(
        "{{\"status\":\"ok\",\"worker_calls\":{calls},\"worker_max\":1,\"total_capacity\":4,\
         \"total_available\":{free},\"workers\":4,\"worker_id\":\"w1\",\"worker_pid\":{pid}}}"
    );
    let fleet = format!(
        "{{\"status\":\"ok\",\"fleet_calls\":{calls},\"fleet_max\":1,\"fleet_available\":{free},\
         \"workers\":[{{\"id\":\"gone\",\"status\":\"unreachable\"}},\
         {{\"id\":\"w1\",\"calls\":{calls},\"max\":1,\"pid\":{pid}}}]}}"
    );
    (health, fleet)
}

#[tokio::test]
async fn of_the_worker_and_of_its_host() {
    let settings = [("VOXCORE_WORKER_ID", "w1"), ("VOXCORE_WORKERS", "4")];
    let stage = Stage::start_with(Scripts::default(), &settings).await;
    // A worker that died left its socket.
    let dead = stage.core_data().join("sockets/gone.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    let pid = stage.worker.pid();
    let shown = (text(&stage, "/health").await, text(&stage, "/health/fleet").await);
    assert_eq!(shown, expected(pid, 0));

    let bot = stage.bot(|_| {}).await;
    let call = stage.dial(Protocol::Ws, &bot, "caller").await;
    let shown = (text(&stage, "/health").await, text(&stage, "/health/fleet").await);
    assert_eq!(shown, expected(pid, 1));
    assert_clean(&call.finish().await);
    stage.record("caller").await;
    std::fs::remove_file(dead).unwrap();
    stage.end().await;
}
