//! What a person has allowed an application, and is not asked about again.

use kernel::{Client, Id, Person, Scopes, Timestamp};
use store::{DbError, FromRow, Reader, Row, binds};

use crate::{Auth, grant::GRANTS_SHOWN_MAX};

/// An application that was allowed something.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// The application.
    pub client: Id<Client>,
    /// What it is called.
    pub client_name: String,
    /// Its base address.
    pub client_uri: String,
    /// When an administrator verified it.
    pub client_verified_at: Option<Timestamp>,
    /// What it was allowed.
    pub scopes: Scopes,
}

/// What the person has allowed, whether tokens are out or not: as many applications as a person's page shows.
///
/// # Errors
/// The database.
pub async fn remembered_of_person(auth: &Auth, person: Id<Person>) -> Result<Vec<Remembered>, DbError> {
    let rows_max = GRANTS_SHOWN_MAX;
    auth.db()
        .scan(async move |tx: &mut Reader| {
            tx.all(
                "SELECT consent.client_id, consent.scopes, client.name AS client_name, client.uri AS client_uri, \
                 client.verified_at AS client_verified_at FROM consent JOIN client ON client.id = consent.client_id \
                 WHERE consent.person_id = $1 ORDER BY consent.client_id LIMIT $2",
                binds![person, rows_max],
            )
            .await
        })
        .await
}

impl FromRow for Remembered {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            client: row.get("client_id")?,
            client_name: row.get("client_name")?,
            client_uri: row.get("client_uri")?,
            client_verified_at: row.get("client_verified_at")?,
            scopes: row.get("scopes")?,
        })
    }
}
