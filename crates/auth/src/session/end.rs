//! A person signs out.

use kernel::{Id, Session};

use super::{CookieChange, SessionFault, SignedIn, queries};
use crate::{
    Auth, grant,
    logout::backchannel::{self, Ending},
};

/// End a session here, not only in the browser, and with it what was granted in it for as long as it lasts.
///
/// # Errors
/// The database; the session goes on then.
pub async fn end(auth: &Auth, signed_in: &SignedIn) -> Result<CookieChange, SessionFault> {
    let (auth_in, now, session) = (auth.clone(), auth.world().now(), signed_in.session);
    let entry = signed_in.acting().entry(
        "person.signed_out",
        signed_in.person,
        serde_json::json!({ "session": session }),
    );
    let acting = signed_in.acting();
    let revoked = auth
        .db()
        .write(async move |tx| -> Result<_, SessionFault> {
            backchannel::schedule(tx, &auth_in, Ending::One(session)).await?;
            if queries::end(tx, session, now).await? == 0 {
                return Ok(Vec::new());
            }
            audit::record(tx, auth_in.world(), &entry).await?;
            Ok(grant::end::end_with_session(tx, &auth_in, &acting, session, now).await?)
        })
        .await?;
    revoked.iter().for_each(|revoked| auth.heed(revoked));
    Ok(CookieChange { set_cookie: auth.session_cookie().clear() })
}

/// End one of the person's sessions: in a browser that they have lost, say.
///
/// # Errors
/// [`SessionFault::NotFound`] when it is none of theirs, or over.
pub async fn end_one(auth: &Auth, signed_in: &SignedIn, session: Id<Session>) -> Result<(), SessionFault> {
    let (auth_in, now, person) = (auth.clone(), auth.world().now(), signed_in.person);
    let acting = signed_in.acting();
    let entry = acting.entry("person.signed_out", person, serde_json::json!({ "session": session }));
    let revoked = auth
        .db()
        .write(async move |tx| -> Result<_, SessionFault> {
            backchannel::schedule(tx, &auth_in, Ending::One(session)).await?;
            if queries::end_one_of(tx, person, session, now).await? == 0 {
                return Err(SessionFault::NotFound);
            }
            audit::record(tx, auth_in.world(), &entry).await?;
            Ok(grant::end::end_with_session(tx, &auth_in, &acting, session, now).await?)
        })
        .await?;
    revoked.iter().for_each(|revoked| auth.heed(revoked));
    Ok(())
}

/// End all of the person's sessions but this one.
///
/// # Errors
/// The database; all go on then.
pub async fn end_others(auth: &Auth, signed_in: &SignedIn) -> Result<(), SessionFault> {
    let (auth_in, now) = (auth.clone(), auth.world().now());
    let (person, this) = (signed_in.person, signed_in.session);
    let entry =
        signed_in.acting().entry("person.signed_out", person, serde_json::json!({ "sessions_but": this }));
    auth.db()
        .write(async move |tx| -> Result<(), SessionFault> {
            backchannel::schedule(tx, &auth_in, Ending::AllBut(person, this)).await?;
            if queries::end_others_of(tx, person, this, now).await? > 0 {
                audit::record(tx, auth_in.world(), &entry).await?;
            }
            Ok(())
        })
        .await
}
