//! The suite for language models.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use vox_core::provider::llm::{
    CacheKey, Finish, LanguageModel, LlmEvent, LlmRequest, LlmStream, Message, Role, ToolSpec,
};
use vox_core::provider::{Failure, FailureClass, STREAM_DEPTH};
use vox_testkit::vendor::{Cut, Faults, Lie, Vendor};

use super::{
    LIES, QUIET, assert_shows_no_key, cuts, deaf, eventually, lying, next, oversized, refusals, rest, silent,
    slow,
};

/// What the scripted model says to `hello`.
pub const WORDS: &str = "Good morning, how can I help you today?";
/// The user message to which it says goodbye and calls `end_call` with a reason.
pub const GOODBYE: &str = "goodbye";
/// The user message to which it says ten thousand words.
pub const STORY: &str = "story";

/// The whole suite as tests, for a vendor whose bench is made by this function.
macro_rules! suite {
    ($bench:path) => {
        $crate::conformance::llm::suite!(@tests $bench:
            a_reply_streams_in happy,
            tools_are_called_and_answered calls_tools,
            a_connection_serves_reply_after_reply reuses_its_connection,
            a_slow_vendor_is_waited_for slow_vendor,
            a_reply_that_drips_in_is_whole dripping_vendor,
            a_silent_vendor_is_left_to_the_session silent_vendor,
            a_vendor_that_reads_nothing_is_left_to_the_session deaf_vendor,
            a_reply_that_breaks_off_is_a_failure cut,
            an_error_within_a_reply_is_a_failure overloaded_in_the_midst,
            a_lying_vendor_changes_no_words lying_vendor,
            an_oversized_event_is_a_failure oversized_vendor,
            refusals_have_their_class refused,
            a_dropped_reply_is_cancelled dropped,
            a_slow_reader_loses_nothing slow_reader,
        );
    };
    (@tests $bench:path: $($name:ident $question:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                $crate::conformance::llm::$question($bench().await).await;
            }
        )+
    };
}
pub(crate) use suite;

pub type Bench<S> = super::Bench<S, Arc<dyn LanguageModel>>;

fn request(user: &str) -> LlmRequest {
    let parameters = json!({"type": "object", "properties": {"reason": {"type": "string"}}});
    let end_call = ToolSpec { name: "end_call".into(), description: "End the call.".into(), parameters };
    LlmRequest {
        messages: vec![Message::text(Role::System, "Be brief."), Message::text(Role::User, user)],
        tools: vec![end_call],
        cache_key: Some(CacheKey { name: "tenant-bot-1".into(), fixed_bytes: 9 }),
    }
}

fn text(events: &[LlmEvent]) -> String {
    let text = |event: &LlmEvent| match event {
        LlmEvent::Text(text) => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

async fn failure(stream: &mut LlmStream) -> Failure {
    let events = rest(&mut stream.events).await;
    match events.last() {
        Some(LlmEvent::Failed(failure)) => failure.clone(),
        other => panic!("the last event is {other:?} instead of a failure"),
    }
}

/// A reply and what it cost.
pub async fn happy<S: Vendor>(bench: Bench<S>) {
    let events = rest(&mut bench.client.ask(request("hello")).events).await;
    assert_eq!(text(&events), WORDS);
    let Some(LlmEvent::Done { finish: Finish::Stop, usage: Some(usage) }) = events.last() else {
        panic!("{events:?}")
    };
    assert!(
        usage.tokens_in > 0 && usage.tokens_out > 0 && usage.tokens_cached <= usage.tokens_in,
        "{usage:?}"
    );
    bench.finish().await;
}

/// Words, then a tool, then the tool's answer goes back with the next question.
pub async fn calls_tools<S: Vendor>(bench: Bench<S>) {
    let mut asked = request(GOODBYE);
    let events = rest(&mut bench.client.ask(asked.clone()).events).await;
    let Some(LlmEvent::ToolCall(call)) = events.iter().find(|event| matches!(event, LlmEvent::ToolCall(_)))
    else {
        panic!("{events:?}")
    };
    assert_eq!((call.name.as_str(), &call.arguments), ("end_call", &json!({"reason": "done"})));
    assert!(!text(&events).is_empty());
    assert!(matches!(events.last(), Some(LlmEvent::Done { finish: Finish::ToolCalls, .. })), "{events:?}");
    let mut said = Message::text(Role::Assistant, text(&events));
    said.tool_calls = vec![call.clone()];
    let mut answer = Message::text(Role::Tool, "{\"ok\":true}");
    answer.tool_call_id = Some(call.id.clone());
    asked.messages.extend([said, answer]);
    let events = rest(&mut bench.client.ask(asked).events).await;
    assert!(matches!(events.last(), Some(LlmEvent::Done { finish: Finish::Stop, .. })), "{events:?}");
    bench.finish().await;
}

/// One connection serves one reply after the other.
pub async fn reuses_its_connection<S: Vendor>(bench: Bench<S>) {
    for _ in 0..3 {
        let mut stream = bench.client.ask(request("hello"));
        assert_eq!(text(&rest(&mut stream.events).await), WORDS);
        bench.server.assert_no_leftovers().await;
    }
    assert_eq!(bench.server.open_connections(), 1);
    bench.finish().await;
}

pub async fn slow_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(slow());
    assert_eq!(text(&rest(&mut bench.client.ask(request("hello")).events).await), WORDS);
    bench.finish().await;
}

/// A few bytes at a time, which cut every event.
pub async fn dripping_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(Faults { drip_bytes_per_s: Some(6000), ..Faults::default() });
    assert_eq!(text(&rest(&mut bench.client.ask(request("hello")).events).await), WORDS);
    bench.finish().await;
}

/// The vendor says in the midst of a reply that it cannot go on: the words so far are told, and it may be tried again.
pub async fn overloaded_in_the_midst<S: Vendor>(bench: Bench<S>) {
    let faults = Faults { cut_after: Some(Cut::Messages(6)), close_code: Some(529), ..Faults::default() };
    bench.server.set_faults(faults);
    let events = rest(&mut bench.client.ask(request("hello")).events).await;
    let Some(LlmEvent::Failed(failure)) = events.last() else { panic!("{events:?}") };
    assert_eq!(failure.class, FailureClass::Unavailable, "{failure}");
    assert!(!text(&events).is_empty() && WORDS.starts_with(&text(&events)), "{events:?}");
    bench.finish().await;
}

/// Silence is the session's to judge: the stream stays, and goes at once when it is dropped.
pub async fn silent_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(silent());
    let mut stream = bench.client.ask(request("hello"));
    let watching = timeout(QUIET, rest(&mut stream.events)).await;
    assert!(watching.is_err(), "the stream ended by itself: {watching:?}");
    drop(stream);
    bench.finish().await;
}

/// The same with a vendor that reads nothing either; such a server cannot notice that its client has left.
pub async fn deaf_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(deaf());
    let mut stream = bench.client.ask(request("hello"));
    let watching = timeout(QUIET, rest(&mut stream.events)).await;
    assert!(watching.is_err(), "the stream ended by itself: {watching:?}");
}

/// A reply that breaks off is a failure that may be tried again, and the last event.
pub async fn cut<S: Vendor>(bench: Bench<S>) {
    for faults in cuts() {
        bench.server.set_faults(faults.clone());
        let failure = failure(&mut bench.client.ask(request("hello"))).await;
        assert_eq!(failure.class, FailureClass::Unavailable, "{faults:?}: {failure}");
    }
    bench.finish().await;
}

/// A lie is seen through or is a failure. Repeated or shuffled words cannot be told from true ones; that each reply ends
/// and nothing else happens is what counts there.
pub async fn lying_vendor<S: Vendor>(bench: Bench<S>) {
    for lie in LIES {
        bench.server.set_faults(lying(lie));
        let events = rest(&mut bench.client.ask(request("hello")).events).await;
        let last = events.last().expect("a reply ends with an event");
        assert!(matches!(last, LlmEvent::Done { .. } | LlmEvent::Failed(_)), "{lie:?}: {events:?}");
        if matches!(lie, Lie::MalformedJson | Lie::UnknownEvent | Lie::WrongTypes | Lie::UnknownContext) {
            assert_eq!(text(&events), WORDS, "{lie:?}");
            assert!(matches!(last, LlmEvent::Done { .. }), "{lie:?}: {last:?}");
        }
    }
    bench.finish().await;
}

pub async fn oversized_vendor<S: Vendor>(bench: Bench<S>) {
    bench.server.set_faults(oversized());
    let failure = failure(&mut bench.client.ask(request("hello"))).await;
    assert_eq!(failure.class, FailureClass::Malformed);
    bench.finish().await;
}

/// Each refusal has its class, and no failure shows the key.
pub async fn refused<S: Vendor>(bench: Bench<S>) {
    for (faults, class) in refusals() {
        bench.server.set_faults(faults);
        let failure = failure(&mut bench.client.ask(request("hello"))).await;
        assert_eq!(failure.class, class, "{failure}");
        assert_shows_no_key(&failure);
    }
    bench.server.set_faults(Faults { status: Some(429), retry_after_ms: Some(1500), ..Faults::default() });
    let failure = failure(&mut bench.client.ask(request("hello"))).await;
    assert_eq!(failure.retry_after, Some(Duration::from_millis(1500)));
    bench.finish().await;
}

/// Dropping a reply in the middle cancels it at the vendor.
pub async fn dropped<S: Vendor>(bench: Bench<S>) {
    let mut stream = bench.client.ask(request(STORY));
    let mut first = next(&mut stream.events).await;
    while first == Some(LlmEvent::Progress) {
        first = next(&mut stream.events).await;
    }
    assert!(matches!(first, Some(LlmEvent::Text(_))), "{first:?}");
    drop(stream);
    bench.server.assert_no_leftovers().await;
    let endings: Vec<_> =
        bench.server.observed().exchanges.into_iter().map(|exchange| exchange.ended).collect();
    assert_eq!(endings, [Some(vox_testkit::vendor::Ending::Dropped)]);
    bench.finish().await;
}

/// A reader that does not read slows the vendor down and loses nothing.
pub async fn slow_reader<S: Vendor>(bench: Bench<S>) {
    let mut stream = bench.client.ask(request(STORY));
    eventually(|| stream.events.len() == STREAM_DEPTH).await;
    let events = rest(&mut stream.events).await;
    assert_eq!(text(&events).split_whitespace().count(), 10_000);
    assert!(matches!(events.last(), Some(LlmEvent::Done { .. })));
    bench.finish().await;
}
