//! Somebody who writes: with something of each kind to work on, and a body for each route.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::routes::Route;
use vox_shared::ids::CampaignId;
use vox_shared::model::bot::BotSettings;

use super::CANARY;
use crate::harness::{TestBridge, json};

/// A person with a password who has logged in, and a bot and a key of the API to work on.
pub struct Person {
    pub email: String,
    pub password: String,
    pub session: Value,
    pub bot: String,
    pub key: String,
    pub webhook: String,
    pub delivery: String,
    pub tenant: String,
    pub user: String,
    pub invitation: (String, String),
    pub job: String,
    pub campaign: String,
}

impl Person {
    pub async fn new(bridge: &TestBridge, email: &str) -> Self {
        let password = format!("{CANARY} of {email}");
        let user = bridge.insert_user(&bridge.tenant(), email, Role::SuperAdmin).await;
        let mut stored = bridge.app.stores.all_users().find_by_email(&user.email).await.unwrap().unwrap();
        stored.value.password_hash = bridge.app.passwords.hash(password.clone().into()).await.unwrap();
        bridge.app.stores.users(&bridge.tenant()).replace_user(stored).await.unwrap();
        let session = json(bridge.log_in(email, &password).await, StatusCode::OK).await;
        let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
        let key = bridge.key(&[Scope::BotsRead]).await.id.to_string();
        let job = bridge.insert_failed_job("tried").await.to_string();
        let (webhook, delivery) = bridge.insert_webhook("tried").await;
        let tenant = bridge.insert_tenant(&format!("ten_{}", email.replace('@', "-"))).await.to_string();
        bridge.insert_user(&bridge.tenant(), &format!("under-{email}"), Role::Agent).await;
        let under = bridge.app.stores.all_users().find_by_email(&format!("under-{email}")).await;
        let user = under.unwrap().unwrap().id;
        let (id, token) = bridge.insert_invitation(&bridge.tenant(), &format!("invited-{email}")).await;
        let (campaign, now) = (CampaignId::generate(), bridge.now());
        let draft = serde_json::from_value(json!({
            "tenant_id": bridge.tenant(), "name": "Reminders", "bot_id": bot, "created_by": "usr_x", "state": "draft", "partitions": 16,
            "settings": {}, "created_at": now, "updated_at": now,
        }));
        let campaigns = bridge.app.stores.campaigns(&bridge.tenant());
        campaigns.insert_campaign(&campaign, &draft.unwrap()).await.unwrap();
        let campaign = campaign.to_string();
        let (email, bot) = (email.to_owned(), bot.to_string());
        let (webhook, invitation) = (webhook.to_string(), (id.to_string(), token));
        Self {
            email,
            password,
            session,
            bot,
            key,
            webhook,
            delivery,
            job,
            tenant,
            user,
            invitation,
            campaign,
        }
    }

    pub fn token(&self) -> &str {
        self.session["access_token"].as_str().unwrap()
    }

    /// A body that the route takes, where this test knows the route.
    pub fn body(&self, route: &Route) -> Option<Value> {
        let bot = json!({"name": CANARY, "system_prompt": CANARY, "opening_message": "hello"});
        Some(match route.path {
            "/api/v1/auth/login" => json!({"email": self.email, "password": self.password}),
            "/api/v1/auth/refresh" | "/api/v1/auth/logout" => {
                json!({"refresh_token": self.session["refresh_token"]})
            }
            "/api/v1/auth/register" => {
                json!({"email": format!("new-{}", self.email), "password": CANARY, "name": CANARY, "role": "agent"})
            }
            "/api/v1/auth/me" => json!({"name": CANARY}),
            "/api/v1/auth/me/password" => {
                json!({"current_password": self.password, "new_password": format!("{CANARY} anew")})
            }
            "/api/v1/auth/me/email" => {
                // Back to where the login of this test finds it.
                json!({"email": self.email.to_uppercase(), "password": self.password})
            }
            "/api/v1/invitations" => json!({"email": format!("more-{}", self.email), "role": "agent"}),
            "/api/v1/invitations/accept" => json!({"token": self.invitation.1, "password": CANARY}),
            path if path.starts_with("/api/v1/invitations/") || path.ends_with("/password-reset") => {
                Value::Null
            }
            "/api/v1/tenants" => json!({"slug": self.tenant.replace('_', "-"), "name": CANARY}),
            "/api/v1/tenants/{tenant_id}/restore" => return None,
            path if path.starts_with("/api/v1/tenant") => json!({}),
            // They are known to no provider.
            "/api/v1/users/{user_id}/identity" => return None,
            path if path.starts_with("/api/v1/users/") => json!({"name": CANARY}),
            "/api/v1/talk/tickets" => json!({"bot_id": self.bot}),
            "/api/v1/api-keys" => json!({"name": CANARY, "scopes": ["bots:read"]}),
            "/api/v1/prices" => {
                json!({"service": "stt", "vendor": "deepgram", "model": CANARY, "unit": "seconds", "money": 1, "per": 60})
            }
            "/api/v1/plans/{plan_id}" => json!({"name": CANARY, "limits": {"minutes": 1}}),
            "/api/v1/admin/tenants/{tenant}/plan" => json!({"plan": null}),
            "/api/v1/carriers" => json!({"name": CANARY, "sip_address": "sip.example"}),
            "/api/v1/integrations/exotel" if route.method == "PUT" => {
                json!({"account_sid": "acme1", "api_key": CANARY, "api_token": CANARY})
            }
            "/api/v1/erasures" => json!({"number": "+14155550199"}),
            "/api/v1/dnc" => json!({"number": "+14155550100", "reason": CANARY}),
            "/api/v1/dnc/bulk" => json!({"numbers": ["+14155550100"], "reason": CANARY}),
            "/api/v1/fleet/hosts" => json!({"name": "voice-9", "url": "http://127.0.0.1:9"}),
            path if path.starts_with("/api/v1/api-keys/") => Value::Null,
            "/api/v1/webhooks" => {
                json!({"url": format!("https://crm.example.com/{CANARY}"), "description": CANARY})
            }
            "/api/v1/webhooks/{webhook_id}" => json!({"description": CANARY}),
            "/api/v1/webhooks/{webhook_id}/replay" => json!({"from": "2026-11-20T09:00:00Z"}),
            "/api/v1/jobs/{job_id}/retry" => Value::Null,
            path if path.starts_with("/api/v1/webhooks/") => Value::Null,
            "/api/v1/campaigns" => json!({"name": CANARY, "bot_id": self.bot}),
            // Only what is archived can be deleted.
            "/api/v1/campaigns/{campaign_id}" if route.method == "DELETE" => return None,
            "/api/v1/campaigns/{campaign_id}" => json!({"name": CANARY}),
            "/api/v1/campaigns/{campaign_id}/contacts" => {
                json!({"rows": [{"phones": ["+14155550123"], "variables": {"name": CANARY}}]})
            }
            "/api/v1/campaigns/{campaign_id}/archive" => Value::Null,
            "/api/v1/sounds" => {
                json!({"name": CANARY, "sound": STANDARD.encode(include_bytes!("../clips/tone.ogg"))})
            }
            "/api/v1/bots/{bot_id}/crm" if route.method == "PUT" => json!({}),
            // It has none yet.
            path if path.contains("/crm") => return None,
            "/api/v1/bots/import" => json!({"format": "vox-bot", "format_version": 1, "settings": bot}),
            path if path.ends_with("/clone") => json!({"name": CANARY}),
            path if path.ends_with("/versions/{number}/restore") => json!({"note": CANARY}),
            // What they need is not there: a draft, a deletion, a key.
            path if path.ends_with("/publish") || path.ends_with("/restore") => return None,
            path if route.method == "DELETE" && (path.ends_with("/draft") || path.ends_with("-key")) => {
                return None;
            }
            path if path.ends_with("/widget-key") => json!({}),
            path if path.starts_with("/api/v1/bots") => bot,
            _ => return None,
        })
    }

    pub async fn send(&self, bridge: &TestBridge, route: &Route, body: Value) -> Response {
        let path = route.path.replace("{bot_id}", &self.bot).replace("{key_id}", &self.key);
        let path = path.replace("{webhook_id}", &self.webhook).replace("{delivery_id}", &self.delivery);
        let path = path.replace("{job_id}", &self.job);
        let path = path.replace("{plan_id}", "small").replace("{tenant}", "default");
        let path = path.replace("/versions/{number}", "/versions/1");
        let path = path.replace("{session_id}", "call_of_nobody");
        let path = path.replace("{tenant_id}", &self.tenant).replace("{user_id}", &self.user);
        let path = path.replace("{invitation_id}", &self.invitation.0);
        let path = path
            .replace("{work}", "poll_fleet")
            .replace("{host}", "no-such-host")
            .replace("{phone}", "+15550100")
            .replace("{carrier_id}", "car_none")
            .replace("{did_id}", "did_none")
            .replace("{voice_id}", "voice_none")
            .replace("{sound_id}", "snd_none")
            .replace("{campaign_id}", &self.campaign)
            .replace("{contact_id}", "con_none")
            .replace("{import_id}", "imp_none")
            .replace("{period}", "2026-10");
        assert!(!path.contains('{'), "this test does not know what stands in {path}");
        let request = bridge.request(route.method.as_str().parse().unwrap(), &format!("{path}?q={CANARY}"));
        let request =
            request.bearer_auth(self.token()).header("idempotency-key", format!("{CANARY}-{}", self.email));
        request.header("x-request-id", "asked-1").json(&body).send().await.unwrap()
    }
}
