//! `GET /demo/{bot_id}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::IntoParams;
use vox_shared::ids::BotId;
use vox_shared::livekit::LiveKitSettings;

use super::WidgetFiles;
use crate::edge::params::{InPath, InQuery};
use crate::error::{ApiError, ApiResult};
use crate::store::Stores;
use crate::store::bots::Bot;

/// Longest value of a parameter, bytes.
const MAX_WORD: usize = 20;

/// How the widget is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DemoQuery {
    /// `floating` (the default), `inline` or `headless`.
    mode: Option<String>,
    /// `en`, `de`, …; the browser's own by default.
    lang: Option<String>,
    /// `light` or `dark`; as the browser by default.
    theme: Option<String>,
    /// `talk` or `livekit`; LiveKit where the deployment has it by default.
    transport: Option<String>,
}

/// Where the page's scripts connect to beside this bridge, as sources of its policy.
#[derive(Clone, Debug)]
pub struct DemoConnections(Vec<String>);

impl DemoConnections {
    /// To the workers' lines, and to LiveKit: its client opens a socket, and asks by HTTP when that fails.
    pub fn new(lines_url: String, livekit: Option<&LiveKitSettings>) -> Self {
        let of_livekit = livekit.into_iter().flat_map(|settings| {
            let url = settings.public_url.as_str().trim_end_matches('/');
            let (socket, plain) = match url.strip_prefix("ws") {
                Some(rest) => (url.to_owned(), format!("http{rest}")),
                None => (url.replacen("http", "ws", 1), url.to_owned()),
            };
            [socket, plain]
        });
        Self([lines_url].into_iter().chain(of_livekit).collect())
    }
}

/// A page with a bot's widget in it. It is for trying: what it shows of the bot any page with the widget shows too.
pub async fn page(
    bot: InPath<BotId>,
    query: InQuery<DemoQuery>,
    stores: Data<Stores>,
    files: Data<WidgetFiles>,
    connections: Data<DemoConnections>,
) -> ApiResult<HttpResponse> {
    // The same whether there is no bot or no widget: whoever guesses ids learns nothing.
    const OFF: &str = "there is no such bot, or its widget is off: set `widget.enabled`, and give it a key (POST /api/v1/bots/{bot_id}/widget-key)";
    files.is_built().await?;
    let is_shown =
        |bot: &Bot| bot.deleted_at.is_none() && bot.settings.enabled && bot.settings.widget.enabled;
    let found = stores.all_bots().find_bot(&bot.0).await?.filter(|found| is_shown(&found.value));
    let shown =
        found.as_ref().and_then(|bot| Some((&bot.value.settings.name, bot.value.widget_key.as_ref()?)));
    let (name, key) = shown.ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "widget_off", OFF))?;
    let mut response = HttpResponse::Ok();
    response.content_type("text/html; charset=utf-8");
    response.insert_header((header::CONTENT_SECURITY_POLICY, policy(&connections.0)));
    response.insert_header((HeaderName::from_static("permissions-policy"), "microphone=(self)"));
    Ok(response.body(html(&bot.0, name, key, &query.0)))
}

/// Nothing inline, nothing from elsewhere: what `docs/widget.md` tells pages to allow is enough, and this page shows it.
fn policy(connections: &[String]) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        connections.join(" ")
    )
}

fn html(bot: &BotId, name: &str, key: &str, query: &DemoQuery) -> String {
    let (bot, name, key) = (escaped(bot.as_str()), escaped(name), escaped(key));
    let asked = [
        ("mode", &query.mode),
        ("lang", &query.lang),
        ("theme", &query.theme),
        ("transport", &query.transport),
    ];
    let more: String = asked
        .into_iter()
        .filter_map(|(attribute, value)| {
            let value = value.as_deref().filter(|value| value.len() <= MAX_WORD)?;
            Some(format!(" {attribute}=\"{}\"", escaped(value)))
        })
        .collect();
    format!(
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<link rel="stylesheet" href="/widget/demo.css">
<script type="module" src="/widget/demo.js"></script>
<script type="module" src="/widget/vox-widget.js"></script>
</head>
<body>
<main>
<h1>{name}</h1>
<p>This is the widget of the bot <code>{bot}</code>. A page of yours shows it with:</p>
<pre tabindex="0" id="snippet">&lt;script type="module" src="<span id="origin"></span>/widget/vox-widget.js"&gt;&lt;/script&gt;
&lt;vox-widget bot="{bot}" api-key="{key}"&gt;&lt;/vox-widget&gt;</pre>
<vox-widget bot="{bot}" api-key="{key}"{more}></vox-widget>
<h2>What the page is told</h2>
<ol id="events" reversed></ol>
</main>
</body>
</html>
"##
    )
}

/// A text within an element or a quoted attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_parameters_are_no_markup() {
        let hostile = "\"><script>alert('&')</script>";
        let asked = |text: &str| DemoQuery {
            mode: Some(text.into()),
            lang: Some("de".into()),
            theme: None,
            transport: None,
        };
        let bot: BotId = "faq".parse().unwrap();
        let page = html(&bot, hostile, "wk_1", &asked("\"><script>"));
        assert_eq!(page.matches("<script").count(), 2, "{page}");
        assert!(page.contains("&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)"), "{page}");
        assert!(page.contains(r#" mode="&quot;&gt;&lt;script&gt;" lang="de">"#), "{page}");
        assert!(!html(&bot, "x", "k", &asked(&"m".repeat(MAX_WORD + 1))).contains("mmm"));
    }

    #[test]
    fn the_policy_allows_nothing_unsafe() {
        let policy = policy(&["wss://calls.example".into()]);
        assert!(policy.contains("connect-src 'self' wss://calls.example;"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
