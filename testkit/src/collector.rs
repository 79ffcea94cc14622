//! A collector of spans as strict as a careful one: it takes OTLP over HTTP in protobuf at its own path and nothing else, and finds
//! what the protocol forbids (ids of no length, times that run backwards). It misbehaves on command, in the manners of
//! [`crate::receiver`].

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode as SpanStatus};
use prost::Message;

use crate::door::{Desk, Door};
use crate::receiver::{Manner, answer};

const PATH: &str = "/v1/traces";
const PROTOBUF: &str = "application/x-protobuf";

/// A span as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Collected {
    /// `service.name` of its process.
    pub service: String,
    pub name: String,
    /// Hex.
    pub trace_id: String,
    pub span_id: String,
    /// Empty for the first of a trace.
    pub parent_id: String,
    /// Nanoseconds since 1970.
    pub began: u64,
    pub ended: u64,
    pub attributes: BTreeMap<String, String>,
    pub has_failed: bool,
}

/// The collector; dropping it frees the port.
pub struct Collector {
    pub address: SocketAddr,
    door: Door<Inner>,
}

#[derive(Default)]
struct Inner {
    manner: Option<Manner>,
    spans: Vec<Collected>,
    /// Everything that came, as it was on the wire.
    raw: Vec<u8>,
    requests: usize,
    faults: Vec<String>,
}

impl Collector {
    /// On a free port of loopback.
    pub async fn start() -> std::io::Result<Self> {
        let routes = |desk| Router::new().fallback(take).with_state(desk);
        let door = Door::open(Inner::default(), routes).await?;
        Ok(Self { address: door.address, door })
    }

    /// What exporters are told.
    pub fn url(&self) -> String {
        self.door.url()
    }

    /// Answer in this manner from now on.
    pub fn behave(&self, manner: Manner) {
        self.door.lock().manner = Some(manner);
    }

    /// The spans so far.
    pub fn spans(&self) -> Vec<Collected> {
        self.door.lock().spans.clone()
    }

    /// How often somebody asked.
    pub fn requests(&self) -> usize {
        self.door.lock().requests
    }

    /// Whether this text is in anything that came.
    pub fn has_seen(&self, text: &str) -> bool {
        self.door.lock().raw.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// What was wrong with what came.
    pub fn faults(&self) -> Vec<String> {
        self.door.lock().faults.clone()
    }
}

async fn take(State(desk): State<Desk<Inner>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let manner = {
        let mut inner = desk.lock();
        inner.requests += 1;
        inner.raw.extend_from_slice(&body);
        inner.manner.clone().unwrap_or(Manner::Take)
    };
    if manner != Manner::Take {
        return answer(manner).await;
    }
    let read = read(&uri, &headers, &body);
    let mut inner = desk.lock();
    match read {
        Ok(spans) => {
            inner.faults.extend(spans.iter().flat_map(faults));
            inner.spans.extend(spans);
            let told = ExportTraceServiceResponse::default().encode_to_vec();
            ([(header::CONTENT_TYPE, PROTOBUF)], told).into_response()
        }
        Err(fault) => {
            inner.faults.push(fault.clone());
            (StatusCode::BAD_REQUEST, fault).into_response()
        }
    }
}

fn read(uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Result<Vec<Collected>, String> {
    if uri.path() != PATH {
        return Err(format!("{} is not {PATH}", uri.path()));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind != PROTOBUF {
        return Err(format!("'{kind}' is not {PROTOBUF}"));
    }
    let request = ExportTraceServiceRequest::decode(body.clone()).map_err(|error| error.to_string())?;
    let mut spans = Vec::new();
    for of_process in request.resource_spans {
        let resource = of_process.resource.unwrap_or_default();
        let service = texts(&resource.attributes).remove("service.name").unwrap_or_default();
        let all = of_process.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
        spans.extend(all.map(|span| collected(&service, &span)));
    }
    Ok(spans)
}

fn collected(service: &str, span: &Span) -> Collected {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Collected {
        service: service.to_owned(),
        name: span.name.clone(),
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: hex(&span.parent_span_id),
        began: span.start_time_unix_nano,
        ended: span.end_time_unix_nano,
        attributes: texts(&span.attributes),
        has_failed: span.status.as_ref().is_some_and(|status| status.code() == SpanStatus::Error),
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        _ => String::new(),
    };
    attributes.iter().map(|attribute| (attribute.key.clone(), text(attribute))).collect()
}

fn faults(span: &Collected) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_id = |id: &str, digits: usize| id.len() == digits && id.bytes().any(|digit| digit != b'0');
    if !is_id(&span.trace_id, 32) || !is_id(&span.span_id, 16) {
        wrong.push(format!("'{}' has no ids", span.name));
    }
    if !span.parent_id.is_empty() && !is_id(&span.parent_id, 16) {
        wrong.push(format!("'{}' has no parent's id", span.name));
    }
    if span.name.is_empty() || span.service.is_empty() || span.ended < span.began {
        wrong.push(format!("{span:?} lacks a name or ends before it begins"));
    }
    wrong
}
