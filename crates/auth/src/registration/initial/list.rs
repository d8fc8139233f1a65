//! The tokens of an organisation.

use super::{InitialToken, InitialTokenFault, queries};
use crate::{Acting, Auth};

/// How many tokens a page shows: those that are good, and the newest that were.
pub const TOKENS_SHOWN_MAX: i64 = 200;

/// The tokens of the acting person's organisation, the newest first, those that have ended too.
///
/// # Errors
/// The database.
pub async fn list_of(auth: &Auth, acting: &Acting) -> Result<Vec<InitialToken>, InitialTokenFault> {
    let organisation = acting.organisation;
    auth.db()
        .scan(async move |tx| Ok(queries::of_organisation(tx, organisation, TOKENS_SHOWN_MAX).await?))
        .await
}
