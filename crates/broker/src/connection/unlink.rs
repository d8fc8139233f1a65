//! Unlinking: dead here at once, ended at the third party as soon as it answers.  Contract 1

use std::sync::Arc;

use audit::{Outcome, Subject};
use axum::extract::State;
use http::StatusCode;
use jobs::publish;
use kernel::{Event, Fault, Id, Kind, Person, RequestId};
use serde_json::json;
use store::{DbError, Writer};
use vault::TenantVault;
use web::{Answer, Bearer, Path};

use super::{ConnectionRow, queries};
use crate::{
    Broker, By,
    credential::{self, CredentialFault, Tokens, places},
    integration::Integration,
    trust::require_trust,
};

/// The scope that a client needs to unlink for a person.
pub const REVOKE_SCOPE: &str = "integrations:revoke";

/// Unlinking did not work.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct UnlinkFault(#[from] CredentialFault);

impl From<DbError> for UnlinkFault {
    fn from(fault: DbError) -> Self {
        Self(fault.into())
    }
}
impl Fault for UnlinkFault {
    fn kind(&self) -> Kind {
        self.0.kind()
    }
    fn public(&self) -> std::borrow::Cow<'static, str> {
        self.0.public()
    }
    fn retry_after_s(&self) -> Option<u64> {
        self.0.retry_after_s()
    }
}

/// Unlink the person's account.
#[utoipa::path(
    delete, path = "/integrations/v1/{integration}", tag = "connections", operation_id = "unlink_integration",
    params(("integration" = String, Path, description = "The integration's id")),
    responses((status = 204, description = "Unlinked, or was not linked")),
    security(("bearer" = ["integrations:revoke"])),
)]
pub(crate) async fn unlink(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Path(slug): Path<String>,
) -> Answer<StatusCode> {
    bearer.require(REVOKE_SCOPE)?;
    let access = require_trust(&broker, &bearer.0, &slug).await?;
    let by = By::new(bearer.0.actor(), Some(request));
    broker.unlink(access.person, &access.integration, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Broker {
    /// Unlink the person's account at the integration of this slug. Whether there was one.
    ///
    /// # Errors
    /// [`UnlinkFault`]; then the account is still linked.
    pub async fn unlink_by_slug(&self, person: Id<Person>, slug: &str, by: &By) -> Result<bool, UnlinkFault> {
        match self.integration_by_slug(slug).await.map_err(CredentialFault::from)? {
            Some(integration) => self.unlink(person, &integration, by).await,
            None => Ok(false),
        }
    }

    pub(crate) async fn unlink(
        &self,
        person: Id<Person>,
        integration: &Arc<Integration>,
        by: &By,
    ) -> Result<bool, UnlinkFault> {
        let vault = self.vault.tenant(integration.organisation).await.map_err(CredentialFault::from)?;
        let (broker, integration_id, by) = (self.clone(), integration.id, by.clone());
        let slug = integration.slug.clone();
        let unit = async move |tx: &mut Writer| -> Result<bool, CredentialFault> {
            let Some(row) = queries::live_of_person(tx, person, integration_id).await? else {
                return Ok(false);
            };
            end(tx, &broker, &vault, &row, &slug, &by).await
        };
        let was_linked = self.db.write(unit).await?;
        self.live.forget(&(person, integration_id));
        Ok(was_linked)
    }
}

async fn end(
    tx: &mut Writer,
    broker: &Broker,
    vault: &TenantVault,
    row: &ConnectionRow,
    slug: &str,
    by: &By,
) -> Result<bool, CredentialFault> {
    let world = &broker.world;
    if !queries::begin_revoking(tx, row.id, world.now()).await? {
        return Ok(false);
    }
    // Read after the update has locked the row: a renewal that was quicker has left its tokens here.
    let Some(row) = queries::by_id(tx, row.id).await? else { return Ok(false) };
    if let Some(tokens) = tokens_of(tx, vault, &row).await? {
        credential::schedule(tx, world, vault, &row, &tokens).await?;
    }
    queries::delete_credentials(tx, row.id).await?;
    let details = json!({ "integration": slug, "person": row.person });
    let entry = by.did(row.organisation, "connection.unlinked", Subject::of(row.id), Outcome::Done, details);
    audit::record(tx, world, &entry).await?;
    let event = Event {
        organisation: row.organisation,
        name: "connection.revoked",
        subject: row.id.to_string(),
        data: json!({ "integration": slug }),
    };
    publish(tx, world, &event).await?;
    queries::tell(tx, &row).await?;
    Ok(true)
}

/// The connection's tokens in the open, to be sealed anew for the revocation alone.
pub(crate) async fn tokens_of(
    tx: &mut Writer,
    vault: &TenantVault,
    row: &ConnectionRow,
) -> Result<Option<Tokens>, CredentialFault> {
    let Some(sealed) = credential::queries::credential(tx, row.id, row.credential_version).await? else {
        return Ok(None);
    };
    let account = queries::account(tx, row.id).await?;
    let refresh = sealed.refresh.map(|token| vault.open_text(places::refresh(row.id), &token)).transpose()?;
    Ok(Some(Tokens {
        access: vault.open_text(places::access(row.id), &sealed.access)?,
        refresh,
        account_id: account.map(|id| vault.open_text(places::account(row.id), &id)).transpose()?,
    }))
}
