//! What came of trying a key.

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Not tried yet.
    Unchecked,
    Good,
    /// It is not taken: wrong, or revoked.
    Refused,
    /// It is good, and nothing is left of its limit or credit.
    OverLimit,
    /// The vendor answered, and what it said of the key is not known: a server of one's own without that route, or a key
    /// that may be used in calls and not for this question.
    Unknown,
    /// The vendor does not answer.
    Away,
    /// The address may not be used.
    Forbidden,
}

impl KeyState {
    pub const ALL: [Self; 7] = [
        Self::Unchecked,
        Self::Good,
        Self::Refused,
        Self::OverLimit,
        Self::Unknown,
        Self::Away,
        Self::Forbidden,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::Good => "good",
            Self::Refused => "refused",
            Self::OverLimit => "over_limit",
            Self::Unknown => "unknown",
            Self::Away => "away",
            Self::Forbidden => "forbidden",
        }
    }
}
