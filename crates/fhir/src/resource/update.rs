//! Update a record: its next version. <https://hl7.org/fhir/R4/http.html#update>

use store::Writer;

use super::{Author, Draft, Judge, Method, Records, Sheet, Version, WriteFault, queries, sheet::note};
use crate::tenant::Tenant;

/// What becomes of an update of a record that there is not, or no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// It is created: update as create.
    Create,
    /// [`WriteFault::Missing`]
    Refuse,
}

/// What a write demands of what is stored.
#[derive(Clone, Default)]
pub struct Condition {
    /// `If-Match`: it has this version.
    pub version: Option<u32>,
    /// Whether it is the caller's; asked of the newest version that is not a deletion.
    pub judge: Option<Judge>,
}

impl Condition {
    /// Does the stored version meet it?
    pub(crate) fn check(&self, stored: Option<&Version>) -> Result<(), WriteFault> {
        let live = stored.filter(|stored| !stored.is_deletion());
        if let (Some(live), Some(judge)) = (live, &self.judge)
            && !judge(live)
        {
            return Err(WriteFault::Withheld);
        }
        match (self.version, live) {
            (Some(named), Some(live)) if live.version != named => {
                Err(WriteFault::Changed { current: live.version })
            }
            (Some(_), None) => Err(WriteFault::Missing),
            _ => Ok(()),
        }
    }
}

impl Records {
    /// Write the next version of a record, by `PUT` or `PATCH`. Its version is 1 if it was created.
    ///
    /// # Errors
    /// [`WriteFault::Missing`], [`WriteFault::Changed`], [`WriteFault::Withheld`].
    pub async fn update(
        &self,
        tenant: &Tenant,
        author: &Author,
        (draft, method): (Draft, Method),
        (absent, condition): (Absent, Condition),
    ) -> Result<Version, WriteFault> {
        let (records, tenant, author) = (self.clone(), tenant.clone(), author.clone());
        let (turn, ready) = (tenant.number(), draft.ready(&tenant, self.registry()));
        self.db()
            .write_in_turn(turn, async move |tx: &mut Writer| {
                let Draft { resource_type, id, .. } = &ready.draft;
                let stored = queries::newest(tx, &tenant, *resource_type, id).await?;
                condition.check(stored.as_ref())?;
                if absent == Absent::Refuse && stored.as_ref().is_none_or(Version::is_deletion) {
                    return Err(WriteFault::Missing);
                }
                let mut sheet = Sheet::draw(tx, &records, &tenant, 1).await?;
                let version = sheet.put(&ready, method, stored.as_ref())?;
                sheet.write(tx).await?;
                let act = if version.version == 1 { "record.created" } else { "record.updated" };
                note(tx, &records, &tenant, &author, (act, &version)).await?;
                Ok(version)
            })
            .await
    }
}
