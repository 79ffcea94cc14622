//! What the bridge's metrics tell of calls, and what rules and dashboards make of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use vox_testkit::metrics::unknown_in;

use crate::harness::{TestBridge, result};

fn with_vendors(session: &str) -> Value {
    let mut told = result(session, "bot");
    told["pipeline_config"] = json!({
        "stt": [{"provider": "ears", "model": "e1"}],
        "llm": [{"provider": "first", "model": "m1"}, {"provider": "second", "model": "m2"}],
        "tts": [{"provider": "mouth", "model": "t1", "voice": "anna"}],
    });
    told["latency_samples"] = json!([
        {"turn": 1, "stt_ms": 90.0, "llm_ms": 400.0, "tts_ms": 120.0, "total_ms": 900.0},
        {"turn": 2, "stt_ms": 80.0, "llm_ms": 2600.0, "llm_place": 1, "total_ms": 3000.0},
    ]);
    told
}

#[tokio::test]
async fn the_parts_of_a_delay_are_told_by_tenant_and_the_vendor_that_answered() {
    let bridge = TestBridge::start().await;
    bridge.deliver(&with_vendors("call_m")).await.error_for_status().unwrap();
    bridge.deliver(&with_vendors("call_m")).await.error_for_status().unwrap();
    let page = bridge.metrics().await;
    for told in [
        r#"stt_latency_seconds_count{tenant="default",provider="ears"} 2"#,
        r#"llm_latency_seconds_count{tenant="default",provider="first",model="m1"} 1"#,
        r#"llm_latency_seconds_bucket{le="3.0",tenant="default",provider="second",model="m2"} 1"#,
        r#"tts_latency_seconds_sum{tenant="default",provider="mouth",voice="anna"} 0.12"#,
        r#"e2e_latency_seconds_count{tenant="default"} 2"#,
        r#"calls_total{tenant="default",direction="incoming",status="completed"} 1"#,
        // There before the first one fails, or no rule could see that it did.
        r#"jobs_total{queue="reports",outcome="failed"} 0"#,
    ] {
        assert!(page.contains(told), "{told}\n{page}");
    }
}

#[tokio::test]
async fn tenants_are_no_labels_where_the_operator_says_so() {
    let bridge = TestBridge::start_with(|config| config.metrics.show_tenants = false).await;
    bridge.deliver(&with_vendors("call_m")).await.error_for_status().unwrap();
    let page = bridge.metrics().await;
    assert!(page.contains(r#"llm_latency_seconds_count{tenant="",provider="first",model="m1"} 1"#), "{page}");
    assert!(!page.contains(r#"tenant="default""#), "{page}");
}

fn ops() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops")
}

/// Every expression of a dashboard.
fn expressions(of: &Value, into: &mut Vec<String>) {
    match of {
        Value::Object(map) => {
            into.extend(map.get("expr").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| expressions(value, into));
        }
        Value::Array(list) => list.iter().for_each(|value| expressions(value, into)),
        _ => {}
    }
}

#[test]
fn dashboards_name_metrics_and_labels_of_the_catalogue_only() {
    let mut seen = Vec::new();
    for file in std::fs::read_dir(ops().join("grafana")).unwrap().flatten() {
        let dashboard: Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
        let mut all = Vec::new();
        expressions(&dashboard, &mut all);
        assert!(all.len() >= 6, "{:?} shows nothing", file.file_name());
        let wrong: Vec<_> = all.iter().flat_map(|expression| unknown_in(expression)).collect();
        assert_eq!(wrong, Vec::<String>::new(), "{:?}", file.file_name());
        seen.push(file.file_name().into_string().unwrap());
    }
    seen.sort();
    assert_eq!(seen, ["calls.json", "deliveries.json", "fleet.json", "latency.json", "vendors.json"]);
}

#[test]
fn alert_rules_are_rules_that_fire_when_they_should() {
    let rules = std::fs::read_to_string(ops().join("prometheus/alerts.yml")).unwrap();
    // `{{` is text of annotations.
    let wrong = unknown_in(&rules.replace("{{", ""));
    assert_eq!(wrong, Vec::<String>::new());
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/prometheus/check.sh");
    let checked = Command::new(check).output().unwrap();
    let said = [checked.stdout, checked.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(checked.status.success(), "{}\n{}", said[0], said[1]);
}
