//! Who renews: one process at a time, and only where nobody has yet.
//!
//! The lease and the note "sent" are one durable write, made before anything leaves the machine.

use kernel::{Connection, Id, Timestamp, World};
use store::{DbError, Writer};
use vault::Sealed;

use super::{
    RefreshPolicy,
    decide::Past,
    queries::{self, CallRow, CallState},
    tokens::TokenCall,
};
use crate::connection::{self, Status};

/// An answer that has lain in the journal for so long was left behind: its process would have used it at once.
const LEFT_BEHIND_AFTER: std::time::Duration = std::time::Duration::from_secs(2);

/// What came of trying to claim a renewal.
pub(super) enum Claim {
    /// The connection has newer tokens already.
    Moved,
    /// The connection is not one to renew.
    Ended,
    /// Somebody else renews it.
    Held,
    /// Renewing it failed a moment ago.
    NotBefore(Timestamp),
    /// There is nothing to renew it with.
    NotRenewable,
    /// An answer to an earlier call is there and wants to be used.
    Answered(Claimed, Sealed),
    /// Ours to call: the call is in the journal.
    Ask(Claimed, Sealed),
}

/// A renewal that is ours.
#[derive(Clone)]
pub(super) struct Claimed {
    pub call: Id<TokenCall>,
    pub connection: Id<Connection>,
    pub from_version: i64,
    pub fence: i64,
    /// When the answer reached us, from which the life of its tokens counts.
    pub received_at: Timestamp,
}

/// What a caller wants to have renewed.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub connection: Id<Connection>,
    /// The version that the caller has and that is not good enough.
    pub seen: i64,
}

pub(super) async fn claim(
    tx: &mut Writer,
    world: &World,
    policy: &RefreshPolicy,
    owner: &[u8; 16],
    wanted: Wanted,
) -> Result<Claim, DbError> {
    let now = world.now();
    let Some(row) = connection::queries::by_id(tx, wanted.connection).await? else {
        return Ok(Claim::Ended);
    };
    let is_over = matches!(row.status, Status::Revoking | Status::Revoked);
    if row.credential_version != wanted.seen && !is_over {
        return Ok(Claim::Moved);
    }
    let calls = queries::calls(tx, wanted.connection, wanted.seen).await?;
    let past_lease = row.lease_until <= now;
    let mut claimed = Claimed {
        call: world.new_id(),
        connection: wanted.connection,
        from_version: wanted.seen,
        fence: row.fence,
        received_at: now,
    };
    let lease_end = now + policy.lease;
    if let Some((call, received_at, answer)) = answered(&calls, past_lease, now) {
        (claimed.call, claimed.received_at) = (call, received_at);
        return match queries::take_lease(tx, wanted.connection, row.fence, owner, lease_end).await? {
            Some(fence) => Ok(Claim::Answered(Claimed { fence, ..claimed }, answer)),
            None => Ok(Claim::Held),
        };
    }
    match row.status {
        Status::Active | Status::Degraded => {}
        Status::NeedsReconnect(_) | Status::Revoking | Status::Revoked => return Ok(Claim::Ended),
    }
    if !past_lease {
        return Ok(Claim::Held);
    }
    if row.retry_at > now {
        return Ok(Claim::NotBefore(row.retry_at));
    }
    let credential = queries::credential(tx, wanted.connection, wanted.seen).await?;
    let Some(refresh) = credential.and_then(|credential| credential.refresh) else {
        return Ok(Claim::NotRenewable);
    };
    let Some(fence) = queries::take_lease(tx, wanted.connection, row.fence, owner, lease_end).await? else {
        return Ok(Claim::Held);
    };
    queries::give_up_sent(tx, wanted.connection, wanted.seen).await?;
    queries::insert_call(tx, claimed.call, wanted.connection, wanted.seen, fence, now).await?;
    Ok(Claim::Ask(Claimed { fence, ..claimed }, refresh))
}

/// The newest answer that nobody is using at this moment.
fn answered(
    calls: &[CallRow],
    past_lease: bool,
    now: Timestamp,
) -> Option<(Id<TokenCall>, Timestamp, Sealed)> {
    let call = calls.iter().find(|call| call.state == CallState::Received)?;
    let (at, answer) = (call.received_at?, call.answer.clone()?);
    let left_behind = now.since(at) >= LEFT_BEHIND_AFTER;
    (past_lease || left_behind).then_some((call.id, at, answer))
}

/// What the journal knows of earlier calls with the same refresh token, this one left out.
pub(super) fn past(calls: &[CallRow], this: Id<TokenCall>, consent_over: bool) -> Past {
    let others = || calls.iter().filter(|call| call.id != this);
    Past {
        lost: others()
            .any(|call| matches!(call.state, CallState::Sent | CallState::Lost | CallState::Unreadable)),
        tried_again: others().any(|call| call.state == CallState::Refused),
        consent_over,
    }
}
