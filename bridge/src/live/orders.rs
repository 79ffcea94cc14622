//! Orders for a running call, on their way to the worker that has it.

use std::time::Duration;

use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use vox_shared::clock::Clock;
use vox_shared::ids::SessionId;
use vox_shared::telemetry::spans;
use vox_shared::trace::TRACEPARENT;
use vox_shared::wire::order::{Order, OrderRequest, OrderTaken};
use vox_shared::wire::supervision::SeatGiven;
use vox_shared::wire::{SECRET_HEADER, WIRE_VERSION};

use crate::store::calls::Call;
use crate::store::workers::Registration;
use crate::store::{Reach, Stamp, StoreError, Stores};

/// Time to connect to a worker.
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);
/// For the whole exchange; a worker gives its call 2 s.
const ORDER_DEADLINE: Duration = Duration::from_secs(4);
/// Of a worker's answer that is read, bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// Why an order was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    #[error("{0}")]
    Refused(String),
    #[error("the call has ended")]
    Ended,
    #[error(
        "no worker says that it has this call: it has ended, or its worker is lost; its record will tell"
    )]
    NoWorker,
    #[error(
        "the worker that has the call is of a version that takes no orders; bring it up to date, and orders reach its next call"
    )]
    NoOrders,
    #[error(
        "the worker that has the call seats no supervisors: it is of an older version, or has no LiveKit server"
    )]
    NoSeats,
    #[error("the call takes no more orders just now; try again")]
    Busy,
    #[error("the worker that has the call did not answer in time; the order may have been taken")]
    Silent,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes orders to workers. It opens only addresses that workers registered with the internal secret, and follows no
/// redirects, so the secret goes nowhere else.
pub struct Operator {
    http: reqwest::Client,
    secret: SecretString,
    stores: Stores,
    clock: Clock,
}

/// What a worker says against an order.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Against {
    error: String,
    detail: Option<String>,
}

impl Operator {
    pub fn new(stores: Stores, clock: Clock, secret: &SecretString) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(ORDER_DEADLINE)
            .build()?;
        Ok(Self { http, secret: secret.clone(), stores, clock })
    }

    /// A call within reach.
    pub async fn call(&self, reach: &Reach, id: &SessionId) -> Result<Call, StoreError> {
        Ok(self.stores.calls(reach).get_call(id).await?.value)
    }

    /// Have the session take an order. The seat, if it asks for one.
    pub async fn place(
        &self,
        id: &SessionId,
        call: &Call,
        order: Order,
    ) -> Result<Option<SeatGiven>, NotTaken> {
        if call.disconnected_by.is_some() {
            return Err(NotTaken::Ended);
        }
        let worker = self.worker(id, call).await?.ok_or(NotTaken::NoWorker)?;
        if !worker.report.takes_orders {
            return Err(NotTaken::NoOrders);
        }
        let is_about_seats = matches!(order, Order::Supervise { .. } | Order::StopSupervising { .. });
        if is_about_seats && !worker.report.seats_supervisors {
            return Err(NotTaken::NoSeats);
        }
        let url = format!("{}/calls/{id}/orders", worker.report.address.trim_end_matches('/'));
        let request = OrderRequest { version: WIRE_VERSION, order };
        let mut request =
            self.http.post(url).header(SECRET_HEADER, self.secret.expose_secret()).json(&request);
        if let Some(place) = spans::current() {
            request = request.header(TRACEPARENT, place.to_string());
        }
        let answer = request.send().await.map_err(|error| {
            let (worker, error) = (&worker.report.worker_id, error.without_url());
            tracing::warn!(worker.id = %worker, %error, "a worker did not answer to an order");
            NotTaken::Silent
        })?;
        let status = answer.status();
        let body = read(answer).await;
        if status.is_success() {
            let taken = serde_json::from_slice::<OrderTaken>(&body).ok();
            return Ok(taken.and_then(|taken| taken.seat));
        }
        let status = status.as_u16();
        let Against { error, detail } = serde_json::from_slice(&body).unwrap_or_default();
        Err(match (status, error.as_str()) {
            (409, _) => NotTaken::Refused(detail.unwrap_or_else(|| "it is not possible now".into())),
            (404, "unknown_call") => NotTaken::Ended,
            (503, "call_busy") => NotTaken::Busy,
            _ => {
                tracing::error!(worker.id = %worker.report.worker_id, status, code = error, "a worker refused an order");
                NotTaken::Silent
            }
        })
    }

    /// The worker that asked for the call's config, unless another one says that it has the call: that one went on with it when the
    /// first had died. A worker says so within a second of taking a call, so the first is asked also if it does not yet.
    async fn worker(&self, id: &SessionId, call: &Call) -> Result<Option<Registration>, StoreError> {
        let (workers, now) = (self.stores.workers(), Stamp(self.clock.now()));
        let has_it = |worker: &Registration| worker.report.session_id.as_ref() == Some(id);
        let own = match &call.worker_id {
            Some(own) => workers.find_worker(own).await?.filter(|found| found.expires_at > now),
            None => None,
        };
        if own.as_ref().is_some_and(has_it) {
            return Ok(own);
        }
        let live = workers.list_live(now).await?;
        Ok(live.into_iter().find(has_it).or(own))
    }
}

/// Nothing of an answer that is too long.
async fn read(mut answer: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        if body.len() + piece.len() > MAX_ANSWER_BYTES {
            return Vec::new();
        }
        body.extend_from_slice(&piece);
    }
    body
}
