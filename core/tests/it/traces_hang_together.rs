//! One call is one trace, over worker and bridge; nothing that is said in it is in the trace; and a collector that misbehaves costs
//! the call nothing. The lines of both processes' logs name the same trace.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use vox_caller::{Call, Options, Protocol, Scenario, Step, connect, run};
use vox_testkit::collector::{Collected, Collector};
use vox_testkit::receiver::Manner;
use vox_testkit::vendor::openai::Script;

use crate::harness::bridge::{Bridge, secret};
use crate::harness::bridge_process::BridgeProcess;
use crate::harness::vendors::{Scripts, Vendors};
use crate::harness::worker::Worker;
use crate::harness::{eventually, speech, texts};

const CALLER: &str = "+919800000071";
const HEARD: &str = "My card is four two four two.";
const REPLY: &str = "I did not write that down.";
/// What the carrier says of the call's trace.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const QUIET: Duration = Duration::from_millis(700);
/// The fields of a line, and no other.
const FIELDS: [&str; 10] = [
    "call_id",
    "data",
    "instance",
    "level",
    "message",
    "service",
    "span_id",
    "tenant_id",
    "timestamp",
    "trace_id",
];

/// Bridge and worker as processes, both with this collector.
struct Platform {
    bridge: Bridge,
    process: BridgeProcess,
    worker: Worker,
    vendors: Vendors,
    bot: String,
    data: TempDir,
}

impl Platform {
    async fn start(collector: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut bridge = Bridge::start(&data.path().join("bridge")).await;
        let vendors = Vendors::start(Scripts::new([HEARD], Script::saying(REPLY))).await;
        let bot = bridge.insert_bot(vendors.bot()).await;
        bridge.go_away().await;
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("LOG_LEVEL", "info"),
        ];
        let log = File::create(data.path().join("bridge.log")).unwrap();
        let process = BridgeProcess::start_with(&bridge, Stdio::from(log), &settings).await;
        let worker = Worker::start(&data.path().join("core"), &bridge.url(), &settings).await;
        Self { bridge, process, worker, vendors, bot, data }
    }

    async fn dial(&self, caller: &str) -> Call {
        let mut options = Options::new(Protocol::Ws, &self.worker.url()).unwrap();
        options.bot_id = Some(self.bot.clone());
        caller.clone_into(&mut options.caller_id);
        let parent = format!("00-{TRACE}-{PARENT}-01");
        options.headers.insert("traceparent", parent.parse().unwrap());
        connect(options).await.unwrap_or_else(|error| panic!("{error}\n{}", self.worker.log()))
    }

    /// A call in which both sides say something; its record.
    async fn call(&self, caller: &str) -> Value {
        let scenario =
            Scenario::new().await_reply(QUIET).say(speech(5)).await_reply(QUIET).then(Step::Hangup);
        let done = run(self.dial(caller).await, scenario).await;
        assert!(done.is_complete(), "{:?}\n{}", done.steps, self.worker.log());
        self.bridge.record(caller).await.unwrap_or_else(|why| panic!("{why}\n{}", self.worker.log()))
    }

    async fn end(mut self) -> (Vec<String>, Vec<String>) {
        self.worker.stop().await;
        self.process.stop().await;
        let bridge = std::fs::read_to_string(self.data.path().join("bridge.log")).unwrap();
        (self.worker.lines(), bridge.lines().map(str::to_owned).collect())
    }
}

fn find<'a>(spans: &'a [Collected], service: &str, name: &str) -> &'a Collected {
    let found = spans.iter().find(|span| span.service == service && span.name == name);
    found.unwrap_or_else(|| panic!("no {name} of {service}: {spans:#?}"))
}

/// Lines of this trace; every line has the fields of the contract.
fn of_trace(lines: &[String]) -> Vec<Value> {
    let mut found = Vec::new();
    for line in lines {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(line.as_object().unwrap().keys().collect::<Vec<_>>(), FIELDS, "{line}");
        if line["trace_id"] == TRACE {
            found.push(line);
        }
    }
    found
}

#[tokio::test]
async fn one_call_is_one_trace_and_nothing_said_is_in_it() {
    let collector = Collector::start().await.unwrap();
    let platform = Platform::start(&collector.url()).await;
    let record = platform.call(CALLER).await;
    assert_eq!(texts(&record, "caller"), [HEARD]);
    assert!(record["traceparent"].as_str().unwrap().contains(TRACE), "{record}");
    let keys = [platform.vendors.stt.api_key(), platform.vendors.llm.api_key()].map(str::to_owned);
    let (session_id, bot) = (record["session_id"].as_str().unwrap().to_owned(), platform.bot.clone());
    let (worker_lines, bridge_lines) = platform.end().await;

    let all = async || {
        let spans = collector.spans();
        spans.iter().any(|span| span.name == "PUT /api/v1/internal/recordings/{key}").then_some(spans)
    };
    let spans = eventually("the last span has come", all).await;
    assert_eq!(collector.faults(), Vec::<String>::new());
    let call = find(&spans, "vox-core", "call");
    assert_eq!((call.trace_id.as_str(), call.parent_id.as_str()), (TRACE, PARENT));
    let told = |name: &str| call.attributes.get(name).map(String::as_str);
    assert_eq!((told("vox.call.id"), told("vox.bot.id")), (Some(session_id.as_str()), Some(bot.as_str())));
    assert_eq!(told("vox.disconnected_by"), Some("customer"));
    for name in ["config", "stt", "llm", "tts", "delivery"] {
        let span = find(&spans, "vox-core", name);
        assert_eq!((&span.trace_id, &span.parent_id), (&call.trace_id, &call.span_id), "{span:?}");
        assert!(!span.has_failed, "{span:?}");
    }
    assert!(find(&spans, "vox-core", "llm").attributes.contains_key("vox.first_ms"));
    for (asked, by) in [
        ("POST /api/v1/config/{bot_id}", "config"),
        ("POST /api/v1/call-results", "delivery"),
        ("PUT /api/v1/internal/recordings/{key}", "delivery"),
    ] {
        let span = find(&spans, "vox-bridge", asked);
        let parent =
            spans.iter().find(|parent| parent.span_id == span.parent_id).map(|span| span.name.as_str());
        assert_eq!((span.trace_id.as_str(), parent), (TRACE, Some(by)), "{span:?}");
    }
    // The session's id is no secret; it shows that this looks where it should.
    assert!(collector.has_seen(&session_id));
    for canary in [HEARD, REPLY, CALLER, &CALLER[1..], &keys[0], &keys[1], &secret()] {
        assert!(!collector.has_seen(canary), "{canary} is in a span");
    }

    let (worker, bridge) = (of_trace(&worker_lines), of_trace(&bridge_lines));
    // A worker has little to say of a call that goes well.
    assert!(worker.iter().all(|line| line["call_id"] == session_id.as_str()), "{worker:?}");
    assert!(bridge.iter().any(|line| line["message"] == "answered"), "{bridge_lines:?}");
    assert!(worker.iter().all(|line| line["service"] == "vox-core"));
    assert!(bridge.iter().all(|line| line["service"] == "vox-bridge"));
}

/// The collector is slow, then fails, then is gone: nobody waits for it.
#[tokio::test]
async fn a_collector_that_misbehaves_costs_a_call_nothing() {
    let collector = Collector::start().await.unwrap();
    collector.behave(Manner::Silent);
    let platform = Platform::start(&collector.url()).await;
    let record = platform.call("+919800000072").await;
    assert_eq!(record["disconnected_by"], "customer");
    assert!(record["latency"]["wire_to_ear_max_ms"].as_f64().unwrap() < 5_000.0, "{}", record["latency"]);
    assert!(collector.requests() > 0);
    collector.behave(Manner::Refuse(500));
    drop(collector);
    assert_eq!(platform.call("+919800000073").await["disconnected_by"], "customer");
    // Neither process waits for it at the end.
    platform.end().await;
}
