//! Records that another system sends: read and checked as the site's policy wants it, and written in the unit of whoever keeps count of them.
//! They come in as those of an import do; what was done has its audit events and is found like everything else.

use std::{
    collections::{BTreeSet, HashSet},
    hash::Hash,
    sync::Arc,
};

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
    bundle::spread,
    consent::Who,
    outcome::Told,
    parameter::ResourceType,
    resource::{Author, LogicalId, Ready, Sheet, Version, newest_of_each},
    site::{self, Subscription},
};

/// The way into a site for records of another system. Clones are the same. It is asked for anew for each stretch of work, since sites and policies change.
#[derive(Clone)]
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

/// Stretches in which nothing stands twice, by its name: a record that comes twice is written twice, one version after the other.
pub fn apart<'a, T, K: Eq + Hash>(mut all: &'a [T], name: impl Fn(&'a T) -> Option<K>) -> Vec<&'a [T]> {
    let mut stretches = Vec::new();
    while !all.is_empty() {
        let mut named = HashSet::new();
        let again = |one| name(one).is_some_and(|name| !named.insert(name));
        let (stretch, rest) = all.split_at(all.iter().position(again).unwrap_or(all.len()));
        stretches.push(stretch);
        all = rest;
    }
    stretches
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

    /// Whether the organisation has subscribed to what records of this type belong to: others are refused.
    ///
    /// # Errors
    /// The subscription that is missing.
    pub fn subscribed(&self, of: &str) -> Result<(), Subscription> {
        self.standing.access.subscribed(of)
    }

    /// Read a resource in JSON.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read(&self, text: &str) -> Result<Received, Refused> {
        let sent = line::read(&self.fhir, &self.standing, text, None);
        sent.map(Received).map_err(|issues| Refused::of(&issues))
    }

    /// Make something of each of what a system has sent, in their order, where it holds up nobody else and on as many threads as it is worth.
    ///
    /// # Errors
    /// [`DbError::Panicked`].
    pub async fn each<T: Send + 'static, U: Send + 'static>(
        &self,
        all: Vec<T>,
        make: impl Fn(&Self, T) -> U + Send + Sync + 'static,
    ) -> Result<Vec<U>, DbError> {
        let own = self.clone();
        spread::aside(all.len(), move || spread::each(all, |_, one| Ok(make(&own, one)))).await
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
        let mut became = Vec::with_capacity(records.len());
        for some in apart(records, |(Received(sent), _)| Some((sent.of, &sent.id))) {
            let all: Vec<&Sent> = some.iter().map(|(Received(sent), _)| sent).collect();
            let mut stored = unit.find(tx, &all).await?;
            let mut waiting: Vec<(&Ready, Option<Version>)> = Vec::new();
            for (Received(sent), known) in some {
                if *known == Known::New && stored.has(sent) {
                    let words =
                        "the site has another record under this id, which did not come from here".to_owned();
                    became.push(Became::Refused(Refused { code: "conflict", words }));
                    continue;
                }
                became.push(match unit.decide(&mut stored, sent)? {
                    Decided::Write(stored) => {
                        waiting.push((&sent.ready, stored));
                        Became::Stored
                    }
                    Decided::Unchanged => Became::Unchanged,
                    Decided::Refused(issues) => Became::Refused(Refused::of(&issues)),
                });
            }
            unit.put(tx, waiting).await?;
        }
        Ok(became)
    }

    /// Delete records that were written here before, by their types and ids. Those that are not there, or not any more, are passed over.
    ///
    /// # Errors
    /// [`DbError`]; then nothing of the unit is kept.
    pub async fn delete(&self, tx: &mut Writer, names: &[(&str, &str)]) -> Result<(), DbError> {
        let read = |(of, id): &(&str, &str)| Some((ResourceType::named(of)?, id.parse::<LogicalId>().ok()?));
        let names: BTreeSet<(ResourceType, LogicalId)> = names.iter().filter_map(read).collect();
        let names: Vec<_> = names.iter().map(|(of, id)| (*of, id)).collect();
        let tenant = &self.standing.site.tenant;
        let mut stored = newest_of_each(tx, tenant, &names).await?;
        stored.retain(|stored| !stored.is_deletion());
        if stored.is_empty() {
            return Ok(());
        }
        let mut sheet = Sheet::draw(tx, &self.fhir.records, tenant, stored.len()).await?;
        for stored in &stored {
            sheet.tombstone(stored);
        }
        let written = sheet.write(tx, &Author::system()).await;
        written.map_err(|fault| match fault {
            crate::resource::WriteFault::Store(fault) => fault,
            other => DbError::Corrupt { why: other.to_string().into() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_twice_stands_in_two_stretches() {
        let stretches = |all: &str| {
            let all: Vec<char> = all.chars().collect();
            let named = apart(&all, |one| (*one != '-').then_some(*one));
            named.iter().map(|stretch| stretch.iter().collect()).collect::<Vec<String>>()
        };
        for (all, expected) in [
            ("", vec![]),
            ("abc", vec!["abc"]),
            ("aa", vec!["a", "a"]),
            ("abac-b-c", vec!["ab", "ac-b-", "c"]),
            ("--a-", vec!["--a-"]),
        ] {
            assert_eq!(stretches(all), expected, "{all}");
        }
    }
}
