//! The client of the Gemini API against the suite, and what only it does.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::FailureClass;
use vox_core::provider::llm::gemini::Gemini;
use vox_core::provider::llm::{
    Finish, LanguageModel, LlmEvent, LlmRequest, LlmUsage, Message, Role, ToolCall, ToolSpec,
};
use vox_shared::catalogue::GEMINI;
use vox_shared::model::bot::{ApiKey, LlmSettings};
use vox_testkit::vendor::Faults;
use vox_testkit::vendor::gemini::{Rule, Script, Server, Usage};

use crate::conformance::{llm, local_egress, rest};

fn settings(server: &Server, extra: Value) -> LlmSettings {
    let mut extra = extra.as_object().cloned().unwrap();
    extra.insert("base_url".into(), server.url().into());
    LlmSettings {
        provider: "gemini".into(),
        api_key: ApiKey::new(server.api_key()),
        // The story is longer than a reply on the phone should be.
        max_tokens: 20_000,
        extra,
        ..LlmSettings::default()
    }
}

pub fn client(server: &Server, extra: Value) -> Gemini {
    Gemini::from_settings(&settings(server, extra), &local_egress()).unwrap()
}

/// What the model of the suite says.
pub fn script() -> Script {
    Script::saying(llm::WORDS)
        .with_rule(Rule::on(llm::GOODBYE, "Goodbye.").calling("end_call", json!({"reason": "done"})))
        .with_rule(Rule::on(llm::STORY, "word ".repeat(10_000).trim_end()))
}

async fn bench() -> llm::Bench<Script> {
    let server = Server::start(script()).await;
    // What is kept is asked about beside the questions: `vendor_gemini_keeps_prompts`.
    let client: Arc<dyn LanguageModel> = Arc::new(client(&server, json!({"cache_minutes": 0})));
    llm::Bench { server, client }
}

llm::suite!(bench);

/// The question of the suite without anything around it.
pub fn hello() -> LlmRequest {
    LlmRequest { messages: vec![Message::text(Role::User, "hello")], tools: Vec::new(), cache_key: None }
}

async fn ask(client: &Gemini, request: LlmRequest) -> Vec<LlmEvent> {
    rest(&mut client.ask(request).events).await
}

fn calls(events: &[LlmEvent]) -> Vec<ToolCall> {
    let call =
        |event: &LlmEvent| if let LlmEvent::ToolCall(call) = event { Some(call.clone()) } else { None };
    events.iter().filter_map(call).collect()
}

/// Two calls at once and their answers, in the other order.
async fn talk_with_tools(client: &Gemini) {
    let look_up = ToolSpec {
        name: "look_up".into(),
        description: "Look it up.".into(),
        parameters: json!({"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": false}),
    };
    let mut request = LlmRequest {
        messages: vec![Message::text(Role::User, "both")],
        tools: vec![look_up],
        cache_key: None,
    };
    let events = ask(client, request.clone()).await;
    let called = calls(&events);
    assert_eq!(
        called.iter().map(|call| &call.arguments).collect::<Vec<_>>(),
        [&json!({"n": 1}), &json!({"n": 2})]
    );
    assert_ne!(called[0].id, called[1].id);
    let mut said = Message::text(Role::Assistant, "");
    said.tool_calls = called.clone();
    request.messages.push(said);
    for call in called.iter().rev() {
        let mut answer = Message::text(Role::Tool, "[1, 2]");
        answer.tool_call_id = Some(call.id.clone());
        request.messages.push(answer);
    }
    let events = ask(client, request).await;
    assert!(matches!(events.last(), Some(LlmEvent::Done { finish: Finish::Stop, .. })), "{events:?}");
}

#[tokio::test]
async fn signed_calls_are_sent_back_signed_and_calls_without_ids_are_told_apart() {
    for (thinks, no_ids) in [(true, false), (true, true), (false, true)] {
        let rule =
            Rule::on("both", "").calling("look_up", json!({"n": 1})).calling("look_up", json!({"n": 2}));
        let server = Server::start(Script { thinks, no_ids, ..script().with_rule(rule) }).await;
        talk_with_tools(&client(&server, json!({}))).await;
        let observed = server.observed();
        assert_eq!((observed.violations(), observed.notes()), (Vec::<String>::new(), Vec::<String>::new()));
    }
}

#[tokio::test]
async fn a_conversation_that_another_model_began_is_taken_over() {
    let server = Server::start(Script { thinks: true, ..script() }).await;
    let call = ToolCall { id: "toolu_1".into(), name: "look up!".into(), arguments: json!("{\"broken") };
    let mut called = Message::text(Role::Assistant, "One moment.");
    called.tool_calls = vec![call];
    let mut answer = Message::text(Role::Tool, "found");
    answer.tool_call_id = Some("toolu_1".into());
    let messages = vec![
        Message::text(Role::System, "Be brief."),
        Message::text(Role::Assistant, "Hello?"),
        Message::text(Role::User, "hello"),
        called,
        answer,
    ];
    let events =
        ask(&client(&server, json!({})), LlmRequest { messages, tools: Vec::new(), cache_key: None }).await;
    assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{events:?}");
    let observed = server.observed();
    assert_eq!((observed.violations(), observed.notes()), (Vec::<String>::new(), Vec::<String>::new()));
}

#[tokio::test]
async fn what_the_vendor_had_in_its_cache_is_counted() {
    let usage = Usage { prompt_tokens: 1_200, completion_tokens: 7, cached_tokens: 1_024 };
    let rule = Rule { usage: Some(usage), ..Rule::on("hello", "Hi.") };
    let server = Server::start(Script { thinks: true, ..Script::default().with_rule(rule) }).await;
    let events = ask(&client(&server, json!({})), hello()).await;
    let expected = LlmUsage { tokens_in: 1_200, tokens_out: 19, tokens_cached: 1_024, ..LlmUsage::default() };
    assert_eq!(events.last(), Some(&LlmEvent::Done { finish: Finish::Stop, usage: Some(expected) }));
    assert_eq!(events[0], LlmEvent::Progress, "it thinks");
}

#[tokio::test]
async fn what_is_held_back_or_spoilt_is_told_apart() {
    for (reason, finish) in [("SAFETY", Some(Finish::Filtered)), ("MALFORMED_FUNCTION_CALL", None)] {
        let server = Server::start(Script { finish_reason: Some(reason.into()), ..script() }).await;
        let events = ask(&client(&server, json!({})), hello()).await;
        match (events.last(), finish) {
            (Some(LlmEvent::Done { finish: found, .. }), Some(finish)) => assert_eq!(*found, finish),
            (Some(LlmEvent::Failed(failure)), None) => assert!(failure.class.is_transient(), "{failure}"),
            other => panic!("{reason}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn every_model_of_the_catalogue_is_asked_as_it_wants_to_be() {
    let server = Server::start(script()).await;
    for model in GEMINI.models.iter().chain([&GEMINI.model]) {
        let settings = LlmSettings { model: (*model).into(), ..settings(&server, json!({})) };
        let client = Gemini::from_settings(&settings, &local_egress()).unwrap();
        let events = ask(&client, hello()).await;
        assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{model}: {events:?}");
    }
    assert_eq!(server.observed().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_model_that_must_think_more_is_asked_without_a_wish() {
    let server = Server::start(script()).await;
    let wish = json!({"thinking_level": "minimal"});
    let settings = LlmSettings { model: "gemini-3.8-flash".into(), ..settings(&server, wish) };
    let client = Gemini::from_settings(&settings, &local_egress()).unwrap();
    for _ in 0..2 {
        let events = ask(&client, hello()).await;
        assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{events:?}");
    }
    let refused = server.observed().exchanges.iter().filter(|asked| asked.status == Some(400)).count();
    assert_eq!(refused, 1, "it is remembered");
}

#[tokio::test]
async fn a_wrong_key_is_unauthorised_and_an_unknown_model_refused() {
    let server = Server::start(script()).await;
    let good = settings(&server, json!({}));
    let check = async |settings: LlmSettings, class, detail: &str| {
        let client = Gemini::from_settings(&settings, &local_egress()).unwrap();
        let events = ask(&client, hello()).await;
        let [LlmEvent::Failed(failure)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((failure.class, failure.detail.as_str()), (class, detail));
    };
    let wrong = LlmSettings { api_key: ApiKey::new("wrong-k3y"), ..good.clone() };
    check(wrong, FailureClass::Unauthorised, "gemini answered 400: API_KEY_INVALID").await;
    let unknown = LlmSettings { model: "gemini-0".into(), ..good.clone() };
    check(unknown, FailureClass::Refused, "gemini answered 404: NOT_FOUND").await;
    server.set_faults(Faults { status: Some(504), ..Faults::default() });
    check(good, FailureClass::TimedOut, "gemini answered 504: DEADLINE_EXCEEDED").await;
}

#[tokio::test]
async fn a_connection_opened_ahead_is_used() {
    let server = Server::start(script()).await;
    let client = client(&server, json!({}));
    client.warm().await.unwrap();
    server.assert_no_leftovers().await;
    ask(&client, hello()).await;
    assert_eq!(server.open_connections(), 1);
}
