//! The connection that hears what bridges publish, this one too. It subscribes to all topics of the deployment: which of them somebody
//! here listens to is known here, and hints are small and few.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::StreamExt;
use redis::aio::PubSub;
use redis::{Client, ErrorKind, RedisError, RedisResult};
use tokio::sync::oneshot;
use tokio::time::{error::Elapsed, sleep, timeout};

use super::super::hub::Hub;
use super::link::LOST;

const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// Longest time without a beat. Every bridge sends one each second.
const SILENCE: Duration = Duration::from_secs(5);
/// Pause before the next connection.
const PAUSE: Duration = Duration::from_secs(1);

/// Listen for ever. `listening` is told when it has begun the first time, `hears` whenever it begins and ends.
pub async fn listen(
    client: Client,
    channels: String,
    (hub, hears): (Arc<Hub>, Arc<AtomicBool>),
    listening: oneshot::Sender<()>,
) {
    let (mut listening, mut told) = (Some(listening), false);
    loop {
        let error = match subscribed(&client, &channels).await {
            Ok(connection) => {
                told = false;
                // Nobody knows what was said before.
                hub.tell_missed();
                if let Some(listening) = listening.take() {
                    // A start that no longer waits needs no telling.
                    let _ = listening.send(());
                }
                hears.store(true, Ordering::Relaxed);
                let error = hear(connection, &channels, &hub).await;
                hears.store(false, Ordering::Relaxed);
                error
            }
            Err(error) => error,
        };
        if !told {
            told = true;
            tracing::warn!(%error, "other bridges are not heard: the connection to Redis that listens has ended");
        }
        sleep(PAUSE).await;
    }
}

/// A connection that hears all topics.
async fn subscribed(client: &Client, channels: &str) -> RedisResult<PubSub> {
    let mut connection = timeout(CONNECT_DEADLINE, client.get_async_pubsub()).await.map_err(late)??;
    timeout(CONNECT_DEADLINE, connection.psubscribe(format!("{channels}*"))).await.map_err(late)??;
    Ok(connection)
}

/// Hand on what is heard, until nothing is any more.
async fn hear(connection: PubSub, channels: &str, hub: &Hub) -> RedisError {
    let mut messages = connection.into_on_message();
    loop {
        let message = match timeout(SILENCE, messages.next()).await {
            Ok(Some(message)) => message,
            Ok(None) => return RedisError::from((ErrorKind::Io, "the connection was cut")),
            Err(elapsed) => return late(elapsed),
        };
        match message.get_channel_name().strip_prefix(channels) {
            // A beat. A bridge that could not publish says so when it can.
            Some("") if message.get_payload_bytes() == LOST.as_bytes() => hub.tell_missed(),
            Some("") | None => {}
            Some(topic) => hub.tell(topic, Bytes::copy_from_slice(message.get_payload_bytes())),
        }
    }
}

fn late(_: Elapsed) -> RedisError {
    RedisError::from((ErrorKind::Io, "nothing was heard in time"))
}
