//! Linked accounts as whatever fetches data by itself sees them: one after the other, each asked in its owner's name.

use std::sync::Arc;

use audit::{Outcome, Subject};
use kernel::{Connection, Id, Integration as IntegrationKind, Organisation, Person, Timestamp};
use outbound::{Answer, Call};
use serde_json::json;
use store::{DbError, FromRow, Row, binds};
use url::Url;

use crate::{
    Broker, By,
    credential::CredentialFault,
    integration::{Integration, IntegrationFault},
    upstream::{Errand, UpstreamFault, is_idempotent_here, send},
};

/// An account that somebody has linked, and that can be used.
pub struct LinkedAccount {
    /// Its connection.
    pub id: Id<Connection>,
    /// Whose it is.
    pub person: Id<Person>,
    /// Since when it is linked.
    pub linked_at: Timestamp,
}

impl FromRow for LinkedAccount {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { id: row.get("id")?, person: row.get("person_id")?, linked_at: row.get("linked_at")? })
    }
}

impl Broker {
    /// The next usable account of an integration behind this one, in the order of their ids.
    ///
    /// # Errors
    /// The database.
    pub async fn linked_after(
        &self,
        (organisation, integration): (Id<Organisation>, Id<IntegrationKind>),
        after: Option<Id<Connection>>,
    ) -> Result<Option<LinkedAccount>, DbError> {
        let after = after.unwrap_or_else(|| Id::from_bytes([0; 16]));
        let sql = "SELECT id, person_id, linked_at FROM connection WHERE integration_id = $1 AND organisation_id = $2 \
                   AND status IN ('active', 'degraded') AND id > $3 ORDER BY id LIMIT 1";
        self.db.read().await?.optional(sql, binds![integration, organisation, after]).await
    }

    /// The base of the API that people link accounts at, if this is one of the organisation's integrations.
    ///
    /// # Errors
    /// [`IntegrationFault`]: there is none, or it cannot be told.
    pub async fn linked_api(
        &self,
        (organisation, integration): (Id<Organisation>, Id<IntegrationKind>),
    ) -> Result<Url, IntegrationFault> {
        let found = self.usable(organisation, integration).await?;
        found.api_base.clone().ok_or(IntegrationFault::Unknown)
    }

    /// Make a call in the name of an account's owner, below the API's base and nowhere else. It is on record.
    ///
    /// # Errors
    /// [`UpstreamFault`]; an account that was ended meanwhile is `NotLinked`.
    pub async fn read_in_name(
        &self,
        (organisation, integration): (Id<Organisation>, Id<IntegrationKind>),
        account: Id<Connection>,
        call: Call,
    ) -> Result<Answer, UpstreamFault> {
        let integration = self.usable(organisation, integration).await.map_err(CredentialFault::from)?;
        let mut reader = self.db.read().await.map_err(CredentialFault::from)?;
        let row = super::queries::by_id(&mut reader, account).await.map_err(CredentialFault::from)?;
        drop(reader);
        let row = row.filter(|row| row.integration == integration.id && row.organisation == organisation);
        let person = row.ok_or(CredentialFault::NotLinked)?.person;
        let base = integration.api_base.as_ref();
        let is_below = |base: &Url| {
            let below = call.url.path().strip_prefix(base.path().trim_end_matches('/'));
            // `/api-other` is not below `/api`.
            call.url.origin() == base.origin()
                && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !base.is_some_and(is_below) {
            return Err(CredentialFault::from(IntegrationFault::Unknown).into());
        }
        let by = By::system();
        let live = self.credential(person, &integration, &by).await?;
        // The person may have linked another account meanwhile: that one has its own turn.
        if live.id != account {
            return Err(CredentialFault::NotLinked.into());
        }
        let repeatable = is_idempotent_here(&call.method);
        let Call { method, url, headers, body, .. } = call;
        let errand =
            Errand { integration: &integration, live, by: &by, method, url, headers, body, repeatable };
        let answer = send(self, errand).await;
        let outcome = if answer.is_ok() { Outcome::Done } else { Outcome::Failed("no_answer") };
        let details = json!({"status": answer.as_ref().ok().map(|answer| answer.status.as_u16())});
        let entry = by.did(organisation, "connection.read", Subject::of(account), outcome, details);
        audit::note(&self.db, &self.world, &entry);
        answer
    }

    async fn usable(
        &self,
        organisation: Id<Organisation>,
        integration: Id<IntegrationKind>,
    ) -> Result<Arc<Integration>, IntegrationFault> {
        let found = self.integration_of(integration).await?;
        match found.organisation == organisation && found.enabled {
            true => Ok(found),
            false => Err(IntegrationFault::Unknown),
        }
    }
}
