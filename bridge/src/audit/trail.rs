//! One request on its way through the bridge, as the audit log sees it. The endpoint lays the trail, the authorising extractor says
//! who acts, and the begin is stored before anything else of the request is looked at. The end is stored when the answer is known.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use tokio::runtime::Handle;
use tokio::task::spawn;
use vox_shared::ids::TenantId;

use super::Actor;
use super::log::{AuditError, AuditLog};
use crate::auth::keys::TOKEN_PREFIX;
use crate::edge::client::ClientAddress;
use crate::edge::request_id;
use crate::error::{ApiError, ApiResult, with_source};
use crate::store::Stamp;
use crate::store::audit::{Entry, Kind};

/// Longest part of a path that is kept, characters. No id is longer.
const MAX_PARAMETER: usize = 96;
/// The place in a path that counts something of the object before it.
const NUMBER: &str = "number";
/// A part of a path that is a person's telephone number: nothing takes an entry of the log back, so none gets there.
const PHONE: &str = "phone";
/// The code of an end that nobody was told: the client went away, and whether the change was made is not known.
pub const ABANDONED: &str = "abandoned";

/// Whether a route's requests are audited, and when they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audited {
    No,
    /// As soon as it is settled who asks.
    AtTheDoor,
    /// When the handler has found out who it is: anybody may ask.
    ByTheHandler,
}

/// The trail of a request; of one that is not audited it does nothing. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Trail(Option<Arc<Asked>>);

struct Asked {
    log: Arc<AuditLog>,
    audited: Audited,
    client: String,
    method: String,
    route: String,
    parameters: BTreeMap<String, String>,
    request_id: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Who acts, until it has begun.
    actor: Option<Actor>,
    /// In which other tenant.
    elsewhere: Option<TenantId>,
    begun: Option<Begun>,
    object: Option<String>,
}

/// Who acts, and in which other tenant.
type Acting = (Actor, Option<TenantId>);

impl State {
    fn acting(&mut self) -> Option<Acting> {
        let actor = self.actor.take()?;
        let elsewhere = self.elsewhere.take().filter(|tenant| *tenant != actor.tenant_id);
        Some((actor, elsewhere))
    }

    fn taken(&mut self) -> (Option<Acting>, Option<Begun>, Option<String>) {
        (self.acting(), self.begun.take(), self.object.take())
    }
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked")
            .field("method", &self.method)
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

/// A route is audited, and whoever had to say who acts did not: a fault of the program.
#[derive(Debug, thiserror::Error)]
#[error("nobody said who acts")]
struct Nobody;

impl Trail {
    /// Begin to follow a request.
    pub fn lay(request: &HttpRequest, audited: Audited) -> Self {
        let log = request.app_data::<Data<AuditLog>>().filter(|_| audited != Audited::No);
        let trail = Self(log.map(|log| Arc::new(Asked::new(log.clone().into_inner(), audited, request))));
        request.extensions_mut().insert(trail.clone());
        trail
    }

    /// The trail that was laid for a request.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// This is who acts.
    pub fn acts(&self, actor: Actor) {
        if let Some(asked) = &self.0 {
            asked.state().actor = Some(actor);
        }
    }

    /// It is done in this tenant, whoever's the actor is.
    pub fn acts_in(&self, tenant: &TenantId) {
        if let Some(asked) = &self.0 {
            asked.state().elsewhere = Some(tenant.clone());
        }
    }

    /// What has begun is about this other tenant, whose log gets a begin and an end too. When this fails it must not be done.
    pub async fn reaches(&self, tenant: &TenantId) -> ApiResult<()> {
        let Some(asked) = &self.0 else { return Ok(()) };
        let Some(begun) = asked.state().begun.take() else { return Ok(()) };
        let reached = spawn(begun.reach(tenant.clone())).await.map_err(|_| AuditError::Ended);
        let begun = reached.flatten().map_err(|error| ApiError::unavailable(&error))?;
        asked.state().begun = Some(begun);
        Ok(())
    }

    /// This is what is made or changed.
    pub fn concerns(&self, id: &str) {
        if let Some(asked) = &self.0 {
            asked.state().object = object(id);
        }
    }

    /// It is settled who asks.
    pub async fn settled(&self) -> ApiResult<()> {
        match &self.0 {
            Some(asked) if asked.audited == Audited::AtTheDoor => self.begins().await,
            _ => Ok(()),
        }
    }

    /// Something is about to be done. When this fails it must not be.
    pub async fn begins(&self) -> ApiResult<()> {
        let Some(asked) = &self.0 else { return Ok(()) };
        let acting = asked.state().acting();
        let acting = acting.ok_or_else(|| ApiError::internal("audit a request", &Nobody))?;
        let begun = asked.begin(acting).await.map_err(|error| ApiError::unavailable(&error))?;
        asked.state().begun = Some(begun);
        Ok(())
    }

    /// This is the answer.
    pub async fn ends(&self, answer: &HttpResponse) {
        let Some(asked) = &self.0 else { return };
        let (acting, begun, object) = asked.state().taken();
        let begun = match (begun, acting) {
            (Some(begun), _) => begun,
            // Refused by rank or scope: nothing was done, and that it was tried is written down all the same.
            (None, Some(acting)) => match asked.begin(acting).await {
                Ok(begun) => begun,
                Err(error) => {
                    return tracing::error!(error = with_source(&error), "a refusal could not be audited");
                }
            },
            (None, None) => return,
        };
        let refusal = answer.error().and_then(|e| e.as_error::<ApiError>());
        let code = refusal.map(|refusal| refusal.code.to_owned());
        begun.end(End { status: Some(answer.status().as_u16()), code, object }).await;
    }

    /// A login of an account that exists was refused. It is written down while the answer goes out: that must not take longer
    /// than for an account that does not exist.
    pub fn refuses(&self, account: Actor) {
        let Some(asked) = &self.0 else { return };
        let log = asked.log.clone();
        let Some(count) = log.refusals.count(&account.id, log.clock().now()) else { return };
        let told = ApiError::unauthorized("");
        let entry = Entry {
            count: Some(count),
            status: Some(told.status.as_u16()),
            code: Some(told.code.to_owned()),
            ..asked.entry(Kind::Refused, account)
        };
        spawn(async move {
            if let Err(error) = log.append(entry).await {
                tracing::error!(error = with_source(&error), "a refused login could not be audited");
            }
        });
    }
}

impl FromRequest for Trail {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

impl Asked {
    fn new(log: Arc<AuditLog>, audited: Audited, request: &HttpRequest) -> Self {
        let in_path = || request.match_info().iter().filter(|(name, _)| *name != PHONE);
        let named = in_path().filter(|(name, _)| *name != NUMBER).last();
        let state = State { object: named.and_then(|(_, id)| object(id)), ..State::default() };
        Self {
            log,
            audited,
            client: ClientAddress::of(request).0.to_string(),
            method: request.method().to_string(),
            route: request.match_pattern().unwrap_or_default(),
            parameters: in_path().map(|(name, value)| (name.to_owned(), kept(value))).collect(),
            request_id: request_id::current().unwrap_or_default(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An entry that has no place yet.
    fn entry(&self, kind: Kind, actor: Actor) -> Entry {
        Entry {
            tenant_id: actor.tenant_id,
            seq: 0,
            at: Stamp(self.log.clock().now()),
            kind,
            actor_id: actor.id,
            actor_email: actor.email,
            actor_role: actor.role,
            actor_tenant: None,
            in_tenant: None,
            client: self.client.clone(),
            method: self.method.clone(),
            route: self.route.clone(),
            parameters: self.parameters.clone(),
            request_id: self.request_id.clone(),
            object: self.state().object.clone(),
            begin: None,
            status: None,
            code: None,
            count: None,
            prev_hash: String::new(),
            hash: String::new(),
        }
    }

    /// In a task of its own: a client that goes away meanwhile leaves an end too.
    async fn begin(&self, (actor, elsewhere): Acting) -> Result<Begun, AuditError> {
        let (log, mut entry) = (self.log.clone(), self.entry(Kind::Begin, actor));
        entry.in_tenant.clone_from(&elsewhere);
        let stored = async move {
            let begun = Begun::store(log, entry).await?;
            match elsewhere {
                Some(tenant) => begun.reach(tenant).await,
                None => Ok(begun),
            }
        };
        spawn(stored).await.map_err(|_| AuditError::Ended)?
    }
}

/// So much of a part of a path as may be kept: nothing of a secret that was taken for an id.
fn kept(text: &str) -> String {
    if text.starts_with(TOKEN_PREFIX) {
        return String::new();
    }
    text.chars().take(MAX_PARAMETER).collect()
}

/// What may stand as an object: an id, or nothing.
fn object(text: &str) -> Option<String> {
    let is_id = (1..=MAX_PARAMETER).contains(&text.len())
        && !text.starts_with(TOKEN_PREFIX)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    is_id.then(|| text.to_owned())
}

/// How it went.
struct End {
    status: Option<u16>,
    code: Option<String>,
    object: Option<String>,
}

/// Something that has begun and owes the log an end, in each tenant that it is about. Dropped without one it was abandoned.
struct Begun {
    log: Arc<AuditLog>,
    owed: Vec<Entry>,
}

impl Begun {
    async fn store(log: Arc<AuditLog>, entry: Entry) -> Result<Self, AuditError> {
        let mut begun = Self { log, owed: Vec::new() };
        begun.add(entry).await?;
        Ok(begun)
    }

    async fn add(&mut self, begin: Entry) -> Result<(), AuditError> {
        let mut owed = Entry { kind: Kind::End, ..begin.clone() };
        owed.begin = Some(self.log.append(begin).await?);
        self.owed.push(owed);
        Ok(())
    }

    /// Begin in another tenant too.
    async fn reach(mut self, tenant: TenantId) -> Result<Self, AuditError> {
        if let Some(own) = self.owed.first()
            && self.owed.iter().all(|entry| entry.tenant_id != tenant)
        {
            let home = Some(own.tenant_id.clone());
            let begin = Entry {
                kind: Kind::Begin,
                begin: None,
                actor_tenant: home,
                in_tenant: None,
                tenant_id: tenant,
                ..own.clone()
            };
            if let Some(own) = self.owed.first_mut() {
                own.in_tenant = Some(begin.tenant_id.clone());
            }
            self.add(begin).await?;
        }
        Ok(self)
    }

    async fn end(mut self, end: End) {
        if let Some(stored) = self.owe_no_more(end) {
            // Only a panic ends it early, and that was told.
            let _ = spawn(stored).await;
        }
    }

    /// The storing of the ends. What was done cannot be undone when it fails: the answer stays, and the missing end shows.
    fn owe_no_more(&mut self, end: End) -> Option<impl Future<Output = ()> + Send + use<>> {
        let (owed, log) = (std::mem::take(&mut self.owed), self.log.clone());
        if owed.is_empty() {
            return None;
        }
        Some(async move {
            for owed in owed {
                let (begin, object) = (owed.begin, end.object.clone().or(owed.object.clone()));
                let entry = Entry { status: end.status, code: end.code.clone(), object, ..owed };
                if let Err(error) = log.append(entry).await {
                    tracing::error!(begin, error = with_source(&error), "an end could not be audited");
                }
            }
        })
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let abandoned = End { status: None, code: Some(ABANDONED.to_owned()), object: None };
        // Without a runtime the process ends, and the end is missing as after a kill.
        if let (Some(stored), Ok(runtime)) = (self.owe_no_more(abandoned), Handle::try_current()) {
            runtime.spawn(stored);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::time::timeout;
    use vox_shared::clock::Clock;

    use super::*;
    use crate::store::Stores;
    use crate::store::engine::sqlite::Sqlite;

    #[tokio::test]
    async fn what_is_dropped_before_its_end_was_abandoned() {
        let data = tempfile::tempdir().unwrap();
        let engine = Sqlite::open(&data.path().join("t.sqlite")).unwrap();
        let stores = Stores::open(Arc::new(engine)).await.unwrap();
        let clock = Clock::manual("2026-11-20T10:00:00Z".parse().unwrap());
        let log = Arc::new(AuditLog::new(stores.clone(), clock));
        let entry: Entry = serde_json::from_value(json!({
            "tenant_id": "t", "seq": 0, "at": "2026-11-20T10:00:00Z", "kind": "begin", "actor_id": "usr_1",
            "actor_email": "p@test", "client": "203.0.113.1", "method": "PUT", "route": "/x", "parameters": {},
            "request_id": "r", "object": "bot_1", "prev_hash": "", "hash": ""
        }))
        .unwrap();
        drop(Begun::store(log, entry).await.unwrap());
        let entries = stores.audit(&"t".parse().unwrap());
        let ended = async {
            while entries.find_end(1).await.unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), ended).await.expect("an end is written");
        let end = entries.list_from(2, None).await.unwrap().items.remove(0).value;
        assert_eq!((end.kind, end.begin, end.status), (Kind::End, Some(1), None));
        assert_eq!((end.code.as_deref(), end.object.as_deref()), (Some(ABANDONED), Some("bot_1")));
    }
}
