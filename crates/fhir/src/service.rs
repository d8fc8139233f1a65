//! The state of this crate, and how it hears of changes.

use std::{ops::Deref, sync::Arc, time::Duration};

use kernel::World;
use outbound::Outbound;
use store::Db;
use url::Url;
use vault::Vault;
use web::{Shutdown, Tasks};

use crate::{
    People, Sites,
    access::Reader,
    audit_event::{self, Trail},
    capability::Statement,
    package::Packages,
    parameter::Registry,
    reindex,
    resource::Records,
    site::{CHANGED, Shelf},
    tenant::Tenant,
    topic,
};

/// What this crate is made of.
pub struct Parts {
    /// The database, migrated.
    pub db: Db,
    /// The keys: they seal where a list goes on.
    pub vault: Vault,
    /// Time and chance.
    pub world: World,
    /// People and their tokens.
    pub people: Arc<dyn People>,
    /// Sites of organisations.
    pub sites: Arc<dyn Sites>,
    /// The way to endpoints of subscribers.
    pub outbound: Outbound,
    /// What is written is checked by these.
    pub packages: Arc<Packages>,
    /// Runs what goes on beside requests.
    pub tasks: Tasks,
    /// When to end.
    pub shutdown: Shutdown,
    /// Who gives access tokens: the CapabilityStatement says where.
    pub issuer: String,
    /// The base under which clients reach this deployment.
    pub public_url: Url,
    /// Entries of one Bundle that is sent.
    pub bundle_entries_max: usize,
    /// How long audit events are kept: [`audit_event::AUDIT_KEPT`] at the least.
    pub audit_kept: Duration,
}

/// The FHIR APIs. Cheap to clone.
#[derive(Clone)]
pub struct Fhir(Arc<Inner>);

/// What a [`Fhir`] holds.
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) vault: Vault,
    pub(crate) world: World,
    pub(crate) people: Arc<dyn People>,
    pub(crate) sites: Arc<dyn Sites>,
    pub(crate) outbound: Outbound,
    pub(crate) packages: Arc<Packages>,
    pub(crate) shelf: Shelf,
    pub(crate) records: Records,
    pub(crate) registry: Arc<Registry>,
    pub(crate) statement: Statement,
    /// Where what was done is written down.
    pub(crate) trail: Trail,
    /// For how long.
    pub(crate) audit_kept: Duration,
    /// Calls of endpoints that are under way.
    pub(crate) slots: topic::Slots,
    /// Whoever is told of what is written.
    pub(crate) remembered: topic::Remembered,
    /// Streams that are open.
    pub(crate) streams: web::Streams,
    pub(crate) shutdown: Shutdown,
    /// `https://…/fhir`, without a slash at the end.
    pub(crate) base: String,
}

impl Deref for Fhir {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Fhir {
    /// The APIs, which from now on hear of changes that other nodes make.
    pub fn new(parts: Parts) -> Self {
        let base = format!("{}/fhir", parts.public_url.as_str().trim_end_matches('/'));
        let registry = Arc::new(Registry::r4().with_base(&base));
        let records = Records::new(parts.db.clone(), parts.world.clone(), Arc::clone(&registry))
            .taking(parts.bundle_entries_max);
        let (trail, rows) = Trail::new();
        let (db, agents, shutdown) = (parts.db.clone(), Arc::clone(records.agents()), parts.shutdown.clone());
        parts.tasks.spawn(audit_event::keep_writing(db, agents, rows, shutdown));
        let fhir = Self(Arc::new(Inner {
            records,
            registry,
            trail,
            audit_kept: parts.audit_kept.max(audit_event::AUDIT_KEPT),
            statement: Statement::new(parts.issuer),
            db: parts.db,
            vault: parts.vault,
            world: parts.world,
            people: parts.people,
            sites: parts.sites,
            outbound: parts.outbound,
            packages: parts.packages,
            shelf: Shelf::new(),
            slots: topic::Slots::default(),
            remembered: topic::Remembered::default(),
            streams: web::Streams::default(),
            shutdown: parts.shutdown.clone(),
            base,
        }));
        parts.tasks.spawn(topic::keep_following(fhir.clone(), parts.shutdown.clone()));
        parts.tasks.spawn(reindex::reconcile(fhir.clone()));
        parts.tasks.spawn(listen(fhir.clone(), parts.shutdown));
        fhir
    }

    /// The store, for who fills it beside the API: there nobody is asked what they may see.
    pub fn records(&self) -> &Records {
        &self.0.records
    }

    /// The packages of this deployment.
    pub fn packages(&self) -> &Packages {
        &self.0.packages
    }

    /// What rules of access of a site are read with: scopes may name the search parameters of its packages.
    pub(crate) fn reader(&self, tenant: &Tenant) -> Reader {
        Reader { registry: self.records.registry_of(tenant), now: self.world.now() }
    }
}

/// Drop from memory what is no longer true; a message that got lost is a reason too.
async fn listen(fhir: Fhir, shutdown: Shutdown) {
    let mut sites = fhir.db.notify().subscribe(CHANGED);
    loop {
        let heard = tokio::select! {
            () = shutdown.begun() => return,
            heard = sites.next() => heard,
        };
        match heard {
            Some(_) => fhir.shelf.forget(),
            None => return,
        }
    }
}
