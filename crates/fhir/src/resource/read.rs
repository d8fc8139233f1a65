//! Read a record, or one version of it. <https://hl7.org/fhir/R4/http.html#read>, <https://hl7.org/fhir/R4/http.html#vread>

use store::{DbError, Reader};

use super::{LogicalId, Records, Version, queries};
use crate::{
    consent::{self, Bound},
    parameter::ResourceType,
    tenant::Tenant,
};

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
        let found = queries::newest(&mut self.db().read().await?, tenant, resource_type, id).await?;
        if !found.as_ref().is_some_and(may_be_bound) {
            return Ok(found);
        }
        // What consents say of it is read with it, on one snapshot.
        let (records, tenant, id) = (self.clone(), tenant.clone(), id.clone());
        self.db()
            .snapshot(async move |reader: &mut Reader| {
                let mut found = queries::newest(reader, &tenant, resource_type, &id).await?;
                records.weigh(reader, &tenant, &mut found).await?;
                Ok(found)
            })
            .await
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
        let found =
            queries::numbered(&mut self.db().read().await?, tenant, (resource_type, id), version).await?;
        if !found.as_ref().is_some_and(may_be_bound) {
            return Ok(found);
        }
        let (records, tenant, id) = (self.clone(), tenant.clone(), id.clone());
        self.db()
            .snapshot(async move |reader: &mut Reader| {
                let mut found = queries::numbered(reader, &tenant, (resource_type, &id), version).await?;
                records.weigh(reader, &tenant, &mut found).await?;
                Ok(found)
            })
            .await
    }

    /// Look up what consents say of a version, on the snapshot that it was read on.
    pub(crate) async fn weigh(
        &self,
        reader: &mut Reader,
        tenant: &Tenant,
        version: &mut Option<Version>,
    ) -> Result<(), DbError> {
        match version {
            Some(version) => consent::weigh(reader, self.registry(), tenant, version).await,
            None => Ok(()),
        }
    }
}

const fn may_be_bound(version: &Version) -> bool {
    matches!(version.bound, Bound::Unasked) && !version.is_deletion()
}
