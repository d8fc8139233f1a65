//! From which origins applications in browsers call: those of the redirect URIs of live clients. Kept in memory, since every
//! request of a browser asks.  SMART App Launch 2.2 §2.0.9

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use kernel::{Id, Timestamp};
use store::{Db, DbError, Reader};
use url::Url;
use web::AllowedOrigins;

use super::{RedirectUri, queries};
use crate::Auth;

/// How far back a look goes: longer than clocks differ and a commit takes.
const OVERLAP: Duration = Duration::from_secs(120);

/// What a look reads of a client.
pub(super) struct Page {
    pub id: Id<kernel::Client>,
    pub redirect_uris: Vec<RedirectUri>,
    pub disabled_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// The origins that this node knows.
#[derive(Default)]
pub(crate) struct Origins(RwLock<Known>);

#[derive(Default)]
struct Known {
    of_client: HashMap<Id<kernel::Client>, Vec<String>>,
    clients_at: HashMap<String, usize>,
    looked_at: Option<Timestamp>,
}

impl Origins {
    /// Read what has changed since the last time; at first, everything.
    pub(crate) async fn look(&self, db: &Db, now: Timestamp) -> Result<(), DbError> {
        let last = self.0.read().unwrap_or_else(PoisonError::into_inner).looked_at;
        let mut since = last.map_or(Timestamp::from_micros(0), |last| last - OVERLAP);
        let mut after = Id::from_bytes([0; 16]);
        loop {
            let page = db
                .scan(async move |tx: &mut Reader| queries::redirects_since(tx, since, after).await)
                .await?;
            let Some(end) = page.last() else { break };
            (since, after) = (end.updated_at, end.id);
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            page.iter().for_each(|client| known.set(client));
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.looked_at = known.looked_at.max(Some(now));
        Ok(())
    }

    fn has(&self, origin: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clients_at.contains_key(origin)
    }
}

impl Known {
    fn set(&mut self, client: &Page) {
        let before = self.of_client.remove(&client.id).unwrap_or_default();
        for origin in before {
            let left = self.clients_at.get(&origin).map_or(0, |clients| clients - 1);
            if left == 0 {
                self.clients_at.remove(&origin);
            } else {
                self.clients_at.insert(origin, left);
            }
        }
        if client.disabled_at.is_some() {
            return;
        }
        let mut origins: Vec<String> =
            client.redirect_uris.iter().filter_map(|uri| origin(uri.as_str())).collect();
        origins.sort();
        origins.dedup();
        for origin in &origins {
            *self.clients_at.entry(origin.clone()).or_default() += 1;
        }
        if !origins.is_empty() {
            self.of_client.insert(client.id, origins);
        }
    }
}

/// The origin as a browser sends it; none of an address that is no page.
fn origin(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    matches!(url.scheme(), "https" | "http").then(|| url.origin().ascii_serialization())
}

impl AllowedOrigins for Auth {
    fn allows(&self, origin: &str) -> bool {
        self.proving().origins.has(origin)
    }
}

impl Auth {
    /// Look now, instead of with the next tick, which clients have changed.
    ///
    /// # Errors
    /// The database.
    pub async fn look_at_clients(&self) -> Result<(), DbError> {
        let now = self.world().now();
        self.directory().look(self.db(), now).await?;
        self.proving().origins.look(self.db(), now).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_allowed_as_long_as_a_live_client_has_a_page_there() {
        let (a, b) = (Id::from_bytes([1; 16]), Id::from_bytes([2; 16]));
        let page = |id, uris: &[&str], disabled_at| Page {
            id,
            redirect_uris: uris.iter().map(|uri| RedirectUri::parse(uri).unwrap()).collect(),
            disabled_at,
            updated_at: Timestamp::from_seconds(1),
        };
        let mut known = Known::default();
        let has = |known: &Known, origin: &str| known.clients_at.contains_key(origin);
        known.set(&page(
            a,
            &["https://app.example/cb", "https://app.example/other", "myapplication://cb"],
            None,
        ));
        known.set(&page(b, &["https://app.example/b", "http://127.0.0.1:3000/cb"], None));
        assert!(has(&known, "https://app.example") && has(&known, "http://127.0.0.1:3000"));
        assert_eq!(known.clients_at.len(), 2);
        known.set(&page(a, &["https://app.example:8443/cb"], None));
        assert!(has(&known, "https://app.example") && has(&known, "https://app.example:8443"));
        known.set(&page(b, &["https://app.example/b"], Some(Timestamp::from_seconds(1))));
        assert!(!has(&known, "https://app.example") && !has(&known, "http://127.0.0.1:3000"));
        known.set(&page(a, &[], None));
        assert!(known.clients_at.is_empty() && known.of_client.is_empty());
    }
}
