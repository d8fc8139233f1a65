//! Where a person is signed in.  OWASP ASVS 5.0 §7.5.2

use kernel::{Id, Session, Timestamp};

use super::{Acr, SessionFault, SignedIn, queries};
use crate::Auth;

/// How many sessions a list shows, the last used first.
pub const LIST_ROWS_MAX: i64 = 100;

/// One live session of the person.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The session.
    pub id: Id<Session>,
    /// The browser in words; empty where nothing is known of it.
    pub browser: String,
    /// What the sign-in was worth.
    pub acr: Acr,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// Whether it is the one that asks.
    pub place: Place,
}

/// Where a session is, as seen from the one that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In this browser.
    Here,
    /// In another.
    Elsewhere,
}

/// A session as its row holds it.
pub(super) struct ListedRow {
    pub id: Id<Session>,
    pub browser: String,
    pub acr: Acr,
    pub began_at: Timestamp,
    pub seen_at: Timestamp,
}

/// The live sessions of the person, the last used first.
///
/// # Errors
/// The database.
pub async fn list(auth: &Auth, signed_in: &SignedIn) -> Result<Vec<Listed>, SessionFault> {
    let now = auth.world().now();
    let seen_after = now - auth.config().session_idle;
    let mut tx = auth.db().read().await?;
    let rows = queries::live_of(&mut tx, signed_in.person, now, seen_after, LIST_ROWS_MAX).await?;
    let here = signed_in.session;
    Ok(rows
        .into_iter()
        .map(|ListedRow { id, browser, acr, began_at, seen_at }| {
            let place = if id == here { Place::Here } else { Place::Elsewhere };
            Listed { id, browser, acr, began_at, seen_at, place }
        })
        .collect())
}
