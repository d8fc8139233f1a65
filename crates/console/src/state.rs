//! The state that every page closes over.

use std::sync::Arc;

use auth::{
    Auth, SignedIn, organisation,
    person::{self, Role},
    smart,
};
use axum::{Router, extract::FromRef};
use broker::Broker;
use fhir::Fhir;
use kernel::{Timestamp, World};
use store::Db;
use web::{Answer, Cookie};
use webhooks::Webhooks;

use crate::{
    frame::{Looks, Viewer},
    language::Languages,
    moment::Moment,
};

/// The pages. A clone is a handle to the same.
#[derive(Clone)]
pub struct Console(Arc<Parts>);

/// What the pages are made of.
pub struct Parts {
    /// People, organisations, applications.
    pub auth: Auth,
    /// Services that people link.
    pub broker: Broker,
    /// Records of sites.
    pub fhir: Fhir,
    /// Events told to others.
    pub webhooks: Webhooks,
    /// The API of contract 4, which the pages of staff ask.
    pub managed: Router,
    /// The audit trail's database.
    pub db: Db,
    /// Time and chance.
    pub world: World,
    /// What an operator decides.
    pub config: Config,
}

/// What an operator decides about the pages.
#[derive(Clone)]
pub struct Config {
    /// Who may make an account.
    pub self_registration: SelfRegistration,
    /// What people can read.
    pub languages: Languages,
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfRegistration {
    /// Anybody who reaches the pages.
    Open,
    /// Administrators.
    Closed,
}

impl Console {
    /// The pages of one deployment.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.0.auth
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.0.broker
    }

    pub(crate) fn fhir(&self) -> &Fhir {
        &self.0.fhir
    }

    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.0.webhooks
    }

    pub(crate) fn managed(&self) -> &Router {
        &self.0.managed
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn languages(&self) -> &Languages {
        &self.0.config.languages
    }

    /// A cookie of ours.
    pub(crate) fn cookie(&self, name: &'static str) -> Cookie {
        Cookie::new(name, self.auth().config().transport())
    }

    pub(crate) fn may_register(&self) -> bool {
        self.0.config.self_registration == SelfRegistration::Open
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.world.now()
    }

    /// An instant as a page says it.
    pub(crate) fn moment(&self, at: Timestamp) -> Moment {
        Moment::new(at, self.now())
    }

    /// Who is signed in, as the frame shows it.
    pub(crate) async fn viewer(&self, who: &SignedIn) -> Answer<Viewer> {
        let person = person::find(self.auth(), who.organisation, who.person).await?;
        let organisation = organisation::get(self.auth(), who.organisation).await?;
        let has_patients = smart::has_patients(self.auth(), who).await?;
        Ok(Viewer {
            has_patients,
            name: person.map(|person| person.display_name).unwrap_or_default(),
            organisation: organisation.map(|organisation| organisation.name).unwrap_or_default(),
            is_developer: who.roles.has(who.organisation, Role::Developer),
            is_administrator: who.roles.has(who.organisation, Role::OrgAdmin),
            staff: Looks::of(&who.roles.within(who.organisation)),
        })
    }
}

impl FromRef<Console> for Auth {
    fn from_ref(console: &Console) -> Self {
        console.auth().clone()
    }
}
