//! Spans as parts of traces. A `tracing` span with the field `otel.kind` is one of a trace: it gets its place when it begins, below
//! the one around it, below the one that its field `trace.parent` names (a `traceparent` of another process), or as the first of a
//! new trace. Places are given whether or not anything is exported: the log lines of all processes can be put together by them.
//!
//! What is exported of a span is its name, its times and the fields of [`ATTRIBUTES`]. No other field leaves the process, so no word,
//! number or key that somebody puts into a span of theirs does.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Span, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::clock::Clock;
use crate::trace::{Place, Sampler};

/// The field that makes a span one of a trace: [`Kind`] in words.
pub const KIND: &str = "otel.kind";
/// A `traceparent` from elsewhere.
pub const PARENT: &str = "trace.parent";
/// Why the work failed, one of few words. A span that has it is exported as failed.
pub const FAILED: &str = "error.type";

/// Fields that are exported, and what they are called there (OpenTelemetry's semantic conventions, or our own under `vox.`).
pub const ATTRIBUTES: [(&str, &str); 20] = [
    ("method", "http.request.method"),
    ("path", "http.route"),
    ("status", "http.response.status_code"),
    (FAILED, "error.type"),
    ("request.id", "vox.request.id"),
    ("tenant.id", "vox.tenant.id"),
    ("call.id", "vox.call.id"),
    ("bot.id", "vox.bot.id"),
    ("transport", "vox.transport"),
    ("disconnected_by", "vox.disconnected_by"),
    ("provider", "vox.provider"),
    ("model", "vox.model"),
    ("service", "vox.service"),
    ("first_ms", "vox.first_ms"),
    ("attempt", "vox.attempt"),
    ("job.id", "vox.job.id"),
    ("job.kind", "vox.job.kind"),
    ("queue", "vox.queue"),
    ("webhook.id", "vox.webhook.id"),
    ("outcome", "vox.outcome"),
];
/// Longest text of an attribute, bytes.
const MAX_TEXT_BYTES: usize = 256;

/// What kind of work a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody asked for it.
    Server,
    /// Somebody else is asked.
    Client,
    /// It follows from something that was kept.
    Consumer,
    Internal,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

/// A span that is over.
#[derive(Clone, Debug)]
pub struct Ended {
    pub place: Place,
    pub parent: Option<Place>,
    /// Whether the parent is in another process.
    pub is_parent_elsewhere: bool,
    pub name: String,
    pub kind: Kind,
    pub began: Timestamp,
    pub ended: Timestamp,
    /// By the exported name.
    pub attributes: Vec<(&'static str, Attribute)>,
}

impl Ended {
    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&str> {
        self.attributes.iter().find_map(|(name, value)| match value {
            Attribute::Text(text) if *name == FAILED => Some(text.as_str()),
            _ => None,
        })
    }
}

/// Takes spans that are over. Called where the work is done: it must not wait.
pub trait Sink: Send + Sync {
    fn take(&self, span: Ended);
}

/// Whether a span of the program is one of a trace.
pub fn is_traced(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.is_span() && metadata.fields().field(KIND).is_some()
}

/// Gives spans their places and hands on those that are over.
pub struct Spans {
    clock: Clock,
    sampler: Sampler,
    sink: Option<Arc<dyn Sink>>,
}

impl Spans {
    /// Without a sink nothing is exported, whatever the sampler says.
    pub fn new(clock: Clock, sampler: Sampler, sink: Option<Arc<dyn Sink>>) -> Self {
        Self { clock, sampler, sink }
    }

    fn begin(&self, parent: Option<Place>, is_parent_elsewhere: bool, read: Read) -> Begun {
        let trace = parent.map_or_else(|| drawn(rand::random), |parent| parent.trace);
        let sampled = self.sampler.samples(trace, parent.as_ref());
        let place = Place { trace, span: drawn(rand::random), sampled };
        let is_exported = sampled && self.sink.is_some();
        Begun { place, parent, is_parent_elsewhere, began: self.clock.now(), is_exported, read }
    }
}

/// Until it is not 0.
fn drawn<T: Default + PartialEq>(draw: impl Fn() -> T) -> T {
    loop {
        let id = draw();
        if id != T::default() {
            return id;
        }
    }
}

/// A span that runs.
struct Begun {
    place: Place,
    parent: Option<Place>,
    is_parent_elsewhere: bool,
    began: Timestamp,
    is_exported: bool,
    read: Read,
}

/// What was read of a span's fields.
#[derive(Default)]
struct Read {
    kind: Option<Kind>,
    parent: Option<Place>,
    attributes: Vec<(&'static str, Attribute)>,
}

impl Read {
    fn put(&mut self, field: &Field, value: Attribute) {
        match (field.name(), &value) {
            (KIND, Attribute::Text(text)) => {
                self.kind = Some(match text.as_str() {
                    "server" => Kind::Server,
                    "client" => Kind::Client,
                    "consumer" => Kind::Consumer,
                    _ => Kind::Internal,
                });
            }
            (PARENT, Attribute::Text(text)) => self.parent = Place::parse(text),
            (name, _) => {
                let Some((_, exported)) = ATTRIBUTES.iter().find(|(field, _)| *field == name) else { return };
                self.attributes.retain(|(before, _)| before != exported);
                self.attributes.push((exported, value));
            }
        }
    }
}

fn text(value: &str) -> Attribute {
    Attribute::Text(value[..value.floor_char_boundary(MAX_TEXT_BYTES)].to_owned())
}

impl Visit for Read {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Attribute::Number(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Attribute::Integer(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Attribute::Integer(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Attribute::Boolean(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, text(value));
    }

    /// Errors may say anything; why work failed is told in a word of its own.
    fn record_error(&mut self, _: &Field, _: &(dyn Error + 'static)) {}

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, text(&format!("{value:?}")));
    }
}

impl<S> Layer<S> for Spans
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut read = Read::default();
        attributes.record(&mut read);
        let around = span.parent().and_then(|parent| place_of(parent));
        let (parent, is_elsewhere) = match read.parent {
            Some(parent) => (Some(parent), true),
            None => (around, false),
        };
        span.extensions_mut().insert(self.begin(parent, is_elsewhere, read));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(begun) = span.extensions_mut().get_mut::<Begun>() {
            values.record(&mut begun.read);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let (Some(span), Some(sink)) = (context.span(&id), &self.sink) else { return };
        let Some(begun) = span.extensions_mut().remove::<Begun>() else { return };
        if begun.is_exported {
            sink.take(ended(span.name(), begun, self.clock.now()));
        }
    }
}

fn ended(name: &'static str, begun: Begun, at: Timestamp) -> Ended {
    let Read { kind, attributes, .. } = begun.read;
    let word = |wanted: &str| {
        attributes.iter().find_map(|(name, value)| match value {
            Attribute::Text(text) if *name == wanted => Some(text.as_str()),
            _ => None,
        })
    };
    // What a server does is told by what it was asked.
    let name = match (word("http.request.method"), word("http.route")) {
        (Some(method), Some(route)) => format!("{method} {route}"),
        _ => name.to_owned(),
    };
    Ended {
        place: begun.place,
        parent: begun.parent,
        is_parent_elsewhere: begun.is_parent_elsewhere,
        name,
        kind: kind.unwrap_or(Kind::Internal),
        began: begun.began,
        ended: at.max(begun.began),
        attributes,
    }
}

/// The place of a span, or of the nearest one around it that has one.
fn place_of<'a, R: LookupSpan<'a>>(span: SpanRef<'a, R>) -> Option<Place> {
    span.scope().find_map(|span| own_place(&span))
}

/// The place of just this span.
pub(super) fn own_place<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>) -> Option<Place> {
    span.extensions().get::<Begun>().map(|begun| begun.place)
}

/// The place of the work that is done here now.
pub fn current() -> Option<Place> {
    place(&Span::current())
}

/// The place of a span.
pub fn place(span: &Span) -> Option<Place> {
    span.with_subscriber(|(id, to): (&Id, &Dispatch)| {
        to.downcast_ref::<Registry>()?.span(id).and_then(place_of)
    })
    .flatten()
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use tracing::field::Empty;
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    const ELSEWHERE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const EVERYTHING: Sampler = Sampler { ratio: 1.0, heeds_parent: true };

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Ended>>>);

    impl Sink for Kept {
        fn take(&self, span: Ended) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(span);
        }
    }

    fn exported(sampler: Sampler, work: impl FnOnce()) -> Vec<Ended> {
        let kept = Kept::default();
        let spans = Spans::new(Clock::system(), sampler, Some(Arc::new(kept.clone())));
        let subscriber = tracing_subscriber::registry().with(spans.with_filter(filter_fn(is_traced)));
        tracing::subscriber::with_default(subscriber, work);
        std::mem::take(&mut kept.0.lock().unwrap())
    }

    #[test]
    fn spans_of_two_processes_make_one_trace() {
        let spans = exported(EVERYTHING, || {
            let request = tracing::info_span!(
                "request",
                otel.kind = "server",
                trace.parent = ELSEWHERE,
                method = %"GET",
                path = "/x/{id}",
                status = Empty
            );
            request.in_scope(|| {
                let plain = tracing::info_span!("bots.rename", spoken = "hello").entered();
                let asked = tracing::info_span!("crm", otel.kind = "client", "error.type" = "timed_out");
                assert_eq!(place(&asked).unwrap().trace, current().unwrap().trace);
                drop(plain);
            });
            request.record("status", 200);
        });
        let [crm, request] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!(request.parent, Place::parse(ELSEWHERE));
        assert_eq!((request.is_parent_elsewhere, request.name.as_str()), (true, "GET /x/{id}"));
        assert!(request.attributes.contains(&("http.response.status_code", Attribute::Integer(200))));
        assert_eq!((crm.parent, crm.is_parent_elsewhere), (Some(request.place), false));
        assert_eq!((crm.kind, crm.failure()), (Kind::Client, Some("timed_out")));
        assert!(crm.place.span != request.place.span && crm.place.trace == request.place.trace);
    }

    #[test]
    fn only_listed_fields_leave_the_process() {
        let spans = exported(EVERYTHING, || {
            let _span = tracing::info_span!(
                "call",
                otel.kind = "server",
                call.id = "call_1",
                caller = "+91980000000",
                text = "my card is"
            );
        });
        let expected = ("vox.call.id", Attribute::Text("call_1".into()));
        assert_eq!(spans[0].attributes, [expected]);
    }

    #[test]
    fn what_is_not_sampled_has_its_place_and_is_not_exported() {
        let spans = exported(Sampler { ratio: 0.0, heeds_parent: true }, || {
            let root = tracing::info_span!("call", otel.kind = "server").entered();
            let own = current().unwrap();
            assert!(!own.sampled && own.trace != 0 && own.span != 0);
            drop(root);
            let _sampled = tracing::info_span!("call", otel.kind = "server", trace.parent = ELSEWHERE);
        });
        assert_eq!(spans.len(), 1, "who asks decides");
        assert_eq!(current(), None, "outside of any span");
    }
}
