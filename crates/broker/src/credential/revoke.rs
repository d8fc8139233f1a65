//! Ending a grant at the third party, for as long as that takes.  RFC 7009
//!
//! The connection is dead here the moment the person unlinks: its tokens are destroyed but for one copy, sealed into
//! the row of the revocation, which no other code reads. That copy goes when the third party has confirmed, or when
//! trying has come to its end.

use audit::{Outcome, Subject};
use http::{HeaderValue, Method, StatusCode, header};
use jobs::{Job, JobFault, Retry, enqueue};
use kernel::{Id, Secret, World};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Writer;
use url::Url;
use vault::TenantVault;

use super::{
    CredentialFault, Tokens,
    ask::{ClientProof, Grant, TokenRequest, sensitive},
    queries::{self, RevocationRow},
    tokens::{Revocation, places},
};
use crate::{
    Broker, By,
    connection::ConnectionRow,
    integration::{Integration, IntegrationFault},
    outbound::{Call, OutboundFault},
    provider::{ClientAuthentication, OAuth2Code, Revoke, RevokeClientAuth, RevokeHow, RevokeToken},
};

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
    let plain = Secret::new(serde_json::to_vec(tokens).map_err(|_| IntegrationFault::Catalogue("tokens"))?);
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
            Err(fault) if attempt >= Self::RETRY.attempts_max => {
                finish(broker, id, row, "given_up", "not_confirmed").await?;
                Err(fault)
            }
            Err(fault) => Err(fault),
        }
    }
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
    let Some(revoke) = &code.revoke else { return Ok("not_offered") };
    let proof = broker.client_proof(&integration).await?;
    let calls = calls(&broker.world, &integration, &code, revoke, &proof, &tokens)?;
    let Some(calls) = calls else { return Ok("not_supported") };
    let mut evidence = "confirmed";
    for call in calls {
        let answer = broker.outbound.read(call, ANSWER_BYTES_MAX).await;
        evidence = judged(revoke, answer)?;
    }
    Ok(evidence)
}

/// What an answer proves.
fn judged(
    revoke: &Revoke,
    answer: Result<crate::outbound::WholeAnswer, OutboundFault>,
) -> Result<&'static str, JobFault> {
    let status = match answer {
        Ok(answer) => answer.status,
        Err(OutboundFault::TooLarge { .. }) => return Ok("confirmed"),
        Err(fault) => return Err(fault.into()),
    };
    if status.is_success() {
        return Ok("confirmed");
    }
    if revoke.already_revoked.contains(&status.as_u16()) {
        return Ok("already_ended");
    }
    let by_access_token = matches!(revoke.how, RevokeHow::Bearer | RevokeHow::QueryToken { .. });
    if by_access_token && status == StatusCode::UNAUTHORIZED {
        return Ok("token_already_dead");
    }
    Err(JobFault::again(format!("the third party answered {status} to a revocation")))
}

/// The calls that end the grant, in order; none if this deployment does not speak the provider's way.
fn calls(
    world: &World,
    integration: &Integration,
    code: &OAuth2Code,
    revoke: &Revoke,
    proof: &ClientProof,
    tokens: &Tokens,
) -> Result<Option<Vec<Call>>, CredentialFault> {
    let account = tokens.account_id.as_ref().map(|id| id.expose().clone()).unwrap_or_default();
    let settings = integration.settings.clone().with("account_id", account);
    let url = revoke.url.fill(&settings).map_err(IntegrationFault::from)?;
    let method = Method::from_bytes(revoke.method.as_bytes())
        .map_err(|_| IntegrationFault::Catalogue("revoke.method"))?;
    match &revoke.how {
        RevokeHow::Rfc7009 { token, client_auth } => {
            let authentication = authentication(*client_auth, code);
            let mut calls = Vec::new();
            for (secret, hint) in named(*token, tokens) {
                let grant = Grant::Revoke { token: secret, hint };
                let authentication = authentication.clone();
                let request = TokenRequest { code, settings: &settings, proof, authentication, grant };
                let mut call = request.write(world, url.clone())?;
                call.method = method.clone();
                calls.push(call);
            }
            Ok(Some(calls))
        }
        RevokeHow::Bearer => {
            let mut call = bare(method, url);
            call.headers
                .insert(header::AUTHORIZATION, sensitive(&format!("Bearer {}", tokens.access.expose()))?);
            Ok(Some(vec![call]))
        }
        RevokeHow::QueryToken { parameter } => {
            let mut url = url;
            url.query_pairs_mut().append_pair(parameter, tokens.access.expose());
            Ok(Some(vec![bare(method, url)]))
        }
        RevokeHow::WithingsSignature { .. } => Ok(None),
    }
}

fn bare(method: Method, url: Url) -> Call {
    let mut call = Call::get(url);
    call.method = method;
    call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    call
}

fn authentication(kind: RevokeClientAuth, code: &OAuth2Code) -> Option<ClientAuthentication> {
    match kind {
        RevokeClientAuth::AsToken => Some(code.client_authentication()),
        RevokeClientAuth::Basic => Some(ClientAuthentication::Basic),
        RevokeClientAuth::Body => Some(ClientAuthentication::Body),
        RevokeClientAuth::None => None,
    }
}

fn named(which: RevokeToken, tokens: &Tokens) -> Vec<(&Secret<String>, &'static str)> {
    let access = (&tokens.access, "access_token");
    let refresh = tokens.refresh.as_ref().map(|token| (token, "refresh_token"));
    match which {
        RevokeToken::AccessToken => vec![access],
        RevokeToken::RefreshToken => vec![refresh.unwrap_or(access)],
        RevokeToken::Both => refresh.into_iter().chain([access]).collect(),
    }
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
