//! Ranks of people.

use serde::{Deserialize, Serialize};

/// What a person may do, from little to all. The order is the rank.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Agent,
    Supervisor,
    Admin,
    SuperAdmin,
}

impl Role {
    /// The word in tokens and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
            Self::SuperAdmin => "super_admin",
        }
    }

    /// Nobody hands out more than they have.
    pub fn may_assign(self, other: Self) -> bool {
        other <= self
    }
}

#[cfg(test)]
mod tests {
    use super::Role::*;

    #[test]
    fn a_role_above_ones_own_is_not_assigned() {
        assert!(Admin.may_assign(Admin) && Admin.may_assign(Agent) && !Admin.may_assign(SuperAdmin));
        assert!(Agent < Supervisor && Supervisor < Admin && Admin < SuperAdmin);
    }
}
