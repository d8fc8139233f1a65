//! Reading the trail, newest first, a page at a time.

use kernel::{Actor, Client, EventRow, Id, Organisation, Page, Person, ReceiverLink, Slice, Timestamp};
use store::{DbError, FromRow, Reader, Row as DbRow};

use crate::queries;

/// Which entries are asked for; what is none does not narrow.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Entries that this person caused.
    pub person: Option<Id<Person>>,
    /// Entries that this client caused, on its own behalf or a person's.
    pub client: Option<Id<Client>>,
    /// Entries of this act: `connection.linked`.
    pub act: Option<String>,
    /// Entries about the thing with this id.
    pub subject: Option<String>,
}

/// One entry as it was written.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id, which is also the key of the page after it.
    pub id: Id<EventRow>,
    /// When it was written.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub act: String,
    /// What kind of thing it was done to.
    pub subject_kind: String,
    /// The id of that thing.
    pub subject_id: Option<String>,
    /// `done`, `refused` or `failed`.
    pub outcome: String,
    /// Why it was not done.
    pub reason: Option<String>,
    /// The request in which it happened.
    pub request: Option<String>,
    /// The whole entry as canonical JSON, exactly as it was written.
    pub canonical: Vec<u8>,
}

/// One page of an organisation's entries, newest first; without an organisation, of those that belong to none.
///
/// # Errors
/// [`DbError`].
pub async fn page(
    reader: &mut Reader,
    organisation: Option<Id<Organisation>>,
    filter: &Filter,
    page: &Page<Id<EventRow>>,
) -> Result<Slice<Row>, DbError> {
    let mut items = queries::page(reader, organisation, filter, page).await?;
    let wanted = usize::from(u16::try_from(page.limit.rows()).unwrap_or(kernel::Limit::MAX));
    let has_more = items.len() > wanted;
    items.truncate(wanted);
    Ok(Slice { items, has_more })
}

impl FromRow for Row {
    fn from_row(row: &DbRow<'_>) -> Result<Self, DbError> {
        let kind = row.get::<String>("actor")?;
        Ok(Self {
            id: row.get("id")?,
            at: row.get("at")?,
            actor: actor(&kind, row.get("person_id")?, row.get("client_id")?, row.get("link_id")?)
                .ok_or_else(|| DbError::Column { column: "actor".into(), why: "not an actor".into() })?,
            act: row.get("act")?,
            subject_kind: row.get("subject_kind")?,
            subject_id: row.get("subject_id")?,
            outcome: row.get("outcome")?,
            reason: row.get("reason")?,
            request: row.get("request_id")?,
            canonical: row.get("canonical")?,
        })
    }
}

fn actor(
    kind: &str,
    person: Option<Id<Person>>,
    client: Option<Id<Client>>,
    link: Option<Id<ReceiverLink>>,
) -> Option<Actor> {
    match (kind, person, client, link) {
        ("person", Some(person), through, None) => Some(Actor::Person { person, through }),
        ("client", None, Some(client), None) => Some(Actor::Client(client)),
        ("receiver", None, None, Some(link)) => Some(Actor::Receiver(link)),
        ("system", None, None, None) => Some(Actor::System),
        ("anonymous", None, None, None) => Some(Actor::Anonymous),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::actor_columns;

    #[test]
    fn every_actor_comes_back_from_its_columns() {
        let (person, client) = (Id::from_bytes([1; 16]), Id::from_bytes([2; 16]));
        for who in [
            Actor::Person { person, through: None },
            Actor::Person { person, through: Some(client) },
            Actor::Client(client),
            Actor::Receiver(Id::from_bytes([3; 16])),
            Actor::System,
            Actor::Anonymous,
        ] {
            let (kind, person, client, link) = actor_columns(who);
            assert_eq!(actor(kind, person, client, link), Some(who));
        }
        assert_eq!(actor("client", None, None, None), None);
    }
}
