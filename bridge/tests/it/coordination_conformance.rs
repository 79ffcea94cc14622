//! The suite of the coordination seam: every engine does the same, and exactly.

mod permits;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use jiff::SignedDuration;
use tokio::task::JoinSet;
use tokio::time::timeout;
#[cfg(feature = "redis")]
use vox_bridge::coordination::Redis;
use vox_bridge::coordination::{
    Coordination, CoordinationError, Fence, Gate, Heard, InProcess, MAX_MESSAGE_BYTES, MAX_VALUE_BYTES,
    QUEUE, Rate, Standing, Taken,
};
#[cfg(feature = "redis")]
use vox_harness::RedisServer;
use vox_shared::clock::Clock;

use crate::harness::NOW;
use permits::*;

/// Long enough that nothing ends by itself in the midst of a test.
const LONG: Duration = Duration::from_secs(600);
/// Long enough for a busy machine, and short enough to be waited for.
const SHORT: Duration = Duration::from_secs(3);
/// Longest wait for a message.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// An engine, and how time passes for it.
struct Subject {
    engine: Arc<dyn Coordination>,
    time: Time,
}

enum Time {
    Ours(Clock),
    /// The server's own, which only passes.
    #[cfg(feature = "redis")]
    Servers {
        _ends_with_this: RedisServer,
    },
}

impl Subject {
    fn embedded() -> Self {
        let clock = Clock::manual(NOW.parse().unwrap());
        Self { engine: Arc::new(InProcess::new(clock.clone())), time: Time::Ours(clock) }
    }

    #[cfg(feature = "redis")]
    async fn redis() -> Self {
        let server = RedisServer::start();
        Self {
            engine: Arc::new(Redis::open(&server.url().into()).await.unwrap()),
            time: Time::Servers { _ends_with_this: server },
        }
    }

    async fn pass(&self, time: Duration) {
        match &self.time {
            Time::Ours(clock) => clock.advance(SignedDuration::try_from(time).unwrap()),
            #[cfg(feature = "redis")]
            // A server counts whole milliseconds, and what lasts so many is there in the last of them.
            Time::Servers { .. } => tokio::time::sleep(time + Duration::from_millis(20)).await,
        }
    }
}

fn name() -> String {
    format!("it-{}", vox_shared::ids::BotId::generate())
}

fn rate(key: &str, most: u32, window: Duration) -> Rate {
    Rate { key: key.into(), most, window }
}

fn refused(taken: Taken) -> Standing {
    match taken {
        Taken::Refused(standing) => standing,
        Taken::Allowed(standing) => panic!("allowed: {standing:?}"),
    }
}

fn allowed(taken: Taken) -> Standing {
    match taken {
        Taken::Allowed(standing) => standing,
        Taken::Refused(standing) => panic!("refused: {standing:?}"),
    }
}

/// Every behaviour over every engine.
macro_rules! suite {
    ($($behaviour:ident)*) => {
        mod embedded {
            use super::*;
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(&Subject::embedded()).await;
            })*
        }

        #[cfg(feature = "redis")]
        mod redis {
            use super::*;
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(&Subject::redis().await).await;
            })*
        }
    };
}

suite! {
    a_rate_allows_so_many_and_says_how_long_to_wait
    rates_are_counted_together_or_not_at_all
    takes_are_given_back_and_forgotten
    many_at_once_take_exactly_what_there_is
    a_lease_has_one_holder_until_it_ends
    a_race_for_a_lease_has_one_winner_and_fences_rise
    a_gate_lets_in_so_many_and_forgets_who_never_left
    many_at_once_find_exactly_so_many_places
    a_cached_value_ends
    what_is_too_large_is_refused
    listeners_hear_what_is_told_of_their_topic
    a_listener_that_is_late_is_told_that_it_missed_something
    permits_are_given_when_it_was_told_what_runs
    a_permit_is_given_whole_or_not_at_all
    no_stretch_of_time_has_more_turns_than_the_pace_and_its_burst
    whoever_was_replaced_gets_no_permit
    a_place_ends_unless_it_is_kept
    many_at_once_get_exactly_so_many_permits
}

async fn a_rate_allows_so_many_and_says_how_long_to_wait(on: &Subject) {
    let key = name();
    for left in (0..3).rev() {
        let standing = allowed(on.engine.take(vec![rate(&key, 3, SHORT)]).await.unwrap());
        assert_eq!((standing.limit, standing.remaining), (3, left));
        assert!(standing.resets_in <= SHORT && !standing.resets_in.is_zero());
    }
    let standing = refused(on.engine.take(vec![rate(&key, 3, SHORT)]).await.unwrap());
    assert_eq!((standing.limit, standing.remaining), (3, 0));
    assert!(standing.resets_in <= SHORT && standing.wait_seconds() >= 1);
    on.pass(standing.resets_in).await;
    assert_eq!(allowed(on.engine.take(vec![rate(&key, 3, SHORT)]).await.unwrap()).remaining, 2);
    refused(on.engine.take(vec![rate(&name(), 0, LONG)]).await.unwrap());
}

async fn rates_are_counted_together_or_not_at_all(on: &Subject) {
    let (narrow, wide) = (name(), name());
    let both = || vec![rate(&wide, 5, LONG), rate(&narrow, 2, LONG)];
    assert_eq!(
        allowed(on.engine.take(both()).await.unwrap()).limit,
        2,
        "the one with the least left is told"
    );
    allowed(on.engine.take(both()).await.unwrap());
    for _ in 0..9 {
        assert_eq!(refused(on.engine.take(both()).await.unwrap()).limit, 2);
    }
    let alone = on.engine.take(vec![rate(&wide, 5, LONG)]).await.unwrap();
    assert_eq!(allowed(alone).remaining, 2, "what was refused counted nowhere");
}

async fn takes_are_given_back_and_forgotten(on: &Subject) {
    let key = name();
    let take = || async { on.engine.take(vec![rate(&key, 2, LONG)]).await.unwrap() };
    on.engine.give_back(key.clone()).await.unwrap();
    assert_eq!(allowed(take().await).remaining, 1, "what was never taken is not given back");
    allowed(take().await);
    on.engine.give_back(key.clone()).await.unwrap();
    allowed(take().await);
    refused(take().await);
    on.engine.forget(key.clone()).await.unwrap();
    assert_eq!(allowed(take().await).remaining, 1);
}

async fn many_at_once_take_exactly_what_there_is(on: &Subject) {
    let (key, mut tasks) = (name(), JoinSet::new());
    for _ in 0..20 {
        let (engine, key) = (on.engine.clone(), key.clone());
        tasks.spawn(async move {
            let mut taken = 0;
            for _ in 0..20 {
                let one = engine.take(vec![rate(&key, 123, LONG)]).await.unwrap();
                taken += u32::from(matches!(one, Taken::Allowed(_)));
            }
            taken
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), 123);
}

async fn a_lease_has_one_holder_until_it_ends(on: &Subject) {
    let lease = name();
    let acquire = |who: &'static str| on.engine.acquire(lease.clone(), who.into(), SHORT);
    let first = acquire("a").await.unwrap().expect("nobody has it");
    assert_eq!(acquire("b").await.unwrap(), None);
    assert_eq!(acquire("a").await.unwrap(), Some(first), "a repeat is answered the same");
    on.engine.release(lease.clone(), Fence(first.0 - 1)).await.unwrap();
    assert_eq!(acquire("b").await.unwrap(), None, "only its holder lets go of it");
    assert!(on.engine.renew(lease.clone(), first, LONG).await.unwrap());
    on.pass(SHORT).await;
    assert_eq!(acquire("b").await.unwrap(), None, "it was renewed for longer");
    assert!(on.engine.renew(lease.clone(), first, SHORT).await.unwrap());
    on.pass(SHORT).await;
    assert!(!on.engine.renew(lease.clone(), first, LONG).await.unwrap(), "it has ended");
    let second = acquire("b").await.unwrap().expect("it has ended");
    assert!(second > first);
    on.engine.release(lease.clone(), first).await.unwrap();
    assert_eq!(acquire("c").await.unwrap(), None, "the old fence lets go of nothing");
    on.engine.release(lease.clone(), second).await.unwrap();
    assert!(acquire("a").await.unwrap().expect("it was let go of") > second);
}

/// Twenty want it, again and again; whoever has it lets go of it when all have asked.
async fn a_race_for_a_lease_has_one_winner_and_fences_rise(on: &Subject) {
    const ROUNDS: usize = 500;
    let (lease, mut last) = (name(), Fence(0));
    for round in 0..ROUNDS {
        let mut racing = JoinSet::new();
        for racer in 0..20 {
            let (engine, lease) = (on.engine.clone(), lease.clone());
            racing
                .spawn(async move { engine.acquire(lease, format!("{round}-{racer}"), LONG).await.unwrap() });
        }
        let won: Vec<Fence> = racing.join_all().await.into_iter().flatten().collect();
        let [fence] = won.as_slice() else { panic!("round {round}: {won:?}") };
        assert!(*fence > last, "round {round}: {fence:?} after {last:?}");
        last = *fence;
        on.engine.release(lease.clone(), *fence).await.unwrap();
    }
}

async fn a_gate_lets_in_so_many_and_forgets_who_never_left(on: &Subject) {
    let gate = Gate { name: name(), most: 2, ttl: SHORT };
    let enter = |who: &str| on.engine.enter(gate.clone(), who.into());
    assert!(enter("a").await.unwrap() && enter("b").await.unwrap());
    assert!(!enter("c").await.unwrap());
    assert!(enter("a").await.unwrap(), "whoever is inside stays");
    on.engine.leave(gate.name.clone(), "a".into()).await.unwrap();
    on.engine.leave(gate.name.clone(), "nobody".into()).await.unwrap();
    assert!(enter("c").await.unwrap());
    assert!(!enter("a").await.unwrap());
    on.pass(SHORT).await;
    assert!(enter("a").await.unwrap() && enter("d").await.unwrap() && !enter("e").await.unwrap());
    assert!(!on.engine.enter(Gate { name: name(), most: 0, ttl: LONG }, "a".into()).await.unwrap());
}

async fn many_at_once_find_exactly_so_many_places(on: &Subject) {
    let gate = Gate { name: name(), most: 7, ttl: LONG };
    for round in 0..20 {
        let mut racing = JoinSet::new();
        for racer in 0..20 {
            let (engine, gate) = (on.engine.clone(), gate.clone());
            racing.spawn(async move {
                let inside = engine.enter(gate, racer.to_string()).await.unwrap();
                inside.then_some(racer)
            });
        }
        let inside: Vec<i32> = racing.join_all().await.into_iter().flatten().collect();
        assert_eq!(inside.len(), 7, "round {round}");
        for racer in inside {
            on.engine.leave(gate.name.clone(), racer.to_string()).await.unwrap();
        }
    }
}

async fn a_cached_value_ends(on: &Subject) {
    let key = name();
    let get = || async { on.engine.get(key.clone()).await.unwrap() };
    assert_eq!(get().await, None);
    let value = Bytes::from_static(b"\0\xff not text");
    on.engine.set(key.clone(), value.clone(), SHORT).await.unwrap();
    assert_eq!(get().await, Some(value.clone()));
    on.pass(SHORT).await;
    assert_eq!(get().await, None);
    on.engine.set(key.clone(), value.clone(), LONG).await.unwrap();
    on.engine.set(key.clone(), Bytes::new(), LONG).await.unwrap();
    assert_eq!(get().await, Some(Bytes::new()));
    on.engine.delete(key.clone()).await.unwrap();
    on.engine.delete(key.clone()).await.unwrap();
    assert_eq!(get().await, None);
}

async fn what_is_too_large_is_refused(on: &Subject) {
    let bytes = |n: usize| Bytes::from(vec![b'x'; n]);
    on.engine.set(name(), bytes(MAX_VALUE_BYTES), LONG).await.unwrap();
    on.engine.publish(name(), bytes(MAX_MESSAGE_BYTES)).await.unwrap();
    for refused in [
        on.engine.set(name(), bytes(MAX_VALUE_BYTES + 1), LONG).await,
        on.engine.publish(name(), bytes(MAX_MESSAGE_BYTES + 1)).await,
        on.engine.announce(vec![name()], bytes(MAX_MESSAGE_BYTES + 1)).await.map(drop),
    ] {
        assert!(matches!(refused, Err(CoordinationError::TooLarge { .. })), "{refused:?}");
    }
}

async fn listeners_hear_what_is_told_of_their_topic(on: &Subject) {
    let (topic, other) = (name(), name());
    let (mut one, mut two) = (on.engine.subscribe(&topic), on.engine.subscribe(&topic));
    let tell = |topic: &str, n: usize| on.engine.publish(topic.into(), Bytes::from(n.to_string()));
    for n in 0..50 {
        tell(&topic, n).await.unwrap();
        tell(&other, 1_000 + n).await.unwrap();
    }
    for listener in [&mut one, &mut two] {
        for n in 0..50 {
            let heard = timeout(HEARD_WITHIN, listener.next()).await.expect("it is told");
            assert_eq!(heard, Some(Heard::Message(Bytes::from(n.to_string()))));
        }
    }
}

async fn a_listener_that_is_late_is_told_that_it_missed_something(on: &Subject) {
    let topic = name();
    let (mut late, mut other) = (on.engine.subscribe(&topic), on.engine.subscribe(&topic));
    for n in 0..=QUEUE {
        on.engine.publish(topic.clone(), Bytes::from(n.to_string())).await.unwrap();
        let heard = timeout(HEARD_WITHIN, other.next()).await.expect("it is told");
        assert_eq!(heard, Some(Heard::Message(Bytes::from(n.to_string()))), "one does not hold up the other");
    }
    assert_eq!(late.next().await, Some(Heard::Missed));
    assert_eq!(late.next().await, Some(Heard::Message(Bytes::from_static(b"1"))), "the rest is there");
}

/// Two bridges on one server: one winner, fences that rise over both, exact counts, and what is told at one is heard at the other.
#[cfg(feature = "redis")]
#[tokio::test]
async fn two_bridges_on_one_redis_are_one() {
    let server = RedisServer::start();
    let open = || async { Arc::new(Redis::open(&server.url().into()).await.unwrap()) };
    let engines: [Arc<dyn Coordination>; 2] = [open().await, open().await];
    let (lease, mut last) = (name(), Fence(0));
    for round in 0..500 {
        let mut racing = JoinSet::new();
        for racer in 0..20 {
            let (engine, lease) = (engines[racer % 2].clone(), lease.clone());
            racing
                .spawn(async move { engine.acquire(lease, format!("{round}-{racer}"), LONG).await.unwrap() });
        }
        let won: Vec<Fence> = racing.join_all().await.into_iter().flatten().collect();
        let [fence] = won.as_slice() else { panic!("round {round}: {won:?}") };
        assert!(*fence > last, "round {round}: {fence:?} after {last:?}");
        last = *fence;
        engines[round % 2].release(lease.clone(), *fence).await.unwrap();
    }
    let (key, mut taken) = (name(), 0);
    for n in 0..100 {
        let one = engines[n % 2].take(vec![rate(&key, 33, LONG)]).await.unwrap();
        taken += usize::from(matches!(one, Taken::Allowed(_)));
    }
    assert_eq!(taken, 33);
    let topic = name();
    let mut listeners = engines.each_ref().map(|engine| engine.subscribe(&topic));
    for (n, engine) in engines.iter().enumerate() {
        engine.publish(topic.clone(), Bytes::from(n.to_string())).await.unwrap();
        for listener in &mut listeners {
            let heard = timeout(HEARD_WITHIN, listener.next()).await.expect("it is told");
            assert_eq!(heard, Some(Heard::Message(Bytes::from(n.to_string()))));
        }
    }
    engines[0].set(key.clone(), Bytes::from_static(b"v"), LONG).await.unwrap();
    assert_eq!(engines[1].get(key.clone()).await.unwrap(), Some(Bytes::from_static(b"v")));
    engines[1].delete(key.clone()).await.unwrap();
    assert_eq!(engines[0].get(key).await.unwrap(), None);
}
