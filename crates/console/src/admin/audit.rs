//! The audit trail of the organisation, newest first.

use std::collections::BTreeMap;

use ::audit::{Filter, Row};
use auth::{Administrator, SignedIn, client, person};
use axum::{extract::State, response::Response};
use kernel::{Actor, Client, EventRow, Id, Limit, Page, Person};
use serde::Deserialize;
use url::form_urlencoded;
use web::{Answer, Query};

use crate::{
    frame::{Frame, Here, Notice},
    label,
    page::admin::{Audit, AuditRow},
    respond::page,
    state::Console,
    t,
};

/// Entries on one page.
const ROWS: Limit = match Limit::new(50) {
    Some(limit) => limit,
    None => Limit::DEFAULT,
};

/// What is asked for, as the address says it.
#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    act: String,
    #[serde(default)]
    person: String,
    #[serde(default)]
    client: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    before: String,
}

/// `GET /admin/audit`
pub(crate) async fn list(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let viewer = console.viewer(&who).await?;
    let (filter, malformed) = asked.filter();
    let after = asked.before.parse().ok();
    let mut reader = console.db().read().await?;
    let slice =
        ::audit::page(&mut reader, Some(who.organisation), &filter, &Page { after, limit: ROWS }).await?;
    drop(reader);
    let entries = rows(&console, &who, &slice.items).await?;
    let last = slice.items.last().filter(|_| slice.has_more);
    page(&Audit {
        how: asked.how_it_is(slice.items.len()),
        frame: Frame::inside(t("menu-audit"), Here::Audit, viewer)
            .telling(malformed.then(|| Notice::failed(t("audit-id")))),
        entries,
        newest: after.map(|_: Id<EventRow>| asked.address(None)),
        older: last.map(|row| asked.address(Some(row.id))),
        act: asked.act,
        person: asked.person,
        client: asked.client,
        subject: asked.subject,
    })
}

impl Asked {
    /// The filter, and whether an id in it is none: then nothing is left out silently, it is said.
    fn filter(&self) -> (Filter, bool) {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let (person, client) = (text(&self.person), text(&self.client));
        let filter = Filter {
            person: person.as_deref().and_then(|id| id.parse().ok()),
            client: client.as_deref().and_then(|id| id.parse().ok()),
            act: text(&self.act),
            subject: text(&self.subject),
        };
        let malformed =
            person.is_some() && filter.person.is_none() || client.is_some() && filter.client.is_none();
        (filter, malformed)
    }

    fn is_narrow(&self) -> bool {
        [&self.act, &self.person, &self.client, &self.subject].iter().any(|text| !text.trim().is_empty())
    }

    /// What the page shows, in words.
    fn how_it_is(&self, rows: usize) -> String {
        let said = match (rows, self.is_narrow(), self.before.is_empty()) {
            (0, true, _) => t("audit-none-fits"),
            (0, false, _) => t("audit-none"),
            (rows, true, true) => t("audit-newest-fit").count("many", rows),
            (rows, false, true) => t("audit-newest").count("many", rows),
            (rows, true, false) => t("audit-next-fit").count("many", rows),
            (rows, false, false) => t("audit-next").count("many", rows),
        };
        said.into()
    }

    /// The address of the page before this entry, with the same filter.
    fn address(&self, before: Option<Id<EventRow>>) -> String {
        let before = before.map(|id| id.to_string()).unwrap_or_default();
        let all = [
            ("act", &self.act),
            ("person", &self.person),
            ("client", &self.client),
            ("subject", &self.subject),
            ("before", &before),
        ];
        let stated = all.into_iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(stated).finish();
        if query.is_empty() { "/admin/audit".to_owned() } else { format!("/admin/audit?{query}") }
    }
}

/// The names of those who did what is on the page.
struct Names {
    people: BTreeMap<Id<Person>, String>,
    clients: BTreeMap<Id<Client>, String>,
}

impl Names {
    async fn of(console: &Console, who: &SignedIn, rows: &[Row]) -> Answer<Self> {
        let mut names = Self { people: BTreeMap::new(), clients: BTreeMap::new() };
        for row in rows {
            let (person, client) = match row.actor {
                Actor::Person { person, through } => (Some(person), through),
                Actor::Client(client) => (None, Some(client)),
                Actor::Receiver(_) | Actor::System | Actor::Anonymous => (None, None),
            };
            if let Some(id) = person.filter(|id| !names.people.contains_key(id))
                && let Some(found) = person::find(console.auth(), who.organisation, id).await?
            {
                names.people.insert(id, found.display_name);
            }
            if let Some(id) = client.filter(|id| !names.clients.contains_key(id))
                && let Some(found) = client::live_by_id(console.auth(), id).await?
            {
                names.clients.insert(id, found.name);
            }
        }
        Ok(names)
    }

    fn client(&self, id: Id<Client>) -> String {
        self.clients.get(&id).cloned().unwrap_or_else(|| t("audit-application").of("id", id).into())
    }

    fn actor(&self, actor: Actor) -> String {
        let person = |id| -> String {
            self.people.get(&id).cloned().unwrap_or_else(|| t("audit-person").of("id", id).into())
        };
        match actor {
            Actor::Person { person: id, through: None } => person(id),
            Actor::Person { person: id, through: Some(client) } => {
                t("audit-through").of("person", person(id)).of("client", self.client(client)).into()
            }
            Actor::Client(client) => self.client(client),
            Actor::Receiver(link) => t("audit-receiver").of("id", link).into(),
            Actor::System => t("audit-itself").into(),
            Actor::Anonymous => t("audit-nobody").into(),
        }
    }
}

/// Entries as a page shows them.
pub(super) async fn rows(console: &Console, who: &SignedIn, rows: &[Row]) -> Answer<Vec<AuditRow>> {
    let names = Names::of(console, who, rows).await?;
    Ok(rows.iter().map(|row| entry(console, &names, row)).collect())
}

fn entry(console: &Console, names: &Names, row: &Row) -> AuditRow {
    AuditRow {
        at: console.moment(row.at),
        act: row.act.clone(),
        actor: names.actor(row.actor),
        subject: format!("{} {}", row.subject_kind, row.subject_id.as_deref().unwrap_or_default())
            .trim()
            .to_owned(),
        outcome: match row.outcome.as_str() {
            "done" => label::State::good(t("audit-done")),
            "refused" => label::State::warn(t("audit-refused")),
            _ => label::State::bad(t("audit-failed")),
        },
        why: row.reason.clone(),
        request: row.request.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_keeps_the_filter() {
        let asked =
            Asked { act: "connection.linked".to_owned(), subject: "a&b".to_owned(), ..Asked::default() };
        let id = Id::from_bytes([1; 16]);
        assert_eq!(asked.address(None), "/admin/audit?act=connection.linked&subject=a%26b");
        assert!(asked.address(Some(id)).ends_with(&format!("&before={id}")));
        assert_eq!(Asked::default().address(None), "/admin/audit");
    }

    #[test]
    fn an_id_that_is_none_is_said() {
        let asked = |person: &str| Asked { person: person.to_owned(), ..Asked::default() }.filter();
        assert!(asked("Morag").1);
        assert!(!asked(" 01010101-0101-0101-0101-010101010101 ").1);
        assert!(!asked(" ").1);
    }
}
