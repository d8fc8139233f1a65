//! A person's signed-in browser: a sealed cookie, and a row that can end it.  OWASP ASVS 5.0 §7

mod begin;
mod browser;
mod current;
mod end;
mod list;
pub(crate) mod queries;
mod signed_in;
mod strength;

use std::{borrow::Cow, time::Duration};

use http::HeaderValue;
use kernel::{Actor, Digest, Fault, Id, Kind, Organisation, Person, RequestId, Session, Timestamp};
use store::DbError;
use vault::{Place as Column, VaultError};
use web::Cookie;

pub use begin::begin;
pub use browser::Browser;
pub use current::current;
pub(crate) use current::{SessionSpan, lasts};
pub(crate) use end::{Ended, Ending, end_in};
pub use end::{end, end_one, end_others};
pub use list::{Listed, Place, list};
pub(crate) use signed_in::request_id;
pub use signed_in::{Administrator, Developer, Guest, sign_in_anew_location, sign_in_location};
pub use strength::{Acr, asked_for};

use crate::{Acting, Auth, role::Roles};

/// The cookie's name; `__Host-` comes before it over TLS.
const COOKIE_NAME: &str = "hilum-session";

/// Keeps digests of session values apart from every other digest.
const PURPOSE: &str = "session";

/// How often at the most a session's last use is written down.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// How long after a sign-in its person may change how they sign in, without signing in anew.
pub const RECENT: Duration = Duration::from_mins(5);

/// A person who is signed in, in this browser.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub person: Id<Person>,
    /// The organisation whose the account is.
    pub organisation: Id<Organisation>,
    /// What they are, organisation by organisation.
    pub roles: Roles,
    /// The session.
    pub session: Id<Session>,
    /// When they last showed who they are.
    pub authenticated_at: Timestamp,
    /// What that sign-in was worth.
    pub acr: Acr,
    /// How they showed it, in the words of RFC 8176.
    pub amr: Vec<String>,
    /// The request in which this was looked at.
    pub request: Option<RequestId>,
}

impl SignedIn {
    /// Who acts, for the functions that change something.
    pub fn acting(&self) -> Acting {
        let actor = Actor::Person { person: self.person, through: None };
        Acting { actor, organisation: self.organisation, request: self.request.clone() }
    }

    /// Whether they showed who they are so lately that a change to how they sign in needs no more.  OWASP ASVS 5.0 §7.5.1
    pub fn is_recent(&self, now: Timestamp) -> bool {
        now.since(self.authenticated_at) < RECENT
    }

    /// The same, when a second factor was shown within the session: it is worth two from then on.
    pub(crate) fn strengthened(&self, ways: &[&str]) -> Self {
        let mut stronger = self.clone();
        stronger.acr = stronger.acr.max(Acr::Mfa);
        for way in ways.iter().chain(&["mfa"]) {
            if !stronger.amr.iter().any(|there| there == way) {
                stronger.amr.push((*way).to_owned());
            }
        }
        stronger
    }

    /// What something can be bound to that must go on in this very session.
    pub fn binding(&self, auth: &Auth) -> Digest {
        auth.vault().digest("session.binding", self.session.as_bytes())
    }
}

/// Where what a provider said lies.
fn claims_place(session: Id<Session>) -> Column {
    Column { table: "session", row: *session.as_bytes(), column: "claims", purpose: "upstream" }
}

/// What the provider through which the person signed in said of them and is kept: roles at CIS2, the vector of trust at NHS
/// login. Nothing where they signed in here.
///
/// # Errors
/// The database, the vault.
pub async fn claims(
    auth: &Auth,
    signed_in: &SignedIn,
) -> Result<serde_json::Map<String, serde_json::Value>, SessionFault> {
    let sealed = queries::claims(&mut auth.db().read().await?, signed_in.session).await?;
    let Some(sealed) = sealed else { return Ok(serde_json::Map::new()) };
    let vault = auth.vault().tenant(signed_in.organisation).await?;
    let text = vault.open(claims_place(signed_in.session), &sealed)?;
    Ok(serde_json::from_slice(text.expose()).unwrap_or_default())
}

/// A session that has just begun or ended, and the header that tells the browser.
#[derive(Debug)]
pub struct CookieChange {
    /// The `Set-Cookie` value.
    pub set_cookie: HeaderValue,
}

impl Auth {
    fn session_cookie(&self) -> Cookie {
        Cookie::new(COOKIE_NAME, self.config().transport())
    }
}

/// What can go wrong with a session. That there is none is no fault.
#[derive(Debug, thiserror::Error)]
pub enum SessionFault {
    /// There is no such live session of this person.
    #[error("no such session")]
    NotFound,
    /// A sealed value did not fit into a cookie: our mistake.
    #[error("a session cookie holds characters that no cookie may hold")]
    Cookie,
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for SessionFault {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound => Kind::NotFound,
            Self::Cookie => Kind::Internal,
            Self::Vault(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::NotFound => "There is no such session.".into(),
            Self::Cookie => "internal error".into(),
            Self::Vault(fault) => fault.public(),
            Self::Store(fault) => fault.public(),
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::NotFound | Self::Cookie => None,
            Self::Vault(fault) => fault.retry_after_s(),
            Self::Store(fault) => fault.retry_after_s(),
        }
    }
}
