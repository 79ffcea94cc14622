//! The client of OpenAI's Responses against the suite, and what only it does.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::FailureClass;
use vox_core::provider::llm::responses::Responses;
use vox_core::provider::llm::{CacheKey, LanguageModel, LlmEvent, LlmRequest, Message, Role};
use vox_core::provider::registry::Providers;
use vox_shared::catalogue::OPENAI;
use vox_shared::clock::Clock;
use vox_shared::model::bot::{ApiKey, LlmSettings};
use vox_testkit::vendor::openai::{Rule, Script, Server};

use crate::conformance::{llm, local_egress, rest};

fn settings(server: &Server, extra: Value) -> LlmSettings {
    let mut extra = extra.as_object().cloned().unwrap();
    extra.entry("base_url").or_insert_with(|| format!("{}/v1", server.url()).into());
    extra.insert("api".into(), "responses".into());
    LlmSettings {
        provider: "openai".into(),
        api_key: ApiKey::new(server.api_key()),
        // The story is longer than a reply on the phone should be.
        max_tokens: 20_000,
        extra,
        ..LlmSettings::default()
    }
}

fn script() -> Script {
    Script::saying(llm::WORDS)
        .with_rule(Rule::on(llm::GOODBYE, "Goodbye.").calling("end_call", json!({"reason": "done"})))
        .with_rule(Rule::on(llm::STORY, "word ".repeat(10_000).trim_end()))
}

fn client(server: &Server, extra: Value) -> Responses {
    Responses::from_settings(&OPENAI, &settings(server, extra), &local_egress()).unwrap()
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

async fn ask(client: &dyn LanguageModel, request: LlmRequest) -> Vec<LlmEvent> {
    rest(&mut client.ask(request).events).await
}

#[tokio::test]
async fn a_setting_chooses_it_and_the_prompt_has_its_cache_key() {
    let server = Server::start(script()).await;
    let providers = Providers::new(local_egress(), Clock::system(), None);
    let client = providers.language_model(&settings(&server, json!({}))).unwrap();
    let key = CacheKey { name: "b-1".into(), fixed_bytes: 0 };
    let events = ask(&*client, LlmRequest { cache_key: Some(key), ..hello() }).await;
    assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{events:?}");
    let observed = server.observed();
    assert_eq!(observed.exchanges[0].path, "/v1/responses");
    let body: Value = serde_json::from_str(observed.texts()[0]).unwrap();
    assert_eq!((&body["prompt_cache_key"], &body["store"]), (&json!("b-1"), &json!(false)));
    assert_eq!(observed.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_address_and_fields_are_learnt() {
    let script = Script { only_below_v1: true, unknown_fields: vec!["service_tier".into()], ..script() };
    let server = Server::start(script).await;
    let client = client(&server, json!({"base_url": server.url(), "service_tier": "priority"}));
    for _ in 0..2 {
        let events = ask(&client, hello()).await;
        assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{events:?}");
    }
    let refused = server.observed().exchanges.iter().filter(|asked| asked.status != Some(200)).count();
    assert_eq!(refused, 2, "both are remembered");
}

#[tokio::test]
async fn every_model_of_the_catalogue_is_asked_as_it_wants_to_be() {
    let server = Server::start(script()).await;
    for model in OPENAI.models.iter().chain([&OPENAI.model, &"gpt-4o-mini"]) {
        let settings = LlmSettings { model: (*model).into(), ..settings(&server, json!({})) };
        let client = Responses::from_settings(&OPENAI, &settings, &local_egress()).unwrap();
        let events = ask(&client, hello()).await;
        assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{model}: {events:?}");
    }
    assert_eq!(server.observed().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_key_is_unauthorised() {
    let server = Server::start(script()).await;
    let settings = LlmSettings { api_key: ApiKey::new("wrong-k3y"), ..settings(&server, json!({})) };
    let client = Responses::from_settings(&OPENAI, &settings, &local_egress()).unwrap();
    let events = ask(&client, hello()).await;
    let [LlmEvent::Failed(failure)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (failure.class, failure.detail.as_str()),
        (FailureClass::Unauthorised, "openai answered 401: invalid_api_key")
    );
}
