//! The LiveKit server, if the environment names one: whether it is there, takes our tokens, and knows telephones.

use std::time::Duration;

use reqwest::redirect::Policy;
use secrecy::ExposeSecret;
use tokio::time::Instant;
use vox_livekit::service::{Address, BadAddress, Service, ServiceError};
use vox_shared::clock::Clock;
use vox_shared::livekit::LiveKitSettings;

use super::Finding;
use super::clock::skew;

/// What the server lets clocks differ by, seconds.
const LEEWAY: i64 = 60;
/// What the server asks of a secret, characters.
const MIN_SECRET: usize = 32;

/// Ask it.
pub async fn check(settings: Option<&LiveKitSettings>, clock: &Clock) -> Vec<Finding> {
    let Some(settings) = settings else {
        let detail = "none is set: calls come by carriers' sockets and by the audio socket";
        return vec![Finding::ok("LiveKit", detail)];
    };
    let service = match open(settings, clock) {
        Ok(service) => service,
        Err(error) => return vec![Finding::fail("LiveKit", error.to_string(), "mend LIVEKIT_URL")],
    };
    let start = Instant::now();
    let date = match service.greet().await {
        Ok(date) => date,
        Err(error) => {
            let detail = format!("{} does not answer: {error}", settings.url);
            return vec![Finding::fail("LiveKit", detail, "start the server, or mend LIVEKIT_URL")];
        }
    };
    let ms = start.elapsed().as_secs_f64() * 1_000.0;
    let mut findings = vec![Finding::ok("LiveKit", settings.url.to_string()).after_ms(ms)];
    let apart = date.and_then(|date| skew(&date, clock.now())).map(|apart| apart.as_secs());
    findings.extend(apart.map(clocks));
    findings.push(key(settings, service.list_rooms(&[]).await.map(|rooms| rooms.len())));
    // What follows would only say the same again.
    if findings.iter().all(|finding| finding.level != super::Level::Fail) {
        findings.push(telephones(service.list_inbound_trunks().await.map(|trunks| trunks.len())));
    }
    findings
}

fn open(settings: &LiveKitSettings, clock: &Clock) -> Result<Service, BadAddress> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(vox_egress::client_config())
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(3))
        .build()?;
    let at =
        Address { url: settings.url.clone(), key: settings.key.clone(), secret: settings.secret.clone() };
    let clock = clock.clone();
    let now = move || Duration::from_secs(clock.now().as_second().try_into().unwrap_or_default());
    Service::over(client, &at, Box::new(now))
}

fn clocks(apart: i64) -> Finding {
    let name = "LiveKit's clock";
    if apart.abs() > LEEWAY {
        let detail = format!("{apart} s apart from ours: tokens are refused from {LEEWAY} s on");
        return Finding::fail(name, detail, "set both clocks and keep them set: timedatectl set-ntp true");
    }
    Finding::ok(name, format!("within {} s of ours", apart.abs().max(1)))
}

fn key(settings: &LiveKitSettings, rooms: Result<usize, ServiceError>) -> Finding {
    let name = "LiveKit's key";
    match rooms {
        Ok(_) if settings.secret.expose_secret().chars().count() < MIN_SECRET => Finding::warn(
            name,
            format!("it is taken, and its secret is shorter than {MIN_SECRET} characters"),
            "make another one for the server's `keys`: openssl rand -hex 32",
        ),
        Ok(rooms) => Finding::ok(name, format!("it is taken; rooms now: {rooms}")),
        Err(error) => Finding::fail(
            name,
            error.to_string(),
            "LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be a pair of the server's `keys`",
        ),
    }
}

fn telephones(trunks: Result<usize, ServiceError>) -> Finding {
    let name = "LiveKit's telephones";
    match trunks {
        Ok(trunks) => Finding::ok(name, format!("trunks over which calls come: {trunks}")),
        Err(error) if error.is_without_redis() => Finding::warn(
            name,
            "it runs without Redis: browsers can call, and no telephone can call or be called",
            "set `redis` in its configuration, to the one that the SIP gateway uses",
        ),
        Err(error) => Finding::fail(name, error.to_string(), "look at LiveKit's own log"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[tokio::test]
    async fn no_server_is_no_fault_and_one_that_is_away_is() {
        let clock = Clock::system();
        assert_eq!(check(None, &clock).await[0].level, Level::Ok);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap()).parse::<url::Url>().unwrap();
        drop(listener);
        let settings =
            LiveKitSettings { public_url: url.clone(), url, key: "k".into(), secret: "secret".into() };
        let found = check(Some(&settings), &clock).await;
        assert!(found.len() == 1 && found[0].level == Level::Fail, "{found:?}");
        assert!(found[0].detail.contains("no connection"), "{found:?}");
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        assert_eq!(clocks(60).level, Level::Ok);
        assert_eq!(clocks(-61).level, Level::Fail);
    }
}
