//! This server registers itself with an identity provider, as clients of a community do here.  IG §3, §6.2

use crypto::{b64, jose::Algorithm, sha256};
use http::{HeaderMap, HeaderValue, Method, header};
use kernel::{Id, Organisation, Scopes};
use outbound::Call;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::{
    super::{Community, IdentityProviders, SCOPE, STATEMENT_LIFE_S_MAX, software::Software},
    ASKED_FOR, IDENTITY_PROVIDERS_MAX, REGISTERED_FOR, Told,
};
use crate::{
    Acting, Auth, organisation,
    upstream::{self, ClientAuth, NewPeople, Settings, Upstream, UpstreamFault},
};

/// The longest answer of a registration endpoint that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// The longest client id that is taken, in bytes.
const CLIENT_ID_BYTES_MAX: usize = 512;

/// What this server signs about itself.
#[derive(Serialize)]
struct Statement<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(flatten)]
    software: Software,
}

#[derive(Deserialize)]
struct Registered {
    client_id: String,
    scope: Option<String>,
}

/// The provider of this address, for people of this organisation: one that its operator has declared; else one that a community of
/// the organisation trusts, with which this server is registered by then.
///
/// # Errors
/// Why there is none: the last community's reason, where several were asked.
pub(crate) async fn find(
    auth: &Auth,
    organisation: Id<Organisation>,
    issuer: &str,
) -> Result<Upstream, UpstreamFault> {
    if let Some(declared) = upstream::declared_by_issuer(auth, organisation, issuer).await? {
        return Ok(declared);
    }
    let mut why = UpstreamFault::NotFound;
    for community in auth.config().udap.iter() {
        let Some(terms) = &community.identity_providers else { continue };
        let owner = organisation::by_slug(auth, &community.organisation).await;
        let owner = owner.map_err(|_| UpstreamFault::Unreadable("the community's organisation"))?;
        let Some(owner) = owner.filter(|owner| owner.id == organisation) else { continue };
        match of_community(auth, community, terms, &owner, issuer).await {
            Err(UpstreamFault::Store(fault)) => return Err(fault.into()),
            Err(fault) => why = fault,
            found => return found,
        }
    }
    Err(why)
}

async fn of_community(
    auth: &Auth,
    community: &Community,
    terms: &IdentityProviders,
    owner: &organisation::Organisation,
    issuer: &str,
) -> Result<Upstream, UpstreamFault> {
    let told = auth.identity_providers().of(auth, community, issuer).await?;
    let slug = slug(community, issuer);
    let now = auth.world().now();
    let there = upstream::of_any_state(auth, &slug).await?;
    match there {
        Some((_, Some(_disabled_at))) => return Err(UpstreamFault::NotFound),
        Some((there, None)) if now.since(there.updated_at) < REGISTERED_FOR => return Ok(there),
        Some(_) => {}
        None => {
            if upstream::count_of_community(auth, &community.uri).await? >= IDENTITY_PROVIDERS_MAX {
                return Err(UpstreamFault::Untrusted("the community has too many providers here".into()));
            }
        }
    }
    let client_id = register(auth, community, terms, owner, issuer, &told).await?;
    let settings = Settings {
        issuer: issuer.to_owned(),
        client_id,
        client_auth: ClientAuth::PrivateKeyJwt,
        assertion_alg: Some(Algorithm::Rs256),
        key_id: None,
        id_token_alg: Algorithm::Rs256,
        scopes: scopes(terms).to_owned(),
        acr_values: None,
        vtr: Vec::new(),
        claims: Vec::new(),
        counts_as: terms.counts_as.clone(),
        new_people: terms.new_people,
    };
    let new =
        upstream::NewRegistered { slug, name: name(issuer), community: community.uri.clone(), settings };
    upstream::keep_registered(auth, &Acting::system(owner.id), new).await
}

/// Send a statement, and read as which client we are known from now on.
async fn register(
    auth: &Auth,
    community: &Community,
    terms: &IdentityProviders,
    owner: &organisation::Organisation,
    issuer: &str,
    told: &Told,
) -> Result<String, UpstreamFault> {
    let base = auth.config().base();
    let iat = auth.world().now().as_seconds();
    // One registration stands for every community in which this server meets the provider: the URI of the certificate is the same.
    let slugs = auth.config().udap.iter().map(|community| slug(community, issuer));
    let software = Software {
        client_name: owner.name.clone(),
        redirect_uris: slugs.map(|slug| upstream::callback(auth, &slug)).collect(),
        contacts: vec![terms.contact.clone()],
        logo_uri: Some(terms.logo.clone()),
        grant_types: vec!["authorization_code".to_owned()],
        response_types: vec!["code".to_owned()],
        token_endpoint_auth_method: "private_key_jwt".to_owned(),
        scope: scopes(terms).to_owned(),
    };
    let statement = Statement {
        iss: base,
        sub: base,
        aud: &told.registration_endpoint.text,
        iat,
        exp: iat + i64::from(STATEMENT_LIFE_S_MAX),
        jti: b64::encode(auth.world().random::<16>()),
        software,
    };
    let statement = community.sign(&statement).map_err(|_| UpstreamFault::Unreadable("our key there"))?;
    let body = json!({ "software_statement": statement, "certifications": [], "udap": "1" });
    let body = serde_json::to_vec(&body).map_err(|_| UpstreamFault::Unreadable("our statement"))?;
    let json_type = HeaderValue::from_static("application/json");
    let headers =
        HeaderMap::from_iter([(header::CONTENT_TYPE, json_type.clone()), (header::ACCEPT, json_type)]);
    let url = told.registration_endpoint.url.clone();
    let call = Call { method: Method::POST, url, headers, body: body.into(), timeout: ASKED_FOR };
    let answer = auth.outbound().read(call, ANSWER_BYTES_MAX).await?;
    if !answer.status.is_success() {
        let status = answer.status.as_u16();
        return Err(UpstreamFault::Untrusted(format!("its registration endpoint answered {status}")));
    }
    let registered: Registered =
        serde_json::from_slice(&answer.body).map_err(|_| UpstreamFault::Unreadable("its registration"))?;
    registered.judged()
}

impl Registered {
    /// The client id, if with it people can sign in.
    fn judged(self) -> Result<String, UpstreamFault> {
        let said = |scope: &str| scope.parse().unwrap_or_else(|_| Scopes::none());
        let scopes: Option<Scopes> = self.scope.as_deref().map(said);
        if scopes.is_some_and(|scopes| !scopes.has("openid") || !scopes.has(SCOPE)) {
            return Err(UpstreamFault::Untrusted("it has not registered openid and udap".to_owned()));
        }
        let is_id = (1..=CLIENT_ID_BYTES_MAX).contains(&self.client_id.len())
            && self.client_id.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        if is_id { Ok(self.client_id) } else { Err(UpstreamFault::Unreadable("the client id that it gave")) }
    }
}

/// What this server asks for there: an address and a name only where people get an account by them.
const fn scopes(terms: &IdentityProviders) -> &'static str {
    match terms.new_people {
        NewPeople::Never => "openid udap",
        NewPeople::Create => "openid udap profile email",
    }
}

/// The word in our addresses for a provider of a community, so that each has a callback of its own.  RFC 9700 §4.4.2.2
fn slug(community: &Community, issuer: &str) -> String {
    let both = [sha256(community.uri.as_bytes()), sha256(issuer.as_bytes())].concat();
    let digest = sha256(&both);
    let (first, _) = digest.as_chunks::<8>();
    let word = first.first().copied().map(u64::from_be_bytes).unwrap_or_default();
    format!("udap-{word:016x}")
}

/// By what people know it.
fn name(issuer: &str) -> String {
    let host = Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_default().chars().take(upstream::NAME_CHARACTERS_MAX).collect()
}
