//! Being asked.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prost::Message;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{
    Bus, BusError, ClaimRequest, ClaimResponse, Code, Request, Response, RpcError, channel, new_id, now_ns,
};

/// One server of the service that gateways offer.
#[derive(Clone)]
pub(crate) struct Server {
    bus: Bus,
    service: &'static str,
    id: String,
}

/// A method that is served, until this is dropped.
pub(crate) struct Served(JoinHandle<()>, JoinHandle<()>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.abort();
        self.1.abort();
    }
}

type Claims = Arc<Mutex<HashMap<String, oneshot::Sender<String>>>>;

impl Server {
    pub(crate) fn new(bus: Bus, service: &'static str) -> Self {
        Self { bus, service, id: new_id("SRV_") }
    }

    /// Serve a method, of a topic or (with an empty one) in general. What is asked is claimed, and done if the claim is granted.
    pub(crate) async fn serve<Q, A, F>(
        &self,
        method: &'static str,
        topic: &str,
        handler: impl Fn(Q) -> F + Send + Sync + 'static,
    ) -> Result<Served, BusError>
    where
        Q: Message + Default + Send + 'static,
        A: Message + Send + 'static,
        F: Future<Output = Result<A, RpcError>> + Send + 'static,
    {
        let mut requests =
            self.bus.subscribe::<Request>(channel(&[self.service, method, topic, "REQ"])).await?;
        let mut granted =
            self.bus.subscribe::<ClaimResponse>(channel(&[self.service, method, topic, "RCLAIM"])).await?;
        let claims = Claims::default();
        let waiting = Arc::clone(&claims);
        let grants = tokio::spawn(async move {
            while let Some(grant) = granted.next().await {
                let waiting =
                    waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&grant.request_id);
                if let Some(waiting) = waiting {
                    let _gone = waiting.send(grant.server_id);
                }
            }
        });
        let (server, handler) = (self.clone(), Arc::new(handler));
        let asked = tokio::spawn(async move {
            while let Some(request) = requests.take().await {
                let (server, claims, handler) = (server.clone(), Arc::clone(&claims), Arc::clone(&handler));
                tokio::spawn(async move {
                    if server.is_granted(&request, &claims).await {
                        let answer = match Q::decode(request.raw_request.as_slice()) {
                            Ok(asked) => handler(asked).await,
                            Err(error) => Err(RpcError::new(Code::MalformedRequest, error.to_string())),
                        };
                        server.answer(&request, answer).await;
                    }
                });
            }
        });
        Ok(Served(asked, grants))
    }

    async fn is_granted(&self, request: &Request, claims: &Claims) -> bool {
        let Some(left) = request.expiry.checked_sub(now_ns()).filter(|left| *left > 0) else { return false };
        let (sender, granted) = oneshot::channel();
        let id = &request.request_id;
        claims.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), sender);
        let claim = ClaimRequest { request_id: id.clone(), server_id: self.id.clone(), affinity: 1.0 };
        let published =
            self.bus.publish(&channel(&[self.service, &request.client_id, "CLAIM"]), &claim).await;
        let granted = timeout(Duration::from_nanos(left.unsigned_abs()), granted).await;
        claims.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        published.is_ok() && matches!(granted, Ok(Ok(server)) if server == self.id)
    }

    async fn answer(&self, request: &Request, answer: Result<impl Message, RpcError>) {
        let mut response = Response {
            request_id: request.request_id.clone(),
            server_id: self.id.clone(),
            sent_at: now_ns(),
            ..Response::default()
        };
        match answer {
            Ok(answer) => response.raw_response = answer.encode_to_vec(),
            Err(error) => {
                response.code = error.code.name().to_owned();
                response.error_details = error.details();
                response.error = error.text;
            }
        }
        let published =
            self.bus.publish(&channel(&[self.service, &request.client_id, "RES"]), &response).await;
        if let Err(error) = published {
            tracing::warn!(%error, "an answer to the LiveKit server is lost");
        }
    }
}
