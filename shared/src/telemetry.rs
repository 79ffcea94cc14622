//! Logs: one JSON object per line on standard error, the same fields from every process.
//!
//! ```json
//! {"timestamp":"2026-01-02T03:04:05.678901Z","level":"info","service":"core","instance":"wrk_1","trace_id":null,
//!  "span_id":null,"tenant_id":"ten_1","call_id":"call_1","message":"call answered","data":{"target":"vox_core::call"}}
//! ```
//!
//! Spans carry `tenant.id` and `call.id`; every line within them is labelled so, and with the trace and span of the nearest one that
//! is part of a trace ([`spans`]). All other fields of the spans and of the event are under `data`, inner ones hiding outer ones.

pub mod spans;

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::clock::Clock;
use crate::env::Env;
use crate::redaction::net;
use crate::trace::Sampler;
use spans::{Sink, Spans};

/// Longest text of one field, bytes; longer ones are cut, so that no error can flood the log.
pub const MAX_TEXT_BYTES: usize = 4096;

const DEFAULT_FILTER: &str = "info";
/// The HTTP server tells every malformed request as an error of its own. Strangers send those, so it is not heard unless a
/// filter names it; what we do about a connection is in our own lines.
const UNHEARD: &str = "actix_http=off";

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter does not parse.
    #[error(
        "{name}: '{text}' is no log filter: write a level (error, warn, info, debug, trace) or target=level,..."
    )]
    Filter {
        /// The variable.
        name: &'static str,
        /// Its text.
        text: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Logging was set up before.
    #[error("logging is already set up")]
    Already(#[source] TryInitError),
}

/// The process, as its lines and spans name it.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    pub service: &'static str,
    pub instance: &'a str,
}

/// Which spans go where.
#[derive(Clone)]
pub struct Tracing {
    pub sampler: Sampler,
    pub sink: Option<Arc<dyn Sink>>,
}

impl Tracing {
    /// Nowhere. Traces that others sample are passed on so.
    pub const OFF: Self = Self { sampler: Sampler { ratio: 0.0, heeds_parent: true }, sink: None };
}

/// Log to standard error from now on, and hand spans on. `LOG_LEVEL`, else `RUST_LOG`, says what is logged: a level or
/// `target=level,...`; `info` if neither is set. Spans do not depend on it.
pub fn init(who: Who<'_>, env: &Env, tracing: Tracing) -> Result<(), InitError> {
    let lines = JsonLines::new(who.service, who.instance, Clock::system(), std::io::stderr);
    let spans = Spans::new(Clock::system(), tracing.sampler, tracing.sink);
    put_together(lines, filter(env)?, spans).try_init().map_err(InitError::Already)
}

fn put_together<W>(lines: JsonLines<W>, what: EnvFilter, spans: Spans) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let traced = filter_fn(spans::is_traced).with_max_level_hint(LevelFilter::INFO);
    tracing_subscriber::registry().with(spans.with_filter(traced)).with(lines.with_filter(what))
}

fn filter(env: &Env) -> Result<EnvFilter, InitError> {
    let set = ["LOG_LEVEL", "RUST_LOG"].into_iter().find_map(|name| Some((name, env.text(name)?)));
    let (name, text) = set.unwrap_or(("LOG_LEVEL", DEFAULT_FILTER.to_owned()));
    EnvFilter::try_new(format!("{UNHEARD},{text}")).map_err(|source| InitError::Filter { name, text, source })
}

/// Writes each event as one line. A line that cannot be written is lost: a call must not die of its log.
#[derive(Debug)]
pub struct JsonLines<W> {
    service: &'static str,
    instance: String,
    clock: Clock,
    to: W,
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    service: &'a str,
    instance: &'a str,
    trace_id: Option<&'a str>,
    span_id: Option<&'a str>,
    tenant_id: Option<&'a str>,
    call_id: Option<&'a str>,
    message: &'a str,
    data: &'a Map<String, Value>,
}

impl<W> JsonLines<W> {
    /// Lines of this process, written to `to`.
    pub fn new(service: &'static str, instance: &str, clock: Clock, to: W) -> Self {
        Self { service, instance: instance.to_owned(), clock, to }
    }

    fn encode(&self, level: tracing::Level, fields: &Fields) -> Vec<u8> {
        let line = Line {
            timestamp: format!("{:.6}", self.clock.now()),
            level: level_word(level),
            service: self.service,
            instance: &self.instance,
            trace_id: fields.trace_id.as_deref(),
            span_id: fields.span_id.as_deref(),
            tenant_id: fields.tenant_id.as_deref(),
            call_id: fields.call_id.as_deref(),
            message: fields.message.as_deref().unwrap_or_default(),
            data: &fields.data,
        };
        let mut text =
            serde_json::to_vec(&line).expect("texts, numbers and maps with text keys always serialise");
        text.push(b'\n');
        text
    }
}

fn level_word(level: tracing::Level) -> &'static str {
    match level {
        tracing::Level::ERROR => "error",
        tracing::Level::WARN => "warn",
        tracing::Level::INFO => "info",
        tracing::Level::DEBUG => "debug",
        tracing::Level::TRACE => "trace",
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut all = Fields::default();
        all.data.insert("target".to_owned(), event.metadata().target().into());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<Fields>() {
                all.take_over(fields);
            }
            if let Some(place) = spans::own_place(&span) {
                (all.trace_id, all.span_id) = (Some(place.trace_id()), Some(place.span_id()));
            }
        }
        event.record(&mut all);
        let level = *event.metadata().level();
        // Ignored: there is nowhere left to report it.
        let _ = self.to.make_writer_for(event.metadata()).write_all(&self.encode(level, &all));
    }
}

/// What a span or an event was given.
#[derive(Debug, Default)]
struct Fields {
    trace_id: Option<String>,
    span_id: Option<String>,
    tenant_id: Option<String>,
    call_id: Option<String>,
    message: Option<String>,
    data: Map<String, Value>,
}

impl Fields {
    /// Inner fields hide outer ones.
    fn take_over(&mut self, inner: &Self) {
        let replace = |old: &mut Option<String>, new: &Option<String>| {
            if new.is_some() {
                old.clone_from(new);
            }
        };
        replace(&mut self.trace_id, &inner.trace_id);
        replace(&mut self.span_id, &inner.span_id);
        replace(&mut self.tenant_id, &inner.tenant_id);
        replace(&mut self.call_id, &inner.call_id);
        self.data.extend(inner.data.iter().map(|(name, value)| (name.clone(), value.clone())));
    }

    fn put(&mut self, field: &Field, value: Value) {
        let own = match field.name() {
            "trace.id" => &mut self.trace_id,
            "span.id" => &mut self.span_id,
            "tenant.id" => &mut self.tenant_id,
            "call.id" => &mut self.call_id,
            "message" => &mut self.message,
            // What the `log` crate's events carry: their target is the one that matters, their source lines are noise.
            "log.target" => return self.keep("target", value),
            name if name.starts_with("log.") => return,
            // For the spans; a place that was given is in the line.
            spans::KIND | spans::PARENT => return,
            name => return self.keep(name, value),
        };
        *own = Some(match value {
            Value::String(text) => text,
            other => other.to_string(),
        });
    }

    fn keep(&mut self, name: &str, value: Value) {
        self.data.insert(name.to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, shown(value).into());
    }

    /// With the whole chain of causes.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.put(field, shown(&text).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, shown(&format!("{value:?}")).into());
    }
}

/// As it may stand in the log.
fn shown(text: &str) -> String {
    net::clean(cut(text)).into_owned()
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use jiff::Timestamp;
    use serde_json::json;
    use tracing::field::Empty;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    fn env(vars: &[(&str, &str)]) -> Env {
        Env::from_vars(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn logged(vars: &[(&str, &str)], what: impl FnOnce()) -> Vec<Value> {
        let paper = Paper::default();
        let clock = Clock::manual("2026-01-02T03:04:05.678901234Z".parse::<Timestamp>().unwrap());
        let to = paper.clone();
        let lines = JsonLines::new("core", "wrk_1", clock, move || to.clone());
        let spans = Spans::new(Clock::system(), Tracing::OFF.sampler, None);
        let subscriber = put_together(lines, filter(&env(vars)).unwrap(), spans);
        tracing::subscriber::with_default(subscriber, what);
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_has_the_fields_of_the_contract() {
        let lines = logged(&[], || tracing::warn!(provider = "deepgram", duration_ms = 12, "slow\nanswer"));
        let expected = json!({
            "timestamp": "2026-01-02T03:04:05.678901Z", "level": "warn", "service": "core", "instance": "wrk_1",
            "trace_id": null, "span_id": null, "tenant_id": null, "call_id": null, "message": "slow\nanswer",
            "data": {"target": "vox_shared::telemetry::tests", "provider": "deepgram", "duration_ms": 12},
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn spans_label_the_lines_within_them() {
        let lines = logged(&[], || {
            let request =
                tracing::info_span!("request", trace.id = "t1", span.id = "s1", tenant.id = "ten_1", leg = 1);
            let _request = request.enter();
            let call = tracing::info_span!("call", span.id = "s2", call.id = Empty, leg = 2);
            call.record("call.id", tracing::field::display("call_7"));
            call.in_scope(|| tracing::info!(leg = 3, ok = true, "inside"));
            tracing::info!("outside");
        });
        let (inside, outside) = (&lines[0], &lines[1]);
        assert_eq!([&inside["trace_id"], &inside["span_id"]], ["t1", "s2"]);
        assert_eq!([&inside["tenant_id"], &inside["call_id"]], ["ten_1", "call_7"]);
        assert_eq!((&inside["data"]["leg"], &inside["data"]["ok"]), (&json!(3), &json!(true)));
        assert_eq!((&outside["span_id"], &outside["call_id"]), (&json!("s1"), &Value::Null));
        assert_eq!(outside["data"]["leg"], 1);
    }

    #[test]
    fn lines_name_the_span_of_the_trace_that_they_are_in() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut place = None;
        let lines = logged(&[], || {
            let span = tracing::info_span!("request", otel.kind = "server", trace.parent = parent).entered();
            place = spans::current();
            tracing::info_span!("plain").in_scope(|| tracing::info!("inside"));
            drop(span);
            tracing::info!("outside");
        });
        let place = place.unwrap();
        assert_eq!(lines[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(lines[0]["span_id"], place.span_id());
        assert_ne!(lines[0]["span_id"], "00f067aa0ba902b7", "the work has a span of its own");
        assert_eq!(lines[0]["data"], json!({"target": "vox_shared::telemetry::tests"}));
        assert_eq!((&lines[1]["trace_id"], &lines[1]["span_id"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn errors_are_told_with_their_causes_and_texts_are_cut() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot store the result")]
        struct Outer(#[source] io::Error);

        let error = Outer(io::Error::other("disk full"));
        let long = "é".repeat(MAX_TEXT_BYTES);
        let lines = logged(&[], || {
            tracing::error!(error = &error as &(dyn Error + 'static), long, nan = f64::NAN, "failed");
        });
        assert_eq!(lines[0]["data"]["error"], "cannot store the result: disk full");
        assert_eq!(lines[0]["data"]["long"].as_str().unwrap().len(), MAX_TEXT_BYTES);
        assert_eq!(lines[0]["data"]["nan"], Value::Null);
    }

    #[test]
    fn the_environment_says_what_is_logged() {
        let say = || {
            tracing::debug!("fine");
            tracing::info!("coarse");
        };
        assert_eq!(logged(&[], say).len(), 1);
        assert_eq!(logged(&[("LOG_LEVEL", "debug")], say).len(), 2);
        let server = || tracing::error!(target: "actix_http::h1::dispatcher", "stream error");
        assert_eq!(logged(&[("LOG_LEVEL", "debug")], server).len(), 0);
        assert_eq!(logged(&[("LOG_LEVEL", "actix_http=error")], server).len(), 1);
        assert_eq!(logged(&[("RUST_LOG", "warn,vox_shared=debug")], say).len(), 2);
        assert_eq!(logged(&[("LOG_LEVEL", "error"), ("RUST_LOG", "debug")], say).len(), 0);
        let error = filter(&env(&[("LOG_LEVEL", "vox=loud")])).unwrap_err().to_string();
        assert!(error.contains("LOG_LEVEL") && error.contains("vox=loud"), "{error}");
    }

    #[test]
    fn a_stream_that_cannot_be_written_is_survived() {
        let lines = JsonLines::new("core", "wrk_1", Clock::system(), || Broken);
        let subscriber = tracing_subscriber::registry().with(lines);
        let said = tracing::subscriber::with_default(subscriber, || {
            tracing::info!("into the void");
            "survived"
        });
        assert_eq!(said, "survived");
    }
}
