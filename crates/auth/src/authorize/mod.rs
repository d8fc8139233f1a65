//! A browser asks, for a client, for a code.  RFC 6749 §4.1, OpenID Connect Core §3.1.2

pub(crate) mod begin;
mod decide;
mod fault;
mod next;
mod pending;
mod queries;
mod remembered;
mod request;

use std::time::Duration;

use crypto::token;
use kernel::{Client, Digest, Id, Person, Scopes, Secret, Session, Timestamp};

pub use decide::{Decision, decide};
pub use fault::AuthorizeFault;
pub(crate) use pending::waiting;
pub use pending::{Pending, Request, pending};
pub(crate) use queries::{forget_consent, set_context};
pub use remembered::{Remembered, remembered_of_person};

use crate::{Auth, SignedIn, client::TrustedRedirect, grant::Details, smart::context::Wish};

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
    redirect: TrustedRedirect,
    scopes: Scopes,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: String,
    details: Details,
    wish: Wish,
    prompt: Prompt,
    age_max_s: Option<u64>,
}

/// How much the person may be asked.  OpenID Connect Core §3.1.2.1
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Prompt {
    none: bool,
    login: bool,
    consent: bool,
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

/// The address of an answer: what it says, the client's state, and who says it (RFC 9207).
fn answer(auth: &Auth, redirect: &TrustedRedirect, says: &[(&str, &str)], state: Option<&str>) -> String {
    let state = state.map(|state| ("state", state));
    redirect.with(says.iter().copied().chain(state).chain([("iss", auth.issuer())]))
}
