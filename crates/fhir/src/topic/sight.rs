//! What the owner of a subscription may see now: asked anew each time something is told, of the rules that were kept with it.

use std::{collections::BTreeMap, sync::Arc};

use kernel::Interaction;
use store::{DbError, Reader as Database};

use super::queries::{Event, SubscriptionRow};
use crate::{
    Fhir, PortFault,
    access::{Access, Reader, Rule},
    consent,
    parameter::{Registry, ResourceType},
    resource::{Version, at_place, newest_version, numbered},
    site::Site,
    tenant::Tenant,
};

/// What the owner may do now; none where nothing is left of it.
pub(super) async fn access_of(
    fhir: &Fhir,
    site: &Site,
    row: &SubscriptionRow,
) -> Result<Option<Access>, PortFault> {
    // A site that went to another organisation took its callers' rights with it.
    if site.organisation() != row.owner.organisation {
        return Ok(None);
    }
    let still = fhir.people.still(&row.owner).await?;
    Ok(still.map(|still| {
        Access::new(site.plan.clone(), &still.scopes, row.owner.patient.as_deref(), still.sight)
            .bound_by(site.policy.consent, &still.who)
            .owning(&row.owner)
    }))
}

/// A version with what consents say of it, and the one before where it is a deletion.
struct Known {
    version: Version,
    before: Option<Version>,
}

/// What is asked of a version, read once for all who may be told of it.
pub(super) struct Weighed {
    this: Known,
    /// The record as it is now, where that is another version.
    newest: Option<Known>,
}

async fn known(
    database: &mut Database,
    (registry, tenant): (&Registry, &Tenant),
    version: &Version,
) -> Result<Known, DbError> {
    let mut version = version.clone();
    consent::weigh(database, registry, tenant, &mut version).await?;
    if !version.is_deletion() {
        return Ok(Known { version, before: None });
    }
    let number = version.version.saturating_sub(1);
    let mut before = numbered(database, tenant, (version.resource_type, &version.id), number).await?;
    if let Some(before) = &mut before {
        consent::weigh(database, registry, tenant, before).await?;
    }
    Ok(Known { version, before })
}

/// What is asked of this version; nothing where there is no such record any more.
pub(super) async fn weighed(
    database: &mut Database,
    (registry, tenant): (&Registry, &Tenant),
    version: &Version,
) -> Result<Option<Weighed>, DbError> {
    let newest = newest_version(database, tenant, version.resource_type, &version.id).await?;
    let Some(newest) = newest else { return Ok(None) };
    let this = known(database, (registry, tenant), version).await?;
    let newest = match newest.rid == version.rid {
        true => None,
        false => Some(known(database, (registry, tenant), &newest).await?),
    };
    Ok(Some(Weighed { this, newest }))
}

/// Asks of versions whether somebody may know of them: they could be found and read, and the record still can.
#[derive(Clone)]
pub(super) struct Sight {
    access: Access,
    reader: Reader,
    rules: BTreeMap<ResourceType, Arc<[Rule; 2]>>,
}

impl Sight {
    pub fn new(fhir: &Fhir, tenant: &Tenant, access: Access) -> Self {
        Self { access, reader: fhir.reader(tenant), rules: BTreeMap::new() }
    }

    fn permits(&mut self, version: &Version) -> bool {
        let of = version.resource_type;
        let rules = self.rules.entry(of).or_insert_with(|| {
            let rule = |interaction| self.access.rule(of.as_str(), interaction);
            Arc::new([rule(Interaction::Search), rule(Interaction::Read)])
        });
        rules.iter().all(|rule| rule.permits_version(version, &self.reader))
    }

    /// Who could see what was deleted may know that it was.
    fn knows(&mut self, known: &Known) -> bool {
        self.permits(&known.version) || known.before.as_ref().is_some_and(|before| self.permits(before))
    }

    /// Whether a version may be told of.
    pub fn sees(&mut self, weighed: &Weighed) -> bool {
        self.knows(&weighed.this) && weighed.newest.as_ref().is_none_or(|newest| self.knows(newest))
    }

    /// The same of a version that is asked about for this one alone.
    pub async fn reaches(
        &mut self,
        database: &mut Database,
        tenant: &Tenant,
        version: &Version,
    ) -> Result<bool, DbError> {
        let registry = Arc::clone(&self.reader.registry);
        let weighed = weighed(database, (&registry, tenant), version).await?;
        Ok(weighed.is_some_and(|weighed| self.sees(&weighed)))
    }
}

/// An event with what may be told of it: of a record that may not be seen (any more), nothing but its number.
pub(super) struct Told {
    pub event: Event,
    pub version: Option<Version>,
    /// What goes with it.
    pub included: Vec<Version>,
}

/// What may be told of events.
pub(super) async fn told(
    database: &mut Database,
    tenant: &Tenant,
    sight: &mut Sight,
    events: &[Event],
) -> Result<Vec<Told>, DbError> {
    let mut all = Vec::with_capacity(events.len());
    for event in events {
        let version = match at_place(database, tenant, event.rid).await? {
            Some(version) if sight.reaches(database, tenant, &version).await? => Some(version),
            _ => None,
        };
        all.push(Told { event: *event, version, included: Vec::new() });
    }
    Ok(all)
}
