//! Update a record: its next version. <https://hl7.org/fhir/R4/http.html#update>

use store::Writer;

use super::{Author, Draft, Judge, Method, Ready, Records, Sheet, Version, WriteFault, queries};
use crate::tenant::Tenant;

/// What becomes of an update of a record that there is not, or no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// It is created: update as create.
    Create,
    /// [`WriteFault::Missing`]
    Refuse,
}

/// What a write expects to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expected {
    /// Whatever it is.
    #[default]
    Anything,
    /// This version: `If-Match`.
    Version(u32),
    /// Nothing: `If-None-Match: *`.
    Nothing,
}

/// What a write demands of what is stored and of what would be.
#[derive(Clone, Default)]
pub struct Condition {
    /// What the caller expects.
    pub expected: Expected,
    /// Whether what is stored is the caller's; asked of the newest version that is not a deletion.
    pub judge: Option<Judge>,
    /// Whether what is written is the caller's to keep; asked of the version as it will be, whose number says if it is the first.
    pub keep: Option<Judge>,
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
        match (self.expected, live) {
            (Expected::Version(named), Some(live)) if live.version != named => {
                Err(WriteFault::Changed { current: live.version })
            }
            (Expected::Version(_), None) => Err(WriteFault::Missing),
            (Expected::Nothing, Some(_)) => Err(WriteFault::Exists),
            _ => Ok(()),
        }
    }

    /// May this version be kept?
    pub(crate) fn keep(&self, version: &Version) -> Result<(), WriteFault> {
        match &self.keep {
            Some(keep) if !keep(version) => Err(WriteFault::Outside),
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
        let (turn, ready) = (tenant.number(), draft.ready(&tenant, self));
        self.db()
            .write_in_turn(turn, async move |tx: &mut Writer| {
                let Draft { resource_type, id, .. } = &ready.draft;
                let mut stored = queries::newest(tx, &tenant, *resource_type, id).await?;
                records.weigh(tx, &tenant, &mut stored).await?;
                condition.check(stored.as_ref())?;
                if absent == Absent::Refuse && stored.as_ref().is_none_or(Version::is_deletion) {
                    return Err(WriteFault::Missing);
                }
                let put = Put { records: &records, tenant: &tenant, author: &author, condition: &condition };
                put.next(tx, &ready, method, stored.as_ref()).await
            })
            .await
    }
}

/// Writes one version, as one of a unit of its own.
pub(super) struct Put<'p> {
    pub(super) records: &'p Records,
    pub(super) tenant: &'p Tenant,
    pub(super) author: &'p Author,
    pub(super) condition: &'p Condition,
}

impl Put<'_> {
    pub(super) async fn next(
        &self,
        tx: &mut Writer,
        ready: &Ready,
        method: Method,
        stored: Option<&Version>,
    ) -> Result<Version, WriteFault> {
        let mut sheet = Sheet::draw(tx, self.records, self.tenant, 1).await?;
        sheet.lets_keep(tx, self.author, ready).await?;
        let version = sheet.put(ready, method, stored)?;
        self.condition.keep(&version)?;
        sheet.write(tx, self.author).await?;
        Ok(version)
    }
}
