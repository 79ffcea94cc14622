//! Which scripted answer a request gets.

use super::{
    request::Request,
    script::{Reply, Rule, Script, When},
};

impl Script {
    /// The answer to the request with this number (from 1).
    pub(crate) fn answer(&self, request: &Request, number: u32) -> Reply {
        let chosen = self.rules.iter().find(|rule| rule.when.holds(request, number)).map(Rule::reply);
        let mut reply = chosen.unwrap_or_else(|| self.default.clone());
        reply.say = reply.say.replace("{user}", &request.user);
        reply
    }
}

impl Rule {
    fn reply(&self) -> Reply {
        Reply { say: self.say.clone(), tool_calls: self.tool_calls.clone(), usage: self.usage }
    }
}

impl When {
    fn holds(&self, request: &Request, number: u32) -> bool {
        let result = match (&self.tool_result, &request.tool_result) {
            (None, None) => true,
            (Some(wanted), Some(name)) => wanted == "*" || wanted == name,
            (None, Some(_)) | (Some(_), None) => false,
        };
        let contains = |part: &String| request.user.to_lowercase().contains(&part.to_lowercase());
        result
            && self.contains.as_ref().is_none_or(contains)
            && self.matches.as_ref().is_none_or(|pattern| pattern.0.is_match(&request.user))
            && self.request.is_none_or(|wanted| wanted == number)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(user: &str, tool_result: Option<&str>) -> Request {
        let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": user}]});
        let parsed = Request::parse(body.to_string().as_bytes(), &Script::default()).unwrap();
        Request { tool_result: tool_result.map(str::to_owned), ..parsed }
    }

    fn check(user: &str, tool_result: Option<&str>, number: u32, expected: &str) {
        let script: Script = serde_json::from_value(json!({
            "rules": [
                {"when": {"request": 3}, "say": "third"},
                {"when": {"contains": "HOURS"}, "say": "nine to five"},
                {"when": {"matches": "(?i)\\bbye\\b"}, "tool_calls": [{"name": "end_call", "arguments": {}}]},
                {"when": {"tool_result": "end_call"}, "say": "good bye"}
            ],
            "default": {"say": "you said {user}"}
        }))
        .unwrap();
        assert_eq!(script.answer(&request(user, tool_result), number).say, expected);
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
