//! Trunks, over which calls come and go, and the rules that say into which room a call comes.

use std::collections::BTreeSet;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ANSWER_WITHIN, Needs, Service, ServiceError};

/// Of one page of a list.
const PAGE: usize = 500;

/// How SIP travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SipTransport {
    #[default]
    Auto,
    Udp,
    Tcp,
    Tls,
}

/// A user name with its password.
#[derive(Clone)]
pub struct SipLogin {
    pub username: String,
    pub password: SecretString,
}

/// A trunk over which calls come. One of numbers, addresses and login must be set. Headers of the caller's that begin with `X-` become
/// attributes `sip.h.x-…`.
#[derive(Clone, Debug, Default)]
pub struct InboundTrunk {
    pub name: String,
    /// Ours; the server hands it to nobody.
    pub metadata: String,
    /// That are called; any when there are none. No two trunks may have the same one.
    pub numbers: Vec<String>,
    /// Addresses or networks that calls may come from; any when there are none.
    pub allowed_addresses: Vec<String>,
    /// What the caller's side must show.
    pub login: Option<SipLogin>,
}

/// A trunk over which calls go.
#[derive(Clone, Debug, Default)]
pub struct OutboundTrunk {
    pub name: String,
    pub metadata: String,
    /// `HOST` or `HOST:PORT`.
    pub address: String,
    pub transport: SipTransport,
    /// ISO 3166; empty: none.
    pub destination_country: String,
    /// That call; at least one.
    pub numbers: Vec<String>,
    /// What we show.
    pub login: Option<SipLogin>,
}

/// Each call of these trunks comes into a room of its own, called `PREFIX_CALLER_RANDOM`.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    pub name: String,
    /// It becomes the metadata of each phone: nothing secret.
    pub metadata: String,
    pub trunk_ids: Vec<String>,
    pub room_prefix: String,
}

/// A trunk or a rule as the server keeps it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Trunk {
    /// `ST_…`, of a rule `SDR_…`.
    #[serde(alias = "sip_trunk_id", alias = "sip_dispatch_rule_id")]
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub metadata: String,
    /// Of a trunk.
    #[serde(default)]
    pub numbers: Vec<String>,
    /// Of a rule.
    #[serde(default)]
    pub trunk_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    items: Vec<Trunk>,
}

impl fmt::Debug for SipLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SipLogin").field("username", &self.username).finish_non_exhaustive()
    }
}

impl SipTransport {
    fn word(self) -> &'static str {
        match self {
            Self::Auto => "SIP_TRANSPORT_AUTO",
            Self::Udp => "SIP_TRANSPORT_UDP",
            Self::Tcp => "SIP_TRANSPORT_TCP",
            Self::Tls => "SIP_TRANSPORT_TLS",
        }
    }
}

impl InboundTrunk {
    fn body(&self) -> Value {
        let mut body = json!({
            "name": self.name, "metadata": self.metadata, "numbers": self.numbers,
            "allowed_addresses": self.allowed_addresses, "include_headers": "SIP_X_HEADERS",
        });
        show(&mut body, self.login.as_ref());
        body
    }
}

impl OutboundTrunk {
    fn body(&self) -> Value {
        let mut body = json!({
            "name": self.name, "metadata": self.metadata, "address": self.address,
            "transport": self.transport.word(), "destination_country": self.destination_country,
            "numbers": self.numbers, "include_headers": "SIP_X_HEADERS",
        });
        show(&mut body, self.login.as_ref());
        body
    }
}

impl Rule {
    fn body(&self) -> Value {
        json!({
            "name": self.name, "metadata": self.metadata, "trunk_ids": self.trunk_ids,
            "rule": {"dispatch_rule_individual": {"room_prefix": self.room_prefix}},
        })
    }
}

fn show(body: &mut Value, login: Option<&SipLogin>) {
    if let Some(login) = login {
        body["auth_username"] = json!(login.username);
        body["auth_password"] = json!(login.password.expose_secret());
    }
}

impl Service {
    /// All trunks over which calls come.
    pub async fn list_inbound_trunks(&self) -> Result<Vec<Trunk>, ServiceError> {
        self.list("SIP/ListSIPInboundTrunk").await
    }

    /// All trunks over which calls go.
    pub async fn list_outbound_trunks(&self) -> Result<Vec<Trunk>, ServiceError> {
        self.list("SIP/ListSIPOutboundTrunk").await
    }

    pub async fn list_rules(&self) -> Result<Vec<Trunk>, ServiceError> {
        self.list("SIP/ListSIPDispatchRule").await
    }

    pub async fn create_inbound_trunk(&self, trunk: &InboundTrunk) -> Result<Trunk, ServiceError> {
        self.set("SIP/CreateSIPInboundTrunk", &json!({"trunk": trunk.body()})).await
    }

    pub async fn replace_inbound_trunk(&self, id: &str, trunk: &InboundTrunk) -> Result<Trunk, ServiceError> {
        let body = json!({"sip_trunk_id": id, "replace": trunk.body()});
        self.set("SIP/UpdateSIPInboundTrunk", &body).await
    }

    pub async fn create_outbound_trunk(&self, trunk: &OutboundTrunk) -> Result<Trunk, ServiceError> {
        self.set("SIP/CreateSIPOutboundTrunk", &json!({"trunk": trunk.body()})).await
    }

    pub async fn replace_outbound_trunk(
        &self,
        id: &str,
        trunk: &OutboundTrunk,
    ) -> Result<Trunk, ServiceError> {
        let body = json!({"sip_trunk_id": id, "replace": trunk.body()});
        self.set("SIP/UpdateSIPOutboundTrunk", &body).await
    }

    pub async fn create_rule(&self, rule: &Rule) -> Result<Trunk, ServiceError> {
        self.set("SIP/CreateSIPDispatchRule", &json!({"dispatch_rule": rule.body()})).await
    }

    pub async fn replace_rule(&self, id: &str, rule: &Rule) -> Result<Trunk, ServiceError> {
        let body = json!({"sip_dispatch_rule_id": id, "replace": rule.body()});
        self.set("SIP/UpdateSIPDispatchRule", &body).await
    }

    /// Take a trunk away, of either kind; one that is not there is taken away already.
    pub async fn delete_trunk(&self, id: &str) -> Result<(), ServiceError> {
        self.delete("SIP/DeleteSIPTrunk", &json!({"sip_trunk_id": id})).await
    }

    /// Take a rule away; one that is not there is taken away already.
    pub async fn delete_rule(&self, id: &str) -> Result<(), ServiceError> {
        self.delete("SIP/DeleteSIPDispatchRule", &json!({"sip_dispatch_rule_id": id})).await
    }

    async fn set(&self, method: &str, body: &Value) -> Result<Trunk, ServiceError> {
        self.ask(method, Needs::Trunks, body, ANSWER_WITHIN).await
    }

    async fn delete(&self, method: &str, body: &Value) -> Result<(), ServiceError> {
        match self.ask::<Value>(method, Needs::Trunks, body, ANSWER_WITHIN).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    async fn list(&self, method: &str) -> Result<Vec<Trunk>, ServiceError> {
        let (mut all, mut known) = (Vec::new(), BTreeSet::new());
        loop {
            let after = all.last().map_or("", |last: &Trunk| last.id.as_str());
            let body = json!({"page": {"after_id": after, "limit": PAGE}});
            let page: Page = self.ask(method, Needs::Trunks, &body, ANSWER_WITHIN).await?;
            let is_full = page.items.len() >= PAGE;
            // A server that knows no pages answers the same again.
            let before = all.len();
            all.extend(page.items.into_iter().filter(|trunk| known.insert(trunk.id.clone())));
            if !is_full || all.len() == before {
                return Ok(all);
            }
        }
    }
}
