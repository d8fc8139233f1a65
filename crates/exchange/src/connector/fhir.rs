//! A FHIR R4 server, searched by `_lastUpdated`.  <https://hl7.org/fhir/R4/search.html#lastUpdated>
//!
//! Pages by links shift when a record changes between two of them, and one falls through. So after each page the search begins anew from the time of
//! the last record, leaving out those of that very time that have come; links are followed only among records of one and the same time.

pub mod bulk;
mod check;
mod headers;
mod place;
mod read;

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::World;
use outbound::{Call, WholeAnswer};
use url::Url;

use super::{
    Abilities, Asked, Connector, Cursor, Deletions, Findings, Found, Name, Page, PullFault, Since, Way,
};
use bulk::Bulk;
use place::Place;

pub use headers::declared;

/// The most bytes of one page that are read.
pub const PAGE_BYTES_MAX: usize = 32 << 20;
/// The longest that a call for a page may take.
pub const PAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// Records of a page that are asked for, unless the integration says otherwise.
pub const PAGE_RECORDS: u32 = 200;
/// So much before the last record that is known an incremental run begins: what was being written there at that time has a time that is
/// older than its appearance.
pub const OVERLAP: Duration = Duration::from_secs(120);

/// A FHIR server.
pub struct FhirServer {
    /// Its base, with a slash at the end.
    base: Url,
    /// Types that are pulled, one after the other.
    types: Vec<String>,
    way: Way,
    page_records: u32,
    /// Where a full run is an export.
    bulk: Option<Bulk>,
    /// What every call says beside.
    headers: HeaderMap,
}

impl FhirServer {
    /// The server at this base. Records of types that are not named are not pulled.
    pub fn new(way: Way, base: Url, types: Vec<String>) -> Self {
        Self {
            base: as_base(base),
            types,
            way,
            page_records: PAGE_RECORDS,
            bulk: None,
            headers: HeaderMap::new(),
        }
    }

    /// Asking for so many records at once.
    #[must_use]
    pub fn by(self, page_records: u32) -> Self {
        Self { page_records: page_records.clamp(1, 1_000), ..self }
    }

    /// Taking all there is from its exports.
    #[must_use]
    pub fn exporting(self, bulk: Bulk) -> Self {
        Self { bulk: Some(bulk), ..self }
    }

    /// Saying this with every call: what a server wants to know beside who asks.
    #[must_use]
    pub fn saying(self, headers: HeaderMap) -> Self {
        Self { headers, ..self }
    }

    async fn get(&self, url: Url) -> Result<WholeAnswer, PullFault> {
        let mut call = Call { timeout: PAGE_TIMEOUT, ..self.call(url) };
        // Servers answer a search that was made lately with what it found then: a record that has changed since would be missed.
        call.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        self.way.read(&call, PAGE_BYTES_MAX).await
    }

    fn call(&self, url: Url) -> Call {
        let mut call = Call::get(url);
        call.headers.extend(self.headers.clone());
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/fhir+json"));
        call
    }

    async fn page(&self, place: &Place) -> Result<WholeAnswer, PullFault> {
        let (Some(next), Some(of)) = (&place.next, self.types.get(place.nth)) else {
            return self.get(self.search(place)?).await;
        };
        let url = self
            .base
            .join(next)
            .map_err(|_| PullFault::last("the source's link to its next page leads nowhere"))?;
        if url.origin() != self.base.origin() {
            return Err(PullFault::last("the source's link to its next page leads elsewhere"));
        }
        let answer = self.get(url).await?;
        // Such links live for minutes; a run may go on after hours.
        match matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::BAD_REQUEST) {
            true => {
                tracing::debug!(of, "the link to a next page is over; the search begins anew");
                self.get(self.search(place)?).await
            }
            false => Ok(answer),
        }
    }

    fn search(&self, place: &Place) -> Result<Url, PullFault> {
        let of = self.types.get(place.nth).map_or("", String::as_str);
        let mut url = self.join(of)?;
        let mut query = url.query_pairs_mut();
        if let Some(since) = &place.since {
            query.append_pair("_lastUpdated", &format!("ge{since}"));
        }
        query.append_pair("_sort", "_lastUpdated").append_pair("_count", &self.page_records.to_string());
        drop(query);
        Ok(url)
    }

    fn join(&self, path: &str) -> Result<Url, PullFault> {
        self.base.join(path).map_err(|_| PullFault::last("the source's address leads nowhere"))
    }

    async fn pulled(&self, cursor: &Cursor) -> Result<Page, PullFault> {
        match (&cursor.place, &self.bulk) {
            (Some(place), Some(bulk)) if Self::is_bulk(place) => {
                return self.exported(bulk, Some(place)).await;
            }
            (Some(place), None) if Self::is_bulk(place) => {
                return Err(PullFault::last(
                    "the run reads an export, which the integration does not want any more",
                ));
            }
            (None, Some(bulk)) if cursor.mark.is_none() => return self.exported(bulk, None).await,
            _ => {}
        }
        let place = Place::of(cursor, &self.types)?;
        if place.nth >= self.types.len() {
            return Ok(Page { mark: place.mark()?, ..Page::default() });
        }
        let answer = self.way.answered(self.page(&place).await?)?;
        let bundle = read::bundle(&answer.body)?;
        let place = place.after(&bundle, &self.types)?;
        Ok(Page {
            records: place.fresh,
            next: place.next.map(|next| next.to_json()).transpose()?,
            mark: place.mark,
            ..Page::default()
        })
    }

    async fn asked(&self, name: &Name) -> Result<Asked, PullFault> {
        let answer = self.get(self.join(&format!("{}/{}", name.of, name.id))?).await?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok(Asked::Gone);
        }
        let answer = self.way.answered(answer)?;
        let text = read::record(&answer.body, name)?;
        Ok(Asked::There(Found::new(name.clone(), text)))
    }
}

impl Connector for FhirServer {
    fn abilities(&self) -> Abilities {
        Abilities { since: Since::Told, deletions: Deletions::Asked }
    }

    fn types(&self) -> BTreeSet<&str> {
        self.types.iter().map(String::as_str).collect()
    }

    fn check<'a>(&'a self, world: &'a World) -> BoxFuture<'a, Findings> {
        Box::pin(check::check(self, world))
    }

    fn pull<'a>(&'a self, cursor: &'a Cursor) -> BoxFuture<'a, Result<Page, PullFault>> {
        Box::pin(self.pulled(cursor))
    }

    fn ask<'a>(&'a self, name: &'a Name) -> BoxFuture<'a, Result<Asked, PullFault>> {
        Box::pin(self.asked(name))
    }
}

/// With a slash at the end, so that what is joined to it stands behind it.
pub fn as_base(mut base: Url) -> Url {
    if !base.path().ends_with('/') {
        let path = format!("{}/", base.path());
        base.set_path(&path);
    }
    base
}
