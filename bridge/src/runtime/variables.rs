//! `call.*`: what the connected event said, and what the bridge knows itself.

use serde_json::{Map, Value};

use crate::store::calls::Call;

/// The values of a call, by the names that templates use.
pub fn call_variables(session: &str, bot: &str, call: &Call) -> Map<String, Value> {
    let mut variables = match &call.connected_event {
        Some(Value::Object(event)) => event.clone(),
        _ => Map::new(),
    };
    let known = [
        ("session_id", Some(session.to_owned())),
        ("bot_id", Some(bot.to_owned())),
        ("caller_id", Some(call.caller_id.clone()).filter(|c| !c.is_empty())),
        ("stream_id", call.stream_id.clone()),
        ("direction", call.direction.clone()),
        ("transport", call.transport.clone()),
    ];
    variables.extend(known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    variables
}
