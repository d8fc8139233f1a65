//! Clients in memory, so that no request of a known client asks the database who it is.
//!
//! An entry is read when it is first asked for and forgotten when the client or one of its secrets changes: at once where this
//! node is told, by a look at what has changed every few seconds in any case. A node that could not look for [`STALE_AFTER`]
//! reads anew, so that an outage cannot keep a client alive that was switched off.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use kernel::{Digest, Id, Timestamp};
use quick_cache::sync::Cache;
use store::{Db, DbError, Reader, binds};

use super::{Client, ClientIdText, queries, secret::SecretRow};

/// How many clients are remembered.
const CLIENTS_MAX: usize = 131_072;

/// How exactly the last use of a secret is known.
const TOUCH_EVERY: Duration = Duration::from_mins(5);

/// After how long without word from the database an entry is read anew.
const STALE_AFTER: Duration = Duration::from_secs(30);

/// How far back a look goes: longer than clocks differ and a commit takes.
const OVERLAP: Duration = Duration::from_secs(120);

/// How many changed clients one look forgets one by one; beyond, everything is forgotten.
const CHANGED_MAX: i64 = 1_000;

/// A client with its secrets.
pub(crate) struct Entry {
    pub client: Arc<Client>,
    secrets: Vec<KnownSecret>,
}

struct KnownSecret {
    row: SecretRow,
    touched_at: AtomicI64,
}

/// The clients that this node knows.
pub(crate) struct Directory {
    entries: Cache<ClientIdText, Arc<Entry>>,
    /// Goes up with every change that is heard: what was read before it is not kept.
    epoch: AtomicU64,
    looked_at: RwLock<Option<Timestamp>>,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self { entries: Cache::new(CLIENTS_MAX), epoch: AtomicU64::new(0), looked_at: RwLock::new(None) }
    }

    /// The client of this id, switched on or off.
    pub(crate) async fn find(
        &self,
        db: &Db,
        client_id: &ClientIdText,
        now: Timestamp,
    ) -> Result<Option<Arc<Entry>>, DbError> {
        match self.remembered(client_id, now) {
            Some(entry) => Ok(Some(entry)),
            None => Box::pin(self.find_anew(db, client_id, now)).await,
        }
    }

    /// The same without the database, if it is known here and word of changes has come lately.
    pub(crate) fn remembered(&self, client_id: &ClientIdText, now: Timestamp) -> Option<Arc<Entry>> {
        let is_current = !self.is_stale(now);
        self.entries.get(client_id).filter(|_| is_current)
    }

    /// The same from the database, whatever is remembered. The database is asked as much for a client that is not there.
    pub(crate) async fn find_anew(
        &self,
        db: &Db,
        client_id: &ClientIdText,
        now: Timestamp,
    ) -> Result<Option<Arc<Entry>>, DbError> {
        let is_current = !self.is_stale(now);
        let epoch = self.epoch.load(Relaxed);
        let mut tx = db.read().await?;
        let client = queries::by_client_id(&mut tx, client_id).await?;
        let id = client.as_ref().map_or(Id::from_bytes([0; 16]), |client| client.id);
        let rows = queries::secrets(&mut tx, id).await?;
        drop(tx);
        let Some(client) = client else { return Ok(None) };
        let known = |row: SecretRow| KnownSecret {
            touched_at: AtomicI64::new(row.last_used_at.map_or(i64::MIN, Timestamp::as_micros)),
            row,
        };
        let secrets = rows.into_iter().filter(|row| row.is_live(now)).map(known).collect();
        let entry = Arc::new(Entry { client: Arc::new(client), secrets });
        if is_current && epoch == self.epoch.load(Relaxed) {
            self.entries.insert(client_id.clone(), Arc::clone(&entry));
        }
        Ok(Some(entry))
    }

    /// Forget a client that has changed.
    pub(crate) fn forget(&self, client_id: &str) {
        self.epoch.fetch_add(1, Relaxed);
        if let Ok(client_id) = client_id.parse::<ClientIdText>() {
            self.entries.remove(&client_id);
        }
    }

    /// Forget everything: word may have been missed.
    pub(crate) fn forget_all(&self) {
        self.epoch.fetch_add(1, Relaxed);
        self.entries.clear();
    }

    /// Look what has changed since the last time, for changes that nobody told of.
    pub(crate) async fn look(&self, db: &Db, now: Timestamp) -> Result<(), DbError> {
        let last = *self.looked_at.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last {
            let since = last - OVERLAP;
            let changed = db
                .scan(async move |tx: &mut Reader| queries::changed_since(tx, since, CHANGED_MAX).await)
                .await?;
            if i64::try_from(changed.len()).is_ok_and(|rows| rows < CHANGED_MAX) {
                changed.iter().for_each(|(client_id, at)| self.forget_older(client_id, *at));
            } else {
                self.forget_all();
            }
        }
        let mut looked_at = self.looked_at.write().unwrap_or_else(PoisonError::into_inner);
        *looked_at = (*looked_at).max(Some(now));
        Ok(())
    }

    fn forget_older(&self, client_id: &ClientIdText, changed_at: Timestamp) {
        if self.entries.peek(client_id).is_some_and(|entry| entry.client.updated_at < changed_at) {
            self.forget(client_id.as_str());
        }
    }

    fn is_stale(&self, now: Timestamp) -> bool {
        let looked_at = *self.looked_at.read().unwrap_or_else(PoisonError::into_inner);
        looked_at.is_none_or(|at| now.since(at) > STALE_AFTER)
    }
}

impl Entry {
    /// The secret with this digest, if it is one of the client's and good now. Digests are of 256 secret bits under a key of the
    /// deployment: comparing them tells nothing.
    pub(crate) fn live_secret(&self, digest: &Digest, now: Timestamp) -> Option<&SecretRow> {
        let rows = self.secrets.iter().map(|known| &known.row);
        rows.into_iter().find(|row| row.digest == *digest && row.is_live(now))
    }

    /// The secrets that are good now.
    pub(crate) fn live_secrets(&self, now: Timestamp) -> impl Iterator<Item = &SecretRow> {
        self.secrets.iter().map(|known| &known.row).filter(move |row| row.is_live(now))
    }

    /// Write down with the next group of writes that a secret was used, if that was not done lately.
    pub(crate) fn touch(&self, db: &Db, secret: &SecretRow, now: Timestamp) {
        let Some(known) = self.secrets.iter().find(|known| known.row.id == secret.id) else { return };
        let touched_at = known.touched_at.load(Relaxed);
        let is_due = now.as_micros().saturating_sub(touched_at) >= micros(TOUCH_EVERY);
        let is_first =
            || known.touched_at.compare_exchange(touched_at, now.as_micros(), Relaxed, Relaxed).is_ok();
        if is_due && is_first() {
            db.write_lazy(queries::TOUCH_SECRET, binds![secret.id, now]);
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
