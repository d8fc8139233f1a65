//! A person has proven who they are: their browser gets a new session.

use kernel::{Digest, Id, Person, RequestId, Session, Timestamp};
use store::Writer;
use vault::Sealed;
use web::Cookies;

use super::{
    Acr, COOKIE_NAME, CookieChange, Ended, Ending, PURPOSE, SessionFault, claims_place,
    current::{self, is_live},
    end_in, queries,
};
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

/// Begin a session behind a new cookie: whoever planted or stole the one before does not come along (session fixation).
///
/// The same person in the same browser goes on with the session that they had, so that what applications know of it stays
/// true (`sid`; OpenID Connect Front-Channel Logout 1.0 §3). Another person's ends.
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
    // Claims are sealed for the row of their session, which is known inside only.
    let vault = match &proven.claims {
        Some(_) => Some(auth.vault().tenant(proven.organisation).await?),
        None => None,
    };
    let earlier = current::digest_in(auth, cookies);
    let digest = auth.vault().digest(PURPOSE, value.expose());
    let (auth_in, fresh) = (auth.clone(), auth.world().new_id());
    let ended = auth
        .db()
        .write(async move |tx| -> Result<Ended, SessionFault> {
            let (acting, ends_at) = (proven.acting(request.clone()), now + auth_in.config().session_absolute);
            let of = |id: Id<Session>| {
                let sealed = vault.as_ref().zip(proven.claims.as_ref());
                NewSession {
                    id,
                    digest,
                    person: proven.person,
                    authenticated_at: proven.at,
                    acr: proven.acr,
                    amr: proven.amr.join(" "),
                    browser: proven.browser.to_string(),
                    claims: sealed.map(|(vault, claims)| vault.seal(claims_place(id), claims)),
                    ends_at,
                }
            };
            let (id, ended) = match place_of(tx, &auth_in, earlier.as_ref(), proven.person).await? {
                Place::Same(id, digest) if queries::renew(tx, &of(id), &digest).await? > 0 => {
                    (id, Ended::default())
                }
                Place::Others(person, id) => {
                    queries::insert(tx, &of(fresh)).await?;
                    (fresh, end_in(tx, &auth_in, &acting, Ending::One(person, id)).await?)
                }
                Place::Same(..) | Place::None => {
                    queries::insert(tx, &of(fresh)).await?;
                    (fresh, Ended::default())
                }
            };
            let details = serde_json::json!({ "session": id, "acr": proven.acr.as_str() });
            let entry = acting.entry("person.signed_in", proven.person, details);
            audit::record(tx, auth_in.world(), &entry).await?;
            Ok(ended)
        })
        .await?;
    ended.heed(auth);
    let sealed = auth.vault().seal_cookie(COOKIE_NAME, value.expose());
    let set_cookie = auth.session_cookie().set(&sealed, None).ok_or(SessionFault::Cookie)?;
    Ok(CookieChange { set_cookie })
}

/// Whose session the browser had.
enum Place {
    None,
    /// The person's own, which goes on.
    Same(Id<Session>, Digest),
    /// One that ends: another person's, or one that has been over for a while.
    Others(Id<Person>, Id<Session>),
}

async fn place_of(
    tx: &mut Writer,
    auth: &Auth,
    earlier: Option<&Digest>,
    person: Id<Person>,
) -> Result<Place, SessionFault> {
    let Some(digest) = earlier else { return Ok(Place::None) };
    let now = auth.world().now();
    Ok(match queries::by_digest(tx, digest).await? {
        Some(row) if row.person == person && is_live(&row, auth.config(), now) => {
            Place::Same(row.id, *digest)
        }
        Some(row) => Place::Others(row.person, row.id),
        None => Place::None,
    })
}
