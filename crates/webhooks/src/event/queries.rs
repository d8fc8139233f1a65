//! The SQL of following.

use kernel::{Id, Organisation};
use store::{DbError, Reader, binds};

use crate::endpoint::Listening;

/// The endpoints of an organisation. Those that are not called at present are told all the same, later.
pub(super) async fn listening(
    reader: &mut Reader,
    organisation: Id<Organisation>,
) -> Result<Vec<Listening>, DbError> {
    let sql = "SELECT id, wanted, ordering FROM webhook_endpoint WHERE organisation_id = $1 ORDER BY id";
    reader.all(sql, binds![organisation]).await
}
