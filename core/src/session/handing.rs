//! To whom a caller is handed over, and how: the bot's targets, and which of them is meant.

use vox_shared::model::bot::transfer::RING_SECS;
use vox_shared::model::bot::{TransferMethod, TransferTarget};

use super::rules::Rules;

/// Somebody who is to get the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Number or address.
    pub to: String,
    /// For people.
    pub label: String,
    pub way: Way,
}

/// How.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The line or its carrier does it ([`Rules::transfers`]).
    Blind,
    /// It is another bot, which goes on in the same call.
    Bot,
    /// They are asked first.
    Warm { three_way: bool, ring_secs: u32 },
}

/// What the model wishes to be handed over, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handing {
    pub target: Target,
    pub reason: String,
    pub summary: String,
}

/// A target that this line can.
struct Possible<'a> {
    id: &'a str,
    label: &'a str,
    to: &'a str,
    is_default: bool,
    way: Way,
}

impl Possible<'_> {
    fn name(&self) -> &str {
        if self.label.is_empty() { self.id } else { self.label }
    }

    fn is(&self, wanted: &str) -> bool {
        [self.id, self.label].iter().any(|name| name.eq_ignore_ascii_case(wanted))
    }
}

impl Rules {
    /// Somebody of the operator's choice, who is asked first.
    pub fn warm(&self, to: &str) -> Result<Target, String> {
        if !self.consults {
            return Err("this line cannot put a caller on hold while somebody is asked: only calls in LiveKit rooms can".to_owned());
        }
        let way = Way::Warm { three_way: false, ring_secs: RING_SECS };
        Ok(Target { to: to.to_owned(), label: to.to_owned(), way })
    }

    /// The target of this id or label, or the default: of those that are enabled and that this line can. Or what the model is told.
    pub fn choose(&self, wanted: &str) -> Result<Target, String> {
        let possible = self.possible();
        if possible.is_empty() {
            return Err(format!("nobody can be transferred to on this call: {}", self.no_transfer));
        }
        let wanted = wanted.trim();
        let chosen = if wanted.is_empty() {
            let default = possible.iter().find(|target| target.is_default);
            // With one there is no choice.
            default.or(possible.first().filter(|_| possible.len() == 1))
        } else {
            possible.iter().find(|target| target.is(wanted))
        };
        let Some(target) = chosen else {
            let names: Vec<&str> = possible.iter().map(Possible::name).collect();
            return Err(match wanted.is_empty() {
                true => format!("say which target: {}", names.join(", ")),
                false => format!("there is no target '{wanted}'; there are: {}", names.join(", ")),
            });
        };
        Ok(Target { to: target.to.to_owned(), label: target.name().to_owned(), way: target.way.clone() })
    }

    fn possible(&self) -> Vec<Possible<'_>> {
        let targets = self.targets.iter().filter(|target| target.enabled).filter_map(|target| {
            let TransferTarget { id, label, value, is_default, .. } = target;
            Some(Possible { id, label, to: value, is_default: *is_default, way: self.way(target)? })
        });
        let numbers = self.numbers.iter().filter(|_| self.transfers.is_some());
        let numbers =
            numbers.map(|(id, to)| Possible { id, label: "", to, is_default: false, way: Way::Blind });
        targets.chain(numbers).collect()
    }

    fn way(&self, target: &TransferTarget) -> Option<Way> {
        match target.method {
            TransferMethod::Bot => Some(Way::Bot),
            TransferMethod::Warm if self.consults => Some(Way::Warm {
                three_way: target.three_way,
                ring_secs: target.ring_secs.unwrap_or(RING_SECS),
            }),
            method if self.transfers == Some(method.as_str()) => Some(Way::Blind),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vox_shared::wire::config::RuntimeConfig;

    use super::*;

    fn rules(targets_of: Value, consults: bool, transfers: Option<&'static str>) -> Rules {
        let config = json!({
            "version": vox_shared::wire::WIRE_VERSION, "session_id": "call_1", "webhook_url": "http://h/", "system_prompt": "",
            "opening_message": "", "transfer_targets": targets_of,
        });
        let config: RuntimeConfig = serde_json::from_value(config).unwrap();
        Rules { consults, transfers, ..Rules::from_config(&config, std::time::Duration::ZERO) }
    }

    #[test]
    fn the_named_target_is_taken_and_else_the_default_of_those_that_the_line_can() {
        let all = json!([
            {"id": "desk", "label": "Front desk", "method": "warm", "type": "phone_number", "value": "+15550111", "ring_secs": 20},
            {"id": "boss", "method": "warm", "type": "phone_number", "value": "+15550112", "is_default": true, "three_way": true},
            {"id": "off", "method": "warm", "type": "phone_number", "value": "+15550113", "enabled": false},
            {"id": "refer", "method": "livekit_sip_refer", "type": "phone_number", "value": "+15550114"},
            {"id": "queue", "method": "agent_desk", "type": "agent_queue", "value": "q"},
        ]);
        let phone = rules(all.clone(), true, Some("livekit_sip_refer"));
        let to = |rules: &Rules, wanted: &str| rules.choose(wanted).map(|t| (t.to, t.way));
        assert_eq!(
            to(&phone, "front DESK").unwrap(),
            ("+15550111".into(), Way::Warm { three_way: false, ring_secs: 20 })
        );
        assert_eq!(
            to(&phone, "").unwrap(),
            ("+15550112".into(), Way::Warm { three_way: true, ring_secs: RING_SECS })
        );
        assert_eq!(to(&phone, "refer").unwrap(), ("+15550114".into(), Way::Blind));
        assert_eq!(
            to(&phone, "off").unwrap_err(),
            "there is no target 'off'; there are: Front desk, boss, refer"
        );
        assert!(to(&phone, "queue").is_err());
        // A visitor cannot be handed over by REFER, and a socket cannot consult.
        assert!(to(&rules(all.clone(), true, None), "refer").is_err());
        assert!(to(&rules(all.clone(), false, Some("websocket_reverse_transfer")), "desk").is_err());
        let none = rules(all, false, None).choose("").unwrap_err();
        assert!(none.contains("this line cannot hand a caller over"), "{none}");
    }
}
