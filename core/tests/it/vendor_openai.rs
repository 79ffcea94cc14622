//! The OpenAI-compatible client against the suite, and what only it does.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::FailureClass;
use vox_core::provider::egress::Egress;
use vox_core::provider::llm::openai::OpenAi;
use vox_core::provider::llm::{LanguageModel, LlmEvent, LlmRequest, Message, Role};
use vox_shared::catalogue::{GROQ, OPENAI};
use vox_shared::egress::Policy;
use vox_shared::model::bot::{ApiKey, LlmSettings};
use vox_testkit::vendor::Faults;
use vox_testkit::vendor::openai::{Habit, Rule, Script, Server};

use crate::conformance::{llm, local_egress, rest};

fn settings(url: &str, key: &str) -> LlmSettings {
    LlmSettings {
        provider: "openai".into(),
        api_key: ApiKey::new(key),
        // The story is longer than a reply on the phone should be.
        max_tokens: 20_000,
        extra: json!({"base_url": format!("{url}/v1")}).as_object().cloned().unwrap(),
        ..LlmSettings::default()
    }
}

fn script() -> Script {
    Script::saying(llm::WORDS)
        .with_rule(Rule::on(llm::GOODBYE, "Goodbye.").calling("end_call", json!({"reason": "done"})))
        .with_rule(Rule::on(llm::STORY, "word ".repeat(10_000).trim_end()))
}

async fn bench() -> llm::Bench<Script> {
    let server = Server::start(Script { strict_fields: true, ..script() }).await;
    let settings = settings(&server.url(), server.api_key());
    let client: Arc<dyn LanguageModel> =
        Arc::new(OpenAi::from_settings(&OPENAI, &settings, &local_egress()).unwrap());
    llm::Bench { server, client }
}

fn hello() -> LlmRequest {
    LlmRequest { messages: vec![Message::text(Role::User, "hello")], tools: Vec::new(), cache_key: None }
}

llm::suite!(bench);

#[tokio::test]
async fn untidy_servers_change_no_words() {
    use Habit::{CarriageReturns, InOnePiece, KeepAlives, NoDone, NoFinishReason, ThinksFirst};
    let habits: [&[Habit]; 8] = [
        &[NoFinishReason],
        &[NoDone],
        &[NoFinishReason, NoDone],
        &[KeepAlives],
        &[CarriageReturns, KeepAlives],
        &[ThinksFirst],
        &[InOnePiece],
        &[ThinksFirst, KeepAlives, CarriageReturns, NoFinishReason, NoDone],
    ];
    for habits in habits {
        let server = Server::start(Script { habits: habits.to_vec(), ..script() }).await;
        let settings = settings(&server.url(), server.api_key());
        let client: Arc<dyn LanguageModel> =
            Arc::new(OpenAi::from_settings(&OPENAI, &settings, &local_egress()).unwrap());
        let mut stream = client.ask(hello());
        let events = rest(&mut stream.events).await;
        if habits.contains(&ThinksFirst) {
            assert_eq!(events[0], LlmEvent::Progress, "{habits:?}");
        }
        llm::happy(llm::Bench { server, client }).await;
    }
}

#[tokio::test]
async fn an_address_is_found_however_it_is_written() {
    let server = Server::start(script()).await;
    for form in ["/v1", "/v1/", "/v1/chat/completions", "/v1/chat/completions/", "/v1/models", "", "/"] {
        let extra = json!({"base_url": format!("{}{form}", server.url())});
        let settings = LlmSettings {
            extra: extra.as_object().cloned().unwrap(),
            ..settings(&server.url(), &format!(" {}\n", server.api_key()))
        };
        let client = OpenAi::from_settings(&OPENAI, &settings, &local_egress()).unwrap();
        client.warm().await.unwrap();
        let events = rest(&mut client.ask(hello()).events).await;
        assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{form}: {events:?}");
    }
    assert_eq!(server.observed().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_version_that_is_missing_in_the_address_is_found() {
    let server = Server::start(Script { only_below_v1: true, ..script() }).await;
    let extra = json!({"base_url": server.url()});
    let settings = LlmSettings {
        extra: extra.as_object().cloned().unwrap(),
        ..settings(&server.url(), server.api_key())
    };
    let client = OpenAi::from_settings(&OPENAI, &settings, &local_egress()).unwrap();
    for _ in 0..2 {
        let events = rest(&mut client.ask(hello()).events).await;
        assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{events:?}");
    }
    let missed = server.observed().exchanges.iter().filter(|asked| asked.status == Some(404)).count();
    assert_eq!(missed, 1, "the way is remembered");
}

#[tokio::test]
async fn a_connection_opened_ahead_is_used() {
    let server = Server::start(script()).await;
    let client =
        OpenAi::from_settings(&OPENAI, &settings(&server.url(), server.api_key()), &local_egress()).unwrap();
    client.warm().await.unwrap();
    server.assert_no_leftovers().await;
    let events = rest(&mut client.ask(hello()).events).await;
    assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{events:?}");
    assert_eq!(server.open_connections(), 1);
}

#[tokio::test]
async fn a_wrong_key_is_unauthorised() {
    let server = Server::start(script()).await;
    let client =
        OpenAi::from_settings(&OPENAI, &settings(&server.url(), "wrong-k3y"), &local_egress()).unwrap();
    let events = rest(&mut client.ask(hello()).events).await;
    let [LlmEvent::Failed(failure)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(failure.class, FailureClass::Unauthorised);
    assert!(!failure.detail.contains("wrong-k3y"), "{failure}");
    assert_eq!(client.warm().await.unwrap_err().class, FailureClass::Unauthorised);
}

#[tokio::test]
async fn an_unknown_model_is_refused() {
    let server = Server::start(script()).await;
    let settings = LlmSettings { model: "gpt-0".into(), ..settings(&server.url(), server.api_key()) };
    let client = OpenAi::from_settings(&OPENAI, &settings, &local_egress()).unwrap();
    let events = rest(&mut client.ask(hello()).events).await;
    let [LlmEvent::Failed(failure)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (failure.class, failure.detail.as_str()),
        (FailureClass::Refused, "openai answered 404: model_not_found")
    );
}

#[tokio::test]
async fn nothing_is_stored_and_nothing_is_padded() {
    let bench = bench().await;
    rest(&mut bench.client.ask(hello()).events).await;
    let observed = bench.server.observed();
    let body: Value = serde_json::from_str(observed.texts()[0]).unwrap();
    assert_eq!(body["store"], false);
    assert_eq!(body["stream_options"], json!({"include_usage": true, "include_obfuscation": false}));
    assert_eq!(body["temperature"], 0.7);
    bench.finish().await;
}

#[tokio::test]
async fn an_empty_account_is_not_asked_again_soon() {
    let server = Server::start(script()).await;
    server.set_faults(Faults { status: Some(402), ..Faults::default() });
    let client =
        OpenAi::from_settings(&OPENAI, &settings(&server.url(), server.api_key()), &local_egress()).unwrap();
    let events = rest(&mut client.ask(hello()).events).await;
    let [LlmEvent::Failed(failure)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(failure.class, FailureClass::OverLimit);
}

#[tokio::test]
async fn groq_is_asked_for_nothing_that_it_does_not_document() {
    let unknown = ["store", "prompt_cache_key", "verbosity"].map(str::to_owned);
    let script = Script { unknown_fields: unknown.to_vec(), ..script() };
    let server = Server::start(script).await;
    let settings = LlmSettings {
        model: String::new(),
        extra: json!({"base_url": format!("{}/openai/v1", server.url())}).as_object().cloned().unwrap(),
        ..settings(&server.url(), server.api_key())
    };
    let client: Arc<dyn LanguageModel> =
        Arc::new(OpenAi::from_settings(&GROQ, &settings, &local_egress()).unwrap());
    assert_eq!(client.name(), "groq");
    llm::calls_tools(llm::Bench { server, client }).await;
    let server = Server::start(Script::default()).await;
    let wrong = self::settings(&server.url(), "wrong-k3y");
    let client = OpenAi::from_settings(&GROQ, &wrong, &local_egress()).unwrap();
    let events = rest(&mut client.ask(hello()).events).await;
    let [LlmEvent::Failed(failure)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(failure.detail, "groq answered 401: invalid_api_key", "a failure has the vendor's own name");
}

#[test]
fn an_address_of_this_machine_needs_leave() {
    let egress = Arc::new(Egress::new(Policy::default()));
    let failure = OpenAi::from_settings(&OPENAI, &settings("http://localhost:9", "k"), &egress).unwrap_err();
    assert_eq!(failure.class, FailureClass::Forbidden);
    assert!(failure.detail.contains("VOX_EGRESS_ALLOW"), "{failure}");
}
