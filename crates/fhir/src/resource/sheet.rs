//! The rows of one unit, gathered and written table by table.

use std::{collections::BTreeSet, sync::Arc};

use kernel::Timestamp;
use store::{Composed, DbError, Engine, Value, Writer, binds};

use super::{
    Author, LogicalId, Method, Records, Rid, Version, WRITTEN, WriteFault,
    body::Packed,
    draft::Ready,
    queries,
    rows::{Pile, Rows, all_rows, remove_all, rows as written},
};
use crate::{
    audit_event,
    consent::{self, Asking, Bound, Rules, Settled, is_exempt},
    key,
    parameter::{Registry, ResourceType},
    reindex,
    tenant::Tenant,
};

/// Rows of one statement: few sizes, so that few statements are kept prepared. The largest leaves room below `Composed::BINDS_MAX`.
const ROWS_OF_A_STATEMENT: [usize; 6] = [512, 64, 8, 4, 2, 1];

/// What a unit writes. Versions get their places in the order in which they are put down.
pub(crate) struct Sheet<'u> {
    pub(super) records: &'u Records,
    pub(super) tenant: &'u Tenant,
    first: Rid,
    registry: Arc<Registry>,
    generation: i64,
    next: Rid,
    at: Timestamp,
    versions: Vec<Value>,
    /// Of records whose ids were drawn for them: nobody had these before.
    created: Vec<Value>,
    currents: Vec<Value>,
    histories: Vec<Value>,
    /// Rows of versions that are not the newest any more.
    old: Vec<(Rid, Rows)>,
    new: Pile,
    settled: Settled,
    /// The identities of the patients whose records these are.
    patients: BTreeSet<i64>,
    pub(super) written: Vec<(ResourceType, LogicalId, u32)>,
}

impl<'u> Sheet<'u> {
    /// A sheet with room for so many versions.
    pub(crate) async fn draw(
        tx: &mut Writer,
        records: &'u Records,
        tenant: &'u Tenant,
        places: usize,
    ) -> Result<Self, DbError> {
        let places = i64::try_from(places).unwrap_or(i64::MAX);
        let (last, at, has_consents, generation) =
            queries::draw(tx, tenant, places, records.world().now()).await?;
        // What was made ready before the parameters changed is made ready again.
        let registry = match generation == tenant.added().generation() {
            true => records.registry_of(tenant),
            false => reindex::added(tx, tenant.number()).await?.registry(&records.registry),
        };
        Ok(Self {
            records,
            tenant,
            first: Rid(last.0 + 1),
            registry,
            generation,
            next: Rid(last.0 + 1),
            at,
            versions: Vec::new(),
            created: Vec::new(),
            currents: Vec::new(),
            histories: Vec::new(),
            old: Vec::new(),
            new: Pile::default(),
            settled: Settled { has_consents, ..Settled::default() },
            patients: BTreeSet::new(),
            written: Vec::new(),
        })
    }

    /// Whether consents let this be kept: only a site that has some asks them.
    pub(crate) async fn lets_keep(
        &self,
        tx: &mut Writer,
        author: &Author,
        ready: &Ready,
    ) -> Result<(), WriteFault> {
        match &author.collecting {
            Some(asking) if self.settled.has_consents => {
                match consent::lets_keep(tx, self.records, self.tenant, (asking, ready)).await? {
                    true => Ok(()),
                    false => Err(WriteFault::Unconsented),
                }
            }
            _ => Ok(()),
        }
    }

    /// The same of several: the rules of all their patients, asked together, and what is asked of them; none where nothing is.
    pub(crate) async fn rules<'a>(
        &self,
        tx: &mut Writer,
        author: &'a Author,
        all: impl Iterator<Item = &Ready>,
    ) -> Result<Option<(&'a Asking, Rules)>, DbError> {
        let Some(asking) = author.collecting.as_ref().filter(|_| self.settled.has_consents) else {
            return Ok(None);
        };
        let texts = all.filter(|ready| !is_exempt(ready.resource_type())).map(Ready::text);
        let rules = Rules::of_texts(tx, self.records.registry(), self.tenant, texts).await?;
        Ok(Some((asking, rules)))
    }

    /// Put down the next version of a record. `stored` is the one before.
    pub(crate) fn put(
        &mut self,
        ready: &Ready,
        method: Method,
        stored: Option<&Version>,
    ) -> Result<Version, DbError> {
        let Ready { draft, rows, generation } = ready;
        let body = Some(&draft.packed);
        let mut version = self.version((draft.resource_type, &draft.id), method, stored, body);
        // Parameters of packages do not change whose record it is.
        self.patients.extend(&rows.patients);
        match *generation == self.generation {
            true => self.new.add(self.tenant, self.records.known(), (version.rid, rows)),
            false => {
                let rows = written(self.tenant, &self.registry, &draft.kept.text);
                self.new.add(self.tenant, self.records.known(), (version.rid, &rows));
            }
        }
        if self.settled.has_consents || draft.resource_type.as_str() == "Consent" {
            self.settled.new.push((version.rid, draft.resource_type, draft.kept.text.clone()));
        }
        let body = draft.body(version.version, version.at);
        version.body = Some(body.map_err(|fault| DbError::Corrupt { why: fault.to_string().into() })?);
        Ok(version)
    }

    /// Put down that a record is deleted.
    pub(crate) fn tombstone(&mut self, stored: &Version) -> Version {
        let version = self.version((stored.resource_type, &stored.id), Method::Delete, Some(stored), None);
        let key = key::of_history(self.tenant, stored.resource_type);
        self.new.post(self.tenant, key, version.rid);
        version
    }

    fn version(
        &mut self,
        (resource_type, id): (ResourceType, &LogicalId),
        method: Method,
        stored: Option<&Version>,
        body: Option<&Packed>,
    ) -> Version {
        let rid = self.next;
        self.next = Rid(rid.0 + 1);
        let (tenant, number) = (self.tenant.number(), resource_type.number());
        let version = stored.map_or(1, |stored| stored.version.saturating_add(1));
        self.written.push((resource_type, id.clone(), version));
        let identity = key::identity(self.tenant, resource_type, id.as_str());
        let (codec, meta_at, bytes) =
            body.map_or((0, 0, None), |body| (body.codec, body.meta_at, Some(body.bytes.clone())));
        self.versions.extend(binds![
            tenant,
            rid.0,
            number,
            id,
            version,
            method.number(),
            self.at,
            identity,
            codec,
            meta_at,
            bytes
        ]);
        let is_created = method == Method::Post && stored.is_none();
        let currents = if is_created { &mut self.created } else { &mut self.currents };
        currents.extend(binds![tenant, number, id, rid.0, version, body.is_none()]);
        if let Some(stored) = stored {
            self.histories.extend(binds![tenant, number, id, stored.version, stored.rid.0]);
            self.settled.old.push(stored.rid);
            if resource_type.as_str() == "Consent" {
                self.settled.old_consents.push(stored.rid);
            }
            if let Some(body) = &stored.body {
                let key = key::of_history(self.tenant, resource_type);
                self.new.post(self.tenant, key, stored.rid);
                let rows = all_rows(self.tenant, &self.registry, body.as_str());
                // Of a deletion it is said whose record it was.
                if method == Method::Delete {
                    self.patients.extend(&rows.patients);
                }
                self.old.push((stored.rid, rows));
            }
        }
        Version {
            rid,
            resource_type,
            id: id.clone(),
            version,
            at: self.at,
            method,
            body: None,
            bound: Bound::Unasked,
        }
    }

    /// Draw a place for one more version.
    pub(super) async fn room(&mut self, tx: &mut Writer) -> Result<(), DbError> {
        let (last, ..) = queries::draw(tx, self.tenant, 1, self.records.world().now()).await?;
        self.next = Rid(last.0 + 1);
        Ok(())
    }

    /// Write what was put down, and who did, with the Provenance that they brought.
    pub(crate) async fn write(mut self, tx: &mut Writer, author: &Author) -> Result<(), WriteFault> {
        self.stamp(tx, author).await?;
        Ok(self.keep(tx, author).await?)
    }

    async fn keep(self, tx: &mut Writer, author: &Author) -> Result<(), DbError> {
        remove_all(tx, self.tenant, self.old.iter().map(|(rid, rows)| (*rid, rows))).await?;
        let mut inserts = Inserts::default();
        if self.next > self.first {
            let places = (self.first, Rid(self.next.0 - 1));
            let told = (places, &self.patients);
            audit_event::wrote((tx, &mut inserts), self.records, self.tenant, author, told).await?;
        }
        let into = "INSERT INTO fhir_version (tenant, rid, type, id, version, method, at, identity, codec, meta_at, body) VALUES ";
        inserts.add(tx, into, (11, self.versions), "").await?;
        let into = "INSERT INTO fhir_current (tenant, type, id, rid, version, deleted) VALUES ";
        let rest = " ON CONFLICT (tenant, type, id) DO UPDATE SET rid = excluded.rid, version = excluded.version, \
                    deleted = excluded.deleted";
        inserts.add(tx, into, (6, self.created), "").await?;
        inserts.add(tx, into, (6, self.currents), rest).await?;
        let into = "INSERT INTO fhir_history (tenant, type, id, version, rid) VALUES ";
        inserts.add(tx, into, (5, self.histories), "").await?;
        self.new.write(tx, self.tenant, self.records.known(), inserts).await?;
        tx.publish_here(WRITTEN, &self.tenant.number().to_string())?;
        consent::settle(tx, self.records.registry(), self.tenant, self.settled).await
    }
}

/// Insert rows of so many columns, given one after the other.
pub(crate) async fn insert(
    tx: &mut Writer,
    into: &'static str,
    rows: (usize, Vec<Value>),
    rest: &'static str,
) -> Result<(), DbError> {
    let mut inserts = Inserts::default();
    inserts.add(tx, into, rows, rest).await?;
    inserts.send(tx).await
}

/// Inserts that are sent together: on PostgreSQL each would wait for the way there and back.
#[derive(Default)]
pub(crate) struct Inserts(Vec<Composed>);

impl Inserts {
    /// Rows of so many columns, given one after the other. Many are sent at once, so that few statements are kept in memory.
    pub(crate) async fn add(
        &mut self,
        tx: &mut Writer,
        into: &'static str,
        (columns, values): (usize, Vec<Value>),
        rest: &'static str,
    ) -> Result<(), DbError> {
        let mut left = values.len() / columns.max(1);
        let mut values = values.into_iter();
        for size in ROWS_OF_A_STATEMENT {
            if left < size {
                continue;
            }
            let mut statement = Composed::new(into);
            for row in 0..size {
                statement.text(if row == 0 { "(" } else { ", (" });
                for column in 0..columns {
                    statement.text(if column == 0 { "" } else { ", " });
                    statement.value(values.next().unwrap_or(Value::Null));
                }
                statement.text(")");
            }
            statement.text(rest);
            left -= size;
            while left >= size {
                if size == ROWS_OF_A_STATEMENT[0] || tx.engine() == Engine::Sqlite {
                    tx.execute_composed(&statement).await?;
                } else {
                    self.0.push(statement.clone());
                }
                statement.again(values.by_ref().take(size * columns));
                left -= size;
            }
            self.0.push(statement);
        }
        Ok(())
    }

    pub(crate) async fn send(self, tx: &mut Writer) -> Result<(), DbError> {
        tx.execute_all(&self.0).await
    }
}
