//! Sites: under which code records are kept and found, who may call, and what an organisation has subscribed to.  Contract 3
//!
//! A site is granted to the callers of the organisation that it belongs to, and to nobody else.

mod assign;
mod break_glass;
pub mod change;
mod code;
mod fault;
mod known;
pub mod manage;
mod plan;
mod policy;
mod queries;
mod subscription;
mod switched;

use std::sync::Arc;

use kernel::{Id, Organisation};
use store::DbError;

use crate::{Fhir, tenant::Tenant};

pub use crate::reindex::Wanted;

pub use assign::{Assigned, Coded, assign};
pub use break_glass::{BREAK_GLASS_MAX, BreakGlass};
pub use code::SiteCode;
pub use fault::SiteFault;
pub(crate) use known::Shelf;
pub use plan::{plan, subscribe};
pub use policy::{Consents, Policy, Upsert, Validation};
pub use subscription::{Plan, Subscription, UnknownSubscription};
pub use switched::{SITE_PACKAGES_MAX, SITE_PROFILES_MAX, Switched};

/// On this channel changes of sites, policies and plans are told.
pub const CHANGED: &str = "fhir_site";

/// A site that has a code.
#[derive(Debug, Clone)]
pub struct Site {
    /// What its records are kept under.
    pub tenant: Tenant,
    /// What callers name it by.
    pub code: SiteCode,
    /// How it takes what is written.
    pub policy: Policy,
    /// What it validates with.
    pub packages: Switched,
    /// Who may ask past what patients withhold.
    pub break_glass: BreakGlass,
    /// What its organisation has subscribed to.
    pub plan: Plan,
}

impl Site {
    /// Whose it is, and so whose callers it is granted to.
    pub const fn organisation(&self) -> Id<Organisation> {
        self.tenant.organisation()
    }
}

/// A site of an organisation by its id, if it has a code.
pub(crate) async fn of_id(
    fhir: &Fhir,
    organisation: Id<Organisation>,
    id: Id<kernel::Site>,
) -> Result<Option<Arc<Site>>, DbError> {
    let terms = queries::of_site(&mut fhir.db.read().await?, organisation, id).await?;
    match terms {
        Some(terms) => fhir.shelf.get(&fhir.db, &terms.code, fhir.world.now()).await,
        None => Ok(None),
    }
}
