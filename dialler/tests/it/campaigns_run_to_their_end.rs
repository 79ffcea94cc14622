//! People who answer, who do not, and who do not exist: each is rung once, and each attempt has the result that it had.

use std::collections::BTreeSet;

use vox_testkit::exchange::callees::{Class, Fate, Side};

use crate::harness::{World, number, text};

fn refused(code: u16, phrase: &str) -> Fate {
    Fate::Refused { after_ms: 900, rings: false, code, phrase: phrase.into() }
}

fn answered(talk_ms: u64) -> Fate {
    Fate::Answered { after_ms: 3_000, class: Class::Human, talk_ms, hangs_up: Side::Callee }
}

#[tokio::test]
async fn everybody_is_rung_once_and_every_attempt_ends_as_it_did() {
    let people = [
        (answered(60_000), "done"),
        (refused(486, "Busy Here"), "busy"),
        (refused(404, "Not Found"), "invalid_number"),
        (refused(603, "Decline"), "declined"),
        (refused(480, "Temporarily Unavailable"), "unavailable"),
        (Fate::RingsOut, "no_answer"),
    ];
    let world = World::start(&people.clone().map(|(fate, _)| fate), false).await;
    let dialler = world.dialler();
    let campaign = world.campaign(6).await;
    let attempts = world
        .eventually("six results", async || {
            let attempts = world.attempts(&campaign).await;
            (attempts.len() == 6 && attempts.values().all(|attempt| attempt["result"].is_string()))
                .then_some(attempts)
        })
        .await;
    for (n, (_, result)) in (0..).zip(&people) {
        assert_eq!(text(&attempts[&number(n)], "result"), *result, "{}", attempts[&number(n)]);
    }
    let invited = world.invited();
    assert_eq!(invited.len(), 6, "{invited:?}");
    assert_eq!(invited.iter().collect::<BTreeSet<_>>().len(), 6);
    dialler.end().await;
    world.end().await;
}
