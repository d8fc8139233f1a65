//! Read a record, or one version of it. <https://hl7.org/fhir/R4/http.html#read>, <https://hl7.org/fhir/R4/http.html#vread>

use store::DbError;

use super::{LogicalId, Records, Version, queries};
use crate::{parameter::ResourceType, tenant::Tenant};

impl Records {
    /// The newest version of a record, also if that is a deletion.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn read(
        &self,
        tenant: &Tenant,
        resource_type: ResourceType,
        id: &LogicalId,
    ) -> Result<Option<Version>, DbError> {
        queries::newest(&mut self.db().read().await?, tenant, resource_type, id).await
    }

    /// One version of a record.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn vread(
        &self,
        tenant: &Tenant,
        (resource_type, id): (ResourceType, &LogicalId),
        version: u32,
    ) -> Result<Option<Version>, DbError> {
        queries::numbered(&mut self.db().read().await?, tenant, (resource_type, id), version).await
    }
}
