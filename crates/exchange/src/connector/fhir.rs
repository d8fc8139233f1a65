//! A FHIR R4 server, searched by `_lastUpdated`.  <https://hl7.org/fhir/R4/search.html#lastUpdated>
//!
//! Pages by links shift when a record changes between two of them, and one falls through. So after each page the search begins anew from the time of
//! the last record, leaving out those of that very time that have come; links are followed only among records of one and the same time.

mod check;
mod place;
mod read;

use std::time::Duration;

use base64::Engine as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use kernel::{Secret, World};
use outbound::{Call, Outbound, OutboundFault, WholeAnswer};
use url::Url;

use super::{Abilities, Asked, Connector, Cursor, Deletions, Findings, Found, Name, Page, PullFault, Since};
use place::Place;

/// The most bytes of one page that are read.
pub const PAGE_BYTES_MAX: usize = 32 << 20;
/// The longest that a call for a page may take.
pub const PAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// Records of a page that are asked for, unless the integration says otherwise.
pub const PAGE_RECORDS: u32 = 200;
/// So much before the last record that is known an incremental run begins: what was being written there at that time has a time that is
/// older than its appearance.
pub const OVERLAP: Duration = Duration::from_secs(120);

/// How we prove ourselves.
#[derive(Clone)]
pub enum SignIn {
    /// Not at all.
    Open,
    /// A token that somebody has set.
    Bearer(Secret<String>),
    /// A name and a password.
    Basic {
        /// The name.
        name: String,
        /// The password.
        password: Secret<String>,
    },
}

/// A FHIR server.
pub struct FhirServer {
    /// Its base, with a slash at the end.
    base: Url,
    /// Types that are pulled, one after the other.
    types: Vec<String>,
    sign_in: SignIn,
    outbound: Outbound,
    page_records: u32,
    /// What every call says beside.
    headers: HeaderMap,
}

impl FhirServer {
    /// The server at this base. Records of types that are not named are not pulled.
    pub fn new(outbound: Outbound, mut base: Url, types: Vec<String>, sign_in: SignIn) -> Self {
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        Self { base, types, sign_in, outbound, page_records: PAGE_RECORDS, headers: HeaderMap::new() }
    }

    /// Asking for so many records at once.
    #[must_use]
    pub fn by(self, page_records: u32) -> Self {
        Self { page_records: page_records.clamp(1, 1_000), ..self }
    }

    /// Saying this with every call: what a server wants to know beside who asks.
    #[must_use]
    pub fn saying(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    async fn get(&self, url: Url) -> Result<WholeAnswer, PullFault> {
        let call = Call { timeout: PAGE_TIMEOUT, ..self.signed(url)? };
        self.outbound.read(call, PAGE_BYTES_MAX).await.map_err(|fault| unanswered(&fault))
    }

    /// A call that does not say who asks.
    fn plain(&self, url: Url) -> Call {
        let mut call = Call::get(url);
        call.headers.extend(self.headers.clone());
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/fhir+json"));
        call
    }

    fn signed(&self, url: Url) -> Result<Call, PullFault> {
        let mut call = self.plain(url);
        let proof = match &self.sign_in {
            SignIn::Open => None,
            SignIn::Bearer(token) => Some(format!("Bearer {}", token.expose())),
            SignIn::Basic { name, password } => {
                let both = format!("{name}:{}", password.expose());
                Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(both)))
            }
        };
        if let Some(proof) = proof {
            let value = HeaderValue::from_str(&proof);
            let mut value = value.map_err(|_| PullFault::last("the credential cannot be sent"))?;
            value.set_sensitive(true);
            call.headers.insert(header::AUTHORIZATION, value);
        }
        Ok(call)
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
        let place = Place::of(cursor, &self.types)?;
        if place.nth >= self.types.len() {
            return Ok(Page { mark: place.mark()?, ..Page::default() });
        }
        let answer = answered(self.page(&place).await?)?;
        let bundle = read::bundle(&answer.body)?;
        let place = place.after(&bundle, &self.types)?;
        Ok(Page {
            records: place.fresh,
            next: place.next.map(|next| next.to_json()).transpose()?,
            mark: place.mark,
        })
    }

    async fn asked(&self, name: &Name) -> Result<Asked, PullFault> {
        let answer = self.get(self.join(&format!("{}/{}", name.of, name.id))?).await?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok(Asked::Gone);
        }
        let answer = answered(answer)?;
        let text = read::record(&answer.body, name)?;
        Ok(Asked::There(Found { name: name.clone(), text }))
    }
}

impl Connector for FhirServer {
    fn abilities(&self) -> Abilities {
        Abilities { since: Since::Told, deletions: Deletions::Asked }
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

fn unanswered(fault: &OutboundFault) -> PullFault {
    match fault {
        OutboundFault::Refused(_) => PullFault::last("the source's address is not allowed here"),
        OutboundFault::Setup(_) => PullFault::last("the source cannot be called"),
        OutboundFault::TooLarge { .. } => {
            PullFault::last("the source's answer is too large: ask for smaller pages")
        }
        OutboundFault::NotSent(_) => PullFault::again("no connection to the source"),
        OutboundFault::TimedOut => PullFault::again("the source does not answer in time"),
        OutboundFault::Broken(_) => PullFault::again("the connection to the source broke off"),
    }
}

fn answered(answer: WholeAnswer) -> Result<WholeAnswer, PullFault> {
    let after_s = retry_after(&answer.headers);
    match answer.status.as_u16() {
        200 => Ok(answer),
        401 => Err(PullFault::last("the source does not know our credential")),
        403 => Err(PullFault::last("the source does not let us read this")),
        429 => Err(PullFault::Again { why: "the source asks for fewer calls", after_s }),
        408 | 425 | 500..=599 => Err(PullFault::Again { why: "the source has trouble", after_s }),
        300..=399 => Err(PullFault::last("the source sends us elsewhere")),
        _ => Err(PullFault::last("the source refuses the search")),
    }
}

/// `Retry-After` in seconds; a date is left to our own pauses.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}
