//! A person signs out.

use super::{CookieChange, SessionFault, SignedIn, queries};
use crate::{Auth, grant};

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
