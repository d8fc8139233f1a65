//! What a person's applications may do.

use kernel::{Client, Id, Person, Scopes, Timestamp};
use store::{DbError, FromRow, Row};

use super::{Grant, GrantRow, queries};
use crate::Auth;

/// How many grants a person's page shows.
pub const GRANTS_SHOWN_MAX: i64 = 500;

/// A live grant, with its application.
#[derive(Debug, Clone)]
pub struct Connected {
    /// The grant.
    pub id: Id<Grant>,
    /// The application.
    pub client: Id<Client>,
    /// What the application is called.
    pub client_name: String,
    /// Its base address.
    pub client_uri: String,
    /// When an administrator verified it.
    pub client_verified_at: Option<Timestamp>,
    /// What it may do.
    pub scopes: Scopes,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last asked for a token.
    pub used_at: Timestamp,
    /// When it ends if it is not used.
    pub expires_at: Timestamp,
}

/// The live grants of a person, the newest first, [`GRANTS_SHOWN_MAX`] at the most.
///
/// # Errors
/// The database.
pub async fn list_of_person(auth: &Auth, person: Id<Person>) -> Result<Vec<Connected>, DbError> {
    let now = auth.world().now();
    auth.db().scan(async move |tx| queries::of_person(tx, person, now, GRANTS_SHOWN_MAX).await).await
}

impl FromRow for Connected {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let grant = GrantRow::from_row(row)?;
        Ok(Self {
            id: grant.id,
            client: grant.client,
            client_name: row.get("client_name")?,
            client_uri: row.get("client_uri")?,
            client_verified_at: row.get("client_verified_at")?,
            scopes: grant.scopes,
            created_at: grant.created_at,
            used_at: grant.used_at,
            expires_at: grant.expires_at,
        })
    }
}
