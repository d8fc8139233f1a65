//! Sessions end: signed out, elsewhere or everywhere, or because another sign-in takes their place.
//!
//! However that comes about, it goes through [`end_in`]: what was granted for as long as they last ends with them, and applications
//! are told.

use kernel::{Id, Person, Session};
use store::{DbError, Writer};

use super::{CookieChange, SessionFault, SignedIn, queries};
use crate::{Acting, Auth, grant, logout::backchannel, token::revocation::Revoked};

/// Which sessions end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    /// This one of the person.
    One(Id<Person>, Id<Session>),
    /// All of the person.
    AllOf(Id<Person>),
    /// All of the person but this one.
    AllBut(Id<Person>, Id<Session>),
}

/// What has ended, for this node to [`heed`](Ended::heed) after the commit.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Ended {
    sessions: u64,
    revoked: Vec<Revoked>,
}

impl Ended {
    /// Let no token pass any more that has ended.
    pub(crate) fn heed(&self, auth: &Auth) {
        self.revoked.iter().for_each(|revoked| auth.heed(revoked));
    }
}

/// End sessions in the transaction of what brings it about, with what was granted in them for as long as they last; every
/// application that has something of them is told.
pub(crate) async fn end_in(
    tx: &mut Writer,
    auth: &Auth,
    acting: &Acting,
    ending: Ending,
) -> Result<Ended, DbError> {
    let now = auth.world().now();
    backchannel::schedule(tx, auth, ending).await?;
    let sessions = queries::end(tx, ending, now).await?;
    if sessions == 0 {
        return Ok(Ended::default());
    }
    let (person, details) = match ending {
        Ending::One(person, session) => (person, serde_json::json!({ "session": session })),
        Ending::AllOf(person) => (person, serde_json::json!({ "sessions": "all" })),
        Ending::AllBut(person, this) => (person, serde_json::json!({ "sessions_but": this })),
    };
    audit::record(tx, auth.world(), &acting.entry("person.signed_out", person, details)).await?;
    let revoked = grant::end::end_with_sessions(tx, auth, acting, person, now).await?;
    Ok(Ended { sessions, revoked })
}

/// End a session here, not only in the browser, and with it what was granted in it for as long as it lasts.
///
/// # Errors
/// The database; the session goes on then.
pub async fn end(auth: &Auth, signed_in: &SignedIn) -> Result<CookieChange, SessionFault> {
    end_now(auth, signed_in, Ending::One(signed_in.person, signed_in.session)).await?;
    Ok(CookieChange { set_cookie: auth.session_cookie().clear() })
}

/// End one of the person's sessions: in a browser that they have lost, say.
///
/// # Errors
/// [`SessionFault::NotFound`] when it is none of theirs, or has ended.
pub async fn end_one(auth: &Auth, signed_in: &SignedIn, session: Id<Session>) -> Result<(), SessionFault> {
    match end_now(auth, signed_in, Ending::One(signed_in.person, session)).await? {
        0 => Err(SessionFault::NotFound),
        _ => Ok(()),
    }
}

/// End all of the person's sessions but this one.
///
/// # Errors
/// The database; all go on then.
pub async fn end_others(auth: &Auth, signed_in: &SignedIn) -> Result<(), SessionFault> {
    end_now(auth, signed_in, Ending::AllBut(signed_in.person, signed_in.session)).await?;
    Ok(())
}

/// Gives how many there were.
async fn end_now(auth: &Auth, signed_in: &SignedIn, ending: Ending) -> Result<u64, SessionFault> {
    let (auth_in, acting) = (auth.clone(), signed_in.acting());
    let ended = auth.db().write(async move |tx| end_in(tx, &auth_in, &acting, ending).await).await?;
    ended.heed(auth);
    Ok(ended.sessions)
}
