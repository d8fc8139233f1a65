//! A code becomes a connection.  RFC 6749 §4.1.3; contract 1

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use audit::{Outcome, Subject};
use http::{HeaderValue, header};
use jobs::publish;
use kernel::{Event, Fault, Kind, Secret, Timestamp};
use serde_json::{Value, json};
use store::Writer;
use vault::TenantVault;

use super::{ConnectSession, ErrorCode, issuer};
use crate::{
    Broker, By,
    connection::{self, Status, queries::Linked},
    credential::{self, CredentialFault, CredentialRow, Grant, TokenRequest, places},
    integration::{Integration, IntegrationFault},
    provider::{
        ANSWER_BYTES_MAX, AccountIdFrom, IssuedTokens, OAuth2Code, RefusalCode, TokenReading,
        read_token_answer,
    },
};
use outbound::Call;

/// The longest answer that is read for the account's id.
const PROFILE_BYTES_MAX: usize = 1024 * 1024;
/// The longest account id that is kept.
const ACCOUNT_ID_BYTES_MAX: usize = 256;

/// Redeem the code, and keep what it brings. Until the last step nothing that was there before is touched.
pub(super) async fn redeem(
    broker: &Broker,
    integration: &Integration,
    flow: &OAuth2Code,
    session: &ConnectSession,
    code: &Secret<String>,
    by: &By,
) -> Result<(), ErrorCode> {
    let failed = |fault: CredentialFault| {
        tracing::warn!(integration = integration.slug, %fault, "a code could not be redeemed");
        if fault.kind() == Kind::Unavailable {
            ErrorCode::TemporarilyUnavailable
        } else {
            ErrorCode::ServerError
        }
    };
    let vault = broker.vault.tenant(integration.organisation).await.map_err(|fault| failed(fault.into()))?;
    let reading = exchange(broker, integration, flow, &vault, session, code).await.map_err(failed)?;
    let mut tokens = match reading {
        TokenReading::Tokens(tokens) => *tokens,
        TokenReading::Refused { code, .. } => return Err(refused(integration, code)),
        TokenReading::Transient { why } => {
            tracing::warn!(integration = integration.slug, %why, "a code could not be redeemed");
            return Err(ErrorCode::TemporarilyUnavailable);
        }
    };
    check_id_token(broker, integration, flow, &vault, session, &tokens)?;
    if tokens.account_id.is_none() {
        tokens.account_id = account_id(broker, integration, &tokens).await;
    }
    save(broker, integration, flow, vault, session, tokens, by).await.map_err(failed)
}

fn refused(integration: &Integration, code: RefusalCode) -> ErrorCode {
    tracing::warn!(integration = integration.slug, code = code.as_str(), "a code was refused");
    match code {
        RefusalCode::AccessDenied => ErrorCode::AccessDenied,
        RefusalCode::InvalidScope => ErrorCode::InvalidScope,
        _ => ErrorCode::ServerError,
    }
}

async fn exchange(
    broker: &Broker,
    integration: &Integration,
    flow: &OAuth2Code,
    vault: &TenantVault,
    session: &ConnectSession,
    code: &Secret<String>,
) -> Result<TokenReading, CredentialFault> {
    let verifier = vault.open_text(places::verifier(&session.state), &session.verifier)?;
    let proof = broker.client_proof(integration).await?;
    let redirect_uri = broker.callback_uri(&integration.slug);
    let verifier = flow.pkce.is_sent().then(|| verifier.expose().as_str());
    let request = TokenRequest {
        code: flow,
        settings: &integration.settings,
        proof: &proof,
        authentication: Some(flow.client_authentication()),
        grant: Grant::Code { code, redirect_uri: &redirect_uri, verifier },
    };
    let url = flow.token_url.fill(&integration.settings).map_err(IntegrationFault::from)?;
    let call = request.write(&broker.world, url)?;
    let answer = broker.outbound.read(call, ANSWER_BYTES_MAX).await.map_err(IntegrationFault::from)?;
    Ok(read_token_answer(flow, answer.status.as_u16(), &answer.body))
}

/// An ID token must be of this journey. One that was granted and is not there is missing.
fn check_id_token(
    broker: &Broker,
    integration: &Integration,
    flow: &OAuth2Code,
    vault: &TenantVault,
    session: &ConnectSession,
    tokens: &IssuedTokens,
) -> Result<(), ErrorCode> {
    let Some(sealed) = &session.nonce else { return Ok(()) };
    let nonce = vault.open_text(places::nonce(&session.state), sealed).map_err(|_| ErrorCode::ServerError)?;
    let known = flow.issuer.as_ref().and_then(|issuer| issuer.fill(&integration.settings).ok());
    let issuer = known.as_ref().map(url::Url::as_str);
    let Some(id_token) = &tokens.id_token else {
        let promised = tokens.scopes.as_ref().unwrap_or(&session.scopes).has("openid");
        return if promised { Err(ErrorCode::ServerError) } else { Ok(()) };
    };
    let now = broker.world.now();
    issuer::check_id_token(id_token.expose(), &integration.client_id, nonce.expose(), issuer, now).map_err(
        |fault| {
            tracing::warn!(integration = integration.slug, %fault, "an ID token was refused");
            ErrorCode::ServerError
        },
    )
}

/// The third party's id of the account, where its token answer does not tell it. Linking does not fail without.
async fn account_id(broker: &Broker, integration: &Integration, tokens: &IssuedTokens) -> Option<String> {
    let api = integration.provider.api.as_ref()?;
    let found = match api.account_id.as_ref()? {
        AccountIdFrom::AccessTokenClaims(names) => {
            let payload = tokens.access.expose().split('.').nth(1)?;
            let claims: Value = serde_json::from_slice(&crypto::b64::decode(payload).ok()?).ok()?;
            names.iter().find_map(|name| text_of(claims.get(name)?))
        }
        AccountIdFrom::Get { path, pointer } => {
            let mut url = integration.api_base.clone()?;
            url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
            let mut call = Call::get(url);
            let bearer = credential::sensitive(&format!("Bearer {}", tokens.access.expose())).ok()?;
            call.headers.insert(header::AUTHORIZATION, bearer);
            call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
            let answer = broker.outbound.read(call, PROFILE_BYTES_MAX).await.ok()?;
            let profile: Value = serde_json::from_slice(&answer.body).ok()?;
            text_of(profile.pointer(pointer)?)
        }
    };
    found.filter(|id| (1..=ACCOUNT_ID_BYTES_MAX).contains(&id.len()))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What linking writes, but for what the transaction finds.
struct Arrival {
    broker: Broker,
    vault: TenantVault,
    integration: Arc<Integration>,
    tokens: IssuedTokens,
    session: Scene,
    consent_expires_at: Option<Timestamp>,
    by: By,
}

struct Scene {
    person: kernel::Id<kernel::Person>,
    asked: kernel::Scopes,
}

async fn save(
    broker: &Broker,
    integration: &Integration,
    flow: &OAuth2Code,
    vault: TenantVault,
    session: &ConnectSession,
    tokens: IssuedTokens,
    by: &By,
) -> Result<(), CredentialFault> {
    let now = broker.world.now();
    let ends_in = flow.consent_ttl_s.or(tokens.refresh_expires_in_s);
    let arrival = Arrival {
        broker: broker.clone(),
        vault,
        integration: broker.integration_of(integration.id).await?,
        tokens,
        session: Scene { person: session.person, asked: session.scopes.clone() },
        consent_expires_at: ends_in.map(|s| now + Duration::from_secs(s)),
        by: by.clone(),
    };
    broker.db.write(async move |tx: &mut Writer| arrival.write(tx).await).await?;
    broker.live.forget(&(session.person, integration.id));
    Ok(())
}

impl Arrival {
    async fn write(&self, tx: &mut Writer) -> Result<(), CredentialFault> {
        let there = connection::queries::live_of_person(tx, self.session.person, self.integration.id).await?;
        let mut is_other_account = false;
        let (id, version) = match there {
            None => {
                let linked = self.linked(self.broker.world.new_id());
                connection::queries::insert(tx, self.session.person, &self.integration, &linked).await?;
                (linked.id, 1)
            }
            Some(there) => {
                let before = connection::tokens_of(tx, &self.vault, &there).await?;
                let linked = self.linked(there.id);
                let version =
                    connection::queries::relink(tx, &linked).await?.ok_or(CredentialFault::NotLinked)?;
                // The old tokens of the same account belong to a grant that the new ones may share, so they are left
                // to end by themselves; those of another account are ended over there.
                if let Some(before) = before.filter(|before| self.is_other_account(before)) {
                    is_other_account = true;
                    credential::schedule(tx, &self.broker.world, &self.vault, &there, &before).await?;
                }
                (there.id, version)
            }
        };
        self.keep_tokens(tx, id, version).await?;
        self.tell(tx, id, version > 1, is_other_account).await
    }

    fn is_other_account(&self, before: &credential::Tokens) -> bool {
        match (&before.account_id, &self.tokens.account_id) {
            (Some(before), Some(now)) => before.expose() != now,
            _ => false,
        }
    }

    fn linked(&self, id: kernel::Id<kernel::Connection>) -> Linked {
        let account = self.tokens.account_id.as_ref();
        Linked {
            id,
            status: Status::with_tokens(&self.session.asked, self.tokens.scopes.as_ref()),
            scopes_asked: self.session.asked.clone(),
            scopes_granted: self.tokens.scopes.clone().unwrap_or_else(|| self.session.asked.clone()),
            account: account.map(|account| self.vault.seal(places::account(id), account.as_bytes())),
            facts: facts(&self.tokens.kept).map(|facts| self.vault.seal(places::facts(id), facts.as_bytes())),
            consent_expires_at: self.consent_expires_at,
            now: self.broker.world.now(),
        }
    }

    async fn keep_tokens(
        &self,
        tx: &mut Writer,
        id: kernel::Id<kernel::Connection>,
        version: i64,
    ) -> Result<(), CredentialFault> {
        let now = self.broker.world.now();
        let refresh = self.tokens.refresh.as_ref();
        let row = CredentialRow {
            version,
            access: self.vault.seal(places::access(id), self.tokens.access.expose().as_bytes()),
            refresh: refresh.map(|token| self.vault.seal(places::refresh(id), token.expose().as_bytes())),
            expires_at: self.tokens.expires_in_s.map(|s| now + Duration::from_secs(s)),
            obtained_at: now,
        };
        credential::insert_credential(tx, id, &row).await?;
        Ok(credential::delete_credentials_before(tx, id, version).await?)
    }

    async fn tell(
        &self,
        tx: &mut Writer,
        id: kernel::Id<kernel::Connection>,
        is_again: bool,
        is_other_account: bool,
    ) -> Result<(), CredentialFault> {
        let (world, organisation) = (&self.broker.world, self.integration.organisation);
        let granted = self.tokens.scopes.as_ref().unwrap_or(&self.session.asked);
        let details = json!({
            "integration": self.integration.slug,
            "again": is_again,
            "other_account": is_other_account,
            "reduced": !self.session.asked.is_within(granted),
        });
        let entry = self.by.did(organisation, "connection.linked", Subject::of(id), Outcome::Done, details);
        audit::record(tx, world, &entry).await?;
        let data = json!({ "integration": self.integration.slug, "again": is_again });
        let event = Event { organisation, name: "connection.linked", subject: id.to_string(), data };
        publish(tx, world, &event).await?;
        Ok(connection::queries::tell_of(tx, self.session.person, self.integration.id).await?)
    }
}

fn facts(kept: &BTreeMap<String, Value>) -> Option<String> {
    if kept.is_empty() { None } else { serde_json::to_string(kept).ok() }
}

impl Broker {
    /// Linking did not come about; nothing was changed.
    pub(super) fn note_failed_link(
        &self,
        integration: &Integration,
        session: &ConnectSession,
        code: ErrorCode,
        by: &By,
    ) {
        let outcome = match code {
            ErrorCode::AccessDenied => Outcome::Refused(code.as_str()),
            _ => Outcome::Failed(code.as_str()),
        };
        let details = json!({ "person": session.person });
        let entry = by.did(
            integration.organisation,
            "connection.linked",
            Subject::of(integration.id),
            outcome,
            details,
        );
        audit::note(&self.db, &self.world, &entry);
    }
}
