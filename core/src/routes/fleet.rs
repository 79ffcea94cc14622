//! `GET /health/fleet`: the host. Any worker answers by asking every worker's local socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::answer::{Answer, json};
use super::health::Health;
use crate::app::App;

/// A worker that takes longer is unreachable.
const ASK_DEADLINE: Duration = Duration::from_secs(2);
/// Most workers asked on a host.
const MAX_WORKERS: usize = 512;
/// Most of an answer read, bytes.
const MAX_ANSWER: u64 = 4096;

/// The host's health, in the contract's order.
#[derive(Debug, Serialize)]
struct Fleet {
    status: &'static str,
    fleet_calls: u32,
    fleet_max: u32,
    fleet_available: u32,
    workers: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Row {
    Alive { id: String, calls: u32, max: u32, pid: u32 },
    Lost { id: String, status: &'static str },
}

/// Show it.
pub async fn show(app: &App) -> Answer {
    let mut sockets = app.config.socket_dir.as_deref().map(sockets).unwrap_or_default();
    sockets.sort();
    let asked = join_all(sockets.iter().map(|s| ask(s))).await;
    let mut fleet =
        Fleet { status: "ok", fleet_calls: 0, fleet_max: 0, fleet_available: 0, workers: Vec::new() };
    for (socket, health) in sockets.iter().zip(asked) {
        let id = socket.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match health {
            Some(health) => {
                fleet.fleet_calls += health.worker_calls;
                fleet.fleet_max += health.worker_max;
                fleet.fleet_available += health.total_available;
                let Health { worker_calls: calls, worker_max: max, worker_pid: pid, .. } = health;
                fleet.workers.push(Row::Alive { id, calls, max, pid });
            }
            None => fleet.workers.push(Row::Lost { id, status: "unreachable" }),
        }
    }
    json(&fleet)
}

fn sockets(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "sock"))
        .take(MAX_WORKERS)
        .collect()
}

async fn ask(socket: &Path) -> Option<Health> {
    let exchange = async {
        let mut stream = UnixStream::connect(socket).await.ok()?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n").await.ok()?;
        let mut answer = String::new();
        stream.take(MAX_ANSWER).read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.1 200").then(|| serde_json::from_str(body).ok())?
    };
    timeout(ASK_DEADLINE, exchange).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_contract_byte_by_byte() {
        let fleet = Fleet {
            status: "ok",
            fleet_calls: 1,
            fleet_max: 2,
            fleet_available: 1,
            workers: vec![
                Row::Alive { id: "1".into(), calls: 1, max: 1, pid: 7 },
                Row::Lost { id: "2".into(), status: "unreachable" },
            ],
        };
        assert_eq!(
            serde_json::to_string(&fleet).unwrap(),
            r#"{"status":"ok","fleet_calls":1,"fleet_max":2,"fleet_available":1,"workers":[{"id":"1","calls":1,"max":1,"pid":7},{"id":"2","status":"unreachable"}]}"#
        );
    }
}
