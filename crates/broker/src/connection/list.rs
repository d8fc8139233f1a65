//! What is linked, for the person's own page.  Contract 1, `GET /integrations/`

use std::{collections::BTreeMap, sync::Arc};

use kernel::{
    Client, Connection, Id, Integration as IntegrationKind, Organisation, Person, Scopes, Timestamp,
};
use store::DbError;

use super::{ConnectionRow, Status, queries};
use crate::{
    Broker,
    credential::CredentialFault,
    integration::Integration,
    trust::{State, Terms},
};

/// One integration as a person sees it.
#[derive(Debug, Clone)]
pub struct ConnectionSummary {
    /// The integration's id in addresses.
    pub slug: String,
    /// The integration's name for people.
    pub name: String,
    /// Whether there is a connection that works.
    pub connected: bool,
    /// How it stands, in words.
    pub status: &'static str,
    /// Whether the person can begin linking.
    pub can_link: bool,
    /// Whether there is something to unlink.
    pub can_unlink: bool,
    /// Since when the account is linked.
    pub linked_at: Option<Timestamp>,
    /// What the third party granted.
    pub scopes_granted: Scopes,
    /// What was asked for and not granted.
    pub scopes_missing: Scopes,
    /// When the consent ends by itself.
    pub consent_expires_at: Option<Timestamp>,
    /// The applications that may make use of it.
    pub used_by: Vec<UsedBy>,
    /// When it was last made use of.
    pub last_used_at: Option<Timestamp>,
}

/// An application that may make use of a connection.
#[derive(Debug, Clone)]
pub struct UsedBy {
    /// Its name.
    pub name: String,
    /// The titles of the actions that it may perform.
    pub may: Vec<String>,
    /// When it last did.
    pub last_used_at: Option<Timestamp>,
}

/// How many accounts are linked to an integration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that work.
    pub linked: u64,
    /// Those that their person has to link again.
    pub needs_reconnect: u64,
}

impl Broker {
    /// How many accounts are linked, integration by integration.
    ///
    /// # Errors
    /// [`DbError`]: the database does not answer.
    pub async fn connection_counts(&self) -> Result<BTreeMap<Id<IntegrationKind>, Counts>, DbError> {
        let rows = self.db.scan(async |tx: &mut store::Reader| queries::counts(tx).await).await?;
        let mut counts = BTreeMap::<_, Counts>::new();
        for (integration, status, many) in rows {
            let of_this = counts.entry(integration).or_default();
            let many = u64::try_from(many).unwrap_or(0);
            if status == "needs_reconnect" { of_this.needs_reconnect += many } else { of_this.linked += many }
        }
        Ok(counts)
    }

    /// Every integration of this organisation as this person sees it, by name.
    ///
    /// # Errors
    /// [`CredentialFault`]: something that is needed does not answer.
    pub async fn summary_of(
        &self,
        organisation: Id<Organisation>,
        person: Id<Person>,
    ) -> Result<Vec<ConnectionSummary>, CredentialFault> {
        let (rows, uses) = self
            .db
            .scan(async move |tx: &mut store::Reader| -> Result<_, store::DbError> {
                let rows = queries::all_of_person(tx, person).await?;
                Ok((rows, queries::uses_of_person(tx, person).await?))
            })
            .await?;
        let mut summaries = Vec::new();
        for integration in self.integrations_all().await? {
            let row = latest(&rows, &integration);
            if integration.organisation != organisation || !integration.enabled && row.is_none() {
                continue;
            }
            let used_by = self.used_by(&integration, row.map(|row| row.id), &uses).await?;
            summaries.push(summary(&integration, row, used_by));
        }
        summaries.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.slug.cmp(&b.slug)));
        Ok(summaries)
    }

    async fn used_by(
        &self,
        integration: &Integration,
        connection: Option<Id<Connection>>,
        uses: &[(Id<Connection>, Id<Client>, Timestamp)],
    ) -> Result<Vec<UsedBy>, CredentialFault> {
        let last: BTreeMap<Id<Client>, Timestamp> = uses
            .iter()
            .filter(|(id, ..)| Some(*id) == connection)
            .map(|(_, client, at)| (*client, *at))
            .collect();
        let mut used_by = Vec::new();
        for trust in self.trusts_of(integration.id).await? {
            if trust.state != State::Granted {
                continue;
            }
            match self.clients.by_id(trust.client).await {
                Ok(Some(client)) if client.is_verified => used_by.push(UsedBy {
                    name: client.name,
                    may: titles(integration, &trust.terms),
                    last_used_at: last.get(&trust.client).copied(),
                }),
                Ok(Some(_) | None) => {}
                Err(fault) => return Err(CredentialFault::Integration(fault.into())),
            }
        }
        Ok(used_by)
    }
}

/// What the terms allow, as people read it.
fn titles(integration: &Integration, terms: &Terms) -> Vec<String> {
    let allowed = |name: &String| integration.provider.action(name).map(|action| action.title.clone());
    terms.actions.iter().filter_map(allowed).collect()
}

/// The live connection if there is one, else one that is being ended.
fn latest<'a>(rows: &'a [ConnectionRow], integration: &Arc<Integration>) -> Option<&'a ConnectionRow> {
    let of_this = || rows.iter().filter(|row| row.integration == integration.id);
    of_this().find(|row| row.status != Status::Revoking).or_else(|| of_this().next_back())
}

fn summary(
    integration: &Integration,
    row: Option<&ConnectionRow>,
    used_by: Vec<UsedBy>,
) -> ConnectionSummary {
    let live = row.filter(|row| row.status != Status::Revoking);
    let granted = live.map(|row| row.scopes_granted.clone()).unwrap_or_default();
    ConnectionSummary {
        slug: integration.slug.clone(),
        name: integration.name.clone(),
        connected: live.is_some_and(|row| row.status.is_connected()),
        status: row.map_or(Status::Revoked, |row| row.status).in_words(),
        can_link: integration.enabled,
        can_unlink: live.is_some(),
        linked_at: live.map(|row| row.linked_at),
        scopes_missing: live.map(|row| row.scopes_asked.without(&granted)).unwrap_or_default(),
        scopes_granted: granted,
        consent_expires_at: live.and_then(|row| row.consent_expires_at),
        last_used_at: used_by.iter().filter_map(|client| client.last_used_at).max(),
        used_by,
    }
}
