//! A vendor that is silent, cut, refusing or lying: the caller is not left in silence, the call ends with a record, and
//! the worker takes the next one.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use vox_caller::{Protocol, Scenario, Step, run};
use vox_shared::model::bot::ReEngagement;
use vox_testkit::vendor::{Cut, Faults, Lie};

use crate::harness::vendors::Scripts;
use crate::harness::{GREETING, Stage, speech, texts};

/// Rows at the same time; each has a worker of its own.
const AT_ONCE: usize = 4;
/// The caller's patience with a bot that says nothing more.
const PATIENCE: Duration = Duration::from_secs(12);
/// The bot ends its own silence after 3 s, with a phrase or with the hold tone, whatever fails; without that the line is silent until the
/// caller's patience is over. The quality bar is 4 s: it is held in virtual time (`virtual_time`), for four workers at once on a busy machine
/// are late themselves.
const SILENCE_MS: f64 = 7_000.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vendor {
    Recogniser,
    Model,
    Voice,
}

struct Row {
    vendor: Vendor,
    name: &'static str,
    faults: Faults,
}

fn rows() -> Vec<Row> {
    let silent = || Faults { silent: true, ..Faults::default() };
    let status = |status| Faults { status: Some(status), retry_after_ms: Some(2_000), ..Faults::default() };
    let cut = |messages| Faults { cut_after: Some(Cut::Messages(messages)), ..Faults::default() };
    let lies = vec![Lie::MalformedJson, Lie::WrongTypes, Lie::UnknownEvent, Lie::Duplicate];
    let lying = || Faults { lies: lies.clone(), lie_every: 2, ..Faults::default() };
    let row = |vendor, name, faults| Row { vendor, name, faults };
    vec![
        row(Vendor::Recogniser, "silent", silent()),
        row(Vendor::Recogniser, "cut", cut(1)),
        row(Vendor::Recogniser, "401", status(401)),
        row(Vendor::Recogniser, "lies", lying()),
        row(Vendor::Model, "silent", silent()),
        row(Vendor::Model, "cut", cut(2)),
        row(Vendor::Model, "401", status(401)),
        row(Vendor::Model, "429", status(429)),
        row(Vendor::Model, "lies", lying()),
        row(Vendor::Voice, "silent", silent()),
        row(Vendor::Voice, "cut", cut(2)),
        row(Vendor::Voice, "500", status(500)),
        row(Vendor::Voice, "lies", lying()),
    ]
}

async fn check(what: &str, row: Row) {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|bot| bot.re_engagement = Some(impatient())).await;
    let none = Faults::default;
    match row.vendor {
        Vendor::Recogniser => stage.vendors.set_faults(row.faults, none(), none()),
        Vendor::Model => stage.vendors.set_faults(none(), row.faults, none()),
        Vendor::Voice => stage.vendors.set_faults(none(), none(), row.faults),
    }
    let call = stage.dial(Protocol::Ws, &bot, "suffers").await;
    let scenario = Scenario::new()
        .then(Step::AwaitReply { quiet: Duration::from_millis(700), within: Duration::from_secs(4) })
        .say(speech(5))
        .then(Step::AwaitHangup { within: PATIENCE })
        .hangup();
    let done = run(call, scenario).await;
    let record = stage.record("suffers").await;
    assert!(record["disconnected_by"].is_string(), "{what}: {record}");
    let silence_ms = done.call.heard.longest_silence_ms;
    assert!(silence_ms < SILENCE_MS, "{what}: {silence_ms} ms of silence; {}", record["events"]);
    if row.vendor != Vendor::Voice {
        let said = texts(&record, "bot");
        let last = said.last().map(String::as_str);
        assert!(![None, Some(GREETING)].contains(&last), "{what}: nothing is said of the trouble: {said:?}");
    }

    stage.vendors.set_faults(none(), none(), none());
    let call = stage.dial(Protocol::Ws, &bot, "next").await;
    let scenario = Scenario::new().await_reply(Duration::from_millis(700)).hangup();
    let done = run(call, scenario).await;
    assert!(done.is_complete(), "{what}: the next call: {:?}", done.steps);
    let record = stage.record("next").await;
    assert_eq!(texts(&record, "bot"), [GREETING], "{what}: {}", record["events"]);
    stage.end().await;
}

fn impatient() -> ReEngagement {
    ReEngagement { after_secs: 3.0, prompts: vec!["Hello?".into()], goodbye: "Good bye.".into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_vendor_and_however_it_fails() {
    // Every row is looked at, also after one that fails.
    let checks = rows().into_iter().map(|row| async {
        let what = format!("{:?} {}", row.vendor, row.name);
        let checked = AssertUnwindSafe(check(&what, row)).catch_unwind().await;
        checked.is_err().then_some(what)
    });
    let failed: Vec<Option<String>> = stream::iter(checks).buffer_unordered(AT_ONCE).collect().await;
    assert_eq!(failed.into_iter().flatten().collect::<Vec<_>>(), Vec::<String>::new());
}

/// Its last audio fills no frame of the line; it is heard all the same, and another voice says the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_that_is_cut_in_mid_sentence_is_taken_over() {
    let stage = Stage::start(Scripts::default()).await;
    let bot = stage.bot(|_| {}).await;
    let cut = Faults { cut_after: Some(Cut::Messages(2)), fail_first: Some(1), ..Faults::default() };
    stage.vendors.set_faults(Faults::default(), Faults::default(), cut);
    for protocol in [Protocol::Ws, Protocol::Exotel { rate_hz: 8_000 }] {
        let caller = format!("cut over {protocol:?}");
        let call = stage.dial(protocol, &bot, &caller).await;
        let scenario = Scenario::new()
            .then(Step::AwaitReply { quiet: Duration::from_millis(1_500), within: Duration::from_secs(10) })
            .hangup();
        let done = run(call, scenario).await;
        let record = stage.record(&caller).await;
        assert!(done.is_complete(), "{caller}: {:?} {}", done.steps, record["events"]);
        assert_eq!(record["disconnected_by"], "customer", "{caller}: {}", record["events"]);
        assert_eq!(texts(&record, "bot").join(" "), GREETING, "{caller}: {}", record["events"]);
    }
    stage.vendors.set_faults(Faults::default(), Faults::default(), Faults::default());
    stage.end().await;
}
