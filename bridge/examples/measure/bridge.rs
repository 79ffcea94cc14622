//! The bridge that is measured, with its jobs, in this process.

use std::sync::Arc;

use anyhow::{Context, bail};
use rand::distr::{Alphanumeric, SampleString};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use vox_bridge::app::{App, Parts};
use vox_bridge::config::Config;
use vox_bridge::deployment::Deployment;
use vox_bridge::routes;
use vox_bridge::serve::{Serving, serve};
use vox_bridge::store::Stores;
use vox_bridge::store::engine::Engine;
use vox_shared::clock::Clock;
use vox_shared::wire::SECRET_HEADER;

use crate::{Arguments, Documents};

pub struct Bridge {
    pub target: Arc<Target>,
    pub engine: Arc<dyn Engine>,
    pub stores: Stores,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    jobs: JoinSet<()>,
    deployment: Deployment,
    _data: TempDir,
}

/// How it is asked.
pub struct Target {
    client: reqwest::Client,
    url: String,
    secret: String,
    pub email: String,
    token: String,
}

impl Bridge {
    pub async fn start(arguments: &Arguments) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let bound = listener.local_addr()?;
        let mut config = Config::for_tests(data.path().to_owned());
        if arguments.engine == Documents::Mongodb {
            config.storage.mongodb_uri = Some(fresh_database(arguments.mongodb_uri.as_deref())?);
        }
        let secret = config.auth.internal_secret.expose_secret().to_owned();
        let deployment = Deployment::open(&config.storage).await?;
        let parts = Parts { deployment: deployment.clone(), clock: Clock::system(), bound };
        let app = App::build(config, parts).await?;
        let password = app.first_start().await?.context("the store was not empty")?;
        let stop = CancellationToken::new();
        let stores = app.stores.clone();
        // Beside the requests as in a bridge; the sums are counted where they are measured.
        let mut jobs = JoinSet::new();
        jobs.spawn(app.digester.clone().run(stop.clone()));
        jobs.spawn(app.relay.clone().run(stop.clone()));
        jobs.spawn(app.herald.clone().run(stop.clone()));
        jobs.spawn(app.webhooks.post.clone().run(stop.clone()));
        let api = move || routes::api(&app);
        let serving = tokio::spawn(serve(listener, api, Serving::on_threads(2), stop.clone()));
        let client = reqwest::Client::builder().no_proxy().build()?;
        let target = Target::log_in(client, (format!("http://{bound}"), secret), &password).await?;
        let engine = deployment.engine.clone();
        Ok(Self { target: Arc::new(target), engine, stores, stop, serving, jobs, deployment, _data: data })
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.serving.await??;
        while let Some(ended) = self.jobs.join_next().await {
            ended?;
        }
        self.deployment.close().await;
        Ok(())
    }
}

impl Target {
    async fn log_in(
        client: reqwest::Client,
        (url, secret): (String, String),
        password: &SecretString,
    ) -> anyhow::Result<Self> {
        let email = "admin@vox.local".to_owned();
        let body = json!({ "email": email, "password": password.expose_secret() });
        let answer = client.post(format!("{url}/api/v1/auth/login")).json(&body).send().await?;
        let session: Value = answer.error_for_status()?.json().await?;
        let token = session["access_token"].as_str().context("no token in the session")?.to_owned();
        Ok(Self { client, url, secret, email, token })
    }

    /// As a worker.
    pub fn internal(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).header(SECRET_HEADER, &self.secret)
    }

    /// As the administrator.
    pub fn admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.token)
    }

    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }
}

fn fresh_database(uri: Option<&str>) -> anyhow::Result<SecretString> {
    let Some(uri) = uri else {
        bail!(
            "--engine mongodb needs a server: --mongodb-uri mongodb://…, or start one with scripts/mongodb/run.sh"
        )
    };
    let name = Alphanumeric.sample_string(&mut rand::rng(), 12).to_lowercase();
    let (address, options) = uri.split_once('?').unwrap_or((uri, ""));
    Ok(format!("{}/vox_measure_{name}?{options}", address.trim_end_matches('/')).into())
}
