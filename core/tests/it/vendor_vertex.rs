//! The client of Vertex AI against the suite, and the tokens of its service account.

use std::sync::Arc;

use serde_json::{Value, json};
use vox_core::provider::FailureClass;
use vox_core::provider::accounts::Accounts;
use vox_core::provider::llm::gemini::Gemini;
use vox_core::provider::llm::{LanguageModel, LlmEvent, LlmRequest, LlmStream};
use vox_shared::clock::Clock;
use vox_shared::model::bot::{ApiKey, LlmSettings};
use vox_testkit::vendor::gemini::{LOCATION, Script, Server, service_account};
use vox_testkit::vendor::{Faults, Observed};

use crate::conformance::{PATIENCE, eventually, llm, local_egress, rest};
use crate::vendor_gemini::{hello, script};

/// The models and the tokens come from two servers, as with the vendor.
pub struct Vendor {
    script: Script,
    pub models: Server,
    tokens: Server,
    accounts: Accounts,
}

impl Vendor {
    pub async fn start(script: Script) -> Self {
        Self::start_at(script, Clock::system()).await
    }

    async fn start_at(script: Script, clock: Clock) -> Self {
        Self {
            models: Server::start(script.clone()).await,
            tokens: Server::start(script.clone()).await,
            accounts: Accounts::new(local_egress(), clock),
            script,
        }
    }

    fn settings(&self, extra: Value) -> LlmSettings {
        let mut extra = extra.as_object().cloned().unwrap();
        extra.insert("base_url".into(), self.models.url().into());
        extra.entry("location").or_insert_with(|| LOCATION.into());
        LlmSettings {
            provider: "vertex".into(),
            api_key: ApiKey::new(service_account(&self.tokens.url())),
            // The story is longer than a reply on the phone should be.
            max_tokens: 20_000,
            extra,
            ..LlmSettings::default()
        }
    }

    pub fn client(&self, extra: Value) -> Gemini {
        Gemini::of_vertex(&self.settings(extra), &local_egress(), &self.accounts).unwrap()
    }

    /// How many tokens were asked for.
    fn exchanges(&self) -> usize {
        answered(&self.tokens.observed())
    }
}

fn answered(observed: &Observed) -> usize {
    observed.on_path("/token").filter(|asked| asked.status.is_some()).count()
}

async fn ask(client: &Gemini) -> Vec<LlmEvent> {
    rest(&mut client.ask(hello()).events).await
}

async fn works(client: &Gemini) {
    let events = ask(client).await;
    assert!(matches!(events.last(), Some(LlmEvent::Done { .. })), "{events:?}");
}

/// A client with the server that gives its tokens.
struct WithTokens {
    client: Gemini,
    _tokens: Server,
}

impl LanguageModel for WithTokens {
    fn ask(&self, request: LlmRequest) -> LlmStream {
        self.client.ask(request)
    }

    fn name(&self) -> &'static str {
        self.client.name()
    }
}

async fn bench() -> llm::Bench<Script> {
    let vendor = Vendor::start(script()).await;
    let client = vendor.client(json!({"cache_minutes": 0}));
    llm::Bench { server: vendor.models, client: Arc::new(WithTokens { client, _tokens: vendor.tokens }) }
}

llm::suite!(bench);

#[tokio::test]
async fn one_token_serves_all_calls_of_an_account() {
    let vendor = Vendor::start(script()).await;
    let clients: Vec<Gemini> = (0..5).map(|_| vendor.client(json!({}))).collect();
    for client in &clients {
        works(client).await;
    }
    drop(clients);
    works(&vendor.client(json!({}))).await;
    assert_eq!(vendor.exchanges(), 1, "the token outlives the calls");
    assert_eq!(vendor.tokens.observed().violations(), Vec::<String>::new());
    assert_eq!(vendor.models.observed().notes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_is_renewed_ahead_while_nobody_asks() {
    let vendor = Vendor::start(Script { token_life_s: 4, ..script() }).await;
    let client = vendor.client(json!({}));
    works(&client).await;
    eventually(|| vendor.exchanges() >= 3).await;
    works(&client).await;
    assert_eq!(
        vendor.models.observed().notes(),
        Vec::<String>::new(),
        "no question met a token that had ended"
    );
}

#[tokio::test]
async fn a_token_that_is_taken_back_is_replaced_once() {
    let vendor = Vendor::start(script()).await;
    let client = vendor.client(json!({}));
    works(&client).await;
    vendor.script.revoke_tokens();
    works(&client).await;
    assert_eq!(vendor.exchanges(), 2, "the question was asked again with a new one");
    // A vendor that takes none is not asked for ever.
    vendor.script.revoke_tokens();
    let events = ask(&client).await;
    let Some(LlmEvent::Failed(failure)) = events.last() else { panic!("{events:?}") };
    assert_eq!(
        (failure.class, failure.detail.as_str()),
        (FailureClass::Unauthorised, "vertex answered 401: UNAUTHENTICATED")
    );
    assert_eq!(vendor.exchanges(), 2);
}

#[tokio::test]
async fn a_token_server_that_is_away_is_tried_again_and_a_refusal_is_told() {
    let vendor = Vendor::start(script()).await;
    vendor.tokens.set_faults(Faults { status: Some(503), ..Faults::default() }.fail_first(1));
    let client = vendor.client(json!({}));
    let events = ask(&client).await;
    let Some(LlmEvent::Failed(failure)) = events.last() else { panic!("{events:?}") };
    assert_eq!(failure.class, FailureClass::Unavailable);
    eventually(|| vendor.exchanges() >= 2).await;
    // The answer is there; the account has it a moment later.
    let has_token = async {
        while !matches!(ask(&client).await.last(), Some(LlmEvent::Done { .. })) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, has_token).await.expect("the token server is back");

    let vendor = Vendor::start(script()).await;
    vendor.tokens.set_faults(Faults { status: Some(400), ..Faults::default() });
    let events = ask(&vendor.client(json!({}))).await;
    let Some(LlmEvent::Failed(failure)) = events.last() else { panic!("{events:?}") };
    assert_eq!(failure.class, FailureClass::Unauthorised);
    assert!(failure.detail.contains("invalid_grant (the token server"), "{failure}");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_refused_by_the_token_server() {
    let clock = Clock::manual("2020-01-01T00:00:00Z".parse().unwrap());
    let vendor = Vendor::start_at(script(), clock).await;
    let events = ask(&vendor.client(json!({}))).await;
    let Some(LlmEvent::Failed(failure)) = events.last() else { panic!("{events:?}") };
    assert_eq!(failure.class, FailureClass::Unauthorised);
}

#[tokio::test]
async fn a_key_that_is_no_key_file_is_told_and_shows_nothing() {
    let vendor = Vendor::start(script()).await;
    for (key, part) in [
        ("ya29.s3cret", "whole JSON of a service account"),
        ("{\"client_email\": \"s3cret\", \"private_key\": \"s3cret\"}", "no RSA private key"),
    ] {
        let settings = LlmSettings { api_key: ApiKey::new(key), ..vendor.settings(json!({})) };
        let failure = Gemini::of_vertex(&settings, &local_egress(), &vendor.accounts).unwrap_err();
        assert_eq!(failure.class, FailureClass::Unauthorised);
        assert!(failure.detail.contains(part) && !failure.detail.contains("s3cret"), "{failure}");
    }
}

#[tokio::test]
async fn the_project_and_the_place_are_those_of_the_settings() {
    let vendor = Vendor::start(script()).await;
    works(&vendor.client(json!({"location": "global"}))).await;
    let events = ask(&vendor.client(json!({"project": "another"}))).await;
    let Some(LlmEvent::Failed(failure)) = events.last() else { panic!("{events:?}") };
    assert_eq!(
        (failure.class, failure.detail.as_str()),
        (FailureClass::Unauthorised, "vertex answered 403: PERMISSION_DENIED")
    );
    let paths: Vec<String> = vendor.models.observed().exchanges.into_iter().map(|asked| asked.path).collect();
    assert!(
        paths[0].starts_with("/v1beta1/projects/vox-test/locations/global/publishers/google/models/gemini-"),
        "{paths:?}"
    );
    assert!(paths[1].starts_with("/v1beta1/projects/another/locations/europe-west4/"), "{paths:?}");
}
