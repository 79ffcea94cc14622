//! A campaign that is told as it was has no differences, and each figure that is changed is told.

use serde_json::{Value, json};
use vox_testkit::exchange::callees::Class;
use vox_testkit::exchange::journal::{How, Line, What};

use super::told::{Attempt, Contact};
use super::{Run, Told, differences, meaning};

const LATER: &str = "2026-12-01T04:00:00.000000Z";
const SHOWN: &str = "+12125551200";

/// Newest first: what came of each, and how long it was talked.
const ATTEMPTS: [(&str, u32, &str, Option<f64>); 7] = [
    ("con_d", 2, "no_answer", Some(0.0)),
    ("con_g", 2, "abandoned", Some(4.25)),
    ("con_d", 1, "aborted", None),
    ("con_g", 1, "congestion", None),
    ("con_c", 1, "busy", Some(0.0)),
    ("con_b", 1, "voicemail", Some(3.0)),
    ("con_a", 1, "done", Some(20.5)),
];

fn number(contact: &str) -> String {
    format!("+9198105500{:02}", contact.as_bytes()[4])
}

fn attempt((contact, att, result, talk): (&str, u32, &str, Option<f64>)) -> Attempt {
    let (tally, counts) = meaning(result).unwrap();
    let at = (result != "aborted").then_some("2026-11-30T22:00:01.000000Z");
    let is_answered = ["abandoned", "voicemail", "done"].contains(&result);
    let told = json!({
        "id": format!("{contact}.{att}"), "contact_id": contact, "att": att, "run": 1, "stage": "done", "result": result,
        "tally": tally, "counts": counts, "aborted": at.is_none().then_some("breaker"), "number": number(contact),
        "from_number": SHOWN, "session_id": format!("call_{contact}_{att}"), "claimed_at": "2026-11-30T22:00:00.000000Z",
        "dial_at": at, "answered_at": at.filter(|_| is_answered), "ended_at": "2026-11-30T22:00:31.000000Z",
        "ring_ms": at.map(|_| 9_000), "talk_seconds": talk, "answered_by": (result == "voicemail").then_some("voicemail"),
        "carrier": if result == "busy" { json!({"sip": 486, "phrase": "Busy, here"}) } else { Value::Null },
    });
    serde_json::from_value(told).unwrap()
}

/// The CSV of the attempts, written as the bridge writes it.
fn table(attempts: &[Attempt]) -> String {
    let mut text = String::from(
        "attempt,contact,try,run,number,from_number,result,counts,claimed_at,dial_at,answered_at,ended_at,ring_ms,talk_seconds,\
         answered_by,sip,phrase,call\r\n",
    );
    for one in attempts {
        let (ring, talk) = (one.ring_ms.map(|ms| ms.to_string()), one.talk_seconds);
        let carrier = if one.carrier.is_null() { "," } else { "486,\"Busy, here\"" };
        let cell = |text: &Option<String>| text.clone().unwrap_or_default();
        text.push_str(&format!(
            "{},{},{},{},'{},'{},{},{},{},{},{},{},{},{},{},{carrier},{}\r\n",
            one.id,
            one.contact_id,
            one.att,
            one.run,
            one.number,
            one.from_number,
            cell(&one.result),
            one.counts.unwrap(),
            one.claimed_at,
            cell(&one.dial_at),
            cell(&one.answered_at),
            cell(&one.ended_at),
            cell(&ring),
            talk.map(|seconds| format!("{seconds:.1}")).unwrap_or_default(),
            cell(&one.answered_by),
            one.session_id,
        ));
    }
    text
}

fn contact(id: &str, (status, reason): (&str, Option<&str>), attempts: u32, results: &[&str]) -> Contact {
    let counted = results.iter().filter(|result| meaning(result).unwrap().1).count();
    let told = json!({
        "id": id, "status": status, "reason": reason, "next_at": if status == "ready" { LATER } else { "2026-11-30T22:00:00.000000Z" },
        "attempts": attempts, "counted": counted, "results": results,
    });
    serde_json::from_value(told).unwrap()
}

fn told() -> Told {
    let attempts: Vec<Attempt> = ATTEMPTS.map(attempt).into();
    let by_status = json!({"ready": 1, "claimed": 0, "dialing": 0, "recovering": 0, "done": 5, "blocked": 1, "review": 0});
    let campaign = json!({
        "state": "completed", "run_number": 1, "settings": {"pacing": {"abandon_percent": 2.8}}, "contacts": by_status,
    });
    let status = json!({
        "state": "completed", "contacts": by_status, "due": 0, "next_at": "2026-12-01T04:00:00Z",
        "attempts": {"human": 1, "abandoned": 1, "machine": 1, "unanswered": 1, "failed": 1, "uncounted": 2},
        "answer_share": 0.4, "handle_seconds": 20.5, "lines": 0, "ringing": 0, "told_at": null, "expected_end": null,
        "abandons": {"answered": 2, "abandoned": 1, "percent": 50.0, "ceiling_percent": 2.8, "left": 0},
    });
    let done = |reason| ("done", Some(reason));
    Told {
        campaign: serde_json::from_value(campaign).unwrap(),
        status: serde_json::from_value(status).unwrap(),
        asked: ("2026-11-30T23:00:00.000000Z".into(), "2026-11-30T23:00:00.010000Z".into()),
        contacts: vec![
            contact("con_a", done("done"), 1, &["done"]),
            contact("con_b", done("voicemail"), 1, &["voicemail"]),
            contact("con_c", done("busy"), 1, &["busy"]),
            contact("con_d", done("no_answer"), 2, &["aborted", "no_answer"]),
            contact("con_e", ("ready", Some("outside_window")), 0, &[]),
            contact("con_f", ("blocked", Some("do_not_call")), 0, &[]),
            contact("con_g", done("abandoned"), 2, &["congestion", "abandoned"]),
        ],
        table: table(&attempts),
        attempts,
    }
}

/// What the carrier saw of these.
fn journal() -> Vec<Line> {
    let mut lines = Vec::new();
    let mut write = |what| lines.push(Line { at_us: 0, what });
    for (contact, att, result, _) in ATTEMPTS.into_iter().filter(|(_, _, result, _)| *result != "aborted") {
        let (attempt, call) = (format!("{contact}.{att}"), format!("SCL_{contact}_{att}"));
        write(What::Invite {
            call: call.clone(),
            attempt: attempt.clone(),
            to: number(contact),
            from: SHOWN.into(),
            trunk: "ST_1".into(),
            room: attempt,
            room_existed: true,
        });
        let class = match result {
            "done" | "abandoned" => Some(Class::Human),
            "voicemail" => Some(Class::Voicemail),
            _ => None,
        };
        if let Some(class) = class {
            write(What::Answered { call: call.clone(), class });
        }
        let (how, code) = match result {
            "busy" => (How::Refused, Some(486)),
            "congestion" => (How::Refused, Some(503)),
            "no_answer" => (How::RangOut, None),
            _ => (How::HungUp, None),
        };
        write(What::Ended { call, how, code });
    }
    lines
}

#[test]
fn what_is_told_as_it_was_has_no_differences() {
    for run in [Run::Calm, Run::Troubled] {
        assert_eq!(differences(&told(), &journal(), run), Vec::<String>::new(), "{run:?}");
    }
}

/// A figure that is changed, and what its difference begins with.
type Change = (&'static str, fn(&mut Told));

#[test]
fn each_figure_that_is_changed_is_told() {
    let changes: [Change; 47] = [
        ("contacts of the campaign", |t| *t.campaign.contacts.get_mut("done").unwrap() += 1),
        ("contacts of its status", |t| *t.status.contacts.get_mut("review").unwrap() += 1),
        ("state of its status", |t| t.status.state = "running".into()),
        ("due", |t| t.status.due = 1),
        ("due", |t| t.asked = (LATER.into(), LATER.into())),
        ("next_at", |t| t.status.next_at = None),
        ("attempts of its status", |t| *t.status.attempts.get_mut("human").unwrap() += 1),
        ("attempts of its status", |t| *t.status.attempts.get_mut("abandoned").unwrap() = 0),
        ("attempts of its status", |t| *t.status.attempts.get_mut("machine").unwrap() += 1),
        ("attempts of its status", |t| *t.status.attempts.get_mut("unanswered").unwrap() += 1),
        ("attempts of its status", |t| *t.status.attempts.get_mut("failed").unwrap() += 1),
        ("attempts of its status", |t| *t.status.attempts.get_mut("uncounted").unwrap() -= 1),
        ("answer_share", |t| t.status.answer_share = Some(0.5)),
        ("handle_seconds", |t| t.status.handle_seconds = Some(20.6)),
        ("handle_seconds", |t| t.status.handle_seconds = None),
        ("abandons.answered", |t| t.status.abandons.answered = 1),
        ("abandons.abandoned", |t| t.status.abandons.abandoned = 2),
        ("abandons.percent", |t| t.status.abandons.percent = Some(49.9)),
        ("abandons.ceiling_percent", |t| t.status.abandons.ceiling_percent = 3.0),
        ("abandons.left", |t| t.status.abandons.left = 1),
        ("lines, ringing", |t| t.status.lines = 1),
        ("lines, ringing", |t| t.status.ringing = 1),
        ("told_at", |t| t.status.told_at = Some(LATER.into())),
        ("expected_end", |t| t.status.expected_end = Some(LATER.into())),
        ("attempts of con_a", |t| t.contacts[0].attempts = 2),
        ("attempts of con_d", |t| t.contacts[3].attempts = 1),
        ("counted of con_a", |t| t.contacts[0].counted = 2),
        ("counted of con_g", |t| t.contacts[6].counted = 2),
        ("results of con_g", |t| t.contacts[6].results.push("abandoned".into())),
        ("results of con_a", |t| t.contacts[0].results.clear()),
        ("contact con_c has more aborted", |t| t.contacts[2].results.insert(0, "aborted".into())),
        ("reason of con_b", |t| t.contacts[1].reason = Some("busy".into())),
        ("reason of con_f", |t| t.contacts[5].reason = Some("opt_out".into())),
        ("1 attempts are of con_x", |t| t.attempts[6].contact_id = "con_x".into()),
        ("tally of con_b.1", |t| t.attempts[5].tally = Some("human".into())),
        ("counts of con_g.1", |t| t.attempts[3].counts = Some(true)),
        ("attempt con_a.1 came to well", |t| t.attempts[6].result = Some("well".into())),
        ("attempt con_c.1 was aborted and", |t| t.attempts[4].aborted = Some("breaker".into())),
        ("number of con_c.1", |t| t.attempts[4].number = SHOWN.into()),
        ("from_number of con_c.1", |t| t.attempts[4].from_number = number("con_c")),
        ("attempts of the CSV", |t| t.table = table(&t.attempts[1..])),
        ("result of con_c.1 in the CSV", |t| t.table = t.table.replace(",busy,", ",no_answer,")),
        ("ring_ms of con_d.2 in the CSV", |t| t.table = t.table.replacen(",9000,", ",8999,", 1)),
        ("talk_seconds of con_a.1 in the CSV", |t| t.table = t.table.replace(",20.5,", ",20.7,")),
        ("sip of con_c.1 in the CSV", |t| t.table = t.table.replace(",486,", ",487,")),
        ("call of con_a.1 in the CSV", |t| t.table = t.table.replace("call_con_a_1", "call_other")),
        ("the CSV of attempts has no header", |t| t.table.clear()),
    ];
    for (expected, change) in changes {
        let mut told = told();
        change(&mut told);
        let found = differences(&told, &journal(), Run::Calm);
        assert!(found.iter().any(|one| one.starts_with(expected)), "{expected}: {found:?}");
    }
}

/// An attempt, what it is said to have come to, and whether only a run in which every program lives can tell.
#[test]
fn a_result_that_the_carrier_did_not_see_is_told() {
    for (at, result, calm_only) in [
        (0, "done", false),
        (0, "busy", true),
        (0, "voicemail", false),
        (1, "voicemail", false),
        (1, "no_answer", true),
        (2, "done", false),
        (4, "no_answer", true),
        (4, "answered", false),
        (5, "done", false),
        (5, "fax", false),
        (5, "no_answer", true),
        (6, "busy", true),
    ] {
        let mut told = told();
        told.attempts[at].result = Some(result.into());
        let expected = format!("attempt {} came to {result}", told.attempts[at].id);
        for (run, is_told) in [(Run::Calm, true), (Run::Troubled, !calm_only)] {
            let found = differences(&told, &journal(), run);
            let seen = found.iter().any(|one| one.starts_with(&expected));
            assert_eq!(seen, is_told, "{expected}, {run:?}: {found:?}");
        }
    }
}

#[test]
fn what_nobody_heard_is_no_difference_with_the_carrier() {
    for (at, result) in [(6, "lost"), (5, "answered"), (4, "cancelled"), (0, "lost")] {
        let mut told = told();
        told.attempts[at].result = Some(result.into());
        let found = differences(&told, &journal(), Run::Calm);
        assert!(!found.iter().any(|one| one.contains("and the carrier saw")), "{result}: {found:?}");
    }
}

#[test]
fn a_number_that_a_dead_bridge_gave_no_attempt_is_one_of_trouble_alone() {
    let mut told = told();
    told.contacts[4].attempts = 1;
    assert_eq!(differences(&told, &journal(), Run::Troubled), Vec::<String>::new());
    assert_eq!(differences(&told, &journal(), Run::Calm).len(), 1);
}
