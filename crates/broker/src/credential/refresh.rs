//! Renewing a connection's tokens: claim, call, keep the answer, use it.  RFC 6749 §6, RFC 9700 §4.14, `docs/broker.md`
//!
//! The order is what makes it safe to kill the process at any point:
//!
//! 1. One durable write takes the lease and notes "sent".
//! 2. The call is made; the lease is prolonged while it is under way, so that nobody makes a second one meanwhile.
//! 3. The answer is kept, sealed and unread, in one durable write: from here on it cannot be lost.
//! 4. It is read, and one durable write moves the connection on, where version and fence are still the ones of step 1.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use kernel::Timestamp;
use store::{DbError, Writer};
use vault::{Sealed, TenantVault};

use super::{
    CredentialFault,
    ask::{ClientProof, Grant, TokenRequest},
    claim::{Claim, Claimed, Wanted, claim},
    queries,
    settle::{Said, Unanswered, settle, unanswered},
    tokens::places,
};
use crate::{
    Broker, By, connection,
    integration::Integration,
    provider::{ANSWER_BYTES_MAX, OAuth2Code},
};
use outbound::{Call, OutboundFault};

/// How often the state is looked at while another process renews and says nothing.
const LOOK_AGAIN_EVERY: Duration = Duration::from_millis(250);
/// The most rounds of one renewal; each is a look, a wait or a call.
const ROUNDS_MAX: u32 = 2_000;
/// How often keeping an answer is tried: it may be the only copy of a one-time token.
const KEEP_TRIES_MAX: u32 = 120;
/// How long between two tries of keeping an answer.
const KEEP_PAUSE: Duration = Duration::from_millis(500);

/// What came of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// There are newer tokens.
    Done,
    /// There is nothing to renew any more.
    Ended,
    /// It failed for the moment; not before then.
    NotBefore(Timestamp),
    /// It failed for the moment.
    Failed,
}

/// What a round came to.
pub(super) enum Step {
    Over(Renewal),
    Again,
    Wait,
}

/// What is needed to ask this integration's token endpoint.
pub(super) struct Prepared {
    pub integration: Arc<Integration>,
    pub code: Arc<OAuth2Code>,
    pub proof: ClientProof,
    pub vault: TenantVault,
}

/// Renew, or wait for whoever does.
pub(super) async fn renew(broker: &Broker, wanted: Wanted, by: &By) -> Renewal {
    for _ in 0..ROUNDS_MAX {
        let mut changes = broker.changes.subscribe();
        match step(broker, wanted, by).await {
            Ok(Step::Over(renewal)) => return renewal,
            Ok(Step::Again) => {}
            Ok(Step::Wait) => {
                // Either way the next round looks at the database.
                drop(tokio::time::timeout(LOOK_AGAIN_EVERY, changes.changed()).await);
            }
            Err(fault) => {
                tracing::warn!(connection = %wanted.connection, %fault, "a renewal could not be carried out");
                return Renewal::Failed;
            }
        }
    }
    Renewal::Failed
}

async fn step(broker: &Broker, wanted: Wanted, by: &By) -> Result<Step, CredentialFault> {
    let prepared = Arc::new(prepare(broker, wanted).await?);
    let (world, policy, node) = (broker.world.clone(), broker.policy, broker.node);
    let unit = async move |tx: &mut Writer| -> Result<Claim, DbError> {
        claim(tx, &world, &policy, &node, wanted).await
    };
    match broker.db.write(unit).await? {
        Claim::Moved => Ok(Step::Over(Renewal::Done)),
        Claim::Ended | Claim::NotRenewable => Ok(Step::Over(Renewal::Ended)),
        Claim::Held => Ok(Step::Wait),
        Claim::NotBefore(then) => Ok(Step::Over(Renewal::NotBefore(then))),
        Claim::Answered(claimed, sealed) => {
            tracing::info!(connection = %wanted.connection, step = "recovering", "renewal");
            let kept = prepared.vault.open(places::answer(claimed.call), &sealed)?;
            let (status, body) = unpacked(kept.expose());
            settle(broker, &prepared, &claimed, by, Said { status, body, wait: None }).await
        }
        Claim::Ask(claimed, refresh) => {
            tracing::debug!(connection = %wanted.connection, step = "sent", "renewal");
            ask(broker, &prepared, claimed, by, &refresh).await
        }
    }
}

async fn prepare(broker: &Broker, wanted: Wanted) -> Result<Prepared, CredentialFault> {
    let mut reader = broker.db.read().await?;
    let row = connection::queries::by_id(&mut reader, wanted.connection).await?;
    drop(reader);
    let row = row.ok_or(CredentialFault::NotLinked)?;
    let integration = broker.integration_of(row.integration).await?;
    let code = broker.code_flow(&integration).await?;
    let proof = broker.client_proof(&integration).await?;
    let vault = broker.vault.tenant(row.organisation).await?;
    Ok(Prepared { integration, code, proof, vault })
}

/// Steps 2 to 4.
async fn ask(
    broker: &Broker,
    prepared: &Arc<Prepared>,
    mut claimed: Claimed,
    by: &By,
    refresh: &Sealed,
) -> Result<Step, CredentialFault> {
    let call = match written(broker, prepared, &claimed, refresh) {
        Ok(call) => call,
        Err(fault) => {
            tracing::warn!(integration = prepared.integration.slug, %fault, "a renewal could not be asked for");
            return unanswered(broker, prepared, &claimed, by, Unanswered::NotSent).await;
        }
    };
    let (status, wait, body) = match sent(broker, &claimed, call).await {
        Ok(answer) => answer,
        Err(fault) => {
            tracing::warn!(integration = prepared.integration.slug, %fault, "the token endpoint did not answer");
            let how = match fault {
                _ if fault.was_not_sent() => Unanswered::NotSent,
                OutboundFault::TooLarge { .. } => Unanswered::Unreadable,
                _ => Unanswered::Lost,
            };
            return unanswered(broker, prepared, &claimed, by, how).await;
        }
    };
    claimed.received_at = broker.world.now();
    keep(broker, &claimed, prepared.vault.seal(places::answer(claimed.call), &packed(status, &body))).await?;
    tracing::debug!(connection = %claimed.connection, step = "received", "renewal");
    settle(broker, prepared, &claimed, by, Said { status, body: &body, wait }).await
}

fn written(
    broker: &Broker,
    prepared: &Prepared,
    claimed: &Claimed,
    refresh: &Sealed,
) -> Result<Call, CredentialFault> {
    let code = &*prepared.code;
    let token = prepared.vault.open_text(places::refresh(claimed.connection), refresh)?;
    let settings = &prepared.integration.settings;
    let url = code.refresh_url.as_ref().unwrap_or(&code.token_url);
    let url = url.fill(settings).map_err(crate::integration::IntegrationFault::from)?;
    let authentication = Some(code.client_authentication());
    let grant = Grant::Refresh { token: &token };
    let request = TokenRequest { code, settings, proof: &prepared.proof, authentication, grant };
    let mut call = request.write(&broker.world, url)?;
    call.timeout = broker.policy.call_max;
    Ok(call)
}

/// Make the call, and prolong the lease for as long as it takes.
async fn sent(
    broker: &Broker,
    claimed: &Claimed,
    call: Call,
) -> Result<(u16, Option<Duration>, Bytes), OutboundFault> {
    let answer = broker.outbound.read(call, ANSWER_BYTES_MAX);
    tokio::select! {
        biased;
        answer = answer => {
            let answer = answer?;
            let wait = outbound::retry_after(&answer.headers, broker.world.now());
            Ok((answer.status.as_u16(), wait, answer.body))
        }
        never = prolong(broker, claimed) => match never {},
    }
}

/// Prolong the lease at every third of it. If it is lost, the answer is waited for all the same: nobody else will
/// ever get it.
async fn prolong(broker: &Broker, claimed: &Claimed) -> std::convert::Infallible {
    let (connection, fence) = (claimed.connection, claimed.fence);
    loop {
        tokio::time::sleep(broker.policy.lease / 3).await;
        let until = broker.world.now() + broker.policy.lease;
        let unit = async move |tx: &mut Writer| queries::prolong_lease(tx, connection, fence, until).await;
        match broker.db.write(unit).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(%connection, "a renewal's lease was taken over while its call was under way");
                return std::future::pending().await;
            }
            Err(fault) => tracing::warn!(%connection, %fault, "a renewal's lease could not be prolonged"),
        }
    }
}

/// Step 3. It is tried for a long time: what is in hand may be the only copy of a one-time token.
async fn keep(broker: &Broker, claimed: &Claimed, answer: Sealed) -> Result<(), DbError> {
    let (call, at) = (claimed.call, claimed.received_at);
    let mut tries = 0;
    loop {
        let answer = answer.clone();
        let unit = async move |tx: &mut Writer| queries::note_received(tx, call, &answer, at).await;
        match broker.db.write(unit).await {
            Ok(_) => return Ok(()),
            Err(fault) if tries >= KEEP_TRIES_MAX => return Err(fault),
            Err(fault) => {
                tracing::error!(connection = %claimed.connection, %fault, "a token answer is not kept yet");
                tries += 1;
                tokio::time::sleep(KEEP_PAUSE).await;
            }
        }
    }
}

/// Status and body as one text, before anything is read in it.
fn packed(status: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = status.to_be_bytes().to_vec();
    bytes.extend_from_slice(body);
    bytes
}

fn unpacked(bytes: &[u8]) -> (u16, &[u8]) {
    match bytes.split_first_chunk::<2>() {
        Some((status, body)) => (u16::from_be_bytes(*status), body),
        None => (0, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_as_it_came() {
        assert_eq!(unpacked(&packed(400, b"{}")), (400, &b"{}"[..]));
        assert_eq!(unpacked(&packed(200, b"")), (200, &b""[..]));
        assert_eq!(unpacked(b"x"), (0, &b""[..]));
    }
}
