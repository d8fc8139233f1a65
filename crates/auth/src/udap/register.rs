//! A client registers itself with what it signed under its certificate; the same again changes it, and nothing cancels it.
//! IG §3, UDAP Dynamic Client Registration §3 to §5

use axum::{Json as JsonOut, extract::State};
use crypto::jose::{AudienceForm, Chained, ChainedFault, Claims, ExpectAssertion, LEEWAY_S};
use http::StatusCode;
use kernel::{Actor, Kind, Scopes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Answer, Json, Problem};

use super::{
    ALGORITHMS, STATEMENT_LIFE_S_MAX,
    apply::{self, Change, Outcome, Said, Wanted},
    community::Community,
    metadata::registration_endpoint,
    software::{Software, Wish},
};
use crate::{
    Acting, Auth,
    client::{self, ClientFault, Profile, dynamic, register::Registration},
    organisation::{self, OrganisationFault},
    scope,
};

/// What a client posts.
#[derive(Deserialize, ToSchema)]
#[schema(as = UdapRegistrationRequest)]
pub(crate) struct RegisterIn {
    /// The signed statement.
    software_statement: String,
    /// `1`.
    udap: String,
}

/// What is registered.
#[derive(Serialize, ToSchema)]
#[schema(as = UdapRegistration)]
pub(crate) struct RegisterOut {
    client_id: String,
    software_statement: String,
    #[serde(flatten)]
    software: Software,
}

/// Why a registration is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegisterFault {
    /// The statement is not good.
    #[error("invalid_software_statement: {0}")]
    Invalid(&'static str),
    /// The statement is good, and nobody who is trusted here vouches for who made it.
    #[error("unapproved_software_statement: {0}")]
    Unapproved(&'static str),
    /// What it asks for cannot be registered.
    #[error("invalid_client_metadata: {0}")]
    Metadata(String),
    /// The registration.
    #[error(transparent)]
    Client(#[from] ClientFault),
    /// The organisation.
    #[error(transparent)]
    Organisation(#[from] OrganisationFault),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::DbError),
}

impl From<RegisterFault> for Problem {
    fn from(fault: RegisterFault) -> Self {
        let (code, words) = match fault {
            RegisterFault::Invalid(why) => ("invalid_software_statement", why.to_owned()),
            RegisterFault::Unapproved(why) => ("unapproved_software_statement", why.to_owned()),
            RegisterFault::Metadata(why) => ("invalid_client_metadata", why),
            RegisterFault::Client(ClientFault::Refused(issues)) => {
                let first = issues.first().map(|issue| format!("{}: {}", issue.path, issue.message));
                ("invalid_client_metadata", first.unwrap_or_default())
            }
            RegisterFault::Client(fault) => return fault.into(),
            RegisterFault::Organisation(fault) => return fault.into(),
            RegisterFault::Store(fault) => return fault.into(),
        };
        Self::new(Kind::Invalid, words).with_code(code)
    }
}

/// Register, change or cancel, by a software statement.
#[utoipa::path(post, path = "/oauth2/udap/register", tag = "clients", operation_id = "register_by_udap",
    request_body(content = RegisterIn, content_type = "application/json"), responses(
    (status = 200, description = "The registration was changed, or cancelled where no grant type is left", body = RegisterOut),
    (status = 201, description = "The client is registered", body = RegisterOut)))]
pub(crate) async fn register(
    State(auth): State<Auth>,
    Json(asked): Json<RegisterIn>,
) -> Answer<(StatusCode, JsonOut<RegisterOut>)> {
    if asked.udap != "1" {
        return Err(RegisterFault::Metadata("udap has to be \"1\"".to_owned()).into());
    }
    let (status, out) = take(&auth, asked.software_statement).await?;
    Ok((status, JsonOut(out)))
}

/// A statement that somebody who is trusted vouches for.
struct Vouched<'a> {
    community: &'a Community,
    claims: Claims,
    /// The key with which it was signed.
    key: serde_json::Value,
}

async fn take(auth: &Auth, statement: String) -> Result<(StatusCode, RegisterOut), RegisterFault> {
    let vouched = judge(auth, &statement)?;
    let software: Software =
        vouched.claims.read().map_err(|_| RegisterFault::Metadata("a member has the wrong type".into()))?;
    let wish = software.wish().map_err(|why| RegisterFault::Metadata(why.to_owned()))?;
    let organisation = organisation::by_slug(auth, &vouched.community.organisation).await?;
    let organisation =
        organisation.ok_or(RegisterFault::Unapproved("the community has no organisation here"))?.id;
    let acting = Acting { actor: Actor::Anonymous, organisation, request: None };

    let (change, software) = match wish {
        Wish::Cancel => (Change::Cancel, software),
        Wish::Register => {
            let (registration, software) = registration(auth, &vouched, software)?;
            let drawn = dynamic::draw(auth, &acting, &registration)?;
            (Change::Register(Box::new(Wanted { drawn, registration })), software)
        }
    };
    let said = Said {
        community: vouched.community.uri.clone(),
        issuer: vouched.claims.subject,
        id: vouched.claims.token_id.unwrap_or_default(),
        until: vouched.claims.expires_at,
        change,
    };
    let (status, client_id) = match apply::apply(auth, acting, said).await? {
        Outcome::Registered(client_id) => (StatusCode::CREATED, client_id),
        Outcome::Changed(client_id) => (StatusCode::OK, client_id),
        Outcome::UsedBefore => return Err(RegisterFault::Invalid("it was used before")),
        Outcome::NothingToCancel => {
            return Err(RegisterFault::Metadata("grant_types: there is no registration to cancel".into()));
        }
    };
    let client_id = client_id.as_str().to_owned();
    Ok((status, RegisterOut { client_id, software_statement: statement, software }))
}

/// Who says so, and may it be said?
fn judge<'a>(auth: &'a Auth, statement: &str) -> Result<Vouched<'a>, RegisterFault> {
    let chained = Chained::read(statement, &ALGORITHMS).map_err(|why| {
        tracing::info!(%why, "a software statement is not good");
        RegisterFault::Invalid("its form, its certificates or its signature are not good")
    })?;
    let issuer = chained.named_issuer().ok_or(RegisterFault::Invalid("iss is missing"))?;
    let endpoint = registration_endpoint(auth);
    let expect = ExpectAssertion {
        client: issuer,
        audiences: &[&endpoint],
        audience_form: AudienceForm::TextOrList,
        jku: None,
        life_max_s: STATEMENT_LIFE_S_MAX,
        now: auth.world().now(),
        leeway_s: LEEWAY_S,
    };
    for community in auth.config().udap.iter() {
        match chained.verify(&community.anchors, &expect) {
            Err(ChainedFault::Certificate(why)) => {
                tracing::info!(%why, community = community.uri, "a software statement is not vouched for");
            }
            Err(ChainedFault::Token(why)) => {
                tracing::info!(%why, "a software statement is not good");
                return Err(RegisterFault::Invalid("iss, sub, aud, exp, iat or jti are not right"));
            }
            Ok((claims, signer)) => {
                if claims.issued_at.is_none() {
                    return Err(RegisterFault::Invalid("iat is missing"));
                }
                if !signer.uris().contains(&claims.subject) {
                    return Err(RegisterFault::Invalid("iss is no URI of the certificate"));
                }
                let key = serde_json::json!({ "keys": [signer.public_key()] });
                return Ok(Vouched { community, claims, key });
            }
        }
    }
    Err(RegisterFault::Unapproved("its certificate leads to nobody who is trusted here"))
}

/// The registration, and what of the statement it holds: scopes that nobody knows here are left out (RFC 7591 §3.2.1).
fn registration(
    auth: &Auth,
    vouched: &Vouched<'_>,
    software: Software,
) -> Result<(Registration, Software), RegisterFault> {
    let asked: Scopes =
        software.scope.parse().map_err(|_| RegisterFault::Metadata("scope is malformed".into()))?;
    let unknown = scope::unknown(&asked, auth.scopes_known());
    let scopes: Scopes = asked.iter().filter(|scope| !unknown.has(scope.as_str())).cloned().collect();
    if scopes.is_empty() {
        return Err(RegisterFault::Metadata("scope: none of them is known here".into()));
    }
    let software = Software { scope: scopes.to_string(), ..software };
    let metadata = client::ClientMetadata {
        jwks: Some(vouched.key.clone()),
        contacts: software.contacts.clone(),
        is_dynamic: true,
        ..client::ClientMetadata::default()
    };
    // The address that people are shown has to be a secure one; the name in certificates need not be.
    let uri = vouched.claims.subject.replacen("http://", "https://", 1);
    let registration = Registration {
        name: software.client_name.clone(),
        uri,
        confidentiality: "confidential".to_owned(),
        profile: Profile::Udap.as_str().to_owned(),
        auth_method: software.token_endpoint_auth_method.clone(),
        redirect_uris: software.redirect_uris.clone(),
        grant_types: software.grant_types.clone(),
        scopes: software.scope.clone(),
        logo_uri: software.logo_uri.clone().unwrap_or_default(),
        metadata,
        ..Registration::default()
    };
    Ok((registration, software))
}
