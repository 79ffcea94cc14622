//! What a handler may ask for. Each permission is a type, so that a handler names it in its signature.

use super::role::Role;

/// Something a person may do, and the lowest rank that may.
pub trait Permission: Send + Sync + 'static {
    const ROLE: Role;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident => $role:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Permission for $name {
            const ROLE: Role = Role::$role;
        }
    )*};
}

permissions! {
    /// See and change one's own profile.
    OwnProfile => Agent;
    /// See the tenant's bots.
    ReadBots => Agent;
    /// Make, change and delete bots.
    EditBots => Admin;
    /// See calls and their transcripts.
    ReadCalls => Agent;
    /// Listen to recordings.
    ListenToRecordings => Agent;
    /// Get a ticket to talk to a bot.
    TalkToBots => Agent;
    /// Make users.
    CreateUsers => Admin;
    /// See the tenant's vendor keys in clear, to try them.
    ReadVendorKeys => SuperAdmin;
    /// See the capacity of the deployment.
    ReadFleet => Admin;
}
