//! The server's surface: Twirp with JSON, the route by which rooms are joined, and the greeting at `/`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Inner;
use super::calls::{self, Asked};
use super::faults::{End, Plan};
use super::grants::{Claims, Needs};
use super::rooms::Wanted;
use super::trunks::Kind;
use super::twirp::Fault;

/// Both kinds of a trunk.
const TRUNKS: [Kind; 2] = [Kind::Inbound, Kind::Outbound];
/// Bytes that go out at once when answers drip.
const DROP_BYTES: usize = 16;

pub(super) fn routes(inner: Arc<Inner>) -> Router {
    let mut router = Router::new().route("/", get("OK")).route("/twirp/{service}/{method}", post(twirp));
    for path in ["/rtc", "/rtc/v1"] {
        router = router.route(path, get(join)).route(&format!("{path}/validate"), get(validate));
    }
    router.with_state(inner)
}

/// One request, with what is to go wrong with it.
async fn twirp(
    State(inner): State<Arc<Inner>>,
    Path((service, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let life = inner.life();
    if life.is_cancelled() {
        return (StatusCode::BAD_GATEWAY, "Bad Gateway").into_response();
    }
    let plan = inner.plan(&method);
    let asked = Arc::new(Request { service, method, headers, body });
    tokio::select! {
        biased;
        () = life.cancelled() => cut(),
        answer = suffers(inner.clone(), asked, plan) => drips(answer, inner.settings.faults.drip_bytes_per_s),
    }
}

#[derive(Debug)]
struct Request {
    service: String,
    method: String,
    headers: HeaderMap,
    body: Bytes,
}

async fn suffers(inner: Arc<Inner>, asked: Arc<Request>, plan: Plan) -> Response {
    if let Some(hold) = plan.hold {
        sleep(hold).await;
    }
    if let Some(after) = plan.twice {
        let (inner, asked) = (inner.clone(), asked.clone());
        tokio::spawn(async move {
            sleep(after).await;
            done(&inner, &asked).await
        });
    }
    match plan.end {
        End::Lost => return cut(),
        End::Unavailable => return (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response(),
        _ => {}
    }
    // A client that goes away takes nothing back.
    let doing = tokio::spawn(async move { done(&inner, &asked).await });
    if plan.end == End::Failed {
        return Fault::new("internal", "context canceled").into_response();
    }
    let answer = doing.await.unwrap_or_else(|_| Fault::new("internal", "panic").into_response());
    if plan.end == End::Unheard { cut() } else { answer }
}

/// The head of an answer, and then nothing more.
fn cut() -> Response {
    let pieces = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("cut"))];
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The same answer, a few bytes at a time.
fn drips(answer: Response, bytes_per_s: Option<u32>) -> Response {
    let Some(rate) = bytes_per_s else { return answer };
    let pause = Duration::from_secs_f64(DROP_BYTES as f64 / f64::from(rate));
    let (mut head, body) = answer.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    let drops = async_drops(body, pause);
    Response::from_parts(head, Body::from_stream(drops))
}

fn async_drops(
    body: Body,
    pause: Duration,
) -> impl futures_util::Stream<Item = Result<Bytes, axum::Error>> + Send + 'static {
    let whole = async move {
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        let drops: Vec<Bytes> = bytes.chunks(DROP_BYTES).map(Bytes::copy_from_slice).collect();
        futures_util::stream::unfold(drops.into_iter(), move |mut drops| async move {
            let drop = drops.next()?;
            sleep(pause).await;
            Some((Ok(drop), drops))
        })
    };
    futures_util::future::FutureExt::flatten_stream(whole)
}

async fn done(inner: &Arc<Inner>, request: &Request) -> Response {
    match answer(inner, request).await {
        Ok(value) => Json(value).into_response(),
        Err(refused) => *refused,
    }
}

/// A refusal, boxed: a whole answer is large.
type Refused = Box<Response>;

fn no(refusal: impl IntoResponse) -> Refused {
    Box::new(refusal.into_response())
}

async fn answer(inner: &Arc<Inner>, request: &Request) -> Result<Value, Refused> {
    let claims = Claims::of(&request.headers, inner.key()).map_err(no)?;
    let kind = request.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/json")) {
        return Err(no(Fault::new(
            "bad_route",
            format!("unexpected Content-Type: {:?}", kind.unwrap_or_default()),
        )));
    }
    let body: Value = read(&request.body).map_err(no)?;
    match (request.service.as_str(), request.method.as_str()) {
        ("livekit.RoomService", method) => room_service(inner, &claims, method, &body).map_err(no),
        ("livekit.SIP", "CreateSIPParticipant") => {
            claims.allow(Needs::Calls).map_err(no)?;
            let asked: Asked = read(&request.body).map_err(no)?;
            calls::dial(inner, asked).await.map_err(no)
        }
        ("livekit.SIP", method) => sip_service(inner, &claims, method, &body).map_err(no),
        (service, _) => Err(no(unknown(service))),
    }
}

fn unknown(what: &str) -> Fault {
    Fault::new("bad_route", format!("no handler for path: the simulated carrier has no {what}"))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    let malformed = |error: serde_json::Error| {
        Fault::new("malformed", format!("the json request could not be decoded: {error}"))
    };
    serde_json::from_slice(body).map_err(malformed)
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CreateRoom {
    name: String,
    empty_timeout: u32,
    departure_timeout: u32,
    max_participants: u32,
    metadata: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InRoom {
    room: String,
    identity: String,
    names: Vec<String>,
}

fn room_service(inner: &Inner, claims: &Claims, method: &str, body: &Value) -> Result<Value, Fault> {
    let bytes = body.to_string();
    if method == "CreateRoom" {
        claims.allow(Needs::MakeRooms)?;
        let asked: CreateRoom = read(bytes.as_bytes())?;
        let wanted = Wanted {
            name: asked.name,
            empty_timeout: asked.empty_timeout,
            departure_timeout: asked.departure_timeout,
            max_participants: asked.max_participants,
            metadata: asked.metadata,
        };
        return inner.create_room(wanted).map_err(Fault::invalid);
    }
    let asked: InRoom = read(bytes.as_bytes())?;
    let (room, identity) = (asked.room.as_str(), asked.identity.as_str());
    match method {
        "DeleteRoom" => {
            claims.allow(Needs::MakeRooms)?;
            let is_gone = inner.delete_room(room);
            if is_gone { Ok(json!({})) } else { Err(Fault::not_found()) }
        }
        "ListRooms" => {
            claims.allow(Needs::ListRooms)?;
            Ok(json!({"rooms": inner.lock().rooms.list(&asked.names)}))
        }
        "ListParticipants" => {
            claims.allow(Needs::Room(room))?;
            Ok(json!({"participants": inner.lock().rooms.people(room)}))
        }
        "GetParticipant" => {
            claims.allow(Needs::Room(room))?;
            let state = inner.lock();
            let person = state.rooms.person(room, identity);
            person
                .map(super::rooms::Person::view)
                .ok_or_else(|| Fault::new("not_found", "participant does not exist"))
        }
        "RemoveParticipant" => {
            claims.allow(Needs::Room(room))?;
            let is_gone = inner.leaves((room, identity, None), "PARTICIPANT_REMOVED");
            if is_gone { Ok(json!({})) } else { Err(Fault::new("not_found", "participant does not exist")) }
        }
        _ => Err(unknown(method)),
    }
}

fn sip_service(inner: &Inner, claims: &Claims, method: &str, body: &Value) -> Result<Value, Fault> {
    claims.allow(Needs::Trunks)?;
    let id = inner.id("ST_");
    let mut state = inner.lock();
    let trunks = &mut state.trunks;
    match method {
        "ListSIPInboundTrunk" => Ok(trunks.list(Kind::Inbound, body)),
        "ListSIPOutboundTrunk" => Ok(trunks.list(Kind::Outbound, body)),
        "ListSIPDispatchRule" => Ok(trunks.list(Kind::Rule, body)),
        "CreateSIPInboundTrunk" => trunks.create(Kind::Inbound, body, id),
        "CreateSIPOutboundTrunk" => trunks.create(Kind::Outbound, body, id),
        "CreateSIPDispatchRule" => trunks.create(Kind::Rule, body, id),
        "UpdateSIPInboundTrunk" => trunks.replace(Kind::Inbound, body),
        "UpdateSIPOutboundTrunk" => trunks.replace(Kind::Outbound, body),
        "UpdateSIPDispatchRule" => trunks.replace(Kind::Rule, body),
        "DeleteSIPTrunk" => trunks.delete(&TRUNKS, body),
        "DeleteSIPDispatchRule" => trunks.delete(&[Kind::Rule], body),
        _ => Err(unknown(method)),
    }
}

#[derive(Deserialize)]
struct JoinQuery {
    #[serde(default)]
    access_token: String,
}

/// `GET /rtc/validate`: whether one may join with a token, and why not.
async fn validate(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<JoinQuery>,
    headers: HeaderMap,
) -> Response {
    match may_join(&inner, &query, &headers) {
        Ok(()) => "success".into_response(),
        Err(refused) => *refused,
    }
}

/// `GET /rtc`: the same refusals; there is no sound to be joined here, so whoever may join is told so.
async fn join(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<JoinQuery>,
    headers: HeaderMap,
) -> Response {
    match may_join(&inner, &query, &headers) {
        Ok(()) => {
            let why = "the simulated carrier has no media: its own scripted workers are in its rooms";
            (StatusCode::NOT_IMPLEMENTED, why).into_response()
        }
        Err(refused) => *refused,
    }
}

fn may_join(inner: &Inner, query: &JoinQuery, headers: &HeaderMap) -> Result<(), Refused> {
    if inner.life().is_cancelled() {
        return Err(no((StatusCode::BAD_GATEWAY, "Bad Gateway")));
    }
    let claims = match query.access_token.as_str() {
        "" => Claims::of(headers, inner.key()),
        token => Claims::read(token, inner.key()),
    };
    let claims = claims.map_err(no)?;
    let room = claims.room().to_owned();
    if claims.allow(Needs::Join(&room)).is_err() || room.is_empty() || claims.identity.is_empty() {
        return Err(no((StatusCode::UNAUTHORIZED, "permissions denied")));
    }
    if !inner.settings.auto_create && !inner.lock().rooms.has(&room) {
        return Err(no((StatusCode::NOT_FOUND, "requested room does not exist")));
    }
    Ok(())
}
