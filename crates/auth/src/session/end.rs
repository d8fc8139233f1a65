//! A person signs out.

use super::{CookieChange, SessionFault, SignedIn, queries};
use crate::Auth;

/// End a session here, not only in the browser.
///
/// # Errors
/// The database; the session goes on then.
pub async fn end(auth: &Auth, signed_in: &SignedIn) -> Result<CookieChange, SessionFault> {
    let (world, now, session) = (auth.world().clone(), auth.world().now(), signed_in.session);
    let entry = signed_in.acting().entry(
        "person.signed_out",
        signed_in.person,
        serde_json::json!({ "session": session }),
    );
    auth.db()
        .write(async move |tx| -> Result<(), SessionFault> {
            if queries::end(tx, session, now).await? > 0 {
                audit::record(tx, &world, &entry).await?;
            }
            Ok(())
        })
        .await?;
    Ok(CookieChange { set_cookie: auth.session_cookie().clear() })
}
