//! What a handler may ask for. Each permission is a type, so that a handler names it in its signature.

use super::role::Role;
use super::scope::Scope;

/// Something that may be done, the lowest rank of a person who may, and the scope of a key that may.
pub trait Permission: Send + Sync + 'static {
    const ROLE: Role;
    /// `None`: no key opens it, whatever its scopes.
    const SCOPE: Option<Scope>;
    /// Whether a person may who must have a second factor and has none yet.
    const BEFORE_SECOND_FACTOR: bool = false;
}

/// A permission that no key has, so that there always is a person.
pub trait ForPeople: Permission {}

macro_rules! permission {
    ($(#[$doc:meta])* $name:ident: $role:ident, people only) => {
        permission!(@ $(#[$doc])* $name, $role, None);
        impl ForPeople for $name {}
    };
    ($(#[$doc:meta])* $name:ident: $role:ident, $scope:ident) => {
        permission!(@ $(#[$doc])* $name, $role, Some(Scope::$scope));
    };
    (@ $(#[$doc:meta])* $name:ident, $role:ident, $scope:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Permission for $name {
            const ROLE: Role = Role::$role;
            const SCOPE: Option<Scope> = $scope;
        }
    };
}

/// See and change one's own profile.
#[derive(Debug)]
pub struct OwnProfile;

impl Permission for OwnProfile {
    const ROLE: Role = Role::Agent;
    const SCOPE: Option<Scope> = None;
    const BEFORE_SECOND_FACTOR: bool = true;
}

impl ForPeople for OwnProfile {}

permission!(/** See the tenant's bots. */ ReadBots: Agent, BotsRead);
permission!(/** Make, change and delete bots. */ EditBots: Admin, BotsWrite);
permission!(/** Make, hear and delete voices from clips. */ EditVoices: Admin, VoicesWrite);
permission!(/** See calls and their transcripts. */ ReadCalls: Agent, CallsRead);
permission!(/** Give orders to running calls. */ ControlCalls: Supervisor, CallsControl);
permission!(/** Sit in running calls: listen, whisper, talk with the caller. */ SuperviseCalls: Supervisor, CallsSupervise);
permission!(/** Have models asked about calls again. */ AnalyseCalls: Supervisor, CallsAnalyse);
permission!(/** Delete calls. */ DeleteCalls: Admin, CallsDelete);
permission!(/** Keep calls from being deleted, and let them be again. */ HoldCalls: Admin, people only);
permission!(/** Erase people, and see the proofs of it. */ ErasePeople: Admin, people only);
permission!(/** Make and revoke links of recordings. */ ShareRecordings: Admin, RecordingsShare);
permission!(/** Listen to recordings. */ ListenToRecordings: Agent, RecordingsRead);
permission!(/** See why a recording does not play. */ CheckRecordings: Admin, people only);
permission!(/** Get a ticket to talk to a bot. */ TalkToBots: Agent, TalkWrite);
permission!(/** Make users. */ CreateUsers: Admin, people only);
permission!(/** See the tenant's people. */ ReadUsers: Admin, people only);
permission!(/** See, make, send again and revoke invitations. */ InviteUsers: Admin, people only);
permission!(/** Change people of lower ranks. */ EditUsers: Admin, people only);
permission!(/** Take the second factor of who lost it away. */ ResetSecondFactors: SuperAdmin, people only);
permission!(/** Delete people. */ DeleteUsers: SuperAdmin, people only);
permission!(/** Change what holds for all of the own tenant. */ EditOwnTenant: Admin, people only);
permission!(/** See, make, change, suspend, delete and restore tenants. */ ManageTenants: SuperAdmin, people only);
permission!(/** See the tenant's vendor keys in clear, to try them. */ ReadVendorKeys: SuperAdmin, people only);
permission!(/** See how the tenant's vendors are. */ ReadVendors: Admin, people only);
permission!(/** See how things are to be shown. */ ReadDisplaySettings: Agent, people only);
permission!(/** See and change settings, and rotate the keys that their secrets are under. */ ManageSettings: SuperAdmin, people only);
permission!(/** See who did what in the tenant. */ ReadAudit: Admin, people only);
permission!(/** See the capacity of the deployment. */ ReadFleet: Admin, FleetRead);
permission!(/** See carriers, without their passwords. */ ReadCarriers: Admin, people only);
permission!(/** Make and change carriers and their numbers. */ EditCarriers: SuperAdmin, people only);
permission!(/** See which numbers the tenant has. */ ReadNumbers: Agent, NumbersRead);
permission!(/** Have a bot call a number. */ PlaceCalls: Admin, DialoutWrite);
permission!(/** See campaigns, their contacts and what came of their calls. */ ReadCampaigns: Admin, CampaignsRead);
permission!(/** Make, fill and run campaigns. */ EditCampaigns: Admin, CampaignsWrite);
permission!(/** Take cards of campaigns, and let their calls through. */ AnswerCards: Agent, people only);
permission!(/** Read the chain of what campaigns did, and check it. */ ReadProofs: Admin, people only);
permission!(/** See which numbers are not called. */ ReadDoNotCall: Agent, DncRead);
permission!(/** Say which numbers are not called. */ EditDoNotCall: Admin, DncWrite);
permission!(/** Keep new calls from a machine, and give it calls again. */ DrainHosts: Admin, people only);
permission!(/** Say which machines are polled; the bridge sends them its secret. */ ManageHosts: SuperAdmin, people only);
permission!(/** See, make, rotate and revoke keys of the API. */ ManageApiKeys: Admin, people only);
permission!(/** Read and follow events. */ ReadEvents: Agent, EventsRead);
permission!(/** See jobs, and have those that failed done again. */ ManageJobs: Admin, people only);
permission!(/** Have the bridge do now what it does by itself. */ RunRounds: SuperAdmin, people only);
permission!(/** See endpoints of webhooks and their deliveries. */ ReadWebhooks: Admin, WebhooksRead);
permission!(/** Make, change, try and delete endpoints of webhooks. */ EditWebhooks: Admin, WebhooksWrite);
permission!(/** See the deployment's plans. */ ReadPlans: Admin, people only);
permission!(/** Make, change and delete plans, and give them to tenants. */ EditPlans: SuperAdmin, people only);
permission!(/** See what is left of a tenant's plan: of the own one, or as a super admin of any. */ ReadQuota: Admin, people only);
permission!(/** See what was used and what it cost. */ ReadUsage: Admin, UsageRead);
permission!(/** See the deployment's prices. */ ReadPrices: Admin, people only);
permission!(/** Add prices. */ EditPrices: SuperAdmin, people only);
