//! A REST API that answers in JSON, pulled stream by stream as its configuration declares, and mapped to FHIR.
//!
//! The mark of a stream moves once all its pages are stored: nobody promises that they come sorted.

mod answer;
mod check;
mod place;
mod plan;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode, header};
use kernel::{Timestamp, World};
use outbound::{Call, WholeAnswer};
use url::Url;

use super::{
    Abilities, Account, Asked, Connector, Cursor, Deletions, Findings, Found, Mapper, Name, Page, PullFault,
    Raw, Since, Way,
    fhir::{PAGE_BYTES_MAX, PAGE_TIMEOUT, as_base},
};
use place::At;
use plan::{End, Stream, Style};

pub(super) use place::Place;
pub use plan::{OVERLAP_S, PAGE_RECORDS_MAX, PAGES_MAX, Plan, declared};

/// An API.
pub struct RestApi {
    base: Url,
    way: Way,
    plan: Arc<Plan>,
    mapper: Mapper,
}

impl RestApi {
    /// The API at this base.
    pub fn new(way: Way, base: Url, plan: Plan, mapper: Mapper) -> Self {
        Self { base: as_base(base), way, plan: Arc::new(plan), mapper }
    }

    fn url(&self, stream: &Stream, place: &Place) -> Result<Url, PullFault> {
        const NOWHERE: PullFault = PullFault::last("the source's address leads nowhere");
        if let At::Url(next) = &place.at {
            let url = self.base.join(next).map_err(|_| NOWHERE)?;
            return match url.origin() == self.base.origin() {
                true => Ok(url),
                false => Err(PullFault::last("the source's link to its next page leads elsewhere")),
            };
        }
        let mut url = stream.url(&self.base).ok_or(NOWHERE)?;
        let paging = &stream.pagination;
        let mut query = url.query_pairs_mut();
        for (name, value) in &stream.query {
            query.append_pair(name, value);
        }
        if let (Some(incremental), Some(since)) = (&stream.incremental, place.since) {
            query.append_pair(&incremental.parameter, &answer::written(incremental.format, since));
        }
        if let (Some(parameter), Some(size)) = (&paging.size_parameter, paging.size) {
            query.append_pair(parameter, &size.to_string());
        }
        let at = match (&place.at, paging.style) {
            (At::Begin, Style::Page) => Some(paging.first.unwrap_or(1).to_string()),
            (At::Begin, Style::Offset) => Some(paging.first.unwrap_or(0).to_string()),
            (At::Number(number), _) => Some(number.to_string()),
            (At::Cursor(cursor), _) => Some(cursor.clone()),
            _ => None,
        };
        if let (Some(parameter), Some(at)) = (&paging.parameter, at) {
            query.append_pair(parameter, &at);
        }
        drop(query);
        if url.query() == Some("") {
            url.set_query(None);
        }
        Ok(url)
    }

    /// The call for a page.
    pub(super) fn call(&self, place: &Place) -> Result<Call, PullFault> {
        let stream = self.plan.streams.get(place.nth).ok_or(PullFault::last("there is no such stream"))?;
        let mut call = Call { timeout: PAGE_TIMEOUT, ..Call::get(self.url(stream, place)?) };
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        Ok(call)
    }

    /// At its beginning, asking for what has changed since then.
    pub(super) fn begin(&self, since: Option<Timestamp>) -> Place {
        let marks = self.plan.streams.iter().filter(|stream| stream.incremental.is_some());
        let marks = marks.filter_map(|stream| Some((stream.name.clone(), since?.as_micros())));
        Place { marks: marks.collect(), ..Place::default() }.begin(0, &self.plan)
    }

    /// Whether all streams are through.
    pub(super) fn is_through(&self, place: &Place) -> bool {
        place.nth >= self.plan.streams.len()
    }

    /// What an answer brings, and where the run goes on behind it.
    pub(super) fn taken(
        &self,
        mut place: Place,
        whole: WholeAnswer,
        account: Option<&Account>,
    ) -> Result<(Page, Place), PullFault> {
        let stream = self.plan.streams.get(place.nth).ok_or(PullFault::last("there is no such stream"))?;
        // Nothing has changed since then.
        let is_empty = whole.status == StatusCode::NO_CONTENT;
        let (records, next) = match is_empty {
            true => (Vec::new(), None),
            false => {
                let whole = self.way.answered(whole)?;
                let read = answer::read(&whole.body)?;
                let told = told(stream, &whole, &read)?;
                let records = answer::records(stream, read)?;
                let next = next(stream, &place, (told, records.len()))?;
                let fingerprint = answer::fingerprint(&whole.body);
                if next.is_some() && !records.is_empty() && place.answer == Some(fingerprint) {
                    return Err(PullFault::last("the source answers each page alike: look at `pagination`"));
                }
                place.answer = Some(fingerprint);
                (records, next)
            }
        };
        let mut page = Page::default();
        for record in &records {
            match stream.is_gone(record) {
                true => page.gone.extend(self.mapper.gone(account, &stream.name, record)),
                false => page.records.extend(self.mapper.found_of(account, &stream.name, record)),
            }
            let changed = stream.incremental.as_ref().and_then(|told| answer::changed(told, record));
            place.high = place.high.max(changed);
        }
        place.pages += 1;
        if next.is_some() && place.pages >= stream.pagination.pages_max.unwrap_or(PAGES_MAX) {
            return Err(PullFault::last("the source has more pages than `pagination.pages_max` allows"));
        }
        Ok(match next {
            Some(at) => (page, Place { at, ..place }),
            None => {
                let place = place.through(stream, &self.plan);
                page.mark = Some(place.mark()?);
                (page, place)
            }
        })
    }

    async fn pulled(&self, cursor: &Cursor) -> Result<Page, PullFault> {
        let place = Place::of(cursor, &self.plan)?;
        if self.is_through(&place) {
            return Ok(Page { mark: Some(place.mark()?), ..Page::default() });
        }
        let whole = self.way.read(&self.call(&place)?, PAGE_BYTES_MAX).await?;
        let (page, place) = self.taken(place, whole, None)?;
        let next = (!self.is_through(&place)).then(|| place.to_json()).transpose()?;
        Ok(Page { next, ..page })
    }
}

/// What the answer says of the next page.
fn told(stream: &Stream, whole: &WholeAnswer, read: &serde_json::Value) -> Result<Option<String>, PullFault> {
    match (stream.pagination.style, &stream.pagination.next) {
        (Style::LinkHeader, _) => Ok(answer::next_link(&whole.headers)),
        (Style::Cursor | Style::NextUrl, Some(pointer)) => answer::next(read, pointer),
        _ => Ok(None),
    }
}

/// Which page is next, if there is one.
fn next(
    stream: &Stream,
    place: &Place,
    (told, records): (Option<String>, usize),
) -> Result<Option<At>, PullFault> {
    let paging = &stream.pagination;
    let is_short = paging.end == End::Short && paging.size.is_some_and(|size| records < size as usize);
    let number = |step: usize, first: u64| match place.at {
        At::Number(number) => number.saturating_add(step as u64),
        _ => paging.first.unwrap_or(first).saturating_add(step as u64),
    };
    let at = match paging.style {
        Style::None => None,
        Style::Page | Style::Offset if records == 0 || is_short => None,
        Style::Page => Some(At::Number(number(1, 1))),
        Style::Offset => Some(At::Number(number(records, 0))),
        Style::Cursor => told.map(At::Cursor),
        Style::LinkHeader | Style::NextUrl => told.map(At::Url),
    };
    match at {
        Some(at) if at == place.at => {
            Err(PullFault::last("the source's cursor leads back to where it stands"))
        }
        at => Ok(at),
    }
}

impl Connector for RestApi {
    fn abilities(&self) -> Abilities {
        let tells = self.plan.streams.iter().any(|stream| stream.incremental.is_some());
        let since = if tells { Since::Told } else { Since::Everything };
        Abilities { since, deletions: Deletions::Unknown }
    }

    fn types(&self) -> std::collections::BTreeSet<&str> {
        self.mapper.mapping().types()
    }

    fn check<'a>(&'a self, world: &'a World) -> BoxFuture<'a, Findings> {
        Box::pin(check::check(self, world))
    }

    fn pull<'a>(&'a self, cursor: &'a Cursor) -> BoxFuture<'a, Result<Page, PullFault>> {
        Box::pin(self.pulled(cursor))
    }

    fn ask<'a>(&'a self, _: &'a Name) -> BoxFuture<'a, Result<Asked, PullFault>> {
        Box::pin(std::future::ready(Err(PullFault::last("an API is not asked for single records"))))
    }

    fn again(&self, raw: &Raw) -> Vec<Found> {
        self.mapper.again(raw)
    }
}
