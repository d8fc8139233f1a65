//! Create, update and delete by a condition instead of an id. <https://hl7.org/fhir/R4/http.html#ccreate>,
//! <https://hl7.org/fhir/R4/http.html#cond-update>, <https://hl7.org/fhir/R4/http.html#3.1.0.7.1>
//!
//! The condition is asked inside the unit that writes, and one unit of a site runs at a time: whoever asks at once with the same condition
//! makes one record.

use store::{Reader, Writer};

use super::{
    Absent, Author, Condition, Draft, Method, Records, Sheet, Version, WriteFault, queries, update::Put,
};
use crate::{
    consent,
    parameter::ResourceType,
    query::Test,
    search::{Access, Search, matching},
    tenant::Tenant,
};

/// Records that one conditional delete deletes.
pub const DELETED_AT_ONCE_MAX: usize = 1_000;

/// Which record is meant.
#[derive(Clone)]
pub struct Where {
    /// What it holds.
    pub test: Test,
    /// What the caller may see: what it may not see does not match.
    pub access: Access,
}

/// What became of a conditional write.
#[derive(Debug, Clone)]
pub enum Written {
    /// There was none, and now there is.
    Created(Version),
    /// There was one, and this is its next version.
    Updated(Version),
    /// There is one, and it stays as it is.
    Existing(Version),
}

/// How many records a conditional delete may delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// One; several are [`WriteFault::ManyMatches`].
    One,
    /// All that match, [`DELETED_AT_ONCE_MAX`] at the most; more are [`WriteFault::ManyMatches`].
    Many,
}

impl Where {
    /// The record that is meant, if there is one.
    pub(crate) async fn one(
        &self,
        reader: &mut Reader,
        records: &Records,
        tenant: &Tenant,
        of: ResourceType,
    ) -> Result<Option<Version>, WriteFault> {
        let mut found = self.find(reader, records, (tenant, of), 1).await?;
        Ok(found.pop())
    }

    async fn find(
        &self,
        reader: &mut Reader,
        records: &Records,
        (tenant, of): (&Tenant, ResourceType),
        most: usize,
    ) -> Result<Vec<Version>, WriteFault> {
        let mut search = Search::everything(of, self.test.clone(), self.access.clone());
        search.rows = most + 1;
        let mut found = matching(reader, records, tenant, &search).await?;
        if found.len() > most {
            return Err(WriteFault::ManyMatches);
        }
        for version in &mut found {
            consent::weigh(reader, records.registry(), tenant, version).await?;
        }
        Ok(found)
    }
}

impl Records {
    /// Create a record unless there is one: `If-None-Exist`.
    ///
    /// # Errors
    /// [`WriteFault::ManyMatches`].
    pub async fn create_unless(
        &self,
        tenant: &Tenant,
        author: &Author,
        draft: Draft,
        unless: Where,
    ) -> Result<Written, WriteFault> {
        let (records, tenant, author) = (self.clone(), tenant.clone(), author.clone());
        let (turn, ready) = (tenant.number(), draft.ready(&tenant, self));
        self.db()
            .write_in_turn(turn, async move |tx: &mut Writer| {
                match unless.one(tx, &records, &tenant, ready.draft.resource_type).await? {
                    Some(existing) => Ok(Written::Existing(existing)),
                    None => {
                        let condition = &Condition::default();
                        let put = Put { records: &records, tenant: &tenant, author: &author, condition };
                        put.next(tx, &ready, Method::Post, None).await.map(Written::Created)
                    }
                }
            })
            .await
    }

    /// Update the record that is meant, or create it if there is none. `own_id` says that the draft's id is one that the caller chose:
    /// then it has to be that of the record that is meant, or of none.
    ///
    /// # Errors
    /// [`WriteFault::ManyMatches`]; of an id that the caller chose [`WriteFault::OtherId`] if another record is meant,
    /// [`WriteFault::Taken`] if none is meant and another record has it, [`WriteFault::Missing`] if `absent` refuses it.
    pub async fn update_where(
        &self,
        tenant: &Tenant,
        author: &Author,
        (draft, own_id): (Draft, OwnId),
        (meant, absent, condition): (Where, Absent, Condition),
    ) -> Result<Written, WriteFault> {
        let (records, tenant, author) = (self.clone(), tenant.clone(), author.clone());
        let (turn, ready) = (tenant.number(), draft.ready(&tenant, self));
        self.db()
            .write_in_turn(turn, async move |tx: &mut Writer| {
                let stored = meant.one(tx, &records, &tenant, ready.draft.resource_type).await?;
                condition.check(stored.as_ref())?;
                let put = Put { records: &records, tenant: &tenant, author: &author, condition: &condition };
                let Some(stored) = stored else {
                    let before = match (own_id, absent) {
                        (OwnId::Given, _) => None,
                        (OwnId::Chosen, Absent::Refuse) => return Err(WriteFault::Missing),
                        (OwnId::Chosen, Absent::Create) => {
                            let Draft { resource_type, id, .. } = &ready.draft;
                            queries::newest(tx, &tenant, *resource_type, id).await?
                        }
                    };
                    if before.as_ref().is_some_and(|before| !before.is_deletion()) {
                        return Err(WriteFault::Taken);
                    }
                    return put.next(tx, &ready, Method::Put, before.as_ref()).await.map(Written::Created);
                };
                if stored.id == ready.draft.id {
                    return put.next(tx, &ready, Method::Put, Some(&stored)).await.map(Written::Updated);
                }
                if own_id == OwnId::Chosen {
                    return Err(WriteFault::OtherId);
                }
                let ready = ready.draft.under(stored.id.clone())?.ready(&tenant, &records);
                put.next(tx, &ready, Method::Put, Some(&stored)).await.map(Written::Updated)
            })
            .await
    }

    /// Delete what is meant; the deletions.
    ///
    /// # Errors
    /// [`WriteFault::ManyMatches`], and what `condition` refuses.
    pub async fn delete_where(
        &self,
        tenant: &Tenant,
        author: &Author,
        (of, meant): (ResourceType, Where),
        (deletion, condition): (Deletion, Condition),
    ) -> Result<Vec<Version>, WriteFault> {
        let (records, tenant, author) = (self.clone(), tenant.clone(), author.clone());
        let most = match deletion {
            Deletion::One => 1,
            Deletion::Many => DELETED_AT_ONCE_MAX,
        };
        self.db()
            .write_in_turn(tenant.number(), async move |tx: &mut Writer| {
                let stored = meant.find(tx, &records, (&tenant, of), most).await?;
                if stored.is_empty() {
                    condition.check(None)?;
                }
                for stored in &stored {
                    condition.check(Some(stored))?;
                }
                let mut sheet = Sheet::draw(tx, &records, &tenant, stored.len()).await?;
                let gone: Vec<Version> = stored.iter().map(|stored| sheet.tombstone(stored)).collect();
                sheet.write(tx, &author).await?;
                Ok(gone)
            })
            .await
    }
}

/// Where the id of a draft comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnId {
    /// The caller chose it.
    Chosen,
    /// We gave it.
    Given,
}
