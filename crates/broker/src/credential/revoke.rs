//! Ending a grant at the third party, for as long as that takes.  RFC 7009
//!
//! The connection is dead here the moment the person unlinks: its tokens are destroyed but for one copy, sealed into
//! the row of the revocation, which no other code reads. That copy goes when the third party has confirmed, or when
//! trying has come to its end.

use std::sync::Arc;

use audit::{Outcome, Subject};
use http::StatusCode;
use jobs::{Job, JobFault, Retry, enqueue};
use kernel::{Id, World};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Writer;
use vault::TenantVault;

use super::{
    CredentialFault, Tokens,
    ask::{ClientProof, Grant, TokenRequest},
    queries::{self, RevocationRow},
    tokens::{Revocation, places},
    withdraw::{self, Signed, Withdrawal},
};
use crate::{
    Broker, By,
    connection::ConnectionRow,
    integration::Integration,
    provider::{IssuedTokens, OAuth2Code, Revoke, RevokeHow, TokenReading, read_token_answer},
};
use outbound::{OutboundFault, WholeAnswer};

/// The longest answer to a revocation that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// End a grant at the third party.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokeAtProvider {
    revocation: Id<Revocation>,
}

/// Leave the end of a grant to the job, in the transaction in which it ends here.
pub(crate) async fn schedule(
    tx: &mut Writer,
    world: &World,
    vault: &TenantVault,
    connection: &ConnectionRow,
    tokens: &Tokens,
) -> Result<(), CredentialFault> {
    let id: Id<Revocation> = world.new_id();
    let plain = tokens.plain()?;
    let row = RevocationRow {
        connection: connection.id,
        integration: connection.integration,
        organisation: connection.organisation,
        tokens: Some(vault.seal(places::revocation(id), plain.expose())),
    };
    let now = world.now();
    queries::insert_revocation(tx, id, &row, now).await?;
    enqueue(tx, world, &RevokeAtProvider { revocation: id }, now, None).await?;
    Ok(())
}

impl Job for RevokeAtProvider {
    const NAME: &'static str = "connection.revoke_at_provider";
    /// About two days.
    const RETRY: Retry = Retry { attempts_max: 60, first_s: 5, max_s: 3600, jitter_percent: 20 };
    type Context = Broker;

    async fn run(self, broker: &Broker, attempt: u32) -> Result<(), JobFault> {
        let id = self.revocation;
        let mut reader = broker.db.read().await?;
        let row = queries::waiting_revocation(&mut reader, id).await?;
        drop(reader);
        let Some(row) = row else { return Ok(()) };
        match revoke(broker, id, &row).await {
            Ok(evidence) => finish(broker, id, row, "done", evidence).await,
            Err(fault @ JobFault::Final { .. }) => {
                finish(broker, id, row, "given_up", "not_possible").await?;
                Err(fault)
            }
            Err(fault) if attempt >= Self::RETRY.attempts_max => {
                finish(broker, id, row, "given_up", "not_confirmed").await?;
                Err(fault)
            }
            Err(fault) => Err(fault),
        }
    }
}

/// What is needed to end one grant.
struct Ending<'a> {
    broker: &'a Broker,
    id: Id<Revocation>,
    integration: Arc<Integration>,
    code: Arc<OAuth2Code>,
    proof: ClientProof,
    vault: TenantVault,
    tokens: Tokens,
}

/// Ask the third party; what it said, in one word.
async fn revoke(broker: &Broker, id: Id<Revocation>, row: &RevocationRow) -> Result<&'static str, JobFault> {
    let Some(sealed) = &row.tokens else { return Ok("nothing_left") };
    let vault = broker.vault.tenant(row.organisation).await?;
    let plain = vault.open(places::revocation(id), sealed)?;
    let tokens: Tokens =
        serde_json::from_slice(plain.expose()).map_err(|_| JobFault::dead("the tokens are unreadable"))?;
    let integration = broker.integration_of(row.integration).await?;
    let code = broker.code_flow(&integration).await?;
    let proof = broker.client_proof(&integration).await?;
    Ending { broker, id, integration, code, proof, vault, tokens }.carry_out().await
}

impl Ending<'_> {
    async fn carry_out(&self) -> Result<&'static str, JobFault> {
        let Some(way) = &self.code.revoke else { return Ok("not_offered") };
        let withdrawal = withdraw::written(
            &self.broker.world,
            &self.integration,
            &self.code,
            way,
            &self.proof,
            &self.tokens,
        )?;
        let calls = match withdrawal {
            Withdrawal::Calls(calls) => calls,
            Withdrawal::Signed(signed) => return self.carry_out_signed(way, &signed).await,
        };
        let mut evidence = "confirmed";
        for call in calls {
            match judged(way, self.broker.outbound.read(call, ANSWER_BYTES_MAX).await)? {
                Told::Ended(word) => evidence = word,
                Told::TokenDead => return self.with_a_newer_token().await,
            }
        }
        Ok(evidence)
    }

    /// A nonce is good for one request, so each attempt asks for its own.
    async fn carry_out_signed(&self, way: &Revoke, signed: &Signed<'_>) -> Result<&'static str, JobFault> {
        let (outbound, account_id) = (&self.broker.outbound, signed.account_id()?);
        let asked = outbound.read(signed.ask_nonce(self.broker.world.now()), ANSWER_BYTES_MAX).await?;
        if !asked.status.is_success() {
            return Err(not_done(asked.status));
        }
        let nonce = signed.nonce(&asked.body)?;
        let answer = outbound.read(signed.end(&nonce, account_id), ANSWER_BYTES_MAX).await?;
        if !answer.status.is_success() {
            return Err(not_done(answer.status));
        }
        signed.evidence(way, &answer.body)
    }

    /// A way to revoke that goes by the access token needs a good one. The refresh token brings it; it is kept for the
    /// next attempt, because the one before may be dead now.
    async fn with_a_newer_token(&self) -> Result<&'static str, JobFault> {
        let Some(refresh) = &self.tokens.refresh else { return Ok("token_already_dead") };
        let (code, settings) = (&*self.code, &self.integration.settings);
        let url = code.refresh_url.as_ref().unwrap_or(&code.token_url).fill(settings)?;
        let authentication = Some(code.client_authentication());
        let grant = Grant::Refresh { token: refresh };
        let request = TokenRequest { code, settings, proof: &self.proof, authentication, grant };
        let answer =
            self.broker.outbound.read(request.write(&self.broker.world, url)?, ANSWER_BYTES_MAX).await?;
        match read_token_answer(code, answer.status.as_u16(), &answer.body) {
            TokenReading::Tokens(newer) => self.keep(&newer).await,
            TokenReading::Refused { permanent: true, .. } => Ok("already_ended"),
            TokenReading::Refused { code, .. } => Err(JobFault::again(code.as_str())),
            TokenReading::Transient { why } => Err(JobFault::again(why.to_string())),
        }
    }

    async fn keep(&self, newer: &IssuedTokens) -> Result<&'static str, JobFault> {
        let tokens = Tokens {
            access: newer.access.clone(),
            refresh: newer.refresh.clone().or_else(|| self.tokens.refresh.clone()),
            account_id: self.tokens.account_id.clone(),
        };
        let plain = tokens.plain()?;
        let sealed = self.vault.seal(places::revocation(self.id), plain.expose());
        let id = self.id;
        let unit = async move |tx: &mut Writer| queries::replace_tokens(tx, id, &sealed).await;
        self.broker.db.write(unit).await?;
        Err(JobFault::again("the next attempt has a newer token"))
    }
}

/// What an answer proves.
enum Told {
    Ended(&'static str),
    TokenDead,
}

fn judged(way: &Revoke, answer: Result<WholeAnswer, OutboundFault>) -> Result<Told, JobFault> {
    let status = match answer {
        Ok(answer) => answer.status,
        Err(fault) => return Err(fault.into()),
    };
    if status.is_success() {
        return Ok(Told::Ended("confirmed"));
    }
    if way.already_revoked.contains(&status.as_u16()) {
        return Ok(Told::Ended("already_ended"));
    }
    let by_access_token = matches!(way.how, RevokeHow::Bearer | RevokeHow::QueryToken { .. });
    if by_access_token && status == StatusCode::UNAUTHORIZED {
        return Ok(Told::TokenDead);
    }
    Err(not_done(status))
}

fn not_done(status: StatusCode) -> JobFault {
    JobFault::again(format!("the third party answered {status} to a revocation"))
}

/// Destroy the copy, and write down what is known.
async fn finish(
    broker: &Broker,
    id: Id<Revocation>,
    row: RevocationRow,
    state: &'static str,
    evidence: &'static str,
) -> Result<(), JobFault> {
    let world = broker.world.clone();
    let outcome = if state == "done" { Outcome::Done } else { Outcome::Failed(evidence) };
    let (connection, organisation) = (row.connection, row.organisation);
    let unit = async move |tx: &mut Writer| -> Result<(), store::DbError> {
        let now = world.now();
        if !queries::end_revocation(tx, id, state, evidence, now).await? {
            return Ok(());
        }
        queries::end_connection(tx, connection, evidence, now).await?;
        let details = json!({ "evidence": evidence });
        let entry = By::system().did(
            organisation,
            "connection.revoked_at_provider",
            Subject::of(connection),
            outcome,
            details,
        );
        audit::record(tx, &world, &entry).await
    };
    broker.db.write(unit).await?;
    Ok(())
}
