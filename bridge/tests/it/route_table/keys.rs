//! Keys that knock at every route, and which scope each route is to have.

use reqwest::StatusCode;
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::routes::{Access, Route, table};
use vox_bridge::store::Stamp;

use crate::harness::TestBridge;
use crate::harness::keys::TestKey;

/// The routes that keys open. Whatever is not named here is closed to every key.
const OPEN: &[(&str, &str, Scope)] = &[
    ("GET", "/api/v1/bots", Scope::BotsRead),
    ("GET", "/api/v1/bots/{bot_id}", Scope::BotsRead),
    ("GET", "/api/v1/bots/{bot_id}/config-requests", Scope::BotsRead),
    ("POST", "/api/v1/bots", Scope::BotsWrite),
    ("PUT", "/api/v1/bots/{bot_id}", Scope::BotsWrite),
    ("PATCH", "/api/v1/bots/{bot_id}", Scope::BotsWrite),
    ("DELETE", "/api/v1/bots/{bot_id}", Scope::BotsWrite),
    ("POST", "/api/v1/bots/import", Scope::BotsWrite),
    ("POST", "/api/v1/bots/{bot_id}/restore", Scope::BotsWrite),
    ("POST", "/api/v1/bots/{bot_id}/clone", Scope::BotsWrite),
    ("GET", "/api/v1/bots/{bot_id}/export", Scope::BotsRead),
    ("POST", "/api/v1/bots/{bot_id}/widget-key", Scope::BotsWrite),
    ("DELETE", "/api/v1/bots/{bot_id}/widget-key", Scope::BotsWrite),
    ("GET", "/api/v1/bots/{bot_id}/crm", Scope::BotsRead),
    ("PUT", "/api/v1/bots/{bot_id}/crm", Scope::BotsWrite),
    ("DELETE", "/api/v1/bots/{bot_id}/crm", Scope::BotsWrite),
    ("POST", "/api/v1/bots/{bot_id}/crm/test", Scope::BotsWrite),
    ("GET", "/api/v1/bots/{bot_id}/draft", Scope::BotsRead),
    ("PUT", "/api/v1/bots/{bot_id}/draft", Scope::BotsWrite),
    ("PATCH", "/api/v1/bots/{bot_id}/draft", Scope::BotsWrite),
    ("DELETE", "/api/v1/bots/{bot_id}/draft", Scope::BotsWrite),
    ("POST", "/api/v1/bots/{bot_id}/publish", Scope::BotsWrite),
    ("GET", "/api/v1/bots/{bot_id}/versions", Scope::BotsRead),
    ("GET", "/api/v1/bots/{bot_id}/versions/{number}", Scope::BotsRead),
    ("POST", "/api/v1/bots/{bot_id}/versions/{number}/restore", Scope::BotsWrite),
    ("GET", "/api/v1/bots/{bot_id}/compare", Scope::BotsRead),
    ("GET", "/api/v1/calls", Scope::CallsRead),
    ("GET", "/api/v1/calls/{session_id}", Scope::CallsRead),
    ("GET", "/api/v1/analytics/calls", Scope::CallsRead),
    ("GET", "/api/v1/analytics/vendors", Scope::CallsRead),
    ("GET", "/api/v1/analytics/calls/ids", Scope::CallsRead),
    ("GET", "/api/v1/calls/{session_id}/export.json", Scope::CallsRead),
    ("GET", "/api/v1/calls/{session_id}/pushes", Scope::CallsRead),
    ("GET", "/api/v1/calls/live", Scope::CallsRead),
    ("GET", "/api/v1/calls/live/events", Scope::CallsRead),
    ("GET", "/api/v1/calls/{session_id}/events", Scope::CallsRead),
    ("POST", "/api/v1/calls/{session_id}/say", Scope::CallsControl),
    ("POST", "/api/v1/calls/{session_id}/steer", Scope::CallsControl),
    ("POST", "/api/v1/calls/{session_id}/hold", Scope::CallsControl),
    ("POST", "/api/v1/calls/{session_id}/resume", Scope::CallsControl),
    ("POST", "/api/v1/calls/{session_id}/transfer", Scope::CallsControl),
    ("POST", "/api/v1/calls/{session_id}/end", Scope::CallsControl),
    ("PUT", "/api/v1/calls/{session_id}/supervision", Scope::CallsSupervise),
    ("DELETE", "/api/v1/calls/{session_id}/supervision", Scope::CallsSupervise),
    ("DELETE", "/api/v1/calls/{session_id}", Scope::CallsDelete),
    ("POST", "/api/v1/calls/{session_id}/analysis", Scope::CallsAnalyse),
    ("POST", "/api/v1/calls/{session_id}/recording-link", Scope::RecordingsShare),
    ("DELETE", "/api/v1/calls/{session_id}/recording-link", Scope::RecordingsShare),
    ("GET", "/api/v1/recordings/{session_id}", Scope::RecordingsRead),
    ("POST", "/api/v1/talk/tickets", Scope::TalkWrite),
    ("GET", "/api/v1/fleet/status", Scope::FleetRead),
    ("GET", "/api/v1/events", Scope::EventsRead),
    ("GET", "/api/v1/events/stream", Scope::EventsRead),
    ("GET", "/api/v1/webhooks", Scope::WebhooksRead),
    ("POST", "/api/v1/webhooks", Scope::WebhooksWrite),
    ("GET", "/api/v1/webhooks/{webhook_id}", Scope::WebhooksRead),
    ("PATCH", "/api/v1/webhooks/{webhook_id}", Scope::WebhooksWrite),
    ("DELETE", "/api/v1/webhooks/{webhook_id}", Scope::WebhooksWrite),
    ("POST", "/api/v1/webhooks/{webhook_id}/rotate", Scope::WebhooksWrite),
    ("POST", "/api/v1/webhooks/{webhook_id}/test", Scope::WebhooksWrite),
    ("POST", "/api/v1/webhooks/{webhook_id}/replay", Scope::WebhooksWrite),
    ("GET", "/api/v1/webhooks/{webhook_id}/deliveries", Scope::WebhooksRead),
    ("POST", "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", Scope::WebhooksWrite),
    ("GET", "/api/v1/fleet/reservations/{reservation_id}", Scope::FleetRead),
    ("GET", "/api/v1/usage", Scope::UsageRead),
    ("GET", "/v1/usage", Scope::UsageRead),
    ("GET", "/api/v1/reports", Scope::UsageRead),
    ("GET", "/api/v1/reports/{day}", Scope::UsageRead),
    ("GET", "/api/v1/statements", Scope::UsageRead),
    ("GET", "/api/v1/statements/{period}", Scope::UsageRead),
    ("GET", "/api/v1/statements/{period}/export.csv", Scope::UsageRead),
    ("GET", "/v1/conversations/{session_id}/events", Scope::UsageRead),
    ("POST", "/v1/conversations/{session_id}/summary", Scope::CallsAnalyse),
    ("GET", "/v1/telemetry", Scope::CallsRead),
    ("GET", "/v1/numbers", Scope::NumbersRead),
    ("GET", "/v1/agents", Scope::BotsRead),
    ("GET", "/v1/agents/{bot_id}", Scope::BotsRead),
    ("GET", "/v1/calls", Scope::CallsRead),
    ("GET", "/v1/calls/{session_id}", Scope::CallsRead),
    ("GET", "/api/v1/sounds", Scope::BotsRead),
    ("POST", "/api/v1/sounds", Scope::BotsWrite),
    ("DELETE", "/api/v1/sounds/{sound_id}", Scope::BotsWrite),
    ("GET", "/api/v1/sounds/{sound_id}/wav", Scope::BotsRead),
    ("GET", "/api/v1/voices", Scope::BotsRead),
    ("GET", "/api/v1/voices/{voice_id}", Scope::BotsRead),
    ("GET", "/api/v1/voices/{voice_id}/clip", Scope::VoicesWrite),
    ("POST", "/api/v1/voices", Scope::VoicesWrite),
    ("DELETE", "/api/v1/voices/{voice_id}", Scope::VoicesWrite),
    ("GET", "/v1/webhooks", Scope::WebhooksRead),
    ("POST", "/v1/webhooks", Scope::WebhooksWrite),
    ("GET", "/v1/webhooks/{webhook_id}", Scope::WebhooksRead),
    ("PATCH", "/v1/webhooks/{webhook_id}", Scope::WebhooksWrite),
    ("DELETE", "/v1/webhooks/{webhook_id}", Scope::WebhooksWrite),
    ("POST", "/v1/webhooks/{webhook_id}/rotate", Scope::WebhooksWrite),
    ("POST", "/v1/webhooks/{webhook_id}/test", Scope::WebhooksWrite),
    ("POST", "/v1/webhooks/{webhook_id}/replay", Scope::WebhooksWrite),
    ("GET", "/v1/webhooks/{webhook_id}/deliveries", Scope::WebhooksRead),
    ("POST", "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", Scope::WebhooksWrite),
    ("GET", "/v1/voices", Scope::BotsRead),
    ("GET", "/v1/voices/{voice_id}", Scope::BotsRead),
    ("POST", "/v1/voices", Scope::VoicesWrite),
    ("DELETE", "/v1/voices/{voice_id}", Scope::VoicesWrite),
    ("POST", "/api/v1/sip/dialout", Scope::DialoutWrite),
    ("POST", "/api/v1/dialout", Scope::DialoutWrite),
    ("POST", "/v1/calls", Scope::DialoutWrite),
    ("GET", "/api/v1/campaigns", Scope::CampaignsRead),
    ("POST", "/api/v1/campaigns", Scope::CampaignsWrite),
    ("GET", "/api/v1/campaigns/{campaign_id}", Scope::CampaignsRead),
    ("PATCH", "/api/v1/campaigns/{campaign_id}", Scope::CampaignsWrite),
    ("DELETE", "/api/v1/campaigns/{campaign_id}", Scope::CampaignsWrite),
    ("POST", "/api/v1/campaigns/{campaign_id}/clone", Scope::CampaignsWrite),
    ("POST", "/api/v1/campaigns/{campaign_id}/start", Scope::CampaignsWrite),
    ("POST", "/api/v1/campaigns/{campaign_id}/pause", Scope::CampaignsWrite),
    ("POST", "/api/v1/campaigns/{campaign_id}/resume", Scope::CampaignsWrite),
    ("POST", "/api/v1/campaigns/{campaign_id}/stop", Scope::CampaignsWrite),
    ("POST", "/api/v1/campaigns/{campaign_id}/drain", Scope::CampaignsWrite),
    ("POST", "/api/v1/campaigns/{campaign_id}/restart", Scope::CampaignsWrite),
    ("POST", "/api/v1/campaigns/{campaign_id}/archive", Scope::CampaignsWrite),
    ("GET", "/api/v1/campaigns/{campaign_id}/contacts", Scope::CampaignsRead),
    ("POST", "/api/v1/campaigns/{campaign_id}/contacts", Scope::CampaignsWrite),
    ("GET", "/api/v1/campaigns/{campaign_id}/contacts/{contact_id}", Scope::CampaignsRead),
    ("GET", "/api/v1/campaigns/{campaign_id}/imports", Scope::CampaignsRead),
    ("POST", "/api/v1/campaigns/{campaign_id}/imports", Scope::CampaignsWrite),
    ("POST", "/api/v1/campaigns/{campaign_id}/imports/preview", Scope::CampaignsWrite),
    ("GET", "/api/v1/campaigns/{campaign_id}/imports/{import_id}", Scope::CampaignsRead),
    ("GET", "/api/v1/campaigns/{campaign_id}/imports/{import_id}/errors", Scope::CampaignsRead),
    ("GET", "/api/v1/campaigns/{campaign_id}/attempts", Scope::CampaignsRead),
    ("GET", "/api/v1/campaigns/{campaign_id}/attempts.csv", Scope::CampaignsRead),
    ("GET", "/api/v1/campaigns/{campaign_id}/preflight", Scope::CampaignsRead),
    ("GET", "/api/v1/campaigns/{campaign_id}/status", Scope::CampaignsRead),
    ("POST", "/api/v1/campaigns/{campaign_id}/dry-run", Scope::CampaignsWrite),
    ("POST", "/api/v1/campaigns/{campaign_id}/test-call", Scope::DialoutWrite),
    ("GET", "/api/v1/dnc", Scope::DncRead),
    ("GET", "/api/v1/dnc/check", Scope::DncRead),
    ("POST", "/api/v1/dnc", Scope::DncWrite),
    ("POST", "/api/v1/dnc/bulk", Scope::DncWrite),
    ("DELETE", "/api/v1/dnc/{phone}", Scope::DncWrite),
];
/// The routes of people that no key opens.
const CLOSED: &[(&str, &str)] = &[
    ("GET", "/api/v1/auth/me"),
    ("PUT", "/api/v1/auth/me"),
    ("PUT", "/api/v1/auth/me/password"),
    ("PUT", "/api/v1/auth/me/email"),
    ("POST", "/api/v1/auth/me/second-factor"),
    ("POST", "/api/v1/auth/me/second-factor/confirm"),
    ("POST", "/api/v1/auth/me/second-factor/disable"),
    ("DELETE", "/api/v1/users/{user_id}/second-factor"),
    ("DELETE", "/api/v1/users/{user_id}/identity"),
    ("GET", "/api/v1/recordings/{session_id}/check"),
    ("POST", "/api/v1/jobs/rounds/{work}/run"),
    ("GET", "/api/v1/users"),
    ("GET", "/api/v1/users/{user_id}"),
    ("PATCH", "/api/v1/users/{user_id}"),
    ("DELETE", "/api/v1/users/{user_id}"),
    ("POST", "/api/v1/users/{user_id}/password-reset"),
    ("GET", "/api/v1/invitations"),
    ("POST", "/api/v1/invitations"),
    ("DELETE", "/api/v1/invitations/{invitation_id}"),
    ("POST", "/api/v1/invitations/{invitation_id}/resend"),
    ("GET", "/api/v1/tenants"),
    ("POST", "/api/v1/tenants"),
    ("GET", "/api/v1/tenants/{tenant_id}"),
    ("PATCH", "/api/v1/tenants/{tenant_id}"),
    ("DELETE", "/api/v1/tenants/{tenant_id}"),
    ("POST", "/api/v1/tenants/{tenant_id}/suspend"),
    ("POST", "/api/v1/tenants/{tenant_id}/activate"),
    ("POST", "/api/v1/tenants/{tenant_id}/restore"),
    ("GET", "/api/v1/tenant"),
    ("PATCH", "/api/v1/tenant"),
    ("POST", "/api/v1/auth/register"),
    ("GET", "/api/v1/api-keys"),
    ("POST", "/api/v1/api-keys"),
    ("GET", "/api/v1/api-keys/{key_id}"),
    ("DELETE", "/api/v1/api-keys/{key_id}"),
    ("POST", "/api/v1/api-keys/{key_id}/rotate"),
    ("GET", "/api/v1/vendor-keys"),
    ("GET", "/api/v1/vendors"),
    ("GET", "/api/v1/prices"),
    ("POST", "/api/v1/prices"),
    ("GET", "/api/v1/plans"),
    ("GET", "/api/v1/plans/{plan_id}"),
    ("PUT", "/api/v1/plans/{plan_id}"),
    ("DELETE", "/api/v1/plans/{plan_id}"),
    ("PUT", "/api/v1/admin/tenants/{tenant}/plan"),
    ("GET", "/v1/admin/tenants/{tenant}/quota/{resource}"),
    ("GET", "/api/v1/carriers"),
    ("POST", "/api/v1/carriers"),
    ("GET", "/api/v1/carriers/{carrier_id}"),
    ("PUT", "/api/v1/carriers/{carrier_id}"),
    ("DELETE", "/api/v1/carriers/{carrier_id}"),
    ("POST", "/api/v1/carriers/{carrier_id}/sync"),
    ("GET", "/api/v1/carriers/{carrier_id}/dids"),
    ("POST", "/api/v1/carriers/{carrier_id}/dids"),
    ("PUT", "/api/v1/carriers/{carrier_id}/dids/{did_id}"),
    ("DELETE", "/api/v1/carriers/{carrier_id}/dids/{did_id}"),
    ("GET", "/api/v1/integrations/exotel"),
    ("PUT", "/api/v1/integrations/exotel"),
    ("DELETE", "/api/v1/integrations/exotel"),
    ("POST", "/api/v1/integrations/exotel/test-call"),
    ("GET", "/api/v1/integrations/exotel/dids"),
    ("POST", "/api/v1/integrations/exotel/dids"),
    ("PUT", "/api/v1/integrations/exotel/dids/{did_id}"),
    ("DELETE", "/api/v1/integrations/exotel/dids/{did_id}"),
    ("POST", "/api/v1/fleet/hosts"),
    ("DELETE", "/api/v1/fleet/hosts/{host}"),
    ("POST", "/api/v1/fleet/hosts/{host}/drain"),
    ("POST", "/api/v1/fleet/hosts/{host}/undrain"),
    ("GET", "/api/v1/settings"),
    ("GET", "/api/v1/settings/display"),
    ("PUT", "/api/v1/settings/api-keys"),
    ("PUT", "/api/v1/settings/timezone"),
    ("PUT", "/api/v1/settings/fleet"),
    ("PUT", "/api/v1/settings/recording-links"),
    ("PUT", "/api/v1/settings/retention"),
    ("PUT", "/api/v1/settings/routing"),
    ("GET", "/api/v1/campaigns/cards"),
    ("POST", "/api/v1/campaigns/{campaign_id}/cards/next"),
    ("POST", "/api/v1/campaigns/{campaign_id}/cards/{contact_id}/accept"),
    ("POST", "/api/v1/campaigns/{campaign_id}/cards/{contact_id}/skip"),
    ("PUT", "/api/v1/settings/quiet-hours"),
    ("PUT", "/api/v1/settings/holidays"),
    ("PUT", "/api/v1/settings/vendor-limits"),
    ("PUT", "/api/v1/settings/vendor-targets"),
    ("POST", "/api/v1/statements/{period}/remake"),
    ("POST", "/api/v1/erasures"),
    ("GET", "/api/v1/erasures/{erasure_id}"),
    ("PUT", "/api/v1/calls/{session_id}/hold"),
    ("DELETE", "/api/v1/calls/{session_id}/hold"),
    ("GET", "/api/v1/settings/sign-in"),
    ("PUT", "/api/v1/settings/sign-in"),
    ("DELETE", "/api/v1/settings/sign-in"),
    ("GET", "/api/v1/settings/keys/rotation"),
    ("POST", "/api/v1/settings/keys/rotation"),
    ("GET", "/api/v1/jobs"),
    ("GET", "/api/v1/jobs/{job_id}"),
    ("POST", "/api/v1/jobs/{job_id}/retry"),
    ("GET", "/api/v1/audit"),
    ("GET", "/api/v1/audit/verify"),
    ("GET", "/api/v1/proofs"),
    ("GET", "/api/v1/proofs/verify"),
];

/// A route that is new must be thought about: it fails here until it is in one of the lists.
#[test]
fn every_route_of_people_is_listed_with_its_scope() {
    let mut found = Vec::new();
    for route in table() {
        let Access::Person(role, scope) = route.access else { continue };
        // Admins make keys of every scope.
        assert!(scope.is_none() || role <= Role::Admin, "{} is more than an admin may give", route.path);
        found.push((route.method.to_string(), route.path, scope));
    }
    let open = OPEN.iter().map(|(method, path, scope)| ((*method).to_owned(), *path, Some(*scope)));
    let closed = CLOSED.iter().map(|(method, path)| ((*method).to_owned(), *path, None));
    let mut expected: Vec<_> = open.into_iter().chain(closed).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// What is special about a key.
enum Kind {
    /// Nothing, and these are its scopes.
    Live(Vec<Scope>),
    /// It has every scope and opens nothing; the code says why.
    Dead(&'static str),
    OtherTenant,
    /// It has every scope and is limited to another bot.
    OtherBot,
}

/// A key that knocks.
pub struct KeyActor {
    pub name: String,
    pub key: TestKey,
    kind: Kind,
}

/// All keys that knock.
pub struct KeyActors(Vec<KeyActor>);

impl KeyActors {
    pub async fn new(bridge: &TestBridge) -> Self {
        let (own, other) = (bridge.tenant(), bridge.insert_tenant("other").await);
        let (now, all) = (Stamp(bridge.now()), Scope::ALL);
        let mut actors = Vec::new();
        let mut add = |name: &str, key, kind| actors.push(KeyActor { name: name.into(), key, kind });
        add("every scope", bridge.key(all).await, Kind::Live(all.to_vec()));
        for scope in all {
            let rest: Vec<Scope> = all.iter().copied().filter(|other| other != scope).collect();
            add(&format!("{scope}"), bridge.key(&[*scope]).await, Kind::Live(vec![*scope]));
            add(&format!("all but {scope}"), bridge.key(&rest).await, Kind::Live(rest));
        }
        let revoked = bridge.insert_key(&own, all, |key| key.revoked_at = Some(now)).await;
        add("a revoked key", revoked, Kind::Dead("api_key_revoked"));
        let expired = bridge.insert_key(&own, all, |key| key.expires_at = Some(now)).await;
        add("an expired key", expired, Kind::Dead("api_key_expired"));
        let mut unknown = bridge.key(all).await;
        unknown.token.push('x');
        add("an unknown key", unknown, Kind::Dead("unauthorized"));
        let strange = bridge.insert_key(&other, all, |_| {}).await;
        add("another tenant's key", strange, Kind::OtherTenant);
        let faq = "faq".parse().unwrap();
        let limited = bridge.insert_key(&own, all, |key| key.bots = Some(vec![faq])).await;
        add("a key of another bot", limited, Kind::OtherBot);
        Self(actors)
    }

    /// Those whose answer at this route says something: of the keys that differ in scopes only those about its own.
    pub fn of(&self, route: &Route) -> impl Iterator<Item = &KeyActor> {
        let own = match route.access {
            Access::Person(_, scope) => scope,
            Access::Public
            | Access::Page
            | Access::LiveKit
            | Access::Internal
            | Access::OfCall
            | Access::Tools => None,
        };
        self.0.iter().filter(move |actor| match &actor.kind {
            Kind::Live(scopes) if scopes.len() == Scope::ALL.len() => true,
            Kind::Live(scopes) if scopes.len() == 1 => own == scopes.first().copied(),
            Kind::Live(scopes) => own.is_some_and(|scope| !scopes.contains(&scope)),
            _ => true,
        })
    }
}

/// Whoever holds a key that ended is told so.
fn dead(code: &str) -> StatusCode {
    if code == "unauthorized" { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN }
}

impl KeyActor {
    pub fn sees_all(&self) -> bool {
        matches!(self.kind, Kind::Live(_))
    }

    pub fn check(&self, route: &Route, (status, body): (StatusCode, &str), told: &str) {
        assert!(!status.is_server_error(), "{told}");
        let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let refused_as = |expected: StatusCode, word: &str| {
            assert!(status == expected && body.contains(&format!("\"code\":\"{word}\"")), "{word}: {told}");
        };
        match (route.access, &self.kind) {
            (Access::Public | Access::Page, _) => {}
            (Access::LiveKit, _) => refused_as(StatusCode::UNAUTHORIZED, "unauthorized"),
            (Access::Internal | Access::OfCall | Access::Tools, _) => {
                refused_as(StatusCode::FORBIDDEN, "forbidden")
            }
            (Access::Person(..), Kind::Dead(code)) => refused_as(dead(code), code),
            (Access::Person(_, None), _) => refused_as(StatusCode::FORBIDDEN, "people_only"),
            (Access::Person(_, Some(scope)), Kind::Live(scopes)) if scopes.contains(&scope) => {
                assert!(!refused, "{told}");
            }
            (Access::Person(_, Some(scope)), Kind::Live(_)) => {
                refused_as(StatusCode::FORBIDDEN, "scope_missing");
                assert!(body.contains(scope.as_str()), "{told}");
            }
            // Its endpoints get the events of every bot, and every bot may have its voices.
            (
                Access::Person(_, Some(Scope::WebhooksRead | Scope::WebhooksWrite | Scope::VoicesWrite)),
                Kind::OtherBot,
            ) => {
                refused_as(StatusCode::FORBIDDEN, "key_limited_to_bots");
            }
            // A campaign may have any bot of the tenant.
            (Access::Person(_, Some(_)), Kind::OtherBot) if route.path.starts_with("/api/v1/campaigns") => {
                refused_as(StatusCode::FORBIDDEN, "key_limited_to_bots");
            }
            // Machines are the deployment's, and a number that is not called is called by no bot of the tenant.
            (Access::Person(_, Some(Scope::FleetRead)), Kind::OtherTenant | Kind::OtherBot)
            | (Access::Person(_, Some(Scope::DncWrite)), Kind::OtherBot) => assert!(!refused, "{told}"),
            (Access::Person(..), Kind::OtherTenant | Kind::OtherBot) if route.path.contains('{') => {
                refused_as(StatusCode::NOT_FOUND, "not_found");
            }
            (Access::Person(_, Some(Scope::BotsWrite)), Kind::OtherBot) => {
                refused_as(StatusCode::FORBIDDEN, "key_limited_to_bots");
            }
            (Access::Person(..), Kind::OtherTenant | Kind::OtherBot) => assert!(!refused, "{told}"),
        }
    }
}
