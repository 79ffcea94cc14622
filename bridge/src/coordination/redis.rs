//! Coordination by Redis 7 or newer: what has to be one step is a script there, and the time is the server's. A server that does not
//! answer is waited for once; until it is back everything fails at once.

mod link;
mod listen;
mod permits;
mod script;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::web::Bytes;
use redis::{Client, cmd};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::hub::{Hub, Subscription};
use super::permits::{Ask, Kept, Permitted, Run};
use super::{
    Answer, Coordination, CoordinationError, Fence, Gate, MAX_MESSAGE_BYTES, MAX_VALUE_BYTES, Rate, Standing,
    Taken, check_size,
};
use link::Link;
use script::Scripts;

/// What every key and channel begins with.
const PREFIX: &str = "vox:";
/// How long a start waits for the first subscription. Later ones are told to the listeners.
const FIRST_LISTENING: Duration = Duration::from_secs(1);

/// The Redis engine.
pub struct Redis {
    link: Arc<Link>,
    hub: Arc<Hub>,
    scripts: Scripts,
    /// Whether other bridges are heard now.
    hears: Arc<AtomicBool>,
    /// What the channels of this database begin with: a server has one room of channels for all its databases.
    channels: String,
    _ends_with_this: DropGuard,
}

impl Redis {
    /// Connect to the server behind an address. One that does not answer is no reason not to start: it is tried again every
    /// second.
    ///
    /// # Errors
    ///
    /// When the address makes no sense, or the server refuses the login.
    pub async fn open(url: &SecretString) -> Result<Self, CoordinationError> {
        // The fault is not told on: it may repeat the address, with the password in it.
        let client = Client::open(url.expose_secret()).map_err(|_| CoordinationError::BadAddress)?;
        let database = client.get_connection_info().redis_settings().db();
        let channels = format!("{PREFIX}{database}:t:");
        let (link, hub, stop) =
            (Arc::new(Link::new(client.clone())), Arc::<Hub>::default(), CancellationToken::new());
        let connected = match link.connect().await {
            Err(error) if link::is_refusal(&error) => {
                return Err(CoordinationError::LoginRefused(error.to_string()));
            }
            connected => connected.is_ok(),
        };
        let (listening, heard) = oneshot::channel();
        let hears = Arc::<AtomicBool>::default();
        until(&stop, link::keep(link.clone(), channels.clone()));
        until(&stop, listen::listen(client, channels.clone(), (hub.clone(), hears.clone()), listening));
        if connected && timeout(FIRST_LISTENING, heard).await.is_err() {
            tracing::warn!("Redis is slow: messages of other bridges are heard later");
        }
        Ok(Self { link, hub, scripts: Scripts::new(), hears, channels, _ends_with_this: stop.drop_guard() })
    }
}

/// Run it in the background until then.
fn until(stop: &CancellationToken, task: impl Future<Output = ()> + Send + 'static) {
    let stop = stop.clone();
    tokio::spawn(async move { stop.run_until_cancelled(task).await });
}

fn key(kind: &str, name: &str) -> String {
    format!("{PREFIX}{kind}:{name}")
}

/// Redis counts milliseconds, and refuses a time of none.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX as u64)
}

fn standing(rates: &[Rate], index: usize, remaining: u32, resets_ms: u64) -> Standing {
    let limit = rates.get(index.wrapping_sub(1)).map_or(u32::MAX, |rate| rate.most);
    Standing { limit, remaining, resets_in: Duration::from_millis(resets_ms) }
}

impl Coordination for Redis {
    fn publish(&self, topic: String, message: Bytes) -> Answer<'_, ()> {
        Box::pin(async move {
            check_size("message", message.len(), MAX_MESSAGE_BYTES)?;
            let channel = format!("{}{topic}", self.channels);
            let told = self.link.ask(cmd("PUBLISH").arg(channel).arg(&message[..])).await;
            if told.is_err() {
                self.link.lose();
                // Those at the same bridge hear it all the same.
                self.hub.tell(&topic, message);
            }
            told
        })
    }

    fn announce(&self, channels: Vec<String>, message: Bytes) -> Answer<'_, bool> {
        Box::pin(async move {
            check_size("message", message.len(), MAX_MESSAGE_BYTES)?;
            let told = self.link.run(|mut on| async move {
                for channel in channels {
                    let told =
                        cmd("PUBLISH").arg(channel).arg(&message[..]).query_async::<u64>(&mut on).await;
                    match told {
                        // The login is kept to channels of ours. That is no reason to give up the connection.
                        Err(error) if link::is_refusal(&error) => return Ok(Some(error.to_string())),
                        told => {
                            told?;
                        }
                    }
                }
                Ok::<_, redis::RedisError>(None)
            });
            match told.await? {
                Some(refusal) => Err(CoordinationError::Unavailable(refusal)),
                None => Ok(true),
            }
        })
    }

    fn subscribe(&self, topic: &str) -> Subscription {
        self.hub.listen(topic)
    }

    fn take(&self, rates: Vec<Rate>) -> Answer<'_, Taken> {
        Box::pin(async move {
            if rates.is_empty() {
                return Ok(Taken::Allowed(Standing::UNLIMITED));
            }
            let mut call = self.scripts.take.prepare_invoke();
            for rate in &rates {
                call.key(key("rate", &rate.key)).arg(rate.most).arg(millis(rate.window));
            }
            let (allowed, index, remaining, resets_ms): (bool, usize, u32, u64) =
                self.link.run(|mut on| async move { call.invoke_async(&mut on).await }).await?;
            let standing = standing(&rates, index, remaining, resets_ms);
            Ok(if allowed { Taken::Allowed(standing) } else { Taken::Refused(standing) })
        })
    }

    fn give_back(&self, name: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let call = self.scripts.give_back.key(key("rate", &name));
            self.link.run(|mut on| async move { call.invoke_async(&mut on).await }).await
        })
    }

    fn forget(&self, name: String) -> Answer<'_, ()> {
        Box::pin(async move { self.link.ask(cmd("DEL").arg(key("rate", &name))).await })
    }

    fn acquire(&self, lease: String, holder: String, ttl: Duration) -> Answer<'_, Option<Fence>> {
        Box::pin(async move {
            let mut call = self.scripts.acquire.key(key("lease", &lease));
            call.key(key("fence", &lease)).arg(holder).arg(millis(ttl));
            let fence: Option<u64> =
                self.link.run(|mut on| async move { call.invoke_async(&mut on).await }).await?;
            Ok(fence.map(Fence))
        })
    }

    fn renew(&self, lease: String, fence: Fence, ttl: Duration) -> Answer<'_, bool> {
        Box::pin(async move {
            let mut call = self.scripts.renew.key(key("lease", &lease));
            call.arg(fence.0).arg(millis(ttl));
            self.link.run(|mut on| async move { call.invoke_async(&mut on).await }).await
        })
    }

    fn release(&self, lease: String, fence: Fence) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut call = self.scripts.release.key(key("lease", &lease));
            call.arg(fence.0);
            self.link.run(|mut on| async move { call.invoke_async(&mut on).await }).await
        })
    }

    fn enter(&self, gate: Gate, member: String) -> Answer<'_, bool> {
        Box::pin(async move {
            let mut call = self.scripts.enter.key(key("gate", &gate.name));
            call.arg(member).arg(gate.most).arg(millis(gate.ttl));
            self.link.run(|mut on| async move { call.invoke_async(&mut on).await }).await
        })
    }

    fn leave(&self, gate: String, member: String) -> Answer<'_, ()> {
        Box::pin(async move { self.link.ask(cmd("ZREM").arg(key("gate", &gate)).arg(member)).await })
    }

    fn permit(&self, ask: Ask) -> Answer<'_, Permitted> {
        Box::pin(async move { permits::permit(self, &ask).await })
    }

    fn keep_permits(&self, kept: Vec<Kept>, under: Run) -> Answer<'_, ()> {
        Box::pin(async move { permits::keep(self, &kept, &under).await })
    }

    fn give_up_permits(&self, member: String, rooms: Vec<String>) -> Answer<'_, ()> {
        Box::pin(async move { permits::give_up(self, &member, &rooms).await })
    }

    fn permits_run(&self) -> Answer<'_, Run> {
        Box::pin(async move { permits::run(self).await })
    }

    fn open_permits(&self, under: Run) -> Answer<'_, ()> {
        Box::pin(async move { permits::open(self, &under).await })
    }

    fn count_permits(&self, rooms: Vec<String>) -> Answer<'_, Vec<u64>> {
        Box::pin(async move { permits::count(self, &rooms).await })
    }

    fn get(&self, name: String) -> Answer<'_, Option<Bytes>> {
        Box::pin(async move {
            let value: Option<Vec<u8>> = self.link.ask(cmd("GET").arg(key("cache", &name))).await?;
            Ok(value.map(Bytes::from))
        })
    }

    fn set(&self, name: String, value: Bytes, ttl: Duration) -> Answer<'_, ()> {
        Box::pin(async move {
            check_size("cached value", value.len(), MAX_VALUE_BYTES)?;
            let name = key("cache", &name);
            self.link.ask(cmd("SET").arg(name).arg(&value[..]).arg("PX").arg(millis(ttl))).await
        })
    }

    fn delete(&self, name: String) -> Answer<'_, ()> {
        Box::pin(async move { self.link.ask(cmd("DEL").arg(key("cache", &name))).await })
    }

    fn connections(&self) -> u32 {
        u32::from(self.link.is_open()) + u32::from(self.hears.load(Ordering::Relaxed))
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async move { self.link.ask(&cmd("PING")).await })
    }
}
