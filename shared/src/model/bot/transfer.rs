//! Where a bot may hand a call to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::BotId;

/// Most targets of a bot, and most legacy numbers.
pub const MAX_TARGETS: usize = 32;
/// Digits of a number that can be dialled.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=15;
/// Longest id, label or value, characters.
const MAX_TEXT: usize = 200;

/// How long whoever is asked to take a call may let it ring, seconds, where the target does not say.
pub const RING_SECS: u32 = 30;
/// What a target may say.
const RING_RANGE: std::ops::RangeInclusive<u32> = 5..=45;

/// How a call is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferMethod {
    WebsocketReverseTransfer,
    LivekitSipRefer,
    AgentDesk,
    Warm,
    /// Another bot of the tenant goes on with the caller, in the same call.
    Bot,
}

impl TransferMethod {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebsocketReverseTransfer => "websocket_reverse_transfer",
            Self::LivekitSipRefer => "livekit_sip_refer",
            Self::AgentDesk => "agent_desk",
            Self::Warm => "warm",
            Self::Bot => "bot",
        }
    }
}

/// What a target's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferType {
    Extension,
    SipUri,
    TelUri,
    PhoneNumber,
    AgentQueue,
    /// The id of a bot.
    Bot,
}

/// Somebody who may be given the call. Chosen by id or label, otherwise the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferTarget {
    pub id: String,
    #[serde(default)]
    pub label: String,
    pub method: TransferMethod,
    #[serde(rename = "type")]
    pub kind: TransferType,
    pub value: String,
    #[serde(default)]
    pub is_default: bool,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Of a warm transfer: the bot stays on the line, silent, and goes on with the caller when the person has left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub three_way: bool,
    /// Of a warm transfer: how long the person's telephone may ring, seconds. [`RING_SECS`] without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring_secs: Option<u32>,
}

fn yes() -> bool {
    true
}

/// What is wrong with targets: the path below `transfer_targets`, and why.
pub fn target_faults(targets: &[TransferTarget]) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    if targets.len() > MAX_TARGETS {
        faults.push((String::new(), format!("at most {MAX_TARGETS}")));
    }
    for (place, target) in targets.iter().take(MAX_TARGETS).enumerate() {
        let mut fault = |field: &str, why: &str| faults.push((format!("{place}.{field}"), why.to_owned()));
        for (field, text) in [("id", &target.id), ("label", &target.label), ("value", &target.value)] {
            if text.chars().count() > MAX_TEXT {
                fault(field, "at most 200 characters");
            }
        }
        let is_said = |other: &TransferTarget, name: &str| {
            !name.is_empty() && [&other.id, &other.label].iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        if target.id.is_empty() {
            fault("id", "must not be empty");
        }
        for (field, name) in [("id", &target.id), ("label", &target.label)] {
            if targets[..place].iter().any(|other| is_said(other, name)) {
                fault(field, "another target has this id or label; the model could mean either");
            }
        }
        if let Some((field, why)) = mismatch(target) {
            fault(field, why);
        }
        if target.method != TransferMethod::Warm {
            if target.three_way {
                fault("three_way", "only a warm transfer has it");
            }
            if target.ring_secs.is_some() {
                fault("ring_secs", "only a warm transfer has it");
            }
        } else if target.ring_secs.is_some_and(|secs| !RING_RANGE.contains(&secs)) {
            fault("ring_secs", "5 to 45 seconds");
        }
        if target.is_default && !target.enabled {
            fault("is_default", "a target that is not enabled cannot be the default");
        }
        if target.is_default && targets[..place].iter().any(|other| other.is_default) {
            fault("is_default", "another target is the default already");
        }
    }
    faults
}

/// The field that does not go with the method, or the value that is none of its type.
fn mismatch(target: &TransferTarget) -> Option<(&'static str, &'static str)> {
    use TransferMethod as By;
    use TransferType as Type;
    let goes = match (target.method, target.kind) {
        (By::AgentDesk, kind) => kind == Type::AgentQueue,
        (By::Bot, kind) => kind == Type::Bot,
        (_, Type::AgentQueue | Type::Bot) => false,
        (By::LivekitSipRefer, kind) => kind != Type::Extension,
        _ => true,
    };
    if !goes {
        return Some((
            "type",
            match target.method {
                By::AgentDesk => "agent_desk takes only agent_queue",
                By::Bot => "method bot takes only type bot, whose value is the id of another bot",
                By::LivekitSipRefer => "livekit_sip_refer takes sip_uri, tel_uri or phone_number",
                By::WebsocketReverseTransfer | By::Warm if target.kind == Type::Bot => {
                    "type bot goes only with method bot"
                }
                By::WebsocketReverseTransfer | By::Warm => "agent_queue goes only with agent_desk",
            },
        ));
    }
    let rest = |prefix: &str| target.value.strip_prefix(prefix).is_some_and(|rest| !rest.trim().is_empty());
    let wrong = match target.kind {
        Type::SipUri => (!rest("sip:")).then_some("must start with sip:"),
        Type::TelUri => (!rest("tel:")).then_some("must start with tel:"),
        Type::PhoneNumber => (!is_number(&target.value)).then_some(NUMBER),
        Type::Bot => target.value.parse::<BotId>().is_err().then_some("must be the id of a bot of yours"),
        Type::Extension | Type::AgentQueue => target.value.trim().is_empty().then_some("must not be empty"),
    };
    wrong.map(|why| ("value", why))
}

/// What is wrong with the numbers of the older form, by their names.
pub fn number_faults(numbers: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    if numbers.len() > MAX_TARGETS {
        faults.push((String::new(), format!("at most {MAX_TARGETS}")));
    }
    let wrong = numbers.iter().take(MAX_TARGETS).filter(|(_, number)| !is_number(number));
    faults.extend(wrong.map(|(name, _)| (name.chars().take(MAX_TEXT).collect(), NUMBER.to_owned())));
    faults
}

const NUMBER: &str = "must be a telephone number: 3 to 15 digits, with a + before them if wanted";

fn is_number(text: &str) -> bool {
    let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
    let digits = bare.strip_prefix('+').unwrap_or(&bare);
    DIGITS.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(given: Value, expected: &[&str]) {
        let targets: Vec<TransferTarget> = serde_json::from_value(given).unwrap();
        let paths: Vec<String> = target_faults(&targets).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, expected);
    }

    #[test]
    fn each_method_takes_its_own_types() {
        let methods = ["websocket_reverse_transfer", "livekit_sip_refer", "agent_desk", "warm", "bot"];
        let values = [
            ("extension", "101"),
            ("sip_uri", "sip:a@b.example"),
            ("tel_uri", "tel:+4930123"),
            ("phone_number", "+49 30 (123)-456"),
            ("agent_queue", "billing"),
            ("bot", "bot_billing"),
        ];
        let taken = [
            [1, 1, 1, 1, 0, 0],
            [0, 1, 1, 1, 0, 0],
            [0, 0, 0, 0, 1, 0],
            [1, 1, 1, 1, 0, 0],
            [0, 0, 0, 0, 0, 1],
        ];
        for (method, row) in methods.iter().zip(taken) {
            for ((kind, value), taken) in values.iter().zip(row) {
                let expected: &[&str] = if taken == 1 { &[] } else { &["0.type"] };
                check(json!([{"id": "a", "method": method, "type": kind, "value": value}]), expected);
            }
        }
    }

    #[test]
    fn values_are_of_their_type() {
        for (kind, value) in [
            ("sip_uri", "a@b.example"),
            ("sip_uri", "sip:"),
            ("sip_uri", "SIP:a@b"),
            ("tel_uri", "+4930123"),
            ("phone_number", "12"),
            ("phone_number", "1234567890123456"),
            ("phone_number", "call me"),
            ("extension", " "),
        ] {
            check(json!([{"id": "a", "method": "warm", "type": kind, "value": value}]), &["0.value"]);
        }
        check(json!([{"id": "a", "method": "bot", "type": "bot", "value": "no id"}]), &["0.value"]);
    }

    #[test]
    fn a_target_can_be_told_from_the_others() {
        let target = |id: &str, label: &str, rest: Value| {
            let mut target =
                json!({"id": id, "label": label, "method": "warm", "type": "extension", "value": "1"});
            target.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            target
        };
        check(
            json!([target("a", "Sales", json!({})), target("b", "", json!({})), target("c", "", json!({}))]),
            &[],
        );
        check(
            json!([target("a", "Sales", json!({})), target("SALES", "A", json!({}))]),
            &["1.id", "1.label"],
        );
        check(json!([target("", "x", json!({}))]), &["0.id"]);
        check(
            json!([
                target("a", "", json!({"is_default": true})),
                target("b", "", json!({"is_default": true}))
            ]),
            &["1.is_default"],
        );
        check(json!([target("a", "", json!({"is_default": true, "enabled": false}))]), &["0.is_default"]);
        let many: Vec<Value> = (0..33).map(|n| target(&n.to_string(), "", json!({}))).collect();
        check(json!(many), &[""]);
    }

    #[test]
    fn numbers_of_the_older_form_are_checked_too() {
        let numbers =
            BTreeMap::from([("sales".to_owned(), "+49301234".to_owned()), ("x".to_owned(), "?".to_owned())]);
        assert_eq!(number_faults(&numbers).into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["x"]);
    }
}
