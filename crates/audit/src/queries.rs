//! The SQL of the audit trail.

use kernel::{EventRow, Id, Organisation, Page, Timestamp};
use store::{DbError, Reader, Value, Writer, binds};

use crate::{Entry, Filter, Row, entry::actor_columns};

/// The act of nearly every row, which the index by act leaves out: whoever asks for it finds it among the newest.
const COMMON: &str = "token.issued";

pub(crate) const INSERT: &str = "INSERT INTO audit_event (id, at, organisation_id, actor, person_id, client_id, \
    act, subject_kind, subject_id, outcome, reason, request_id, canonical, link_id) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

/// The values of [`INSERT`].
pub(crate) fn binds(entry: &Entry, id: Id<EventRow>, at: Timestamp, canonical: Vec<u8>) -> Vec<Value> {
    let (actor, person, client, link) = actor_columns(entry.actor);
    binds![
        id,
        at,
        entry.organisation,
        actor,
        person,
        client,
        entry.act,
        entry.subject.kind,
        entry.subject.id.clone(),
        entry.outcome.as_str(),
        entry.outcome.reason(),
        entry.request.as_ref().map(|request| request.as_str()),
        canonical,
        link
    ]
}

pub(crate) async fn insert(tx: &mut Writer, binds: Vec<Value>) -> Result<(), DbError> {
    tx.execute(INSERT, binds).await.map(|_| ())
}

/// A page's statement. The owner and the leading filter are plain equalities, so that each has its index; the other
/// filters only sift what the leading one finds.
macro_rules! page_of {
    ($owner:literal, $leading:literal) => {
        concat!(
            "SELECT id, at, actor, person_id, client_id, link_id, act, subject_kind, subject_id, outcome, reason, request_id, ",
            "canonical FROM audit_event WHERE ",
            $owner,
            " AND ",
            $leading,
            " AND (person_id = $3 OR $3 IS NULL) AND (client_id = $4 OR $4 IS NULL) AND (act = $5 OR $5 IS NULL)",
            " AND (subject_id = $6 OR $6 IS NULL) ORDER BY id DESC LIMIT $2"
        )
    };
}

macro_rules! pages_of {
    ($owner:literal, $filter:expr) => {
        match $filter {
            Filter { subject: Some(_), .. } => page_of!($owner, "id < $1 AND subject_id = $6"),
            Filter { person: Some(_), .. } => page_of!($owner, "id < $1 AND person_id = $3"),
            Filter { client: Some(_), .. } => page_of!($owner, "id < $1 AND client_id = $4"),
            Filter { act: Some(act), .. } if act == COMMON => page_of!($owner, "id < $1"),
            Filter { act: Some(_), .. } => {
                page_of!($owner, "id < $1 AND act = $5 AND act <> 'token.issued'")
            }
            Filter { .. } => page_of!($owner, "id < $1"),
        }
    };
}

/// One row more than the page holds, so that the caller sees whether there are more.
pub(crate) async fn page(
    reader: &mut Reader,
    organisation: Option<Id<Organisation>>,
    filter: &Filter,
    page: &Page<Id<EventRow>>,
) -> Result<Vec<Row>, DbError> {
    let before = page.after.unwrap_or(Id::from_bytes([0xff; 16]));
    let limit = page.limit.rows().saturating_add(1);
    let mut values =
        binds![before, limit, filter.person, filter.client, filter.act.clone(), filter.subject.clone()];
    let sql = match organisation {
        Some(owner) => {
            values.extend(binds![owner]);
            pages_of!("organisation_id = $7", filter)
        }
        None => pages_of!("organisation_id IS NULL", filter),
    };
    reader.all(sql, values).await
}
