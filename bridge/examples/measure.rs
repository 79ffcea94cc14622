//! Measures a bridge on the embedded engines over HTTP: results stored durably per second, and the time of a config fetch
//! at a steady rate. `cargo run --release -p vox-bridge --example measure`

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vox_bridge::app::{App, Parts};
use vox_bridge::config::Config;
use vox_bridge::deployment::Deployment;
use vox_bridge::routes;
use vox_bridge::serve::{Serving, serve};
use vox_shared::clock::Clock;
use vox_shared::model::bot::ApiKey;
use vox_shared::wire::SECRET_HEADER;

/// Deliveries under way at the same time: a host's workers after the bridge was away.
const CLIENTS: usize = 64;
const RESULTS_FOR: Duration = Duration::from_secs(8);
/// Config fetches per second, and for how long.
const CONFIG_RATE: u32 = 300;
const CONFIG_FOR: Duration = Duration::from_secs(10);
/// The bot with keys.
const KEYED_BOT: &str = "keyed";
/// Utterances of a result; about 6 KB of JSON.
const TURNS: u32 = 40;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Fails only if a provider was chosen before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let data = tempfile::tempdir()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let bound = listener.local_addr()?;
    let config = Config::for_tests(data.path().to_owned());
    let secret = config.auth.internal_secret.expose_secret().to_owned();
    let deployment = Deployment::open(&config.storage).await?;
    let app = App::build(config, Parts { deployment, clock: Clock::system(), bound }).await?;
    app.first_start().await?;
    insert_keyed_bot(&app).await?;
    let stop = CancellationToken::new();
    let api = move || routes::api(&app);
    let serving = tokio::spawn(serve(listener, api, Serving::on_threads(2), stop.clone()));
    let target = Arc::new(Target {
        client: reqwest::Client::builder().no_proxy().build()?,
        url: format!("http://{bound}"),
        secret,
    });

    let mut out = std::io::stdout().lock();
    let stored = results(&target).await?;
    writeln!(out, "results stored durably: {:.0}/s ({CLIENTS} clients)", stored)?;
    for (bot, what) in [("faq", "a bot without keys"), (KEYED_BOT, "one with six sealed keys")] {
        let times = configs(&target, bot).await?;
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        writeln!(
            out,
            "config fetch at {CONFIG_RATE}/s, {what}: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, max {:.1} ms ({} fetches)",
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0),
            times.len()
        )?;
    }
    stop.cancel();
    serving.await??;
    Ok(())
}

/// The demo bot once more, with a key for each vendor and one fallback of each.
async fn insert_keyed_bot(app: &App) -> anyhow::Result<()> {
    let faq = app.stores.all_bots().find_bot(&"faq".parse()?).await?.context("the first start makes it")?;
    let mut bot = faq.value;
    let key = || ApiKey::new("sk-0123456789-0123456789-0123456789-0123456789");
    let settings = &mut bot.settings;
    (settings.stt.api_key, settings.llm.api_key, settings.tts.api_key) = (key(), key(), key());
    settings.stt.fallbacks = vec![settings.stt.clone()];
    settings.llm.fallbacks = vec![settings.llm.clone()];
    settings.tts.fallbacks = vec![settings.tts.clone()];
    app.stores.bots(&bot.tenant_id).insert_bot(&KEYED_BOT.parse()?, &bot).await?;
    Ok(())
}

struct Target {
    client: reqwest::Client,
    url: String,
    secret: String,
}

async fn results(target: &Arc<Target>) -> anyhow::Result<f64> {
    let (began, mut clients) = (Instant::now(), JoinSet::new());
    for client in 0..CLIENTS {
        let target = target.clone();
        clients.spawn(async move {
            let mut stored = 0u32;
            while began.elapsed() < RESULTS_FOR {
                deliver(&target, &format!("call_{client}_{stored}")).await?;
                stored += 1;
            }
            anyhow::Ok(stored)
        });
    }
    let mut total = 0;
    while let Some(stored) = clients.join_next().await {
        total += stored??;
    }
    Ok(f64::from(total) / began.elapsed().as_secs_f64())
}

async fn deliver(target: &Target, session: &str) -> anyhow::Result<()> {
    let turn = |n| {
        json!({"turn": n, "speaker": if n % 2 == 0 { "bot" } else { "caller" }, "started_ms": n * 1000, "ended_ms": n * 1000 + 900,
            "text": "We are open from Monday to Friday, eight to six."})
    };
    let result = json!({
        "session_id": session, "bot_id": "faq", "call_duration_seconds": 60.0, "disconnected_by": "customer",
        "transcript": (0..TURNS).map(turn).collect::<Vec<_>>()
    });
    let request = target.client.post(format!("{}/api/v1/call-results", target.url));
    let answer = request.header(SECRET_HEADER, &target.secret).json(&result).send().await?;
    ensure!(answer.status().is_success(), "a result was refused: {}", answer.status());
    Ok(())
}

async fn configs(target: &Arc<Target>, bot: &'static str) -> anyhow::Result<Vec<Duration>> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / CONFIG_RATE);
    let (began, mut fetches) = (Instant::now(), JoinSet::new());
    while began.elapsed() < CONFIG_FOR {
        ticks.tick().await;
        let target = target.clone();
        fetches.spawn(async move {
            let asked = Instant::now();
            let request = target.client.get(format!("{}/api/v1/config/{bot}?caller_id=%2B491", target.url));
            let answer = request.header(SECRET_HEADER, &target.secret).send().await?;
            ensure!(answer.status().is_success(), "a config was refused: {}", answer.status());
            answer.bytes().await.context("the config was cut off")?;
            anyhow::Ok(asked.elapsed())
        });
    }
    let mut times = Vec::new();
    while let Some(fetch) = fetches.join_next().await {
        times.push(fetch??);
    }
    times.sort();
    Ok(times)
}
