//! The keys as the operator sees them.

use crypto::jose::Algorithm;
use kernel::Timestamp;

use super::{State, queries};
use crate::{Auth, OpenFault};

/// A key, without its halves.
#[derive(Debug, Clone)]
pub struct KeyStanding {
    /// What tokens call it; keys of the first versions were not asked.
    pub kid: Option<String>,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// What it does.
    pub state: State,
    /// Since when it does so.
    pub since: Timestamp,
}

/// All keys, the newest first.
///
/// # Errors
/// The database.
pub async fn list(auth: &Auth) -> Result<Vec<KeyStanding>, OpenFault> {
    let rows = queries::all(&mut auth.db().read().await?).await?;
    let standing = rows.into_iter().map(|row| KeyStanding {
        kid: row.kid,
        algorithm: row.algorithm.0,
        state: row.state,
        since: row.since,
    });
    Ok(standing.collect())
}
