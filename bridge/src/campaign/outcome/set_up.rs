//! What the result of a first call says of how its campaign is set up.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::AttemptResult;

/// Whether trunk, prefix, numbers and bot are as they must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetUp {
    Right,
    /// Calls behind this one will come to the same.
    Wrong,
}

impl SetUp {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
        }
    }
}

impl AttemptResult {
    /// None when it says nothing: it was not dialled, it was taken back, or the trunk was too full, which passes.
    pub fn set_up(self) -> Option<SetUp> {
        match self {
            Self::Aborted | Self::Cancelled | Self::Throttled | Self::Congestion => None,
            Self::Auth
            | Self::Forbidden
            | Self::Infra
            | Self::InvalidNumber
            | Self::Loop
            | Self::MediaMismatch
            | Self::Network
            | Self::BlockedDest
            | Self::Abandoned
            | Self::Lost => Some(SetUp::Wrong),
            _ => Some(SetUp::Right),
        }
    }
}

/// From the second schema of attempts on they carry it.
pub fn told(body: &mut Map<String, Value>) -> Result<(), String> {
    let Some(result) = body.get("result").filter(|result| !result.is_null()).cloned() else { return Ok(()) };
    let result: AttemptResult = serde_json::from_value(result).map_err(|error| format!("result: {error}"))?;
    if let Some(set_up) = result.set_up() {
        body.insert("set_up".into(), set_up.as_str().into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn old_attempts_say_it_as_new_ones_do() {
        let check = |result: Value, expected: Value| {
            let mut body = json!({"result": result}).as_object().unwrap().clone();
            told(&mut body).unwrap();
            assert_eq!(body.get("set_up").cloned().unwrap_or_default(), expected, "{result}");
        };
        for result in AttemptResult::ALL {
            check(result.as_str().into(), serde_json::to_value(result.set_up()).unwrap());
        }
        check(Value::Null, Value::Null);
        assert!(told(json!({"result": "well"}).as_object_mut().unwrap()).is_err());
    }
}
