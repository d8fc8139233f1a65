//! Change a part of a record: what is made of it is made inside the unit, of what is really stored, so nobody's change is lost and none has to
//! be tried again. <https://hl7.org/fhir/R4/http.html#patch>

use std::sync::Arc;

use store::Writer;

use super::{
    Author, Condition, Draft, LogicalId, Method, Records, Version, Where, WriteFault, queries, update::Put,
};
use crate::{outcome::Refused, parameter::ResourceType, tenant::Tenant};

/// What makes a new text of a stored one.
pub type Patch = Arc<dyn Fn(&str) -> Result<String, Refused> + Send + Sync>;

/// Which record is meant.
#[derive(Clone)]
pub enum Meant {
    /// The one with this id.
    Id(LogicalId),
    /// The one that holds this.
    Where(Where),
}

impl Records {
    /// Write the next version of a record, made of the one before.
    ///
    /// # Errors
    /// [`WriteFault::Missing`] if there is none, [`WriteFault::ManyMatches`], what `condition` and what `patch` refuse.
    pub async fn patch(
        &self,
        tenant: &Tenant,
        author: &Author,
        (of, meant): (ResourceType, Meant),
        (patch, condition): (Patch, Condition),
    ) -> Result<Version, WriteFault> {
        let (records, tenant, author) = (self.clone(), tenant.clone(), author.clone());
        self.db()
            .write_in_turn(tenant.number(), async move |tx: &mut Writer| {
                let mut stored = match &meant {
                    Meant::Id(id) => queries::newest(tx, &tenant, of, id).await?,
                    Meant::Where(meant) => meant.one(tx, &records, &tenant, of).await?,
                };
                records.weigh(tx, &tenant, &mut stored).await?;
                condition.check(stored.as_ref())?;
                let stored = stored.ok_or(WriteFault::Missing)?;
                let body = stored.body.as_ref().ok_or(WriteFault::Missing)?;
                let draft = Draft::parse(&patch(body.as_str())?, stored.id.clone())?;
                let ready = draft.ready(&tenant, &records);
                let put = Put { records: &records, tenant: &tenant, author: &author, condition: &condition };
                put.next(tx, &ready, Method::Patch, Some(&stored)).await
            })
            .await
    }
}
