//! The SQL of following.

use std::collections::BTreeSet;

use kernel::{Id, Organisation};
use store::{Composed, DbError, Reader};

use super::{TEST, patterns_of};
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
    reader.all_composed(&select(organisation, names)).await
}

fn select(organisation: Id<Organisation>, names: &BTreeSet<&str>) -> Composed {
    let mut select = Composed::new("SELECT id, wanted, ordering FROM webhook_endpoint WHERE ");
    // A test is for the endpoint that is its subject, whatever that wants.
    if names.len() > NAMES_PICKED_BY_MAX || names.contains(TEST) {
        select.text("organisation_id = ").bind(&organisation);
    } else {
        // The organisation stands in there alone: named out here, too, SQLite reads all its endpoints.
        select.text("id IN (SELECT endpoint_id FROM webhook_endpoint_type WHERE organisation_id = ");
        select.bind(&organisation).text(" AND event_type IN (");
        let patterns: BTreeSet<String> = names.iter().flat_map(|name| patterns_of(name)).collect();
        for (nth, pattern) in patterns.iter().enumerate() {
            select.text(if nth == 0 { "" } else { ", " }).bind(pattern.as_str());
        }
        select.text("))");
    }
    select.text(" ORDER BY id");
    select
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_that_want_something_else_are_not_read() {
        let sets = [audit::MIGRATIONS, jobs::MIGRATIONS, crate::MIGRATIONS];
        testkit::engine::on(testkit::engine::SQLITE, &sets, async |db| {
            let statement = select(Id::from_bytes([1; 16]), &["sync.done", "sync.failed"].into());
            let steps = store::check::steps(&db, &statement).await.unwrap();
            let is_step = |words: &str| steps.iter().any(|step| step.contains(words));
            assert!(is_step("autoindex_webhook_endpoint_1 (id=?)"), "{steps:?}");
            assert!(is_step("(organisation_id=? AND event_type=?)"), "{steps:?}");
        });
    }
}
