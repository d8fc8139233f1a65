//! A browser asks, for a client, for a code.  RFC 6749 §4.1, OpenID Connect Core §3.1.2

mod answer;
pub(crate) mod begin;
mod decide;
mod fault;
pub(crate) mod form_post;
mod mark;
mod next;
mod pending;
pub(crate) mod push;
mod queries;
mod remembered;
mod request;
mod strength;
mod tiered;

use std::time::Duration;

use crypto::token;
use kernel::{Client, Digest, Id, Person, Scopes, Secret, Session, Timestamp};

pub use answer::Onward;
pub(crate) use answer::ResponseMode;
pub use decide::{Decision, decide};
pub use fault::AuthorizeFault;
pub use form_post::Handover;
pub(crate) use mark::{Failure, Outcome, returning};
pub(crate) use pending::waiting;
pub use pending::{Pending, Request, pending};
pub use push::{PUSHED_BYTES_MAX, PUSHED_LIFETIME, SIGN_IN_TIME};
pub(crate) use queries::{forget_consent, set_context};
pub use remembered::{Remembered, remembered_of_person};

use answer::Destination;
use request::{Parameters, Refusal, Rules, invalid, refusal};
use strength::Strength;

use crate::{
    Auth, OAuthFault, SignedIn, client, client_connection::prove, grant::Details, hint, session::Acr,
    smart::context::Wish, token::exchange::known_resource,
};

/// How long a code is good.  RFC 6749 §4.1.2 asks for ten minutes at the most.
const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// How long a request waits on the consent page.
const REQUEST_LIFETIME: Duration = Duration::from_mins(10);

/// Keeps digests of codes apart from every other digest.
pub(crate) const CODE_PURPOSE: &str = "authorization_code";

/// What a code begins with.
const CODE_PREFIX: &str = "hlm_ac_";

/// The longest query that is read, in bytes: with it, the way back from the sign-in page is still a
/// [`web::LocalPath`].
pub const QUERY_BYTES_MAX: usize = 1_700;

/// What a client asks for, once it is clear that it is the client and where its answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    redirect: Destination,
    scopes: Scopes,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: String,
    details: Details,
    wish: Wish,
    prompt: Prompt,
    age_max_s: Option<u64>,
    /// How surely the person has to be known.
    strength: Strength,
    /// Who has to be signed in: the subject of `id_token_hint` or of `claims`.
    subject: Option<String>,
    /// What the sign-in page is told.
    for_sign_in: ForSignIn,
    /// The identity provider at which the person is to sign in: the issuer of its ID tokens.  IG §6.1
    idp: Option<String>,
    /// By which this was pushed.
    pushed: Option<Digest>,
}

/// What a request says to the page where people sign in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct ForSignIn {
    login_hint: Option<String>,
    ui_locales: Option<String>,
}

/// How much the person may be asked.  OpenID Connect Core §3.1.2.1
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Prompt {
    none: bool,
    login: bool,
    consent: bool,
    select_account: bool,
}

/// A code as its row will hold it.
#[derive(Clone)]
struct NewCode {
    digest: Digest,
    client: Id<Client>,
    person: Id<Person>,
    session: Id<Session>,
    redirect_uri: String,
    scopes: Scopes,
    nonce: Option<String>,
    code_challenge: String,
    details: Details,
    authenticated_at: Timestamp,
    expires_at: Timestamp,
}

impl NewCode {
    /// A code for what was asked, and its text.
    fn draw(auth: &Auth, client: Id<Client>, signed_in: &SignedIn, asked: Bound) -> (Self, Secret<String>) {
        let text = token::generate(auth.world(), CODE_PREFIX);
        let said = asked.details.acr.as_deref().and_then(Acr::parse);
        let acr = said.filter(|said| *said <= signed_in.acr).unwrap_or(signed_in.acr);
        let code = Self {
            digest: auth.vault().digest(CODE_PURPOSE, text.expose().as_bytes()),
            client,
            person: signed_in.person,
            session: signed_in.session,
            redirect_uri: asked.redirect_uri,
            scopes: asked.scopes,
            nonce: asked.nonce,
            code_challenge: asked.code_challenge,
            details: Details {
                authenticated_at_s: Some(signed_in.authenticated_at.as_seconds()),
                acr: Some(acr.as_str().to_owned()),
                amr: signed_in.amr.clone(),
                ..asked.details
            },
            authenticated_at: signed_in.authenticated_at,
            expires_at: auth.world().now() + CODE_LIFETIME,
        };
        (code, text)
    }
}

/// What a code is bound to.
struct Bound {
    redirect_uri: String,
    scopes: Scopes,
    nonce: Option<String>,
    code_challenge: String,
    details: Details,
}

/// Where the answer goes: to an address of the client's own, or of one of its connections (contract 5).
async fn destination(
    auth: &Auth,
    client: &client::Client,
    parameters: &Parameters,
) -> Result<Destination, AuthorizeFault> {
    let asked = parameters.one("redirect_uri").ok_or(AuthorizeFault::UnknownRedirectUri)?;
    let redirect = match client.trusted_redirect(asked) {
        Some(own) => Some(own),
        None => prove::trusted_redirect(&mut auth.db().read().await?, client, asked).await?,
    };
    redirect.map(|redirect| parameters.destination(redirect)).ok_or(AuthorizeFault::UnknownRedirectUri)
}

/// Everything that can be known of a request before its person is: the same where it is pushed and where the browser brings it.
async fn check(
    auth: &Auth,
    client: &client::Client,
    parameters: &Parameters,
    redirect: Destination,
) -> Result<Result<Asked, Refusal>, AuthorizeFault> {
    let rules = Rules { scopes: auth.scopes_known(), plain: auth.config().pkce_plain };
    let mut asked = match parameters.asked(client, redirect, &rules) {
        Ok(asked) => asked,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(text) = parameters.one("id_token_hint") {
        let hint = hint::read(auth, text).filter(|hint| hint.client_id == client.client_id);
        let Some(hint) = hint else {
            return Ok(Err(invalid("id_token_hint is not an ID token that was given to this client")));
        };
        if asked.subject.replace(hint.subject.clone()).is_some_and(|named| named != hint.subject) {
            return Ok(Err(invalid("id_token_hint and claims name two people")));
        }
    }
    if let Some(uri) = parameters.one("resource") {
        asked.details.resource = match known_resource(auth, uri).await {
            Ok(resource) => resource,
            Err(OAuthFault::Store(fault)) => return Err(fault.into()),
            Err(_) => return Ok(Err(refusal("invalid_target", "resource is not an API that is known here"))),
        };
    }
    Ok(Ok(asked))
}
