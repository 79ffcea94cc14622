//! Headers of a telephone line that a bot wants as variables.

use serde_json::{Map, Value};
use vox_shared::model::bot::SipHeaderConfig;

/// Longest value kept, characters.
const MAX_VALUE: usize = 512;

/// Add the wanted ones of the offered headers to what the line said. What the line said under the same name stays.
pub fn add_wanted(config: &SipHeaderConfig, offered: Option<&Value>, event: &mut Map<String, Value>) {
    let Some(Value::Object(offered)) = offered else { return };
    for (wanted, variable) in &config.headers {
        let found = offered.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let Some(Value::String(value)) = found.map(|(_, value)| value) else { continue };
        let value: String = value.chars().take(MAX_VALUE).collect();
        event.entry(variable).or_insert(value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_wanted_headers_become_variables() {
        let config: SipHeaderConfig =
            serde_json::from_value(json!({"headers": {"X-Customer": "customer", "X-Name": "name"}})).unwrap();
        let mut event = json!({"name": "Asha"}).as_object().unwrap().clone();
        let offered = json!({"x-customer": "c-7", "X-Name": "Eve", "Authorization": "secret", "X-Number": 7});
        add_wanted(&config, Some(&offered), &mut event);
        assert_eq!(Value::Object(event.clone()), json!({"name": "Asha", "customer": "c-7"}));
        for odd in [None, Some(&json!("x")), Some(&json!([["X-Name", "x"]])), Some(&json!({"X-Customer": 7}))]
        {
            let mut none = Map::new();
            add_wanted(&config, odd, &mut none);
            assert!(none.is_empty());
        }
    }
}
