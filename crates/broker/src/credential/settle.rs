//! What an answer of the token endpoint changes.
//!
//! Every change here asks for the version and the fence under which the call was made. Whoever comes too late changes
//! nothing and goes by what is there.

use std::{sync::Arc, time::Duration};

use audit::{Outcome, Subject};
use jobs::publish;
use kernel::{Event, Timestamp};
use serde_json::json;
use store::Writer;
use vault::Sealed;
use watch::{Line, What};

use super::{
    CredentialFault, Tokens,
    claim::{Claimed, past},
    decide::{End, Verdict, backoff, end, verdict},
    queries::{self, CallState, CredentialRow},
    refresh::{Prepared, Renewal, Step},
    revoke,
    tokens::places,
};
use crate::{
    Broker, By,
    connection::{self, ConnectionRow, Reason, Status},
    provider::{IssuedTokens, read_token_answer},
};

/// Everything that a change needs.
#[derive(Clone)]
struct Scene {
    broker: Broker,
    prepared: Arc<Prepared>,
    claimed: Claimed,
    by: By,
}

/// What the token endpoint said.
pub(super) struct Said<'a> {
    pub status: u16,
    pub body: &'a [u8],
    /// How long it asks to be left alone.
    pub wait: Option<Duration>,
}

/// Use an answer that is in the journal.
pub(super) async fn settle(
    broker: &Broker,
    prepared: &Arc<Prepared>,
    claimed: &Claimed,
    by: &By,
    said: Said<'_>,
) -> Result<Step, CredentialFault> {
    let scene = Scene {
        broker: broker.clone(),
        prepared: prepared.clone(),
        claimed: claimed.clone(),
        by: by.clone(),
    };
    let db = broker.db.clone();
    let wait = said.wait;
    match verdict(said.status, read_token_answer(&prepared.code, said.status, said.body)) {
        Verdict::Renewed(tokens) => {
            let tokens = Arc::new(*tokens);
            db.write(async move |tx: &mut Writer| renewed(tx, &scene, &tokens).await).await
        }
        Verdict::Gone => db.write(async move |tx: &mut Writer| gone(tx, &scene, None).await).await,
        Verdict::Closed => {
            let reason = Some(Reason::ProviderClosed);
            db.write(async move |tx: &mut Writer| gone(tx, &scene, reason).await).await
        }
        Verdict::Passing(word) => {
            db.write(async move |tx: &mut Writer| failed(tx, &scene, CallState::Failed, word, wait).await)
                .await
        }
        Verdict::Unreadable => {
            let word = "unreadable_answer";
            db.write(async move |tx: &mut Writer| failed(tx, &scene, CallState::Unreadable, word, wait).await)
                .await
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Copy)]
pub(super) enum Unanswered {
    /// The third party has seen nothing.
    NotSent,
    /// The third party may have acted on it.
    Lost,
    /// It was answered with more than is read.
    Unreadable,
}

/// Go on without an answer.
pub(super) async fn unanswered(
    broker: &Broker,
    prepared: &Arc<Prepared>,
    claimed: &Claimed,
    by: &By,
    how: Unanswered,
) -> Result<Step, CredentialFault> {
    let scene = Scene {
        broker: broker.clone(),
        prepared: prepared.clone(),
        claimed: claimed.clone(),
        by: by.clone(),
    };
    let (state, word) = match how {
        Unanswered::NotSent => (CallState::Unsent, "not_reached"),
        Unanswered::Lost => (CallState::Lost, "no_answer"),
        Unanswered::Unreadable => (CallState::Unreadable, "unreadable_answer"),
    };
    broker.db.write(async move |tx: &mut Writer| failed(tx, &scene, state, word, None).await).await
}

/// New tokens came.
async fn renewed(tx: &mut Writer, scene: &Scene, tokens: &IssuedTokens) -> Result<Step, CredentialFault> {
    let claimed = &scene.claimed;
    let Some(before) = connection::queries::by_id(tx, claimed.connection).await? else {
        return Ok(Step::Over(Renewal::Ended));
    };
    if matches!(before.status, Status::Revoking | Status::Revoked) {
        return revoke_instead(tx, scene, &before, tokens).await;
    }
    let now = scene.broker.world.now();
    let renewal = queries::Renewal {
        connection: claimed.connection,
        from_version: claimed.from_version,
        fence: claimed.fence,
        scopes_granted: tokens.scopes.clone(),
        consent_expires_at: consent_end(scene, tokens),
        status: Status::with_tokens(&before.scopes_asked, tokens.scopes.as_ref()),
        now,
    };
    let old = queries::credential(tx, claimed.connection, claimed.from_version).await?;
    if !queries::move_on(tx, &renewal).await? {
        return overtaken(tx, scene, &before).await;
    }
    let row = next_credential(scene, tokens, old.and_then(|old| old.refresh));
    queries::insert_credential(tx, claimed.connection, &row).await?;
    queries::delete_credentials_before(tx, claimed.connection, row.version).await?;
    queries::end_call(tx, claimed.call, CallState::Applied).await?;
    scene.note(tx, What::TokensRenewed, None);
    match renewal.status {
        Status::NeedsReconnect(reason) => tell_reconnect(tx, scene, &before, reason).await?,
        _ if before.status != Status::Active => {
            let entry = scene.entry(&before, "connection.recovered", Outcome::Done);
            audit::record(tx, &scene.broker.world, &entry).await?;
        }
        _ => {}
    }
    connection::queries::tell(tx, &before).await?;
    Ok(Step::Over(Renewal::Done))
}

/// The rules of the provider's file say when consent ends; where they do not, the refresh token's own end counts, and
/// each renewal moves it.
fn consent_end(scene: &Scene, tokens: &IssuedTokens) -> Option<Timestamp> {
    match scene.prepared.code.consent_ttl_s {
        Some(_) => None,
        None => tokens.refresh_expires_in_s.map(|s| scene.claimed.received_at + Duration::from_secs(s)),
    }
}

/// The tokens as the next version's row. An answer without a refresh token means: go on with the one you have.
fn next_credential(scene: &Scene, tokens: &IssuedTokens, old_refresh: Option<Sealed>) -> CredentialRow {
    let (claimed, vault) = (&scene.claimed, &scene.prepared.vault);
    let seal = |secret: &kernel::Secret<String>| {
        vault.seal(places::refresh(claimed.connection), secret.expose().as_bytes())
    };
    CredentialRow {
        version: claimed.from_version + 1,
        access: vault.seal(places::access(claimed.connection), tokens.access.expose().as_bytes()),
        refresh: tokens.refresh.as_ref().map(seal).or(old_refresh),
        expires_at: tokens.expires_in_s.map(|s| claimed.received_at + Duration::from_secs(s)),
        obtained_at: claimed.received_at,
    }
}

/// The person unlinked while the call was under way: the new tokens are ended over there as well.
async fn revoke_instead(
    tx: &mut Writer,
    scene: &Scene,
    before: &ConnectionRow,
    tokens: &IssuedTokens,
) -> Result<Step, CredentialFault> {
    let again = Tokens {
        access: tokens.access.clone(),
        refresh: tokens.refresh.clone(),
        account_id: tokens.account_id.clone().map(kernel::Secret::new),
    };
    revoke::schedule(tx, &scene.broker.world, &scene.prepared.vault, before, &again).await?;
    queries::end_call(tx, scene.claimed.call, CallState::Unused).await?;
    Ok(Step::Over(Renewal::Ended))
}

/// The connection is not where the answer belongs any more.
async fn overtaken(tx: &mut Writer, scene: &Scene, now_is: &ConnectionRow) -> Result<Step, CredentialFault> {
    let claimed = &scene.claimed;
    if now_is.credential_version != claimed.from_version {
        queries::end_call(tx, claimed.call, CallState::Unused).await?;
        return Ok(Step::Over(Renewal::Done));
    }
    // Another process holds the lease and is asking as well. This answer stays in the journal; whoever finds that
    // theirs is worth nothing will use it.
    Ok(Step::Wait)
}

/// The third party says that the grant is gone, or (with a reason) that there is nobody to ask any more.
async fn gone(tx: &mut Writer, scene: &Scene, reason: Option<Reason>) -> Result<Step, CredentialFault> {
    let claimed = &scene.claimed;
    let Some(before) = connection::queries::by_id(tx, claimed.connection).await? else {
        return Ok(Step::Over(Renewal::Ended));
    };
    queries::end_call(tx, claimed.call, CallState::Refused).await?;
    if before.credential_version != claimed.from_version {
        return Ok(Step::Over(Renewal::Done));
    }
    if !matches!(before.status, Status::Active | Status::Degraded) {
        queries::release_lease(tx, claimed.connection, claimed.fence).await?;
        return Ok(Step::Over(Renewal::Ended));
    }
    if before.fence != claimed.fence {
        return Ok(Step::Wait);
    }
    let calls = queries::calls(tx, claimed.connection, claimed.from_version).await?;
    if calls.iter().any(|call| call.id != claimed.call && call.state == CallState::Received) {
        queries::release_lease(tx, claimed.connection, claimed.fence).await?;
        return Ok(Step::Again);
    }
    if let Some(reason) = reason {
        return reconnect(tx, scene, &before, reason).await;
    }
    let now = scene.broker.world.now();
    let consent_over = before.consent_expires_at.is_some_and(|end| end <= now);
    match end(scene.prepared.code.token.rotation, past(&calls, claimed.call, consent_over)) {
        End::AskAgain => {
            queries::release_lease(tx, claimed.connection, claimed.fence).await?;
            Ok(Step::Again)
        }
        End::Reconnect(reason) => reconnect(tx, scene, &before, reason).await,
    }
}

async fn reconnect(
    tx: &mut Writer,
    scene: &Scene,
    before: &ConnectionRow,
    reason: Reason,
) -> Result<Step, CredentialFault> {
    let (claimed, world) = (&scene.claimed, &scene.broker.world);
    queries::need_reconnect(tx, claimed.connection, claimed.from_version, claimed.fence, reason, world.now())
        .await?;
    tell_reconnect(tx, scene, before, reason).await?;
    connection::queries::tell(tx, before).await?;
    Ok(Step::Over(Renewal::Ended))
}

/// The person has to link again: on record, and told to whoever subscribed.
async fn tell_reconnect(
    tx: &mut Writer,
    scene: &Scene,
    before: &ConnectionRow,
    reason: Reason,
) -> Result<(), CredentialFault> {
    let world = &scene.broker.world;
    let entry = scene.entry(before, "connection.needs_reconnect", Outcome::Failed(reason.as_str()));
    audit::record(tx, world, &entry).await?;
    scene.note(tx, What::ReconnectNeeded, Some(reason.as_str()));
    let event = Event {
        organisation: before.organisation,
        name: "connection.needs_reconnect",
        subject: before.id.to_string(),
        data: json!({ "integration": scene.prepared.integration.slug, "reason": reason.as_str() }),
    };
    Ok(publish(tx, world, &event).await?)
}

/// Nothing is decided: the connection stays, and is left alone for a while.
async fn failed(
    tx: &mut Writer,
    scene: &Scene,
    state: CallState,
    word: &'static str,
    wait: Option<Duration>,
) -> Result<Step, CredentialFault> {
    let (claimed, world) = (&scene.claimed, &scene.broker.world);
    queries::end_call(tx, claimed.call, state).await?;
    let Some(before) = connection::queries::by_id(tx, claimed.connection).await? else {
        return Ok(Step::Over(Renewal::Ended));
    };
    let now = world.now();
    let retry_at = now + backoff(before.failures, wait);
    let (from, fence) = (claimed.from_version, claimed.fence);
    if !queries::degrade(tx, claimed.connection, from, fence, retry_at, now).await? {
        let moved = before.credential_version != from;
        return Ok(Step::Over(if moved { Renewal::Done } else { Renewal::Failed }));
    }
    let entry = scene.entry(&before, "connection.refresh", Outcome::Failed(word));
    audit::record(tx, world, &entry).await?;
    scene.note(tx, What::RenewalFailed, Some(word));
    connection::queries::tell(tx, &before).await?;
    Ok(Step::Over(Renewal::NotBefore(retry_at)))
}

impl Scene {
    /// What the integration's log says, once this unit is committed.
    fn note(&self, tx: &mut Writer, what: What, why: Option<&'static str>) {
        let line = Line::of(self.prepared.integration.id, what).because(why).about(self.claimed.connection);
        self.broker.log.note_in(tx, line);
    }

    fn entry(&self, connection: &ConnectionRow, act: &'static str, outcome: Outcome) -> audit::Entry {
        let details = json!({ "integration": self.prepared.integration.slug, "person": connection.person });
        self.by.did(connection.organisation, act, Subject::of(connection.id), outcome, details)
    }
}
