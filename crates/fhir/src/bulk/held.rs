//! What a caller may do, kept with a job from its kick-off on; asked again of whoever knows before each step.

use std::sync::Arc;

use kernel::{Caller, Client, Id, Organisation, Person, Scopes, Token};
use serde::{Deserialize, Serialize};

use crate::{
    Fhir, PortFault,
    access::{Access, Sight},
    audit_event::Agent,
    consent::Who,
    interaction::Asked,
    resource::{Author, Kept},
    site::{Site, SiteCode},
};

/// A caller at a site, at the time of a kick-off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    site: String,
    organisation: Id<Organisation>,
    pub client: Id<Client>,
    pub person: Option<Id<Person>>,
    token: Id<Token>,
    scopes: Scopes,
    origin: String,
    patient: Option<String>,
    /// None for the whole site.
    sight: Option<Vec<String>>,
    /// As consents name who acts.
    #[serde(default)]
    who: Who,
}

/// What a caller may do now.
pub(crate) struct Standing {
    pub site: Arc<Site>,
    pub access: Access,
}

impl Held {
    pub fn of(asked: &Asked) -> Self {
        let sight = match &asked.context.sight {
            Sight::Site => None,
            Sight::Patients(patients) => Some(patients.iter().map(|id| String::from(&**id)).collect()),
        };
        let caller = &asked.caller;
        Self {
            site: asked.site.code.as_str().to_owned(),
            organisation: caller.organisation,
            client: caller.client,
            person: caller.person,
            token: caller.token,
            scopes: caller.scopes.clone(),
            origin: asked.context.origin.clone(),
            patient: asked.context.patient.clone(),
            sight,
            who: asked.context.who.clone(),
        }
    }

    /// The caller.
    pub fn caller(&self) -> Caller {
        Caller {
            organisation: self.organisation,
            client: self.client,
            person: self.person,
            scopes: self.scopes.clone(),
            grants: kernel::Grants::none(),
            token: self.token,
        }
    }

    /// The caller, as the audit events of what it has written say it.
    pub fn author(&self) -> Author {
        Author::new(Arc::new(Agent::of(&self.caller(), &self.who, None)), None, Kept::default())
    }

    /// What the caller may do now: never more than at the kick-off; none where the access was taken away since.
    pub async fn standing(&self, fhir: &Fhir) -> Result<Option<Standing>, PortFault> {
        let now = fhir.people.standing(&self.caller(), &self.origin).await?;
        let (Some(now), Some(code)) = (now, SiteCode::parse(&self.site)) else { return Ok(None) };
        let site = fhir.shelf.get(&fhir.db, &code, fhir.world.now()).await;
        let site = site.map_err(|cause| PortFault { what: "site", cause: Box::new(cause) })?;
        let Some(site) = site.filter(|site| site.organisation() == self.organisation) else {
            return Ok(None);
        };
        let sight = narrower(self.sight(), now);
        let access = Access::new(site.plan.clone(), &self.scopes, self.patient.as_deref(), sight);
        let access = access.bound_by(site.policy.consent, &self.who);
        Ok(Some(Standing { site, access }))
    }

    fn sight(&self) -> Sight {
        match &self.sight {
            None => Sight::Site,
            Some(patients) => Sight::Patients(patients.iter().map(|id| Box::from(id.as_str())).collect()),
        }
    }
}

/// What both let.
fn narrower(then: Sight, now: Sight) -> Sight {
    match (then, now) {
        (Sight::Site, other) | (other, Sight::Site) => other,
        (Sight::Patients(then), Sight::Patients(now)) => {
            Sight::Patients(then.iter().filter(|id| now.contains(*id)).cloned().collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patients(ids: &[&str]) -> Sight {
        Sight::Patients(ids.iter().map(|id| Box::from(*id)).collect())
    }

    #[test]
    fn what_may_be_seen_never_grows() {
        for (then, now, expected) in [
            (Sight::Site, Sight::Site, Sight::Site),
            (Sight::Site, patients(&["a"]), patients(&["a"])),
            (patients(&["a"]), Sight::Site, patients(&["a"])),
            (patients(&["a", "b"]), patients(&["b", "c"]), patients(&["b"])),
            (patients(&["a"]), patients(&[]), patients(&[])),
        ] {
            assert_eq!(narrower(then.clone(), now.clone()), expected, "{then:?} {now:?}");
        }
    }
}
