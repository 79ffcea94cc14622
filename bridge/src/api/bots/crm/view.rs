//! How a bot's CRM is shown: without the values of its headers.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::crm::settings::{Exchange, Method};
use crate::store::Stored;
use crate::store::crm::Integration;

/// A bot's CRM.
#[derive(Debug, Serialize, ToSchema)]
pub struct CrmView {
    pub bot_id: String,
    pub version: u64,
    pub prefetch: Option<ExchangeView>,
    pub push: Option<ExchangeView>,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub updated_at: String,
}

/// One exchange.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExchangeView {
    pub enabled: bool,
    pub url: String,
    pub method: Method,
    pub headers: Vec<HeaderView>,
    pub body: Option<Value>,
    pub timeout_ms: u32,
}

/// A header. Its value is never shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeaderView {
    pub name: String,
}

impl From<Stored<Integration>> for CrmView {
    fn from(stored: Stored<Integration>) -> Self {
        let Integration { settings, created_at, updated_at, .. } = stored.value;
        Self {
            bot_id: stored.id,
            version: stored.version,
            prefetch: settings.prefetch.map(ExchangeView::from),
            push: settings.push.map(ExchangeView::from),
            created_at: created_at.to_string(),
            updated_at: updated_at.to_string(),
        }
    }
}

impl From<Exchange> for ExchangeView {
    fn from(exchange: Exchange) -> Self {
        Self {
            enabled: exchange.enabled,
            url: exchange.url,
            method: exchange.method,
            headers: exchange.headers.into_iter().map(|header| HeaderView { name: header.name }).collect(),
            body: exchange.body.and_then(|body| serde_json::from_str(&body).ok()),
            timeout_ms: exchange.timeout_ms,
        }
    }
}
