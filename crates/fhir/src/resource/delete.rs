//! Delete a record: its next version says that it is gone, and those before remain. <https://hl7.org/fhir/R4/http.html#delete>

use store::Writer;

use super::{Author, Condition, LogicalId, Records, Sheet, Version, WriteFault, queries};
use crate::{parameter::ResourceType, tenant::Tenant};

impl Records {
    /// Delete a record; the version that says so. Of one that is deleted already that is the one that did, and nothing is written.
    ///
    /// # Errors
    /// [`WriteFault::Missing`] if there never was such a record, [`WriteFault::Changed`], [`WriteFault::Withheld`].
    pub async fn delete(
        &self,
        tenant: &Tenant,
        author: &Author,
        (resource_type, id): (ResourceType, LogicalId),
        condition: Condition,
    ) -> Result<Version, WriteFault> {
        let (records, tenant, author) = (self.clone(), tenant.clone(), author.clone());
        let turn = tenant.number();
        self.db()
            .write_in_turn(turn, async move |tx: &mut Writer| {
                let mut stored = queries::newest(tx, &tenant, resource_type, &id).await?;
                records.weigh(tx, &tenant, &mut stored).await?;
                let stored = stored.ok_or(WriteFault::Missing)?;
                if stored.is_deletion() {
                    return Ok(stored);
                }
                condition.check(Some(&stored))?;
                let mut sheet = Sheet::draw(tx, &records, &tenant, 1).await?;
                let version = sheet.tombstone(&stored);
                sheet.write(tx, &author).await?;
                Ok(version)
            })
            .await
    }
}
