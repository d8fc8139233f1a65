//! Sites, and somebody who writes.

use std::sync::Arc;

use fhir::{
    Tenant,
    parameter::{Registry, ResourceType},
    resource::{Absent, Author, Condition, Draft, LogicalId, Method, Records, Version, WriteFault},
    tenant,
};
use kernel::{Id, World};
use store::{Db, DbError, Writer};
use testkit::{MockClock, world};

/// A database with two sites.
pub(crate) struct Stage {
    pub(crate) db: Db,
    pub(crate) clock: MockClock,
    pub(crate) records: Records,
    pub(crate) here: Tenant,
    pub(crate) there: Tenant,
    pub(crate) author: Author,
}

pub(crate) fn id(text: &str) -> LogicalId {
    text.parse().unwrap()
}

pub(crate) fn of(name: &str) -> ResourceType {
    ResourceType::named(name).unwrap()
}

impl Stage {
    pub(crate) async fn new(db: Db) -> Self {
        let (world, clock) = world();
        let here = open(&db, &world, 1, "HC00001").await;
        let there = open(&db, &world, 2, "HC00002").await;
        let records = Records::new(db.clone(), world, Arc::new(Registry::r4()));
        Self { db, clock, records, here, there, author: Author::system() }
    }

    pub(crate) async fn create(&self, text: &str) -> Version {
        let draft = Draft::parse(text, self.records.new_id()).unwrap();
        self.records.create(&self.here, &self.author, draft).await.unwrap()
    }

    pub(crate) async fn put(&self, tenant: &Tenant, name: &str, text: &str) -> Version {
        self.put_if(tenant, name, text, Condition::default()).await.unwrap()
    }

    pub(crate) async fn put_if(
        &self,
        tenant: &Tenant,
        name: &str,
        text: &str,
        condition: Condition,
    ) -> Result<Version, WriteFault> {
        let draft = Draft::parse(text, id(name)).unwrap();
        self.records.update(tenant, &self.author, (draft, Method::Put), (Absent::Create, condition)).await
    }

    pub(crate) async fn delete(&self, kind: &str, name: &str) -> Result<Version, WriteFault> {
        let what = (of(kind), id(name));
        self.records.delete(&self.here, &self.author, what, Condition::default()).await
    }
}

async fn open(db: &Db, world: &World, number: u8, code: &'static str) -> Tenant {
    let world = world.clone();
    let (organisation, site) = (Id::from_bytes([9; 16]), Id::from_bytes([number; 16]));
    let opened =
        db.write(async move |tx: &mut Writer| tenant::open(tx, &world, organisation, site, code).await);
    let opened: Result<Tenant, DbError> = opened.await;
    opened.unwrap()
}

/// Allows nothing.
pub(crate) fn nobody() -> fhir::resource::Judge {
    Arc::new(|_| false)
}
