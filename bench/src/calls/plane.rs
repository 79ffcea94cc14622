//! The least of a control plane: it answers every question of a worker at once, from memory, and keeps what it is told.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post, put},
};
use futures_util::StreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};
use vox_shared::{
    ids::WorkerId,
    wire::{
        SECRET_HEADER,
        config::ConfigRequest,
        fleet::{WorkerLease, WorkerReport},
        result::CallResult,
    },
};

/// Workers renew every few seconds; nothing is forgotten within a level.
const LEASE_SECONDS: u32 = 15;
/// A record of an hour's call is far smaller.
const RESULT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What workers have told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) workers: HashMap<WorkerId, WorkerReport>,
    pub(crate) results: Vec<CallResult>,
    pub(crate) recordings: u64,
}

struct Shared {
    secret: SecretString,
    config: Value,
    told: watch::Sender<Told>,
}

/// A running control plane; stops when dropped.
pub(crate) struct Plane {
    url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Plane {
    /// Serve `config` to every call, on a free port of loopback.
    pub(crate) async fn start(secret: SecretString, config: Value) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared { secret, config, told: watch::Sender::default() });
        let routes = Router::new()
            .route("/api/v1/config/{bot_id}", get(give_config).post(give_config_by_body))
            .route("/api/v1/call-results", post(take_result))
            .route("/api/v1/internal/recordings/{*key}", put(take_recording))
            .route("/api/v1/fleet/workers", post(register))
            .layer(from_fn_with_state(shared.clone(), guard))
            .layer(DefaultBodyLimit::max(RESULT_BYTES_MAX))
            .with_state(shared.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "the benchmark's control plane stopped");
            }
        });
        Ok(Self { url, shared, task })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Forget everything: a new level begins.
    pub(crate) fn forget(&self) {
        self.shared.told.send_replace(Told::default());
    }

    /// Wait until `enough` has been told; `false` when that does not happen `within`.
    pub(crate) async fn wait_for(&self, within: Duration, enough: impl FnMut(&Told) -> bool) -> bool {
        let mut told = self.shared.told.subscribe();
        let waited = timeout(within, told.wait_for(enough)).await;
        matches!(waited, Ok(Ok(_)))
    }

    /// Where this worker is reached, once it has registered.
    pub(crate) fn address_of(&self, worker: &WorkerId) -> Option<String> {
        self.shared.told.borrow().workers.get(worker).map(|report| report.address.clone())
    }

    /// How many recordings came.
    pub(crate) fn recordings(&self) -> u64 {
        self.shared.told.borrow().recordings
    }

    /// The record of the last call of this worker.
    pub(crate) fn result_of(&self, worker: &WorkerId) -> Option<CallResult> {
        let told = self.shared.told.borrow();
        told.results.iter().rfind(|result| result.worker_id.as_ref() == Some(worker)).cloned()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A worker without the secret is a fault of the benchmark: it is refused as the bridge does.
async fn guard(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let given = headers.get(SECRET_HEADER).and_then(|value| value.to_str().ok());
    if given != Some(shared.secret.expose_secret()) {
        return Err(StatusCode::FORBIDDEN);
    }
    Ok(next.run(request).await)
}

async fn give_config(
    State(shared): State<Arc<Shared>>,
    Path(bot_id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let mut config = shared.config.clone();
    config["bot_id"] = json!(bot_id);
    config["session_id"] = json!(query.get("session_id"));
    Json(config)
}

async fn give_config_by_body(
    shared: State<Arc<Shared>>,
    bot_id: Path<String>,
    Json(request): Json<ConfigRequest>,
) -> Json<Value> {
    let query = HashMap::from_iter(request.session_id.map(|id| ("session_id".to_owned(), id.to_string())));
    give_config(shared, bot_id, Query(query)).await
}

async fn take_result(State(shared): State<Arc<Shared>>, Json(result): Json<CallResult>) -> StatusCode {
    shared.told.send_modify(|told| {
        // At least once is the contract: the same pair is the same fact.
        let known = |known: &CallResult| known.session_id == result.session_id && known.seq == result.seq;
        if !told.results.iter().any(known) {
            told.results.push(result);
        }
    });
    StatusCode::OK
}

async fn take_recording(State(shared): State<Arc<Shared>>, body: Body) -> StatusCode {
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        if piece.is_err() {
            return StatusCode::BAD_REQUEST;
        }
    }
    shared.told.send_modify(|told| told.recordings += 1);
    StatusCode::NO_CONTENT
}

async fn register(State(shared): State<Arc<Shared>>, Json(report): Json<WorkerReport>) -> Json<WorkerLease> {
    shared.told.send_modify(|told| _ = told.workers.insert(report.worker_id.clone(), report));
    Json(WorkerLease { ttl_seconds: LEASE_SECONDS })
}
