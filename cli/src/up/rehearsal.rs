//! A platform with a simulated carrier: the tenant gets a carrier and a few numbers to call from, once.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::UpError;
use crate::campaign::{ApiError, Client, Login, words};
use crate::platform::Platform;
use crate::terminal::Terminal;

const NAME: &str = "Simulated carrier";
/// Numbers to call from, beginning so: such as stand in films. Of each a few calls go out on its first days, so there are many.
const NUMBERS: &str = "+121255501";
const COUNT: u32 = 20;
/// Items of a page.
const PAGE: u32 = 200;
const LISTENS_WITHIN: Duration = Duration::from_secs(10);
const LISTEN_PAUSE: Duration = Duration::from_millis(25);
/// For the trunk to be known.
const SYNCED_WITHIN: Duration = Duration::from_secs(30);
/// A person may ask a hundred times a minute.
const LOOK: Duration = Duration::from_secs(1);

/// Wait until the carrier takes connections, but not for ever: whoever asks it asks again.
pub async fn listens(port: u16) {
    let until = Instant::now() + LISTENS_WITHIN;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() && Instant::now() < until {
        sleep(LISTEN_PAUSE).await;
    }
}

/// Make the carrier known with all its numbers: whatever of it a start before left undone is done.
pub async fn prepare(platform: &Platform, terminal: &Terminal) -> Result<(), UpError> {
    let Some(password) = platform.admin_password.clone() else {
        terminal.warning(
            "the first password was changed: a carrier with the numbers to call from is yours to make",
        );
        return Ok(());
    };
    let login = Login { email: platform.admin_email.clone(), password };
    let client = Client::log_in(&platform.bridge_url, &login).await?;
    let id = complete(&client).await?;
    let until = Instant::now() + SYNCED_WITHIN;
    loop {
        let seen =
            client.post(&format!("/api/v1/carriers/{id}/sync"), &json!({}), "make the carrier known").await;
        // Another look may have it in hand just now, or the carrier is still starting.
        let status = seen.as_ref().map(|carrier| words::text(carrier, "sync_status"));
        if status.as_deref().is_ok_and(|status| status == "synced") {
            return Ok(());
        }
        if Instant::now() > until {
            let why = seen.map(|carrier| words::text(&carrier, "sync_text"))?;
            return Err(UpError::NotSynced(why));
        }
        sleep(LOOK).await;
    }
}

/// The carrier's id, once all of it is there.
async fn complete(client: &Client) -> Result<String, ApiError> {
    let known = all(client, "/api/v1/carriers", "list its carriers").await?;
    let known = known.iter().find(|carrier| carrier["name"] == NAME);
    let id = match known {
        Some(carrier) => words::text(carrier, "id"),
        None => insert(client).await?,
    };
    let at = format!("/api/v1/carriers/{id}/dids");
    let given = all(client, &at, "list the simulated carrier's numbers").await?;
    let given: BTreeSet<&str> = given.iter().filter_map(|did| did["number"].as_str()).collect();
    for number in (0..COUNT).map(|n| format!("{NUMBERS}{n:02}")) {
        if !given.contains(number.as_str()) {
            client.post(&at, &json!({"number": number}), "give the simulated carrier a number").await?;
        }
    }
    Ok(id)
}

/// All items of a list.
async fn all(client: &Client, path: &str, what: &'static str) -> Result<Vec<Value>, ApiError> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let mut page = client.get(&format!("{path}?limit={PAGE}{after}"), what).await?;
        if let Value::Array(items) = page["items"].take() {
            found.extend(items);
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => after = format!("&cursor={cursor}"),
            None => return Ok(found),
        }
    }
}

async fn insert(client: &Client) -> Result<String, ApiError> {
    // A name that nobody can have (RFC 2606): nothing is ever sent there.
    let carrier =
        json!({"name": NAME, "sip_address": "carrier.example", "outbound_cps": 20, "outbound_channels": 100});
    let made = client.post("/api/v1/carriers", &carrier, "make the simulated carrier").await?;
    Ok(words::text(&made, "id"))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use vox_harness::scripted_bridge;

    use super::*;

    /// What the bridge has of the carrier, if anything, and of its numbers; answers what is made of it.
    async fn made(carrier: Option<&str>, given: &[&str]) -> Vec<String> {
        let made: Arc<Mutex<Vec<String>>> = Arc::default();
        let (notes, id) = (made.clone(), carrier.map(str::to_owned));
        let given: Vec<Value> = given.iter().map(|number| json!({"number": number})).collect();
        let url = scripted_bridge(move |head, body| {
            let line = head.lines().next().unwrap();
            let is_of_numbers = line.contains("/dids");
            if line.starts_with("POST") {
                let body: Value = serde_json::from_slice(body).unwrap();
                let what = if is_of_numbers { &body["number"] } else { &body["name"] };
                notes.lock().unwrap().push(what.as_str().unwrap().to_owned());
                return (201, json!({"id": "car_new"}).to_string());
            }
            let page = match (is_of_numbers, line.contains("cursor=second")) {
                (true, _) => json!({"items": given, "next_cursor": null}),
                // It is on the second page.
                (false, false) => {
                    json!({"items": [{"id": "car_x", "name": "Another"}], "next_cursor": "second"})
                }
                (false, true) => {
                    let items: Vec<Value> = id.iter().map(|id| json!({"id": id, "name": NAME})).collect();
                    json!({"items": items, "next_cursor": null})
                }
            };
            (200, page.to_string())
        });
        let client = Client::with_key(&url, "key".into()).unwrap();
        let id = complete(&client).await.unwrap();
        assert_eq!(id, carrier.unwrap_or("car_new"));
        let made = made.lock().unwrap();
        made.clone()
    }

    #[tokio::test]
    async fn a_carrier_that_was_left_half_made_gets_the_rest_of_its_numbers() {
        let all: Vec<String> = (0..COUNT).map(|n| format!("{NUMBERS}{n:02}")).collect();
        let given: Vec<&str> = all.iter().map(String::as_str).collect();
        let whole: Vec<&str> = [NAME].into_iter().chain(given.iter().copied()).collect();
        assert_eq!(made(None, &[]).await, whole);
        assert_eq!(made(Some("car_1"), &[]).await, given, "it was killed right after the carrier");
        assert_eq!(made(Some("car_1"), &given[..7]).await, given[7..]);
        assert_eq!(made(Some("car_1"), &given).await, [""; 0]);
    }
}
