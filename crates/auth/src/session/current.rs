//! Who is signed in in this browser?

use std::time::Duration;

use kernel::{Digest, Id, Organisation, Person, RequestId, Session, Timestamp};
use store::{DbError, Reader, binds};
use web::Cookies;

use super::{Acr, COOKIE_NAME, PURPOSE, SessionFault, SignedIn, TOUCH_EVERY, queries};
use crate::{Auth, Config, role};

/// A session as its row holds it, with what it needs of its person.
#[derive(Clone)]
pub(super) struct SessionRow {
    pub id: Id<Session>,
    pub person: Id<Person>,
    pub organisation: Id<Organisation>,
    pub authenticated_at: Timestamp,
    pub acr: Acr,
    pub amr: String,
    pub span: SessionSpan,
    pub disabled_at: Option<Timestamp>,
}

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionSpan {
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When it is over in any case.
    pub ends_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl SessionSpan {
    /// Whether it goes on: neither ended, nor over, nor unused for as long as it may be.
    pub(crate) fn lasts(&self, idle: Duration, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.ends_at && now.since(self.seen_at) < idle
    }
}

/// Whether the session goes on, and its person may.
///
/// # Errors
/// The database.
pub(crate) async fn lasts(tx: &mut Reader, auth: &Auth, session: Id<Session>) -> Result<bool, DbError> {
    let row = queries::by_id(tx, session).await?;
    Ok(row.is_some_and(|row| is_live(&row, auth.config(), auth.world().now())))
}

/// The person whose live session the cookie carries.
///
/// # Errors
/// The database: an outage never looks like being signed out.
pub async fn current(
    auth: &Auth,
    cookies: &Cookies,
    request: Option<RequestId>,
) -> Result<Option<SignedIn>, SessionFault> {
    let Some(digest) = digest_in(auth, cookies) else { return Ok(None) };
    let mut tx = auth.db().read().await?;
    let now = auth.world().now();
    let row = queries::by_digest(&mut tx, &digest).await?.filter(|row| is_live(row, auth.config(), now));
    let Some(row) = row else { return Ok(None) };
    let roles = role::queries::of_person(&mut tx, row.person).await?;
    drop(tx);
    if now.since(row.span.seen_at) >= TOUCH_EVERY {
        auth.db().write_lazy(queries::TOUCH, binds![row.id, now]);
    }
    Ok(Some(SignedIn {
        person: row.person,
        organisation: row.organisation,
        roles,
        session: row.id,
        authenticated_at: row.authenticated_at,
        acr: row.acr,
        amr: row.amr.split_whitespace().map(str::to_owned).collect(),
        request,
    }))
}

/// What the row is found by, if the cookie is one that we sealed.
pub(super) fn digest_in(auth: &Auth, cookies: &Cookies) -> Option<Digest> {
    let sealed = cookies.get(&auth.session_cookie())?;
    let value = auth.vault().open_cookie(COOKIE_NAME, sealed)?;
    Some(auth.vault().digest(PURPOSE, value.expose()))
}

pub(super) fn is_live(row: &SessionRow, config: &Config, now: Timestamp) -> bool {
    row.disabled_at.is_none() && row.span.lasts(config.session_idle, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_in_four_ways() {
        let at = Timestamp::from_seconds;
        let config = Config::for_tests();
        let (idle_s, whole_s) =
            (config.session_idle.as_secs().cast_signed(), config.session_absolute.as_secs().cast_signed());
        let row = SessionRow {
            id: Id::from_bytes([1; 16]),
            person: Id::from_bytes([2; 16]),
            organisation: Id::from_bytes([3; 16]),
            authenticated_at: at(0),
            acr: Acr::Password,
            amr: String::new(),
            span: SessionSpan { seen_at: at(0), ends_at: at(whole_s), ended_at: None },
            disabled_at: None,
        };
        let spanning = |span: SessionSpan| SessionRow { span, ..row.clone() };
        assert!(is_live(&row, &config, at(idle_s - 1)));
        assert!(!is_live(&row, &config, at(idle_s)), "idle");
        let busy = spanning(SessionSpan { seen_at: at(whole_s - 1), ..row.span });
        assert!(is_live(&busy, &config, at(whole_s - 1)));
        assert!(!is_live(&busy, &config, at(whole_s)), "over");
        let ended = spanning(SessionSpan { ended_at: Some(at(0)), ..row.span });
        assert!(!is_live(&ended, &config, at(1)), "ended");
        let disabled = SessionRow { disabled_at: Some(at(0)), ..row.clone() };
        assert!(!is_live(&disabled, &config, at(1)), "switched off");
    }
}
