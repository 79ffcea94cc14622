//! Permits by Redis: what runs is known while the key of the run names this life of the server. A server that was started anew, with or
//! without what it had written down, is another one.

use std::time::Duration;

use ::redis::pipe;

use super::super::CoordinationError;
use super::super::permits::{Ask, FENCES_KEPT, Kept, Permitted, Run};
use super::{Redis, key, millis};

/// Rooms that are kept in one step.
const MOST_AT_ONCE: usize = 500;

fn run_key() -> String {
    key("permits", "run")
}

fn room(name: &str) -> String {
    key("room", name)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).clamp(1, 1 << 50)
}

fn unknown_life() -> CoordinationError {
    CoordinationError::Unavailable(
        "the login may not ask for INFO: without it nobody knows whether Redis was restarted".into(),
    )
}

pub async fn permit(redis: &Redis, ask: &Ask) -> Result<Permitted, CoordinationError> {
    if redis.link.life()?.is_empty() {
        return Err(unknown_life());
    }
    let (word, index, wait): (String, usize, u64) = redis
        .link
        .run_knowing(|mut on, run| {
            let mut call = redis.scripts.permit.key(run_key());
            let (fence, number) = match &ask.fence {
                Some((fence, number)) => (fence.as_str(), number.to_string()),
                None => ("", String::new()),
            };
            call.key(key("permit_fence", fence));
            call.arg(run).arg(number).arg(&ask.member).arg(millis(FENCES_KEPT)).arg(ask.paces.len());
            for pace in &ask.paces {
                let lead = pace.interval.saturating_mul(pace.burst.saturating_sub(1));
                let lead = if lead.is_zero() { 0 } else { micros(lead) };
                call.key(key("pace", &pace.key)).arg(micros(pace.interval)).arg(lead);
            }
            for wanted in &ask.rooms {
                call.key(room(&wanted.key)).arg(wanted.most).arg(micros(wanted.ttl));
            }
            async move { call.invoke_async(&mut on).await }
        })
        .await?;
    Ok(match word.as_str() {
        "granted" => Permitted::Granted,
        "fenced" => Permitted::Fenced,
        "soon" => Permitted::TooSoon(index, Duration::from_micros(wait)),
        "full" => Permitted::Full(index),
        _ => Permitted::Closed,
    })
}

pub async fn keep(redis: &Redis, kept: &[Kept], under: &Run) -> Result<(), CoordinationError> {
    let places: Vec<(&str, &str, Duration)> = kept
        .iter()
        .flat_map(|kept| kept.rooms.iter().map(|(room, ttl)| (room.as_str(), kept.member.as_str(), *ttl)))
        .collect();
    for some in places.chunks(MOST_AT_ONCE) {
        is_this(redis, under)?;
        let mut call = redis.scripts.keep.prepare_invoke();
        for (name, member, ttl) in some {
            call.key(room(name)).arg(*member).arg(micros(*ttl));
        }
        let _: u64 = redis.link.run(|mut on| async move { call.invoke_async(&mut on).await }).await?;
    }
    Ok(())
}

pub async fn give_up(redis: &Redis, member: &str, rooms: &[String]) -> Result<(), CoordinationError> {
    if rooms.is_empty() {
        return Ok(());
    }
    let mut leave = pipe();
    for name in rooms {
        leave.cmd("ZREM").arg(room(name)).arg(member).ignore();
    }
    redis.link.run(|mut on| async move { leave.query_async(&mut on).await }).await
}

pub async fn run(redis: &Redis) -> Result<Run, CoordinationError> {
    let id = redis.link.life()?;
    if id.is_empty() {
        return Err(unknown_life());
    }
    let open: Option<String> = redis.link.ask(::redis::cmd("GET").arg(run_key())).await?;
    Ok(Run { is_open: open.as_deref() == Some(id.as_str()), id })
}

pub async fn open(redis: &Redis, under: &Run) -> Result<(), CoordinationError> {
    is_this(redis, under)?;
    redis.link.ask(::redis::cmd("SET").arg(run_key()).arg(&under.id)).await
}

pub async fn count(redis: &Redis, rooms: &[String]) -> Result<Vec<u64>, CoordinationError> {
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    let time: (u64, u64) = redis.link.ask(&::redis::cmd("TIME")).await?;
    let now = time.0.saturating_mul(1_000_000).saturating_add(time.1);
    let mut ask = pipe();
    for name in rooms {
        ask.cmd("ZCOUNT").arg(room(name)).arg(format!("({now}")).arg("+inf");
    }
    redis.link.run(|mut on| async move { ask.query_async(&mut on).await }).await
}

fn is_this(redis: &Redis, under: &Run) -> Result<(), CoordinationError> {
    if redis.link.life()? == under.id { Ok(()) } else { Err(CoordinationError::AnotherRun) }
}
