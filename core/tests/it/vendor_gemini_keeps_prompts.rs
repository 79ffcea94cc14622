//! Prompts that Google keeps (`cachedContents`): made beside the questions, used, renewed ahead, and done without when they are gone.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use vox_core::provider::llm::gemini::{Gemini, KeptPrompts};
use vox_core::provider::llm::{
    CacheKey, LanguageModel, LlmEvent, LlmRequest, LlmUsage, Message, Role, ToolSpec,
};
use vox_testkit::vendor::Observed;
use vox_testkit::vendor::gemini::{Rule, Script, Server};

use crate::conformance::{PATIENCE, eventually, rest};
use crate::vendor_gemini::client;
use crate::vendor_vertex::Vendor;

fn script() -> Script {
    let rule = Rule::on("bye", "Goodbye.").calling("end_call", json!({}));
    Script { least_kept_tokens: 100, ..Script::saying("Yes.").with_rule(rule) }
}

fn question(user: &str) -> LlmRequest {
    let fixed = "Be kind. ".repeat(200);
    let end_call = ToolSpec {
        name: "end_call".into(),
        description: "End the call.".into(),
        parameters: json!({"type": "object"}),
    };
    LlmRequest {
        messages: vec![
            Message::text(Role::System, format!("{fixed}The caller is Asha.")),
            Message::text(Role::User, user),
        ],
        tools: vec![end_call],
        cache_key: Some(CacheKey { name: "bot_1-0a1b".into(), fixed_bytes: fixed.len() }),
    }
}

async fn ask(client: &Gemini, user: &str) -> (Vec<LlmEvent>, LlmUsage) {
    let events = rest(&mut client.ask(question(user)).events).await;
    let Some(LlmEvent::Done { usage: Some(usage), .. }) = events.last() else { panic!("{events:?}") };
    let usage = *usage;
    (events, usage)
}

async fn cached(client: &Gemini) -> u64 {
    ask(client, "hello").await.1.tokens_cached
}

/// Ask until the prompt is kept.
async fn until_kept(client: &Gemini) -> LlmUsage {
    let asking = async {
        loop {
            let (_, usage) = ask(client, "hello").await;
            if usage.tokens_cached > 0 {
                return usage;
            }
        }
    };
    timeout(PATIENCE, asking).await.expect("the prompt is kept")
}

/// What was answered to requests that a prompt be kept.
fn made(observed: &Observed) -> Vec<u16> {
    observed.on_path("/cachedContents").filter_map(|asked| asked.status).collect()
}

fn questions(observed: &Observed) -> Vec<(Option<u16>, Value)> {
    observed
        .on_path(":streamGenerateContent")
        .map(|asked| (asked.status, serde_json::from_str(asked.texts().next().unwrap()).unwrap()))
        .collect()
}

fn refused(server: &Server) -> usize {
    questions(&server.observed()).iter().filter(|(status, _)| *status == Some(403)).count()
}

async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_prompt_that_is_asked_twice_is_kept_and_stands_in_no_question_any_more() {
    let server = Server::start(script()).await;
    let shared = Arc::new(KeptPrompts::default());
    let first = client(&server, json!({})).sharing(&shared);
    assert_eq!([cached(&first).await, cached(&first).await], [0, 0]);
    let usage = until_kept(&first).await;
    assert!(usage.tokens_cached > 400 && usage.tokens_in > usage.tokens_cached, "{usage:?}");
    let second = client(&server, json!({})).sharing(&shared);
    let (events, usage) = ask(&second, "bye").await;
    assert!(usage.tokens_cached > 400, "the next call has it from its first question on");
    assert!(events.iter().any(|event| matches!(event, LlmEvent::ToolCall(call) if call.name == "end_call")));
    let observed = server.observed();
    let (_, body) = questions(&observed).pop().unwrap();
    assert!(body.get("systemInstruction").is_none() && body.get("tools").is_none(), "{body}");
    let parts =
        json!([{"text": "[Note to you, not said by the caller: The caller is Asha.]"}, {"text": "bye"}]);
    assert_eq!(body["contents"], json!([{"role": "user", "parts": parts}]));
    let kept: Vec<&str> = observed.on_path("/cachedContents").flat_map(|asked| asked.texts()).collect();
    let kept: Value = serde_json::from_str(kept[0]).unwrap();
    assert_eq!((&kept["displayName"], &kept["ttl"]), (&json!("bot_1-0a1b"), &json!("3600s")));
    assert!(!kept.to_string().contains("Asha"), "what is of one caller is not kept");
    assert_eq!((made(&observed), observed.violations()), (vec![200], Vec::new()));
}

#[tokio::test]
async fn a_prompt_that_is_gone_in_the_midst_of_a_call_costs_no_turn_and_is_made_anew() {
    let script = script();
    let server = Server::start(script.clone()).await;
    let client = client(&server, json!({}));
    until_kept(&client).await;
    pass(Duration::from_secs(61)).await;
    script.forget_prompts();
    assert_eq!(cached(&client).await, 0, "the question was asked again with the whole prompt");
    assert_eq!(refused(&server), 1);
    until_kept(&client).await;
    assert_eq!(made(&server.observed()), [200, 200]);
    // A vendor that loses one at once is not asked for another.
    script.forget_prompts();
    for _ in 0..3 {
        assert_eq!(cached(&client).await, 0);
    }
    assert_eq!((refused(&server), made(&server.observed()).len()), (2, 2));
}

#[tokio::test]
async fn a_prompt_that_is_used_is_renewed_ahead() {
    let server = Server::start(script()).await;
    let client = client(&server, json!({"cache_minutes": 10}));
    until_kept(&client).await;
    let renewals = || {
        let observed = server.observed();
        observed.exchanges.iter().filter(|asked| asked.parameter("updateMask") == Some("ttl")).count()
    };
    assert_eq!(renewals(), 0);
    pass(Duration::from_secs(301)).await;
    assert!(cached(&client).await > 0);
    eventually(|| renewals() == 1).await;
    // Of the ten minutes from then on more than half is left.
    pass(Duration::from_secs(200)).await;
    assert!(cached(&client).await > 0);
    let observed = server.observed();
    assert_eq!((renewals(), made(&observed), observed.violations()), (1, vec![200], Vec::new()));
}

#[tokio::test]
async fn a_prompt_that_is_too_small_is_tried_once() {
    let server = Server::start(Script { least_kept_tokens: 1_000_000, ..script() }).await;
    let client = client(&server, json!({}));
    for _ in 0..2 {
        assert_eq!(cached(&client).await, 0);
    }
    eventually(|| made(&server.observed()) == [400]).await;
    for _ in 0..2 {
        assert_eq!(cached(&client).await, 0);
    }
    assert_eq!(made(&server.observed()), [400]);
}

#[tokio::test]
async fn vertex_keeps_prompts_below_its_project() {
    let vendor = Vendor::start(script()).await;
    let client = vendor.client(json!({"cache_minutes": 10}));
    until_kept(&client).await;
    pass(Duration::from_secs(301)).await;
    assert!(cached(&client).await > 0);
    let renewed = || {
        let observed = vendor.models.observed();
        let renewal = observed.exchanges.into_iter().find(|asked| asked.parameter("updateMask").is_some());
        renewal.is_some_and(|asked| asked.status == Some(200) && asked.path.contains("/locations/"))
    };
    eventually(renewed).await;
    assert_eq!(vendor.models.observed().violations(), Vec::<String>::new());
}
