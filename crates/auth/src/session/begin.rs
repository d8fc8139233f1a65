//! A person has proven who they are: their browser gets a new session.

use kernel::{Digest, Id, Person, RequestId, Session, Timestamp};
use vault::Sealed;
use web::Cookies;

use super::{Acr, COOKIE_NAME, CookieChange, PURPOSE, SessionFault, claims_place, current, queries};
use crate::{Auth, person::Proven};

/// A session as its row holds it.
#[derive(Clone)]
pub(super) struct NewSession {
    pub id: Id<Session>,
    pub digest: Digest,
    pub person: Id<Person>,
    pub authenticated_at: Timestamp,
    pub acr: Acr,
    pub amr: String,
    pub browser: String,
    pub claims: Option<Sealed>,
    pub ends_at: Timestamp,
}

/// Begin a session, and end the one that the browser had: whoever planted that cookie does not come along
/// (session fixation).
///
/// # Errors
/// The database; nobody is signed in then.
pub async fn begin(
    auth: &Auth,
    proven: Proven,
    cookies: &Cookies,
    request: Option<RequestId>,
) -> Result<CookieChange, SessionFault> {
    let value = auth.world().secret::<32>();
    let now = auth.world().now();
    let id = auth.world().new_id();
    let claims = match &proven.claims {
        Some(claims) => {
            let vault = auth.vault().tenant(proven.organisation).await?;
            Some(vault.seal(claims_place(id), claims))
        }
        None => None,
    };
    let new = NewSession {
        id,
        digest: auth.vault().digest(PURPOSE, value.expose()),
        person: proven.person,
        authenticated_at: proven.at,
        acr: proven.acr,
        amr: proven.amr.join(" "),
        browser: proven.browser.to_string(),
        claims,
        ends_at: now + auth.config().session_absolute,
    };
    let earlier = current::digest_in(auth, cookies);
    let acting = proven.acting(request);
    let details = serde_json::json!({ "session": new.id, "acr": new.acr.as_str() });
    let entry = acting.entry("person.signed_in", proven.person, details);
    let world = auth.world().clone();
    auth.db()
        .write(async move |tx| -> Result<(), SessionFault> {
            if let Some(earlier) = &earlier {
                queries::end_by_digest(tx, earlier, now).await?;
            }
            queries::insert(tx, &new).await?;
            audit::record(tx, &world, &entry).await?;
            Ok(())
        })
        .await?;
    let sealed = auth.vault().seal_cookie(COOKIE_NAME, value.expose());
    let set_cookie = auth.session_cookie().set(&sealed, None).ok_or(SessionFault::Cookie)?;
    Ok(CookieChange { set_cookie })
}
