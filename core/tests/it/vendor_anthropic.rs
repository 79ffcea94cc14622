//! The client of Anthropic's Messages against the suite, and what only it does.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::FailureClass;
use vox_core::provider::llm::anthropic::Anthropic;
use vox_core::provider::llm::{
    CacheKey, Finish, LanguageModel, LlmEvent, LlmRequest, LlmUsage, Message, Role, ToolSpec,
};
use vox_shared::model::bot::{ApiKey, LlmSettings};
use vox_testkit::vendor::Faults;
use vox_testkit::vendor::anthropic::{Rule, Script, Server};

use crate::conformance::{llm, local_egress, rest};

fn settings(server: &Server, extra: Value) -> LlmSettings {
    let mut extra = extra.as_object().cloned().unwrap();
    extra.insert("base_url".into(), server.url().into());
    // The story is longer than a reply on the phone should be.
    let max_tokens = 20_000;
    LlmSettings {
        provider: "anthropic".into(),
        api_key: ApiKey::new(server.api_key()),
        max_tokens,
        extra,
        ..LlmSettings::default()
    }
}

fn client(server: &Server, extra: Value) -> Anthropic {
    Anthropic::from_settings(&settings(server, extra), &local_egress()).unwrap()
}

fn script() -> Script {
    Script::saying(llm::WORDS)
        .with_rule(Rule::on(llm::GOODBYE, "Goodbye.").calling("end_call", json!({"reason": "done"})))
        .with_rule(Rule::on(llm::STORY, "word ".repeat(10_000).trim_end()))
}

async fn bench() -> llm::Bench<Script> {
    let server = Server::start(script()).await;
    let client: Arc<dyn LanguageModel> = Arc::new(client(&server, json!({})));
    llm::Bench { server, client }
}

llm::suite!(bench);

fn hello() -> LlmRequest {
    LlmRequest { messages: vec![Message::text(Role::User, "hello")], tools: Vec::new(), cache_key: None }
}

async fn ask(client: &Anthropic, request: LlmRequest) -> Vec<LlmEvent> {
    rest(&mut client.ask(request).events).await
}

fn usage(events: &[LlmEvent]) -> LlmUsage {
    match events.last() {
        Some(LlmEvent::Done { usage: Some(usage), .. }) => *usage,
        other => panic!("no usage: {other:?}"),
    }
}

/// A bot that spoke first, and whose prompt has a part of its own for each caller.
fn of_caller(name: &str, said: &[&str]) -> LlmRequest {
    let fixed = "You answer the telephone of a clinic and are kind to everybody. ".repeat(80);
    let mut messages = vec![
        Message::text(Role::System, format!("{fixed}Talk to {name}.")),
        Message::text(Role::Assistant, "Hello?"),
    ];
    for (at, said) in said.iter().enumerate() {
        if at > 0 {
            messages.push(Message::text(Role::Assistant, llm::WORDS));
        }
        messages.push(Message::text(Role::User, *said));
    }
    let cache_key = Some(CacheKey { name: "b-1".into(), fixed_bytes: fixed.len() });
    LlmRequest { messages, tools: Vec::new(), cache_key }
}

#[tokio::test]
async fn what_is_the_same_for_all_callers_is_read_from_the_cache() {
    let server = Server::start(script()).await;
    let client = client(&server, json!({}));
    let first = usage(&ask(&client, of_caller("Asha", &["hello"])).await);
    assert!(first.tokens_cached == 0 && first.tokens_cache_write > 1000, "{first:?}");
    let other = usage(&ask(&client, of_caller("Ravi", &["hello"])).await);
    assert!(other.tokens_cached > 1000 && other.tokens_cached < other.tokens_in, "{other:?}");
    let next = usage(&ask(&client, of_caller("Ravi", &["hello", "and now?"])).await);
    assert!(next.tokens_cached > other.tokens_cached, "the turns before are cached too: {next:?}");
    let none = LlmRequest { cache_key: None, ..of_caller("Asha", &["hello"]) };
    assert_eq!(usage(&ask(&client, none).await).tokens_cached, 0);
    assert_eq!(server.observed().violations(), Vec::<String>::new());
    assert_eq!(server.observed().notes(), Vec::<String>::new());
}

#[tokio::test]
async fn thoughts_go_back_and_several_tools_are_answered() {
    let rule = Rule::on("both", "")
        .calling("look_up", json!({"n": 1}))
        .calling("look_up", json!({"n": "two words"}));
    let server = Server::start(Script { thinks: true, ..script().with_rule(rule) }).await;
    let client = client(&server, json!({}));
    let parameters = json!({"type": "object", "properties": {"n": {"type": "string"}}});
    let look_up = ToolSpec { name: "look_up".into(), description: "Look it up.".into(), parameters };
    let mut request = LlmRequest {
        messages: vec![Message::text(Role::User, "both")],
        tools: vec![look_up],
        cache_key: None,
    };
    let events = ask(&client, request.clone()).await;
    assert_eq!(events[0], LlmEvent::Progress, "it thinks");
    let calls: Vec<_> = events
        .iter()
        .filter_map(|event| if let LlmEvent::ToolCall(call) = event { Some(call.clone()) } else { None })
        .collect();
    assert_eq!(
        calls.iter().map(|call| &call.arguments).collect::<Vec<_>>(),
        [&json!({"n": 1}), &json!({"n": "two words"})]
    );
    let mut called = Message::text(Role::Assistant, "");
    called.tool_calls = calls.clone();
    request.messages.push(called);
    for call in calls.iter().rev() {
        let mut answer = Message::text(Role::Tool, "{}");
        answer.tool_call_id = Some(call.id.clone());
        request.messages.push(answer);
    }
    let events = ask(&client, request.clone()).await;
    assert!(matches!(events.last(), Some(LlmEvent::Done { finish: Finish::Stop, .. })), "{events:?}");
    assert_eq!(server.observed().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_model_that_declines_is_told_apart() {
    let server = Server::start(Script { stop_reason: Some("refusal".into()), ..script() }).await;
    let events = ask(&client(&server, json!({})), hello()).await;
    assert!(matches!(events.last(), Some(LlmEvent::Done { finish: Finish::Filtered, .. })), "{events:?}");
}

#[tokio::test]
async fn a_field_that_a_model_does_not_take_is_learnt() {
    let server = Server::start(script()).await;
    // This one cannot be kept from thinking.
    let settings =
        LlmSettings { model: "claude-opus-5-5".into(), ..settings(&server, json!({"thinking": "disabled"})) };
    let client = Anthropic::from_settings(&settings, &local_egress()).unwrap();
    for _ in 0..2 {
        let events = ask(&client, hello()).await;
        assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{events:?}");
    }
    let refused = server.observed().exchanges.iter().filter(|asked| asked.status == Some(400)).count();
    assert_eq!(refused, 1, "it is remembered");
}

#[tokio::test]
async fn every_model_of_the_catalogue_is_asked_as_it_wants_to_be() {
    let server = Server::start(script()).await;
    let row = vox_shared::catalogue::ANTHROPIC;
    for model in row.models.iter().chain([&row.model]) {
        for version in ["2023-06-01", "2026-10-21"] {
            let settings =
                LlmSettings { model: (*model).into(), ..settings(&server, json!({ "version": version })) };
            let client = Anthropic::from_settings(&settings, &local_egress()).unwrap();
            let events = ask(&client, of_caller("Asha", &["hello"])).await;
            assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{model}: {events:?}");
        }
    }
    assert_eq!(server.observed().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_key_is_unauthorised_and_an_unknown_model_refused() {
    let server = Server::start(script()).await;
    let good = settings(&server, json!({}));
    let check = async |settings: LlmSettings, class, detail: &str| {
        let client = Anthropic::from_settings(&settings, &local_egress()).unwrap();
        let events = ask(&client, hello()).await;
        let [LlmEvent::Failed(failure)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((failure.class, failure.detail.as_str()), (class, detail));
    };
    let wrong = LlmSettings { api_key: ApiKey::new("wrong-k3y"), ..good.clone() };
    check(wrong.clone(), FailureClass::Unauthorised, "anthropic answered 401: authentication_error").await;
    let unknown = LlmSettings { model: "claude-0".into(), ..good.clone() };
    check(unknown, FailureClass::Refused, "anthropic answered 404: not_found_error").await;
    server.set_faults(Faults { status: Some(402), ..Faults::default() });
    check(good, FailureClass::OverLimit, "anthropic answered 402: billing_error").await;
}

#[tokio::test]
async fn a_connection_opened_ahead_is_used() {
    let server = Server::start(script()).await;
    let client = client(&server, json!({}));
    client.warm().await.unwrap();
    server.assert_no_leftovers().await;
    ask(&client, hello()).await;
    assert_eq!(server.open_connections(), 1);
    assert_eq!(server.observed().violations(), Vec::<String>::new());
}
