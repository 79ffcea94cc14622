//! What follows from a result (a job that pushes it to the bot's CRM, a webhook) is part of its call's trace, though other tasks do it
//! and documents lie in between; and nobody outside is told of the trace.

use std::path::Path;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use vox_shared::wire::SECRET_HEADER;
use vox_testkit::collector::{Collected, Collector};
use vox_testkit::crm::ScriptedCrm;
use vox_testkit::receiver::Receiver;

use crate::harness::{client, json, result};
use crate::s3_server::eventually;

const SECRET: &str = "Zr5tVx7QwLk9PmYc2HdJ4nSg8BfA1eUo";
const JWT: &str = "kq8ZLw2nRpX0vT4yHs6DfG1jCbM3aUeN";
const PATIENCE: Duration = Duration::from_secs(60);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const KEY: &str = "crm-key-canary-2";
const SPOKEN: &str = "Please call my mother.";

/// The program with a collector, and its admin.
struct Bridge {
    ready: Value,
    token: String,
    _child: Child,
}

impl Bridge {
    async fn start(dir: &Path, collector: &Collector) -> Self {
        let ready_file = dir.join("ready.json");
        let settings = [
            ("JWT_SECRET", JWT),
            ("VOXCORE_SECRET", SECRET),
            ("VOX_BRIDGE_ADDR", "127.0.0.1:0"),
            ("VOX_BRIDGE_METRICS_LISTEN", "off"),
            ("VOX_EGRESS_ALLOW", "127.0.0.1"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("LOG_LEVEL", "error"),
        ];
        let mut command = Command::new(env!("CARGO_BIN_EXE_vox-bridge"));
        command.arg("--ready-file").arg(&ready_file).env_clear().envs(settings);
        let child = command.env("VOX_DATA_DIR", dir.join("data")).kill_on_drop(true).spawn().unwrap();
        assert!(eventually(PATIENCE, || async { ready_file.exists() }).await, "it does not start");
        let ready: Value = serde_json::from_slice(&std::fs::read(&ready_file).unwrap()).unwrap();
        let login = json!({"email": ready["admin_email"], "password": ready["admin_password"]});
        let mut bridge = Self { ready, token: String::new(), _child: child };
        let session = bridge.ask(Method::POST, "/api/v1/auth/login", &login).await;
        session["access_token"].as_str().unwrap().clone_into(&mut bridge.token);
        bridge
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.ready["bridge_url"].as_str().unwrap());
        let mut request = client().request(method, url).json(body);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap_or_default()
    }

    async fn deliver(&self, result: &Value) -> Value {
        let url = format!("{}/api/v1/call-results", self.ready["bridge_url"].as_str().unwrap());
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let request = client().post(url).header(SECRET_HEADER, SECRET).header("traceparent", parent);
        json(request.json(result).send().await.unwrap(), StatusCode::OK).await
    }
}

fn find<'a>(spans: &'a [Collected], name: &str) -> &'a Collected {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}: {spans:#?}"))
}

#[tokio::test]
async fn jobs_and_webhooks_are_in_the_trace_of_the_call_that_they_follow_from() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start().await.unwrap();
    let (receiver, crm) =
        (Receiver::start().await.unwrap(), ScriptedCrm::start(KEY, json!({})).await.unwrap());
    let bridge = Bridge::start(dir.path(), &collector).await;
    let wish = json!({"url": receiver.url(), "events": ["call.ended"]});
    let made = bridge.ask(Method::POST, "/api/v1/webhooks", &wish).await;
    receiver.trust(made["secret"].as_str().unwrap());
    let headers = json!([{"name": "Authorization", "value": format!("Bearer {KEY}")}]);
    let push = json!({"push": {"url": crm.url("/results"), "headers": headers, "body": {"id": "{{result.call_id}}"}}});
    bridge.ask(Method::PUT, "/api/v1/bots/faq/crm", &push).await;

    let mut ended = result("call_t", "customer");
    ended["transcript"][0]["text"] = json!(SPOKEN);
    ended["caller_id"] = json!("+4915112345678");
    assert_eq!(bridge.deliver(&ended).await["status"], "stored");
    let all = || async {
        let spans = collector.spans();
        ["webhook", "job", "crm"].iter().all(|name| spans.iter().any(|span| span.name == *name))
    };
    assert!(eventually(PATIENCE, all).await, "{:#?}", collector.spans());

    assert_eq!((receiver.received().len(), crm.asked().len()), (1, 1));
    assert_eq!(collector.faults(), Vec::<String>::new());
    let spans = collector.spans();
    let request = find(&spans, "POST /api/v1/call-results");
    assert_eq!((request.trace_id.as_str(), request.parent_id.as_str()), (TRACE, "00f067aa0ba902b7"));
    let (job, webhook, asked) = (find(&spans, "job"), find(&spans, "webhook"), find(&spans, "crm"));
    for span in [job, webhook] {
        assert_eq!((&span.trace_id, &span.parent_id), (&request.trace_id, &request.span_id), "{span:?}");
    }
    assert_eq!(job.attributes["vox.outcome"], "done");
    assert_eq!((&asked.trace_id, &asked.parent_id), (&job.trace_id, &job.span_id));
    assert_eq!(asked.attributes["http.response.status_code"], "200");
    for canary in [SPOKEN, "4915112345678", KEY, SECRET, JWT, made["secret"].as_str().unwrap(), &bridge.token]
    {
        assert!(!collector.has_seen(canary), "{canary} is in a span");
    }
}
