//! How often sign-in may be tried. Nobody can be locked out by somebody else.  OWASP ASVS 5.0 §6.3.1
//!
//! Three tallies count failures: of an account from one source, of a source over all accounts, and of an account over
//! all sources. The last holds back only sources from which this account was never signed in, and by seconds, so that
//! the person at their own machine gets in while an account is being guessed at from everywhere.

use std::{net::IpAddr, time::Duration};

use kernel::{Digest, Id, Person, Timestamp};
use vault::Vault;

use super::{Email, queries::Tally};

/// After how long without a try a tally starts anew.
pub(super) const FORGET: Duration = Duration::from_mins(30);

/// How long a source at which an account was signed in stays familiar.
pub(super) const FAMILIAR: Duration = Duration::from_hours(24 * 90);

/// When failures begin to cost time, and how much at the most.
struct Patience {
    free: u32,
    wait_s_max: u64,
}

const OF_ACCOUNT_AT_SOURCE: Patience = Patience { free: 5, wait_s_max: 900 };
const OF_SOURCE: Patience = Patience { free: 50, wait_s_max: 900 };
const OF_ACCOUNT: Patience = Patience { free: 100, wait_s_max: 8 };

/// For codes of an app: six digits are fewer than any password, and whoever guesses at them has the password. The
/// person at a new machine has their recovery codes and passkeys, which cannot be guessed and do not wait for this.
const OF_ACCOUNT_BY_CODE: Patience = Patience { free: 20, wait_s_max: 300 };

/// What is guessed at, which decides how often everybody together may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guessing {
    /// A password.
    Password,
    /// Six digits.
    Code,
    /// What is too long to be guessed: only the source is held back.
    RecoveryCode,
}

/// What is counted for one try to sign in.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    pub account: Digest,
    pub source: Digest,
    pub any: Digest,
}

impl Keys {
    pub(super) fn of(vault: &Vault, email: &Email, source: IpAddr) -> Self {
        let any = vault.digest(SOURCE_PURPOSE, &[]);
        Self { account: email.digest(vault), source: vault.digest(SOURCE_PURPOSE, &network(source)), any }
    }

    /// For a code of somebody whose first factor was right.
    pub(super) fn of_code(vault: &Vault, person: Id<Person>, source: IpAddr) -> Self {
        let any = vault.digest(SOURCE_PURPOSE, &[]);
        let account = vault.digest(CODE_PURPOSE, person.as_bytes());
        Self { account, source: vault.digest(SOURCE_PURPOSE, &network(source)), any }
    }
}

/// Keeps what is counted of codes apart from what is counted of passwords.
const CODE_PURPOSE: &str = "sign_in.code";

const SOURCE_PURPOSE: &str = "sign_in.source";

/// The part of an address that one subscriber holds: all of IPv4, the first 64 bits of IPv6.
fn network(source: IpAddr) -> Vec<u8> {
    match source.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
    }
}

/// The tallies that one try stands under; none where nothing was counted yet.
#[derive(Default)]
pub(super) struct Tallies {
    pub account_at_source: Option<Tally>,
    pub source: Option<Tally>,
    pub account: Option<Tally>,
}

/// Seconds that are to pass before the next try; none if it may be made now.
pub(super) fn wait_s(tallies: &Tallies, guessing: Guessing, now: Timestamp) -> Option<u64> {
    let is_familiar = tallies
        .account_at_source
        .and_then(|tally| tally.succeeded_at)
        .is_some_and(|at| now.since(at) < FAMILIAR);
    let (anywhere, patience) = match guessing {
        _ if is_familiar => (None, OF_ACCOUNT),
        Guessing::Password => (tallies.account, OF_ACCOUNT),
        Guessing::Code => (tallies.account, OF_ACCOUNT_BY_CODE),
        Guessing::RecoveryCode => (None, OF_ACCOUNT),
    };
    [(tallies.account_at_source, OF_ACCOUNT_AT_SOURCE), (tallies.source, OF_SOURCE), (anywhere, patience)]
        .into_iter()
        .filter_map(|(tally, patience)| remaining_s(tally?, &patience, now))
        .max()
}

/// The wait doubles with every failure past the free ones.
fn remaining_s(tally: Tally, patience: &Patience, now: Timestamp) -> Option<u64> {
    let past = tally.failures.checked_sub(patience.free).filter(|_| now.since(tally.tried_at) < FORGET)?;
    let wait_s = 2_u64.saturating_pow(past).min(patience.wait_s_max);
    let over =
        Duration::from_secs(wait_s).checked_sub(now.since(tally.tried_at)).filter(|left| !left.is_zero())?;
    Some(over.as_secs() + u64::from(over.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(failures: u32, tried_at_s: i64, succeeded_at_s: Option<i64>) -> Option<Tally> {
        Some(Tally {
            failures,
            tried_at: Timestamp::from_seconds(tried_at_s),
            succeeded_at: succeeded_at_s.map(Timestamp::from_seconds),
        })
    }

    #[test]
    fn waiting_grows_with_failures_and_ends() {
        let at = |failures, seconds_later: i64| {
            let tallies = Tallies { account_at_source: tally(failures, 1_000, None), ..Tallies::default() };
            wait_s(&tallies, Guessing::Password, Timestamp::from_seconds(1_000 + seconds_later))
        };
        for (failures, seconds_later, wait) in [
            (0, 0, None),
            (4, 0, None),
            (5, 0, Some(1)),
            (5, 1, None),
            (6, 0, Some(2)),
            (9, 10, Some(6)),
            (15, 0, Some(900)),
            (u32::MAX, 0, Some(900)),
            (u32::MAX, 899, Some(1)),
            (u32::MAX, 900, None),
            (u32::MAX, 1_800, None),
        ] {
            assert_eq!(at(failures, seconds_later), wait, "{failures} failures, {seconds_later} s later");
        }
    }

    #[test]
    fn guessing_from_everywhere_holds_back_strangers_by_seconds_and_the_person_not_at_all() {
        let now = Timestamp::from_seconds(10_000);
        let stranger = Tallies { account: tally(1_000_000, 10_000, None), ..Tallies::default() };
        assert_eq!(wait_s(&stranger, Guessing::Password, now), Some(8));
        assert_eq!(wait_s(&stranger, Guessing::Code, now), Some(300));
        assert_eq!(wait_s(&stranger, Guessing::RecoveryCode, now), None);
        let person = Tallies { account_at_source: tally(0, 9_000, Some(9_000)), ..stranger };
        for guessing in [Guessing::Password, Guessing::Code, Guessing::RecoveryCode] {
            assert_eq!(wait_s(&person, guessing, now), None);
        }
    }

    #[test]
    fn guessing_at_many_accounts_from_one_source_is_held_back() {
        let now = Timestamp::from_seconds(1_000);
        let spraying = |failures| {
            let tallies = Tallies { source: tally(failures, 1_000, None), ..Tallies::default() };
            wait_s(&tallies, Guessing::RecoveryCode, now)
        };
        assert_eq!(spraying(49), None);
        assert_eq!(spraying(60), Some(900));
    }

    #[test]
    fn a_subscriber_is_one_source() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
