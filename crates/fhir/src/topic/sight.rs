//! What the owner of a subscription may see now: asked anew each time something is told, of the rules that were kept with it.

use std::{collections::BTreeMap, sync::Arc};

use kernel::Interaction;
use store::{DbError, Reader as Database};

use super::queries::{Event, SubscriptionRow};
use crate::{
    Fhir, PortFault,
    access::{Access, Reader, Rule},
    consent,
    parameter::ResourceType,
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

/// Asks of versions whether somebody may know of them: they could be found and read, and the record still can.
#[derive(Clone)]
pub(super) struct Sight {
    access: Access,
    reader: Reader,
    rules: BTreeMap<ResourceType, Arc<[Rule; 2]>>,
}

impl Sight {
    pub fn new(fhir: &Fhir, access: Access) -> Self {
        Self { access, reader: fhir.reader(), rules: BTreeMap::new() }
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
    async fn knows(
        &mut self,
        database: &mut Database,
        tenant: &Tenant,
        version: &Version,
    ) -> Result<bool, DbError> {
        let mut weighed = version.clone();
        consent::weigh(database, &self.reader.registry, tenant, &mut weighed).await?;
        if self.permits(&weighed) || !version.is_deletion() {
            return Ok(self.permits(&weighed));
        }
        let before = version.version.saturating_sub(1);
        let mut before = numbered(database, tenant, (version.resource_type, &version.id), before).await?;
        if let Some(before) = &mut before {
            consent::weigh(database, &self.reader.registry, tenant, before).await?;
        }
        Ok(before.is_some_and(|before| self.permits(&before)))
    }

    /// Whether a version may be told of.
    pub async fn reaches(
        &mut self,
        database: &mut Database,
        tenant: &Tenant,
        version: &Version,
    ) -> Result<bool, DbError> {
        if !self.knows(database, tenant, version).await? {
            return Ok(false);
        }
        match newest_version(database, tenant, version.resource_type, &version.id).await? {
            Some(newest) if newest.rid == version.rid => Ok(true),
            Some(newest) => self.knows(database, tenant, &newest).await,
            None => Ok(false),
        }
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
