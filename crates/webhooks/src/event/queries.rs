//! The SQL of following.

use std::collections::BTreeSet;

use kernel::{Id, Organisation};
use store::{Composed, DbError, Reader};

use super::TEST;
use crate::endpoint::Listening;

/// Types of events by which endpoints are picked; where there are more, all endpoints are read.
const NAMES_PICKED_BY_MAX: usize = 32;

/// The endpoints of an organisation that may want events of these types, each to be asked yet. Those that are not called at present are
/// told all the same, later. Of the others, of which there may be hundreds, nothing is read: they would cost every event.
pub(super) async fn listening(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    names: &BTreeSet<&str>,
) -> Result<Vec<Listening>, DbError> {
    let mut select =
        Composed::new("SELECT id, wanted, ordering FROM webhook_endpoint WHERE organisation_id = ");
    select.bind(&organisation);
    // A test is for the endpoint that is its subject, whatever that wants.
    if names.len() <= NAMES_PICKED_BY_MAX && !names.contains(TEST) {
        // As we have written it: a name stands between quotation marks, a family of names ends with an asterisk, and who wants all names none.
        select.text(" AND (wanted LIKE '%\"event_types\":[]%' OR wanted LIKE '%*\"%'");
        for name in names {
            select.text(" OR wanted LIKE ").bind(format!("%\"{name}\"%").as_str());
        }
        select.text(")");
    }
    select.text(" ORDER BY id");
    reader.all_composed(&select).await
}
