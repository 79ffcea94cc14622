//! From spans that are over to a collector: the SDK's own batches and encoding, over the workspace's HTTP client.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_http::{HttpClient, HttpError, ResponseBodyTooLarge};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor};
use reqwest::Client;
use tokio::runtime::{Builder, Runtime};
use url::Url;
use vox_shared::telemetry::Who;
use vox_shared::telemetry::spans::{Attribute, Ended, Kind, Sink};

use super::StartError;

/// Longest wait for a collector; the SDK's own limit stands around it (`OTEL_EXPORTER_OTLP_TIMEOUT`).
const REQUEST_DEADLINE: Duration = Duration::from_secs(10);
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// At the end of the process.
const LAST_EXPORT: Duration = Duration::from_secs(2);
/// Of a collector's answer, bytes: it says little.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Says which spans are ours.
const SCOPE: &str = "vox";

/// Gathers spans and sends them.
pub struct Collector {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
}

impl Collector {
    /// Start its thread.
    pub fn start(who: Who<'_>, url: &Url) -> Result<Self, StartError> {
        let failed = |error: &dyn fmt::Display| StartError::Exporter(error.to_string());
        let client = Poster::new().map_err(|error| failed(&error))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(url.as_str())
            .build()
            .map_err(|error| failed(&error))?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        processor.set_resource(&resource(who));
        Ok(Self { processor, scope: InstrumentationScope::builder(SCOPE).build() })
    }

    /// Send what is left.
    pub fn finish(&self) {
        // A collector that is away keeps no process.
        let _late = self.processor.shutdown_with_timeout(LAST_EXPORT);
    }
}

/// `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` go over what the process says of itself.
fn resource(who: Who<'_>) -> Resource {
    let told = Resource::builder().build();
    let own = [
        KeyValue::new("service.name", who.service),
        KeyValue::new("service.instance.id", who.instance.to_owned()),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
    ];
    // The SDK names a service that nobody named.
    let is_made_up = |value: &Value| value.as_str().starts_with("unknown_service");
    let own = own.into_iter().filter(|own| told.get(&own.key).is_none_or(|value| is_made_up(&value)));
    let own: Vec<KeyValue> = own.collect();
    Resource::builder().with_attributes(own).build()
}

impl Sink for Collector {
    fn take(&self, span: Ended) {
        self.processor.on_end(exported(span, &self.scope));
    }
}

fn exported(span: Ended, scope: &InstrumentationScope) -> SpanData {
    let status = match span.failure() {
        Some(why) => Status::error(why.to_owned()),
        None => Status::Unset,
    };
    let trace = TraceId::from_bytes(span.place.trace.to_be_bytes());
    let own = SpanId::from_bytes(span.place.span.to_be_bytes());
    let parent = span.parent.map_or(SpanId::INVALID, |parent| SpanId::from_bytes(parent.span.to_be_bytes()));
    let attributes = span.attributes.into_iter().map(|(name, value)| KeyValue::new(name, of(value)));
    SpanData {
        span_context: SpanContext::new(trace, own, TraceFlags::SAMPLED, false, TraceState::NONE),
        parent_span_id: parent,
        parent_span_is_remote: span.is_parent_elsewhere,
        span_kind: match span.kind {
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Consumer => SpanKind::Consumer,
            Kind::Internal => SpanKind::Internal,
        },
        name: span.name.into(),
        start_time: system_time(span.began),
        end_time: system_time(span.ended),
        attributes: attributes.collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status,
        instrumentation_scope: scope.clone(),
    }
}

fn system_time(at: Timestamp) -> SystemTime {
    let since = u64::try_from(at.as_microsecond()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_micros(since)
}

fn of(value: Attribute) -> Value {
    match value {
        Attribute::Text(text) => text.into(),
        Attribute::Integer(number) => number.into(),
        Attribute::Number(number) => number.into(),
        Attribute::Boolean(truth) => truth.into(),
    }
}

/// Posts batches from the SDK's thread, which has no runtime of its own.
#[derive(Debug)]
struct Poster {
    client: Client,
    runtime: Runtime,
}

impl Poster {
    fn new() -> Result<Self, std::io::Error> {
        let client = Client::builder()
            .tls_backend_preconfigured(vox_egress::client_config())
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(REQUEST_DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            // Nobody looks after an idle connection between two batches.
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Self { client, runtime: Builder::new_current_thread().enable_all().build()? })
    }

    async fn post(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut answer = self.client.execute(request.try_into()?).await?;
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            if body.len() + piece.len() > MAX_ANSWER_BYTES {
                return Err(ResponseBodyTooLarge::new().into());
            }
            body.extend_from_slice(&piece);
        }
        let mut response = Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.extend(answer.headers().clone());
        }
        Ok(response.body(body.into())?)
    }
}

#[async_trait::async_trait]
impl HttpClient for Poster {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.runtime.block_on(self.post(request))
    }
}
