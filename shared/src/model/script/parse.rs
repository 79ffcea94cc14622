//! From JSON to a [`Script`], without looking whether the names it uses exist.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::pattern::Sets;
use super::read::{At, Fields};
use super::template::Template;
use super::words::words;
use super::{
    Action, Choice, Condition, Correction, Intent, MAX_ENTRIES, MAX_STATES, Route, Rule, Script, ScriptError,
    Slot, SlotKind, State, Test, Then, Transfer, YesNo, builtin,
};

type Read<T> = Result<T, ScriptError>;

/// Longest run of digits a `digits` slot may ask for.
const MAX_DIGITS: i64 = 32;

const ACTION_KEYS: [&str; 7] = ["say", "set", "clear", "go", "then", "to", "failed"];

pub(super) fn script(value: &Value) -> Read<Script> {
    let top = At::root(value).fields(&[
        "start",
        "sets",
        "corrections",
        "slots",
        "intents",
        "states",
        "reprompts",
        "silence",
        "give_up",
    ])?;
    let sets = top.find("sets").map_or_else(|| Ok(builtin::sets()), |at| own_sets(&at))?;
    Ok(Script {
        start: top.get("start")?.text()?.to_owned(),
        slots: top.or_default("slots", |at| named(&at, MAX_ENTRIES, |at| slot(at, &sets)))?,
        intents: top
            .or_default("intents", |at| at.list()?.into_iter().map(|at| intent(at, &sets)).collect())?,
        states: named(&top.get("states")?, MAX_STATES, |at| state(at, &sets))?,
        corrections: top.or_default("corrections", |at| corrections(&at))?,
        second_thoughts: sets["correction"].to_vec(),
        yes: sets["yes"].to_vec(),
        no: sets["no"].to_vec(),
        reprompts: lines_or(&top, "reprompts", "Sorry, I didn't get that. {ask}")?,
        silence: lines_or(&top, "silence", "Sorry, I didn't hear you. {ask}")?,
        give_up: top
            .find("give_up")
            .map_or_else(|| Ok(default_give_up()), |at| action(&at.fields(&ACTION_KEYS)?))?,
    })
}

fn named<T>(at: &At<'_>, most: usize, read: impl Fn(At<'_>) -> Read<T>) -> Read<BTreeMap<String, T>> {
    at.entries(most)?.into_iter().map(|(name, at)| Ok((name, read(at)?))).collect()
}

/// The author's sets beside the built-in ones. A set may use built-in sets, not the author's: no set can hold itself.
fn own_sets(at: &At<'_>) -> Read<Sets> {
    let known = builtin::sets();
    let mut all = known.clone();
    for (name, at) in at.entries(MAX_ENTRIES)? {
        all.insert(name, Arc::from(at.patterns(&known)?));
    }
    Ok(all)
}

fn lines_or(top: &Fields<'_>, key: &str, line: &str) -> Read<Vec<Template>> {
    let lines = top.or_default(key, |at| at.templates())?;
    if !lines.is_empty() {
        return Ok(lines);
    }
    Ok(vec![Template::parse(line).expect("a line of ours, read by the tests")])
}

fn default_give_up() -> Action {
    let line = "I'm sorry, I still don't understand. Please call again. Goodbye.";
    let say = vec![Template::parse(line).expect("a line of ours, read by the tests")];
    Action { say, set: BTreeMap::new(), clear: Vec::new(), then: Then::EndCall }
}

fn corrections(at: &At<'_>) -> Read<Vec<Correction>> {
    let mut all = Vec::new();
    for (heard, at) in at.entries(MAX_ENTRIES)? {
        let (heard, meant) = (words(&heard), words(at.text()?));
        if heard.is_empty() || meant.is_empty() {
            return Err(at.error("write the words that are misheard and the words they stand for"));
        }
        all.push(Correction { heard, meant });
    }
    all.sort_by_key(|correction| std::cmp::Reverse(correction.heard.len()));
    Ok(all)
}

fn slot(at: At<'_>, sets: &Sets) -> Read<Slot> {
    let fields = at.fields(&["type", "ask", "min", "max", "choices"])?;
    let kind_at = fields.get("type")?;
    let bound = |key: &str, default: i64| fields.find(key).map_or(Ok(default), |at| at.integer());
    let kind = match kind_at.text()? {
        "yes_no" => SlotKind::YesNo,
        "number" => SlotKind::Number { min: bound("min", 0)?, max: bound("max", 999_999)? },
        "digits" => SlotKind::Digits {
            min_digits: digits(bound("min", 1)?, &fields)?,
            max_digits: digits(bound("max", MAX_DIGITS)?, &fields)?,
        },
        "date" => SlotKind::Date,
        "time" => SlotKind::Time,
        "choice" => SlotKind::Choice(choices(&fields.get("choices")?, sets)?),
        "text" => SlotKind::Text,
        other => {
            return Err(kind_at.error(format!(
                "\"{other}\" is no type of slot; use yes_no, number, digits, date, time, choice or text"
            )));
        }
    };
    if bound("min", 0)? > bound("max", i64::MAX)? {
        return Err(fields.error("\"min\" is above \"max\"; exchange them"));
    }
    Ok(Slot { kind, ask: fields.or_default("ask", |at| at.templates())? })
}

fn digits(bound: i64, fields: &Fields<'_>) -> Read<usize> {
    usize::try_from(bound)
        .ok()
        .filter(|bound| (1..=MAX_DIGITS as usize).contains(bound))
        .ok_or_else(|| fields.error(format!("\"min\" and \"max\" of digits lie between 1 and {MAX_DIGITS}")))
}

fn choices(at: &At<'_>, sets: &Sets) -> Read<Vec<Choice>> {
    let read = |at: At<'_>| -> Read<Choice> {
        let fields = at.fields(&["value", "match", "says"])?;
        let value = fields.get("value")?.text()?.to_owned();
        let says = fields.find("says").map_or(Ok(value.as_str()), |at| at.text())?.to_owned();
        let patterns = fields.find("match").map_or_else(|| fields.get("value"), Ok)?.patterns(sets)?;
        Ok(Choice { value, says, patterns })
    };
    let choices: Vec<Choice> = at.list()?.into_iter().map(read).collect::<Read<_>>()?;
    if choices.is_empty() {
        return Err(at.error("there are no choices; write at least one {\"value\", \"match\"}"));
    }
    Ok(choices)
}

fn intent(at: At<'_>, sets: &Sets) -> Read<Intent> {
    let fields = at.fields(&[&["name", "match", "when"][..], &ACTION_KEYS].concat())?;
    Ok(Intent {
        name: fields.get("name")?.text()?.to_owned(),
        patterns: fields.get("match")?.patterns(sets)?,
        when: fields.or_default("when", |at| condition(&at))?,
        action: action(&fields)?,
    })
}

fn state(at: At<'_>, sets: &Sets) -> Read<State> {
    let fields = at.fields(&[
        "say",
        "ask",
        "again",
        "fill",
        "notice",
        "on",
        "next",
        "reprompts",
        "give_up",
        "intents",
        "end_call",
    ])?;
    let lines = |key: &str| fields.or_default(key, |at| at.templates());
    let names = |key: &str| fields.or_default(key, |at| at.names());
    Ok(State {
        say: lines("say")?,
        ask: lines("ask")?,
        again: lines("again")?,
        fill: names("fill")?,
        notice: names("notice")?,
        on: fields.or_default("on", |at| at.list()?.into_iter().map(|at| rule(at, sets)).collect())?,
        next: fields.or_default("next", |at| routes(&at))?,
        reprompts: lines("reprompts")?,
        give_up: fields.find("give_up").map(|at| action(&at.fields(&ACTION_KEYS)?)).transpose()?,
        intents: fields.find("intents").map(|at| at.names()).transpose()?,
        end_call: fields.or_default("end_call", |at| at.flag())?,
    })
}

fn rule(at: At<'_>, sets: &Sets) -> Read<Rule> {
    let fields = at.fields(&[&["answer", "match", "heard", "when"][..], &ACTION_KEYS].concat())?;
    let rule = Rule {
        answer: fields.find("answer").map(|at| yes_no(&at)).transpose()?,
        patterns: fields.or_default("match", |at| at.patterns(sets))?,
        heard: fields.or_default("heard", |at| at.names())?,
        when: fields.or_default("when", |at| condition(&at))?,
        action: action(&fields)?,
    };
    if rule.answer.is_none() && rule.patterns.is_empty() && rule.heard.is_empty() {
        return Err(
            fields.error("this rule would fire at every word; give it \"answer\", \"match\" or \"heard\"")
        );
    }
    Ok(rule)
}

fn yes_no(at: &At<'_>) -> Read<YesNo> {
    match at.text()? {
        "yes" => Ok(YesNo::Yes),
        "no" => Ok(YesNo::No),
        other => Err(at.error(format!("\"{other}\" is no such answer; use yes or no, or \"match\""))),
    }
}

/// A list of routes, or the name of the only state that can follow.
fn routes(at: &At<'_>) -> Read<Vec<Route>> {
    if at.value.is_string() {
        let then = Then::Go(at.text()?.to_owned());
        let action = Action { say: Vec::new(), set: BTreeMap::new(), clear: Vec::new(), then };
        return Ok(vec![Route { when: Condition::new(), action }]);
    }
    let read = |at: At<'_>| -> Read<Route> {
        let fields = at.fields(&[&["when"][..], &ACTION_KEYS].concat())?;
        Ok(Route { when: fields.or_default("when", |at| condition(&at))?, action: action(&fields)? })
    };
    at.list()?.into_iter().map(read).collect()
}

fn action(fields: &Fields<'_>) -> Read<Action> {
    let set = |at: At<'_>| named(&at, MAX_ENTRIES, |at| at.plain());
    let then = match (fields.find("go"), fields.find("then")) {
        (Some(_), Some(at)) => return Err(at.error("\"go\" and \"then\" exclude each other; keep one")),
        (Some(at), None) => Then::Go(at.text()?.to_owned()),
        (None, None) => Then::Ask,
        (None, Some(at)) => match at.text()? {
            "ask" => Then::Ask,
            "wait" => Then::Wait,
            "repeat" => Then::Repeat,
            "end_call" => Then::EndCall,
            "transfer" => Then::Transfer(transfer(fields)?),
            "voicemail" => Then::Voicemail,
            other => {
                let known = "ask, wait, repeat, end_call, transfer or voicemail, or \"go\"";
                return Err(at.error(format!("\"{other}\" is not known; use {known}")));
            }
        },
    };
    if !matches!(then, Then::Transfer(_))
        && let Some(at) = fields.find("to").or(fields.find("failed"))
    {
        return Err(at.error("this belongs to \"then\": \"transfer\"; remove it"));
    }
    let say = fields.or_default("say", |at| at.templates())?;
    if say.is_empty() && matches!(then, Then::Wait | Then::EndCall | Then::Transfer(_)) {
        return Err(fields.error("the caller would hear nothing; add \"say\""));
    }
    if !say.is_empty() && then == Then::Voicemail {
        return Err(fields.error("a machine is told nothing but the bot's voicemail_message; remove \"say\""));
    }
    Ok(Action {
        say,
        set: fields.or_default("set", set)?,
        clear: fields.or_default("clear", |at| at.names())?,
        then,
    })
}

fn transfer(fields: &Fields<'_>) -> Read<Transfer> {
    let failed = fields.or_default("failed", |at| at.templates())?;
    if failed.is_empty() {
        return Err(fields.error("nobody may answer, and the caller would hear nothing then; add \"failed\""));
    }
    Ok(Transfer { to: fields.find("to").map(|at| at.text().map(String::from)).transpose()?, failed })
}

fn condition(at: &At<'_>) -> Read<Condition> {
    let mut all = Condition::new();
    for (slot, at) in at.entries(MAX_ENTRIES)? {
        if !at.value.is_object() {
            all.push((slot, Test::Is(at.plain()?)));
            continue;
        }
        let fields = at.fields(&["filled", "is", "not", "one_of", "has", "at_least", "at_most"])?;
        let before = all.len();
        let mut test = |test: Option<Test>| all.extend(test.map(|test| (slot.clone(), test)));
        test(fields.find("filled").map(|at| at.flag()).transpose()?.map(Test::Filled));
        test(fields.find("is").map(|at| at.plain()).transpose()?.map(Test::Is));
        test(fields.find("not").map(|at| at.plain()).transpose()?.map(Test::Not));
        test(fields.find("one_of").map(|at| at.names()).transpose()?.map(Test::OneOf));
        test(fields.find("has").map(|at| at.plain()).transpose()?.map(Test::Has));
        test(fields.find("at_least").map(|at| at.integer()).transpose()?.map(Test::AtLeast));
        test(fields.find("at_most").map(|at| at.integer()).transpose()?.map(Test::AtMost));
        if all.len() == before {
            return Err(fields.error("this tests nothing; write a value or e.g. {\"filled\": true}"));
        }
    }
    Ok(all)
}
