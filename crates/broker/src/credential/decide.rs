//! What to do with a token, with a claim and with an answer. Everything that can end a connection is decided here.

use std::time::Duration;

use kernel::{Connection, Id, Timestamp};

use super::Live;
use crate::{
    connection::{Reason, Status},
    provider::{RefusalCode, Rotation, TokenReading},
};

/// The first pause after a renewal that failed for the moment; doubled with each failure.
const BACKOFF_FIRST: Duration = Duration::from_secs(2);
/// The longest such pause.
const BACKOFF_MAX: Duration = Duration::from_secs(900);
/// The longest pause that a third party's `Retry-After` brings about.
const ASKED_MAX: Duration = Duration::from_secs(3600);

/// What a caller does with the token in memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Take it.
    Now,
    /// Take it, and have it renewed meanwhile.
    NowAndRenew,
    /// It has ended: have it renewed and wait.
    AfterRenewal,
    /// It has ended, and renewing it was tried just now; not before.
    NotBefore(Timestamp),
    /// It has ended and there is nothing to renew it with.
    Never(Reason),
}

pub(super) fn how_to_use(live: &Live, now: Timestamp) -> Use {
    if let Status::NeedsReconnect(reason) = live.status {
        return Use::Never(reason);
    }
    let ended = live.expires_at.is_some_and(|end| end <= now);
    let due = live.renew_from.is_some_and(|from| from <= now);
    match (ended, live.renewable) {
        (true, false) => Use::Never(Reason::ConsentEnded),
        (true, true) if live.retry_at > now => Use::NotBefore(live.retry_at),
        (true, true) => Use::AfterRenewal,
        (false, true) if due && live.retry_at <= now => Use::NowAndRenew,
        (false, _) => Use::Now,
    }
}

/// From when on a token is renewed while it is still good: a tenth of its life before its end, at most `margin_max`,
/// moved by up to a quarter by the connection's id, so that accounts linked together do not renew together.
pub(super) fn renew_from(
    id: Id<Connection>,
    obtained_at: Timestamp,
    expires_at: Timestamp,
    margin_max: Duration,
) -> Timestamp {
    let margin = (expires_at.since(obtained_at) / 10).min(margin_max);
    let spread = id.as_bytes().last().copied().unwrap_or(0);
    let jittered = margin.saturating_mul(3) / 4 + margin.saturating_mul(u32::from(spread)) / 1024;
    expires_at - jittered
}

/// How long to leave a token endpoint alone after so many failures in a row.
pub(super) fn backoff(failures: i64, asked: Option<Duration>) -> Duration {
    let doublings = u32::try_from(failures.clamp(0, 16)).unwrap_or(0);
    let own = BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MAX);
    own.max(asked.unwrap_or_default().min(ASKED_MAX))
}

/// What an answer of the token endpoint means for the connection.
pub(super) enum Verdict {
    /// New tokens.
    Renewed(Box<crate::provider::IssuedTokens>),
    /// The grant is gone.
    Gone,
    /// The third party has closed the endpoint for good (410, RFC 9110 §15.5.11).
    Closed,
    /// Nothing is decided. The word is for the audit trail.
    Passing(&'static str),
    /// Nothing is decided, and the tokens may have been replaced by ones that we could not read.
    Unreadable,
}

pub(super) fn verdict(http_status: u16, reading: TokenReading) -> Verdict {
    let success = (200..300).contains(&http_status);
    match reading {
        TokenReading::Refused { permanent: false, .. } | TokenReading::Transient { .. }
            if http_status == 410 =>
        {
            Verdict::Closed
        }
        TokenReading::Tokens(tokens) => Verdict::Renewed(tokens),
        TokenReading::Refused { permanent: true, .. } => Verdict::Gone,
        TokenReading::Refused { code, permanent: false } => Verdict::Passing(word_of(code)),
        TokenReading::Transient { .. } if success => Verdict::Unreadable,
        TokenReading::Transient { .. } => Verdict::Passing("temporarily_unavailable"),
    }
}

/// A refusal that lies in the set-up is the operator's to mend; it is no reason to send people to link again.
const fn word_of(code: RefusalCode) -> &'static str {
    code.as_str()
}

/// What was going on before the third party said that the grant is gone.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Past {
    /// Calls with the same refresh token that were sent and never answered, or answered in a way that could not be read.
    pub lost: bool,
    /// The consent's own end has passed.
    pub consent_over: bool,
    /// The same token has already been tried again in the grace window.
    pub tried_again: bool,
}

/// What to do when the third party says that the grant is gone.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Ask once more: the provider honours the previous token for a while.
    AskAgain,
    /// The person has to link again.
    Reconnect(Reason),
}

pub(super) fn end(rotation: Rotation, past: Past) -> End {
    if matches!(rotation, Rotation::Grace { .. }) && !past.tried_again {
        return End::AskAgain;
    }
    let rotates = !matches!(rotation, Rotation::Static | Rotation::ReplaceSoft | Rotation::None);
    End::Reconnect(match past {
        Past { consent_over: true, .. } => Reason::ConsentEnded,
        Past { lost: true, .. } if rotates => Reason::RotationLost,
        _ => Reason::InvalidGrant,
    })
}

#[cfg(test)]
mod tests {
    use kernel::Scopes;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn live(status: Status, renewable: bool, retry_at: i64) -> Live {
        Live {
            id: Id::from_bytes([1; 16]),
            person: Id::from_bytes([2; 16]),
            integration: Id::from_bytes([3; 16]),
            status,
            granted: Scopes::none(),
            version: 1,
            authorization: http::HeaderValue::from_static("Bearer x"),
            renewable,
            expires_at: Some(at(100)),
            renew_from: Some(at(90)),
            retry_at: at(retry_at),
        }
    }

    #[test]
    fn a_token_is_used_while_it_is_good_and_renewed_before_it_ends() {
        let table = [
            (Status::Active, true, 0, 89, Use::Now),
            (Status::Active, true, 0, 90, Use::NowAndRenew),
            (Status::Degraded, true, 95, 92, Use::Now),
            (Status::Degraded, true, 95, 95, Use::NowAndRenew),
            (Status::Active, true, 0, 100, Use::AfterRenewal),
            (Status::Degraded, true, 130, 100, Use::NotBefore(at(130))),
            (Status::Degraded, true, 130, 130, Use::AfterRenewal),
            (Status::Active, false, 0, 99, Use::Now),
            (Status::Active, false, 0, 100, Use::Never(Reason::ConsentEnded)),
            (Status::NeedsReconnect(Reason::InvalidGrant), true, 0, 1, Use::Never(Reason::InvalidGrant)),
        ];
        for (status, renewable, retry_at, now, expected) in table {
            assert_eq!(
                how_to_use(&live(status, renewable, retry_at), at(now)),
                expected,
                "{status:?} at {now}"
            );
        }
        let mut endless = live(Status::Active, true, 0);
        (endless.expires_at, endless.renew_from) = (None, None);
        assert_eq!(how_to_use(&endless, at(1_000_000)), Use::Now);
    }

    #[test]
    fn the_margin_is_a_tenth_at_most_and_differs_between_connections() {
        let margin = |last: u8, life: i64| {
            let id = Id::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
            at(life).since(renew_from(id, at(0), at(life), Duration::from_secs(600)))
        };
        for life in [2, 300, 3_600, 28_800, 1_000_000] {
            for last in [0, 7, 255] {
                let most = Duration::from_secs(u64::try_from(life).unwrap()) / 10;
                assert!(margin(last, life) <= most.min(Duration::from_secs(600)));
                assert!(margin(last, life) >= most.min(Duration::from_secs(600)) / 2);
            }
        }
        assert_ne!(margin(0, 28_800), margin(255, 28_800));
    }

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!(backoff(0, None), BACKOFF_FIRST);
        assert_eq!(backoff(2, None), BACKOFF_FIRST * 4);
        assert_eq!(backoff(i64::MAX, None), BACKOFF_MAX);
        assert_eq!(backoff(0, Some(Duration::from_secs(60))), Duration::from_secs(60));
        assert_eq!(backoff(0, Some(Duration::from_secs(1_000_000))), ASKED_MAX);
    }

    #[test]
    fn only_the_provider_s_own_word_ends_a_connection_and_the_reason_is_the_truth() {
        let grace = Rotation::Grace { window_s: 1 };
        let past = |lost, consent_over, tried_again| Past { lost, consent_over, tried_again };
        let table = [
            (Rotation::OneTime, past(false, false, false), End::Reconnect(Reason::InvalidGrant)),
            (Rotation::OneTime, past(true, false, false), End::Reconnect(Reason::RotationLost)),
            (Rotation::Unknown, past(true, false, false), End::Reconnect(Reason::RotationLost)),
            (Rotation::Static, past(true, false, false), End::Reconnect(Reason::InvalidGrant)),
            (Rotation::OneTime, past(true, true, false), End::Reconnect(Reason::ConsentEnded)),
            (grace, past(false, false, false), End::AskAgain),
            (grace, past(false, false, true), End::Reconnect(Reason::InvalidGrant)),
            (grace, past(true, false, true), End::Reconnect(Reason::RotationLost)),
        ];
        for (rotation, past, expected) in table {
            assert_eq!(end(rotation, past), expected, "{rotation:?} {past:?}");
        }
    }

    #[test]
    fn whatever_is_unclear_is_passing() {
        let refused = |code, permanent| TokenReading::Refused { code, permanent };
        assert!(matches!(verdict(400, refused(RefusalCode::InvalidGrant, true)), Verdict::Gone));
        assert!(matches!(
            verdict(401, refused(RefusalCode::InvalidClient, false)),
            Verdict::Passing("invalid_client")
        ));
        assert!(matches!(verdict(400, refused(RefusalCode::Other, false)), Verdict::Passing(_)));
        let junk = || TokenReading::Transient { why: crate::provider::TransientWhy::NoAccessToken };
        assert!(matches!(verdict(410, junk()), Verdict::Closed));
        assert!(matches!(verdict(404, junk()), Verdict::Passing(_)));
        assert!(matches!(verdict(200, junk()), Verdict::Unreadable));
        assert!(matches!(verdict(503, junk()), Verdict::Passing("temporarily_unavailable")));
    }
}
