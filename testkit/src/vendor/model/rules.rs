//! Which scripted answer a request gets.

use super::script::{Reply, Rule, When};

/// What the conversation of a request ends with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    /// The text of the last user message.
    pub(crate) user: &'a str,
    /// The name of the tool whose result ends the request.
    pub(crate) tool_result: Option<&'a str>,
    /// Which request of the server it is, from 1.
    pub(crate) number: u32,
}

/// The answer of the first rule that holds, or the default.
pub(crate) fn answer(rules: &[Rule], default: &Reply, asked: Asked<'_>) -> Reply {
    let chosen = rules.iter().find(|rule| rule.when.holds(asked)).map(Rule::reply);
    let mut reply = chosen.unwrap_or_else(|| default.clone());
    reply.say = reply.say.replace("{user}", asked.user);
    reply
}

impl Rule {
    fn reply(&self) -> Reply {
        Reply { say: self.say.clone(), tool_calls: self.tool_calls.clone(), usage: self.usage }
    }
}

impl When {
    fn holds(&self, asked: Asked<'_>) -> bool {
        let result = match (&self.tool_result, asked.tool_result) {
            (None, None) => true,
            (Some(wanted), Some(name)) => wanted == "*" || wanted == name,
            (None, Some(_)) | (Some(_), None) => false,
        };
        let contains = |part: &String| asked.user.to_lowercase().contains(&part.to_lowercase());
        result
            && self.contains.as_ref().is_none_or(contains)
            && self.matches.as_ref().is_none_or(|pattern| pattern.0.is_match(asked.user))
            && self.request.is_none_or(|wanted| wanted == asked.number)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(user: &str, tool_result: Option<&str>, number: u32, expected: &str) {
        let rules: Vec<Rule> = serde_json::from_value(json!([
            {"when": {"request": 3}, "say": "third"},
            {"when": {"contains": "HOURS"}, "say": "nine to five"},
            {"when": {"matches": "(?i)\\bbye\\b"}, "tool_calls": [{"name": "end_call", "arguments": {}}]},
            {"when": {"tool_result": "end_call"}, "say": "good bye"}
        ]))
        .unwrap();
        let default = Reply { say: "you said {user}".into(), ..Reply::default() };
        assert_eq!(answer(&rules, &default, Asked { user, tool_result, number }).say, expected);
    }

    #[test]
    fn the_first_rule_that_holds_answers() {
        check("your hours?", None, 1, "nine to five");
        check("your hours?", None, 3, "third");
        check("bye now", None, 1, "");
        check("bye now", Some("end_call"), 1, "good bye");
        check("goodbye", None, 1, "you said goodbye");
    }
}
