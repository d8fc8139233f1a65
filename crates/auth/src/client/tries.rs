//! How often a client's secret may be tried, from one source. Others are not held back: neither the client's own servers
//! while somebody else guesses, nor other clients behind the same address.  RFC 9700 §2.5, reference "Brute force on client secrets"
//!
//! A secret has 256 bits, so that nobody guesses one; what this saves is work, and the log. It is kept in memory and
//! bounded: who tries from more addresses than fit pushes out the tallies of others, and thereby helps them.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use crypto::sha256;
use kernel::Timestamp;
use quick_cache::sync::Cache;

/// How many pairs of client and source are counted.
pub(crate) const TALLIES_MAX: usize = 65_536;

/// How many wrong secrets cost nothing.
pub(crate) const FREE: u32 = 10;

/// The longest wait; it doubles with every failure past the free ones.
pub(crate) const WAIT_S_MAX: u64 = 60;

/// After how long without a failure a tally starts anew.
const FORGET: Duration = Duration::from_mins(15);

/// Failures by client and source.
pub(crate) struct Tries {
    tallies: Cache<[u8; 32], Tally>,
    /// Whether anybody has failed since the start: where nobody has, nothing is looked up.
    has_any: AtomicBool,
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    failures: u32,
    failed_at: Timestamp,
}

impl Tries {
    pub(crate) fn new() -> Self {
        Self { tallies: Cache::new(TALLIES_MAX), has_any: AtomicBool::new(false) }
    }

    /// Seconds until the next try; none if it may be made now.
    pub(crate) fn wait_s(&self, client_id: &str, source: IpAddr, now: Timestamp) -> Option<u64> {
        self.has_any.load(Relaxed).then_some(())?;
        wait_s(self.tallies.get(&key(client_id, source))?, now)
    }

    /// A wrong secret, or no such client: counted the same.
    pub(crate) fn failed(&self, client_id: &str, source: IpAddr, now: Timestamp) {
        let key = key(client_id, source);
        let before = self.tallies.get(&key).filter(|tally| now.since(tally.failed_at) < FORGET);
        let failures = before.map_or(0, |tally| tally.failures).saturating_add(1);
        self.tallies.insert(key, Tally { failures, failed_at: now });
        self.has_any.store(true, Relaxed);
    }

    /// The right secret: nothing is held against this source any more.
    pub(crate) fn succeeded(&self, client_id: &str, source: IpAddr) {
        if self.has_any.load(Relaxed) {
            self.tallies.remove(&key(client_id, source));
        }
    }
}

fn wait_s(tally: Tally, now: Timestamp) -> Option<u64> {
    let past = tally.failures.checked_sub(FREE).filter(|_| now.since(tally.failed_at) < FORGET)?;
    let wait = Duration::from_secs(2_u64.saturating_pow(past).min(WAIT_S_MAX));
    let left = wait.checked_sub(now.since(tally.failed_at)).filter(|left| !left.is_zero())?;
    Some(left.as_secs() + u64::from(left.subsec_nanos() > 0))
}

/// The client and the part of an address that one subscriber holds: all of IPv4, the first 64 bits of IPv6.
fn key(client_id: &str, source: IpAddr) -> [u8; 32] {
    let network = match source.to_canonical() {
        IpAddr::V4(address) => format!("{address}"),
        IpAddr::V6(address) => format!("{:x}/64", address.to_bits() >> 64),
    };
    sha256(format!("{network} {client_id}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_with_failures_for_one_source_and_ends() {
        let (tries, at) = (Tries::new(), Timestamp::from_seconds);
        let (source, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..FREE - 1 {
            tries.failed("a.diary", source, at(100));
        }
        assert_eq!(tries.wait_s("a.diary", source, at(100)), None);
        for (now, wait) in
            [(100, 1), (101, 2), (103, 4), (107, 8), (115, 16), (131, 32), (163, 60), (223, 60)]
        {
            tries.failed("a.diary", source, at(now));
            assert_eq!(tries.wait_s("a.diary", source, at(now)), Some(wait), "{now}");
            assert_eq!(tries.wait_s("a.diary", other, at(now)), None, "an honest server of the client");
            assert_eq!(tries.wait_s("b.diary", source, at(now)), None, "another client at the same address");
        }
        assert_eq!(tries.wait_s("a.diary", source, at(282)), Some(1));
        assert_eq!(tries.wait_s("a.diary", source, at(283)), None);
        tries.failed("a.diary", source, at(283));
        tries.succeeded("a.diary", source);
        assert_eq!(tries.wait_s("a.diary", source, at(283)), None);
    }

    #[test]
    fn a_subscriber_is_one_source() {
        let of = |text: &str| key("a", text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
