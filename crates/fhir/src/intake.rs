//! Records that another system sends: read and checked as the site's policy wants it, and written in the unit of whoever keeps count of them.
//! They come in as those of an import do; what was done has its audit events and is found like everything else.

use std::{collections::HashSet, sync::Arc};

use kernel::{Id, Organisation};
use store::{DbError, Writer};

use crate::{
    Fhir,
    access::{Access, Sight},
    bulk::{
        held::Standing,
        import::{
            line::{self, Sent},
            write::{Decided, Unit},
        },
    },
    consent::Who,
    outcome::Told,
    parameter::ResourceType,
    resource::{Author, LogicalId, Ready, Sheet, Version, newest_version},
    site,
};

/// The way into a site for records of another system. It is asked for anew for each stretch of work, since sites and policies change.
pub struct Intake {
    fhir: Fhir,
    standing: Arc<Standing>,
}

/// There is no such site of the organisation, or it has no code, or cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub enum NoIntake {
    /// There is none.
    #[error("the organisation has no such site with records")]
    NoSite,
    /// The database does not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A record that may be written, if what is stored lets it.
pub struct Received(Sent);

impl Received {
    /// `Patient`
    pub fn resource_type(&self) -> &'static str {
        self.0.of.as_str()
    }

    /// Its id, which stays as the sender says it.
    pub fn id(&self) -> &str {
        self.0.id.as_str()
    }
}

/// Why a record is not taken: a code of <http://hl7.org/fhir/R4/valueset-issue-type.html>, and words that may quote the record.
#[derive(Clone, PartialEq, Eq)]
pub struct Refused {
    /// `structure`, `invalid`, `forbidden`, `conflict`
    pub code: &'static str,
    /// For those who may see the record.
    pub words: String,
}

impl Refused {
    fn of(issues: &[Told]) -> Self {
        let code = issues.first().map_or("invalid", Told::code);
        let words: Vec<String> = issues.iter().map(Told::words).collect();
        Self { code, words: words.join("; ") }
    }
}

/// Whether whoever sends it has sent a record of this type and id before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It has.
    Ours,
    /// It has not: what is stored under the id is somebody else's.
    New,
}

/// What became of a record.
#[derive(Clone, PartialEq, Eq)]
pub enum Became {
    /// It is its next version.
    Stored,
    /// It is stored as it is.
    Unchanged,
    /// It was not taken.
    Refused(Refused),
}

impl Fhir {
    /// The way in for records of a system that an organisation has connected.
    ///
    /// # Errors
    /// [`NoIntake`].
    pub async fn intake(
        &self,
        organisation: Id<Organisation>,
        site: Id<kernel::Site>,
    ) -> Result<Intake, NoIntake> {
        let site = site::of_id(self, organisation, site).await?.ok_or(NoIntake::NoSite)?;
        let scopes = "system/*.cruds".parse().unwrap_or_else(|_| kernel::Scopes::none());
        let access = Access::new(site.plan.clone(), &scopes, None, Sight::Site);
        let access = access.bound_by(site.policy.consent, &Who::default());
        Ok(Intake { fhir: self.clone(), standing: Arc::new(Standing { site, access }) })
    }
}

impl Intake {
    /// The turn in which units that write here have to run ([`store::Db::write_in_turn`]).
    pub fn turn(&self) -> i64 {
        self.standing.site.tenant.number()
    }

    /// Read a resource in JSON.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read(&self, text: &str) -> Result<Received, Refused> {
        let sent = line::read(&self.fhir, &self.standing, text, None);
        sent.map(Received).map_err(|issues| Refused::of(&issues))
    }

    /// Write records, each if what is stored lets it; what became of each, in their order.
    ///
    /// # Errors
    /// [`DbError`]; then nothing of the unit is kept.
    pub async fn write(
        &self,
        tx: &mut Writer,
        records: &[(&Received, Known)],
    ) -> Result<Vec<Became>, DbError> {
        let unit = Unit::alone(&self.fhir, &self.standing, Author::system());
        let mut waiting: Vec<(&Ready, Option<Version>)> = Vec::new();
        let mut named = HashSet::new();
        let mut became = Vec::with_capacity(records.len());
        for (Received(sent), known) in records {
            if !named.insert((sent.of, &sent.id)) {
                unit.put(tx, &mut waiting).await?;
                named.clear();
                named.insert((sent.of, &sent.id));
            }
            if *known == Known::New && self.is_taken(tx, sent).await? {
                let words =
                    "the site has another record under this id, which did not come from here".to_owned();
                became.push(Became::Refused(Refused { code: "conflict", words }));
                continue;
            }
            became.push(match unit.decide(tx, sent).await? {
                Decided::Write(stored) => {
                    waiting.push((&sent.ready, stored));
                    Became::Stored
                }
                Decided::Unchanged => Became::Unchanged,
                Decided::Refused(issues) => Became::Refused(Refused::of(&issues)),
            });
        }
        unit.put(tx, &mut waiting).await?;
        Ok(became)
    }

    async fn is_taken(&self, tx: &mut Writer, sent: &Sent) -> Result<bool, DbError> {
        let stored = newest_version(tx, &self.standing.site.tenant, sent.of, &sent.id).await?;
        Ok(stored.is_some())
    }

    /// Delete a record that was written here before. Whether there was one that was not deleted yet.
    ///
    /// # Errors
    /// [`DbError`]; then nothing of the unit is kept.
    pub async fn delete(&self, tx: &mut Writer, of: &str, id: &str) -> Result<bool, DbError> {
        let (Some(of), Ok(id)) = (ResourceType::named(of), id.parse::<LogicalId>()) else { return Ok(false) };
        let tenant = &self.standing.site.tenant;
        let stored = newest_version(tx, tenant, of, &id).await?.filter(|stored| !stored.is_deletion());
        let Some(stored) = stored else { return Ok(false) };
        let mut sheet = Sheet::draw(tx, &self.fhir.records, tenant, 1).await?;
        sheet.tombstone(&stored);
        let written = sheet.write(tx, &Author::system()).await;
        written.map(|()| true).map_err(|fault| match fault {
            crate::resource::WriteFault::Store(fault) => fault,
            other => DbError::Corrupt { why: other.to_string().into() },
        })
    }
}
