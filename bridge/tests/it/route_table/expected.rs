//! What each route answers to whom, as it stands in `expected.txt`: a table of its own, which no row of the routes has a part in.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use vox_bridge::routes::{Access, Route};

/// Those who knock, as the columns are headed.
pub const COLUMNS: [&str; 8] =
    ["nobody", "expired", "revoked", "stranger", "agent", "supervisor", "admin", "super_admin"];

/// The answers to all who knock at one route.
pub struct Row {
    /// Whose route it is: `public`, `worker`, `call`, `tools` or `person`.
    door: String,
    answers: Vec<Answer>,
}

enum Answer {
    /// This and no other.
    Exactly(StatusCode),
    /// Neither refused nor "not found".
    Let,
    /// Not refused; what it asks for may be missing.
    LetIfThere,
}

/// By method and path.
pub struct Expected(BTreeMap<(String, String), Row>);

impl Expected {
    pub fn read() -> Self {
        let text = std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/route_table/expected.txt"
        ))
        .unwrap();
        let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(rows.map(row).collect())
    }

    /// Every route has its row, and every row its route.
    pub fn are_those_of(&self, routes: &[Route]) {
        let mut routed: Vec<_> = routes.iter().map(key).collect();
        routed.sort();
        let expected: Vec<_> = self.0.keys().cloned().collect();
        assert_eq!(expected, routed, "a route without a row in expected.txt, or a row without a route");
    }

    pub fn of(&self, route: &Route) -> &Row {
        &self.0[&key(route)]
    }
}

fn key(route: &Route) -> (String, String) {
    (route.path.to_owned(), route.method.to_string())
}

fn row(line: &str) -> ((String, String), Row) {
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut next = || words.next().unwrap_or_else(|| panic!("a word is missing: {line}"));
    let (method, path, door) = (next(), next(), next());
    let answers: Vec<_> = words.map(|word| answer(&word)).collect();
    assert_eq!(answers.len(), COLUMNS.len(), "{line}");
    ((path, method), Row { door, answers })
}

fn answer(word: &str) -> Answer {
    match word {
        "+" => Answer::Let,
        "~" => Answer::LetIfThere,
        status => Answer::Exactly(status.parse().unwrap_or_else(|_| panic!("no status: {status}"))),
    }
}

impl Row {
    /// Whether the route has the door that is expected of it.
    pub fn has_door(&self, access: Access) -> bool {
        let door = match access {
            Access::Public => "public",
            Access::Internal => "worker",
            Access::OfCall => "call",
            Access::Tools => "tools",
            Access::Page => "page",
            Access::LiveKit => "livekit",
            Access::Person(..) => "person",
        };
        door == self.door
    }

    /// Whether whoever stands in this column is to be answered so.
    pub fn allows(&self, column: &str, status: StatusCode) -> bool {
        let at = COLUMNS.iter().position(|name| *name == column).expect("a column");
        let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        match &self.answers[at] {
            Answer::Exactly(expected) => status == *expected,
            Answer::Let => !refused && !status.is_server_error() && status != StatusCode::NOT_FOUND,
            Answer::LetIfThere => !refused && !status.is_server_error(),
        }
    }
}
