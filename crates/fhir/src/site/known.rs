//! Sites that are asked for on every call, kept in memory until somebody changes one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kernel::Timestamp;
use quick_cache::sync::Cache;
use store::{Db, DbError, Reader};

use super::{Site, SiteCode, queries};
use crate::tenant;

/// How many sites are remembered.
pub const SITES_KNOWN_MAX: usize = 10_000;
/// How long a site is believed without hearing anything: the bound on being wrong when a message got lost.
pub const SITE_BELIEVED_FOR: Duration = Duration::from_secs(30);

/// Sites by their codes. A code that no site has is not remembered: there are too many of them.
pub(crate) struct Shelf {
    entries: Cache<SiteCode, (Arc<Site>, Timestamp)>,
    changes: AtomicU64,
}

impl Shelf {
    pub fn new() -> Self {
        Self { entries: Cache::new(SITES_KNOWN_MAX), changes: AtomicU64::new(0) }
    }

    /// The site of this code. One that is loaded while somebody changes one is not kept.
    pub async fn get(&self, db: &Db, code: &SiteCode, now: Timestamp) -> Result<Option<Arc<Site>>, DbError> {
        if let Some((site, until)) = self.entries.get(code)
            && now < until
        {
            return Ok(Some(site));
        }
        let before = self.changes.load(Ordering::Acquire);
        let found = load(&mut db.read().await?, code).await?.map(Arc::new);
        if let Some(site) = &found {
            self.entries.insert(code.clone(), (Arc::clone(site), now + SITE_BELIEVED_FOR));
            if self.changes.load(Ordering::Acquire) != before {
                self.entries.remove(code);
            }
        }
        Ok(found)
    }

    /// Something has changed: sites are rarely changed, so all are looked at again.
    pub fn forget(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.entries.clear();
    }
}

/// What records are kept under never changes, so it may be read beside the terms, which do.
async fn load(reader: &mut Reader, code: &SiteCode) -> Result<Option<Site>, DbError> {
    let Some(tenant) = tenant::by_code(reader, code.as_str()).await? else { return Ok(None) };
    let terms = queries::by_code(reader, code).await?;
    Ok(terms.map(|terms| Site {
        tenant,
        code: terms.code,
        policy: terms.policy,
        packages: terms.packages,
        break_glass: terms.break_glass,
        plan: terms.plan,
    }))
}
