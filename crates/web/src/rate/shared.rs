//! Counts in Redis or Valkey, by the same algorithm in one script; this process's own counts while it is away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use kernel::Secret;
use redis::{
    Client, RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{CellKey, Decision, Quota, gcra::Cell, memory::Memory};

/// How long a request waits for Redis before it is counted here.
const ANSWER_MS_MAX: u64 = 50;
/// How long a connection to Redis may take.
const CONNECT_MS_MAX: u64 = 500;
/// After a failure, for how long Redis is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// ARGV: cost and burst in microseconds. Returns whether it is allowed, until when the quota is not whole, and the
/// time there, as text: numbers of Lua lose digits above 2^53, and a time in microseconds stays below that until 2255.
const SCRIPT: &str = r"
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local cost = tonumber(ARGV[1])
local burst = tonumber(ARGV[2])
local full_at = tonumber(redis.call('GET', KEYS[1]) or now)
if full_at < now then full_at = now end
local after = full_at + cost
if after - now > burst then
  return {0, string.format('%.0f', full_at), string.format('%.0f', now)}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, string.format('%.0f', after), string.format('%.0f', now)}
";

#[derive(Clone)]
pub(super) struct Shared {
    redis: ConnectionManager,
    script: Arc<Script>,
    memory: Memory,
    world: kernel::World,
    /// When Redis is asked again, in microseconds since the epoch; 0 while it answers.
    away_until_us: Arc<AtomicI64>,
}

impl Shared {
    pub(super) fn open(url: &Secret<String>, memory: Memory) -> Result<Self, RedisError> {
        let client = Client::open(url.expose().as_str())?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(Duration::from_millis(ANSWER_MS_MAX)))
            .set_connection_timeout(Some(Duration::from_millis(CONNECT_MS_MAX)))
            .set_number_of_retries(0);
        let redis = ConnectionManager::new_lazy_with_config(client, config)?;
        let world = memory.world();
        Ok(Self {
            redis,
            script: Arc::new(Script::new(SCRIPT)),
            memory,
            world,
            away_until_us: Arc::default(),
        })
    }

    pub(super) async fn check(&self, key: &CellKey, quota: Quota) -> Decision {
        let now_us = self.world.now().as_micros();
        if now_us < self.away_until_us.load(Ordering::Acquire) {
            return self.memory.check(key, quota);
        }
        match self.ask(key, quota).await {
            Ok(decision) => {
                if self.away_until_us.swap(0, Ordering::AcqRel) != 0 {
                    tracing::info!("rate limits are counted in Redis again");
                }
                decision
            }
            Err(error) => {
                let until = (self.world.now() + PAUSE).as_micros();
                if self.away_until_us.swap(until, Ordering::AcqRel) == 0 {
                    // Of the error only its kind: its text may name the address with its password.
                    tracing::warn!(kind = ?error.kind(), "Redis does not answer: every node counts rate limits for itself");
                }
                self.memory.check(key, quota)
            }
        }
    }

    async fn ask(&self, key: &CellKey, quota: Quota) -> Result<Decision, RedisError> {
        let cell = Cell::of(quota);
        let mut redis = self.redis.clone();
        let mut call =
            self.script.key(format!("hilum:rate:{}:{}:{key}", quota.requests(), quota.period().as_micros()));
        call.arg(cell.cost_us()).arg(cell.burst_us());
        let asked = call.invoke_async::<(i64, i64, i64)>(&mut redis);
        let limit = Duration::from_millis(ANSWER_MS_MAX + CONNECT_MS_MAX);
        let (allowed, full_at_us, now_us) = match tokio::time::timeout(limit, asked).await {
            Ok(answer) => answer?,
            Err(_) => return Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))),
        };
        Ok(cell.decision(allowed == 1, full_at_us, now_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RateLimiter, testing::world};

    fn url() -> Option<Secret<String>> {
        #[expect(
            clippy::disallowed_methods,
            reason = "where the test's own Redis is, is not a setting of the product"
        )]
        let url = std::env::var("TEST_REDIS_URL").ok();
        if url.is_none() {
            println!("SKIPPED (no TEST_REDIS_URL)");
        }
        url.map(Secret::new)
    }

    #[tokio::test]
    async fn nodes_share_one_quota() {
        let Some(url) = url() else { return };
        let (world, _) = world();
        let nodes = [RateLimiter::redis(&url, &world).unwrap(), RateLimiter::redis(&url, &world).unwrap()];
        let key = format!("test {:?}", std::time::Instant::now());
        let quota = Quota::per_hour(10);
        let mut remaining = Vec::new();
        for nth in 0..12 {
            let decision = nodes[nth % 2].check(&key, quota).await;
            remaining.push((decision.is_allowed, decision.remaining));
        }
        let allowed = (0..10).rev().map(|left| (true, left));
        assert_eq!(remaining, allowed.chain([(false, 0), (false, 0)]).collect::<Vec<_>>());
        let refused = nodes[0].check(&key, quota).await;
        assert!((350..=360).contains(&refused.retry_after_s()), "{refused:?}");
        assert!(nodes[0].check(&format!("{key} other"), quota).await.is_allowed);
    }

    #[tokio::test]
    async fn turns_of_nodes_follow_one_another_to_the_microsecond() {
        let Some(url) = url() else { return };
        let (world, _) = world();
        let nodes = [RateLimiter::redis(&url, &world).unwrap(), RateLimiter::redis(&url, &world).unwrap()];
        let key = format!("turns {:?}", std::time::Instant::now());
        let (every, wait_max) = (Duration::from_micros(333_334), Duration::from_secs(600));
        let began = std::time::Instant::now();
        let mut turns = Vec::new();
        for nth in 0..40_u32 {
            let asked = began.elapsed();
            let wait = nodes[nth as usize % 2].turn(&key, (every, wait_max)).await.unwrap();
            turns.push((asked + wait, began.elapsed() + wait));
        }
        // Each is a whole number of paces behind the first: what is not known is only when Redis has looked at its clock.
        for (nth, (least, most)) in (0..).zip(&turns) {
            let behind = every * nth;
            assert!(*least <= turns[0].1 + behind && turns[0].0 + behind <= *most, "{nth}: {turns:?}");
        }
        let too_far = nodes[0].turn(&key, (every, Duration::ZERO)).await;
        assert!(too_far.is_ok(), "another pace is another count");
        assert!(nodes[1].turn(&key, (every, Duration::ZERO)).await.is_err_and(|wait| wait <= every));
    }

    /// A Redis that hangs up on its first caller.
    async fn moody(url: &Secret<String>) -> Secret<String> {
        let real = url::Url::parse(url.expose()).unwrap();
        let real = (real.host_str().unwrap().to_owned(), real.port().unwrap_or(6379));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move {
            drop(listener.accept().await.unwrap());
            loop {
                let mut here = listener.accept().await.unwrap().0;
                let mut there = tokio::net::TcpStream::connect(&real).await.unwrap();
                // Its end is the end of the connection, however it came about.
                let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
            }
        });
        Secret::new(format!("redis://{address}/"))
    }

    #[tokio::test]
    async fn a_redis_that_comes_back_is_asked_again() {
        let Some(url) = url() else { return };
        let (world, clock) = world();
        let (steady, moody) = (url.clone(), moody(&url).await);
        let limiter = RateLimiter::redis(&moody, &world).unwrap();
        let other = RateLimiter::redis(&steady, &world).unwrap();
        let key = format!("back {:?}", std::time::Instant::now());
        let quota = Quota::per_hour(2);
        assert_eq!(limiter.check(&key, quota).await.remaining, 1, "counted here");
        assert_eq!(other.check(&key, quota).await.remaining, 1, "counted there");
        let mut left = 1;
        for _ in 0..5 {
            clock.advance_s(2);
            left = limiter.check(&key, quota).await.remaining;
        }
        assert_eq!(left, 0);
        assert!(!other.check(&key, quota).await.is_allowed, "both count in the same place again");
    }

    #[tokio::test]
    async fn without_redis_every_node_counts_for_itself() {
        let (world, clock) = world();
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let limiter = RateLimiter::redis(&Secret::new(format!("redis://{nobody}/")), &world).unwrap();
        let quota = Quota::per_hour(1);
        assert!(limiter.check("k", quota).await.is_allowed);
        assert!(!limiter.check("k", quota).await.is_allowed);
        clock.advance_s(2);
        assert!(!limiter.check("k", quota).await.is_allowed, "still counted here after another try");
    }
}
