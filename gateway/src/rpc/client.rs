//! Asking a server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prost::Message;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{
    Bus, BusError, ClaimRequest, ClaimResponse, Code, Request, Response, RpcError, channel, new_id, now_ns,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

type Waiting<T> = Arc<Mutex<HashMap<String, oneshot::Sender<T>>>>;

/// Asks one service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    bus: Bus,
    service: &'static str,
    id: String,
    claims: Waiting<String>,
    answers: Waiting<Response>,
}

impl Client {
    pub(crate) async fn new(bus: Bus, service: &'static str) -> Result<Self, BusError> {
        let id = new_id("CLI_");
        let (claims, answers) = (Waiting::default(), Waiting::default());
        let mut came = bus.subscribe::<ClaimRequest>(channel(&[service, &id, "CLAIM"])).await?;
        let waiting = Arc::clone(&claims);
        tokio::spawn(async move {
            while let Some(claim) = came.next().await {
                give(&waiting, &claim.request_id, claim.server_id);
            }
        });
        let mut came = bus.subscribe::<Response>(channel(&[service, &id, "RES"])).await?;
        let waiting = Arc::clone(&answers);
        tokio::spawn(async move {
            while let Some(answer) = came.next().await {
                let request = answer.request_id.clone();
                give(&waiting, &request, answer);
            }
        });
        Ok(Self { bus, service, id, claims, answers })
    }

    /// Ask for something. The first that claims it does it.
    pub(crate) async fn ask<A: Message + Default>(
        &self,
        method: &str,
        asked: &impl Message,
    ) -> Result<A, RpcError> {
        let id = new_id("REQ_");
        let claim = wait(&self.claims, &id);
        let answer = wait(&self.answers, &id);
        let asking = timeout(PATIENCE, self.ask_as(&id, method, asked, (claim, answer))).await;
        forget(&self.claims, &id);
        forget(&self.answers, &id);
        let response = asking
            .map_err(|_| RpcError::new(Code::DeadlineExceeded, "the server did not answer in time"))??;
        if !response.error.is_empty() {
            return Err(RpcError::new(Code::Internal, format!("{}: {}", response.code, response.error)));
        }
        A::decode(response.raw_response.as_slice())
            .map_err(|error| RpcError::new(Code::Internal, format!("an answer that is none: {error}")))
    }

    async fn ask_as(
        &self,
        id: &str,
        method: &str,
        asked: &impl Message,
        (claim, answer): (oneshot::Receiver<String>, oneshot::Receiver<Response>),
    ) -> Result<Response, RpcError> {
        let gone = |error: BusError| RpcError::new(Code::Internal, error.to_string());
        let lost = |_| RpcError::new(Code::Internal, "Redis is gone");
        let now = now_ns();
        let request = Request {
            request_id: id.to_owned(),
            client_id: self.id.clone(),
            sent_at: now,
            expiry: now + PATIENCE.as_nanos() as i64,
            multi: false,
            raw_request: asked.encode_to_vec(),
        };
        self.bus.publish(&channel(&[self.service, method, "REQ"]), &request).await.map_err(gone)?;
        let server_id = claim.await.map_err(lost)?;
        let claimed = ClaimResponse { request_id: id.to_owned(), server_id };
        self.bus.publish(&channel(&[self.service, method, "RCLAIM"]), &claimed).await.map_err(gone)?;
        answer.await.map_err(lost)
    }
}

fn wait<T>(waiting: &Waiting<T>, id: &str) -> oneshot::Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), sender);
    receiver
}

fn give<T>(waiting: &Waiting<T>, id: &str, value: T) {
    if let Some(sender) = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
        let _gone = sender.send(value);
    }
}

fn forget<T>(waiting: &Waiting<T>, id: &str) {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
}
