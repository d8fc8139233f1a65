//! Everything a FHIR server has, as files that it writes for us.  <https://hl7.org/fhir/uv/bulkdata/STU2/export.html>
//!
//! It is asked for, waited for, read line by line and taken away. Where a run goes on stands in the place: the file by its digest, and the line. A file
//! stays open between two pages; whoever goes on elsewhere opens it anew and passes over the lines that have come.

mod lines;
mod manifest;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use kernel::{Timestamp, World};
use outbound::Call;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::FhirServer;
use crate::connector::{KeptPlace, Page, PullFault, way};
use lines::Lines;
use manifest::{ERRORS, File, Manifest};

pub use lines::{FILE_SILENCE_MAX, LINE_BYTES_MAX};
pub use manifest::EXPORT_FILES_MAX;

/// Lines of one page.
pub const EXPORT_LINES_MAX: usize = 500;
/// Bytes of lines after which a page is full.
pub const EXPORT_PAGE_BYTES: usize = 4 << 20;
/// The most bytes of one file.
pub const FILE_BYTES_MAX: usize = 64 << 30;
/// The longest that one file may take.
pub const FILE_TIME_MAX: Duration = Duration::from_hours(6);
/// The most bytes of what an export says of its files.
pub const MANIFEST_BYTES_MAX: usize = 32 << 20;
/// The longest that an export may take from being asked for until its files are there.
pub const EXPORT_TIME_MAX: Duration = Duration::from_hours(48);
/// The longest and the shortest wait before an export is asked after again.
pub const POLL_WAIT_S: std::ops::RangeInclusive<u64> = 2..=300;
/// How often a run begins another export after one that was not there any more.
pub const EXPORTS_MAX: u32 = 3;
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PROGRESS: HeaderName = HeaderName::from_static("x-progress");
const TRIES_TO_END: usize = 3;

/// How a server's exports are asked for.
#[derive(Clone)]
pub struct Bulk {
    /// Of whom: a group's id; none for everybody.
    pub group: Option<String>,
    /// Lines of one page, [`EXPORT_LINES_MAX`] at the most.
    pub page_lines: usize,
    /// Time: of waiting.
    pub world: World,
    /// The file that is being read.
    pub open: KeptPlace<Reading>,
}

/// A file that was opened, and how far it was read.
pub struct Reading {
    status: String,
    at: Line,
    /// Of which type its records are, and how many there are, as the export says.
    of: String,
    count: Option<u64>,
    lines: Lines<Bytes>,
}

/// Where in the files of an export a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    list: List,
    /// The file by its number, and by its digest once it was opened.
    nth: usize,
    file: Option<u64>,
    /// Lines that have come.
    line: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum List {
    #[default]
    Output,
    Deleted,
    /// What it could not export, and why.
    Error,
}

/// Where in an export a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Where its status is; none before it was asked for.
    status: Option<String>,
    asked_at: Timestamp,
    /// Of what time it is, once its files are there.
    time: Option<String>,
    at: Line,
    /// How many exports this run has asked for.
    exports: u32,
}

/// The member under which such a place stands, so that it is told from that of a search.
const BULK: &str = "bulk";

/// What asking after an export came to.
enum Status {
    Ready(Manifest),
    Wait(u64),
    Gone,
}

impl FhirServer {
    /// Whether a place is one of an export.
    pub(super) fn is_bulk(place: &Value) -> bool {
        place.get(BULK).is_some()
    }

    /// The next page of an export; it begins one where there is no place.
    pub(super) async fn exported(&self, bulk: &Bulk, place: Option<&Value>) -> Result<Page, PullFault> {
        let now = bulk.world.now();
        let mut place: Place = match place.and_then(|place| place.get(BULK)) {
            Some(place) => serde_json::from_value(place.clone())
                .map_err(|_| PullFault::last("where the run was cannot be read"))?,
            None => Place { status: None, asked_at: now, time: None, at: Line::default(), exports: 0 },
        };
        let Some(status) = place.status.clone() else {
            place.status = Some(self.kick_off(bulk).await?);
            (place.asked_at, place.exports) = (now, place.exports + 1);
            return place.page(Page::default());
        };
        if let Some(page) = self.go_on(bulk, &mut place).await? {
            return Ok(page);
        }
        let manifest = match self.ask_after(&status, now.since(place.asked_at)).await? {
            Status::Ready(manifest) => manifest,
            Status::Wait(_) if now.since(place.asked_at) > EXPORT_TIME_MAX => {
                self.end(&status).await;
                return Err(PullFault::last("the source's export does not come to an end"));
            }
            Status::Wait(after_s) => return Err(PullFault::Later { after: Duration::from_secs(after_s) }),
            Status::Gone => return place.anew(now),
        };
        if place.time.as_ref().is_some_and(|time| *time != manifest.transaction_time) {
            return place.anew(now);
        }
        let begun = match place.time.replace(manifest.transaction_time.clone()) {
            None => vec![ERRORS.to_owned()],
            Some(_) => Vec::new(),
        };
        let Some(file) = place.file(&manifest)? else {
            self.end(&status).await;
            let mark: BTreeMap<&String, &String> =
                self.types.iter().map(|of| (of, &manifest.transaction_time)).collect();
            return Ok(Page { begun, mark: Some(json!(mark)), ..Page::default() });
        };
        match self.open(bulk, (&manifest, file), (&status, &place.at)).await? {
            true => {
                let page = self.go_on(bulk, &mut place).await?;
                let page = page.ok_or(PullFault::again("the source's file was closed"))?;
                Ok(Page { begun, ..page })
            }
            false => place.anew(now),
        }
    }

    async fn kick_off(&self, bulk: &Bulk) -> Result<String, PullFault> {
        let path = bulk.group.as_ref().map_or("$export".to_owned(), |group| format!("Group/{group}/$export"));
        let mut url = self.join(&path)?;
        url.query_pairs_mut().append_pair("_type", &self.types.join(","));
        let mut call = Call { timeout: super::PAGE_TIMEOUT, ..self.call(url) };
        call.headers.insert(PREFER, HeaderValue::from_static("respond-async"));
        let answer = self.way.read(&call, MANIFEST_BYTES_MAX).await?;
        if answer.status.as_u16() != 202 {
            self.way.told(answer.status, &answer.headers)?;
            return Err(PullFault::last("the source does not begin an export"));
        }
        let told = answer.headers.get(header::CONTENT_LOCATION).and_then(|value| value.to_str().ok());
        let told = told.and_then(|text| self.base.join(text).ok());
        let status = told.ok_or(PullFault::last("the source does not say where its export is"))?;
        self.own(&status).map(|()| status.to_string())
    }

    /// Our credential goes to the source alone.
    fn own(&self, url: &Url) -> Result<(), PullFault> {
        match url.origin() == self.base.origin() {
            true => Ok(()),
            false => Err(PullFault::last("the source's export is elsewhere")),
        }
    }

    fn at(&self, text: &str) -> Result<Url, PullFault> {
        self.base.join(text).map_err(|_| PullFault::last("the source's export leads nowhere"))
    }

    async fn ask_after(&self, status: &str, waited: Duration) -> Result<Status, PullFault> {
        let url = self.at(status)?;
        self.own(&url)?;
        let mut call = Call { timeout: super::PAGE_TIMEOUT, ..self.call(url) };
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.way.read(&call, MANIFEST_BYTES_MAX).await?;
        // A quarter of the time that has gone by, so that a long export is not asked after too often.
        let wait = || self.way.retry_after_s(&answer.headers).unwrap_or(waited.as_secs() / 4);
        let wait = || wait().clamp(*POLL_WAIT_S.start(), *POLL_WAIT_S.end());
        match answer.status.as_u16() {
            200 => Manifest::read(&answer.body).map(Status::Ready),
            202 => {
                tracing::debug!(percent = percent(&answer.headers), "the source's export is under way");
                Ok(Status::Wait(wait()))
            }
            429 => Ok(Status::Wait(wait())),
            404 | 410 => Ok(Status::Gone),
            _ => Err(self
                .way
                .told(answer.status, &answer.headers)
                .err()
                .unwrap_or(PullFault::last("the source's export cannot be asked after"))),
        }
    }

    /// Opens a file and passes over what has come of it; false if it is not there any more.
    async fn open(
        &self,
        bulk: &Bulk,
        (manifest, file): (&Manifest, &File),
        (status, at): (&str, &Line),
    ) -> Result<bool, PullFault> {
        let url = self.at(&file.url)?;
        let mut call = Call { timeout: FILE_TIME_MAX, ..self.call(url.clone()) };
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/fhir+ndjson"));
        let answer = if manifest.requires_access_token {
            self.own(&url)?;
            self.way.open(&call).await?
        } else {
            // What says who we are to the source is for nobody else.
            call.headers =
                HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/fhir+ndjson"))]);
            self.way.plain(call).await?.map_err(|fault| way::unanswered(&fault))?
        };
        if matches!(answer.status.as_u16(), 404 | 410) {
            return Ok(false);
        }
        self.way.told(answer.status, &answer.headers)?;
        let mut lines = Lines::of(answer.stream(FILE_BYTES_MAX));
        for _ in 0..at.line {
            lines.next().await?;
        }
        let at = Line { file: Some(file.digest()), ..at.clone() };
        *bulk.open.lock().await =
            Some(Reading { status: status.to_owned(), at, of: file.of.clone(), count: file.count, lines });
        Ok(true)
    }

    /// The next page of the file that is open; none if it is another one, or none is.
    async fn go_on(&self, bulk: &Bulk, place: &mut Place) -> Result<Option<Page>, PullFault> {
        let mut open = bulk.open.lock().await;
        let is_there =
            |reading: &Reading| Some(&reading.status) == place.status.as_ref() && reading.at.is_at(&place.at);
        let Some(mut reading) = open.take().filter(is_there) else { return Ok(None) };
        let (mut page, mut bytes, mut came) = (Page::default(), 0, 0);
        while came < bulk.page_lines.clamp(1, EXPORT_LINES_MAX) && bytes < EXPORT_PAGE_BYTES {
            match reading.next(&mut page).await {
                Ok(Some(taken)) => (bytes, came) = (bytes + taken, came + 1),
                Ok(None) => {
                    place.at = Line { list: reading.at.list, nth: reading.at.nth + 1, file: None, line: 0 };
                    return place.page(page).map(Some);
                }
                // What has come is kept; the rest is asked for anew.
                Err(_) if came > 0 => {
                    place.at = reading.at;
                    return place.page(page).map(Some);
                }
                Err(fault) => return Err(fault),
            }
        }
        place.at = reading.at.clone();
        *open = Some(reading);
        place.page(page).map(Some)
    }

    /// The server need not keep the files any longer. If it does, they end by themselves.
    async fn end(&self, status: &str) {
        let Ok(url) = self.at(status) else { return };
        let call = Call { method: Method::DELETE, timeout: super::PAGE_TIMEOUT, ..self.call(url) };
        for _ in 0..TRIES_TO_END {
            match self.way.read(&call, MANIFEST_BYTES_MAX).await {
                Ok(answer) if answer.status.as_u16() < 500 && answer.status.as_u16() != 429 => return,
                _ => {}
            }
        }
        tracing::info!("the source's export could not be taken away; its server will");
    }
}

impl Reading {
    /// Puts what the next line says into a page; its bytes, or none behind the last one.
    async fn next(&mut self, page: &mut Page) -> Result<Option<usize>, PullFault> {
        let Some(line) = self.lines.next().await? else {
            return match self.count {
                Some(count) if self.at.line < count => Err(PullFault::again("the source's file broke off")),
                _ => Ok(None),
            };
        };
        let bytes = line.len();
        match self.at.list {
            List::Output => page.records.push(manifest::record(line, &self.of)?),
            List::Deleted => page.gone.extend(manifest::gone(&line)?),
            List::Error => page.records.extend(manifest::error(line, (self.at.nth, self.at.line))?),
        }
        self.at.line += 1;
        Ok(Some(bytes))
    }
}

impl Line {
    /// Whether a file that is open stands where a run goes on; one that was just opened has a digest that the run does not know yet.
    fn is_at(&self, other: &Self) -> bool {
        let same_file = other.file.is_none() || self.file == other.file;
        same_file && (self.list, self.nth, self.line) == (other.list, other.nth, other.line)
    }
}

impl Place {
    fn page(&self, page: Page) -> Result<Page, PullFault> {
        let place = serde_json::to_value(self);
        let place = place.map_err(|_| PullFault::last("where the run is cannot be kept"))?;
        Ok(Page { next: Some(json!({ BULK: place })), ..page })
    }

    /// The export is not there any more: another one is asked for, and its records are mostly as they came before.
    fn anew(&self, now: Timestamp) -> Result<Page, PullFault> {
        if self.exports >= EXPORTS_MAX {
            return Err(PullFault::last("the source's exports end before they were read"));
        }
        let place =
            Self { status: None, asked_at: now, time: None, at: Line::default(), exports: self.exports };
        place.page(Page::default())
    }

    /// The file where the run goes on; none if all were read.
    fn file<'m>(&mut self, manifest: &'m Manifest) -> Result<Option<&'m File>, PullFault> {
        loop {
            let files = match self.at.list {
                List::Output => &manifest.output,
                List::Deleted => &manifest.deleted,
                List::Error => &manifest.error,
            };
            let there = files.get(self.at.nth);
            match (self.at.file, there) {
                // Another order of the same files.
                (Some(wanted), there) if there.map(File::digest) != Some(wanted) => {
                    let found = files.iter().position(|file| file.digest() == wanted);
                    self.at.nth =
                        found.ok_or(PullFault::last("the source's export has other files than before"))?;
                }
                (_, Some(file)) => return Ok(Some(file)),
                (_, None) => {
                    let list = match self.at.list {
                        List::Output => List::Deleted,
                        List::Deleted => List::Error,
                        List::Error => return Ok(None),
                    };
                    self.at = Line { list, ..Line::default() };
                }
            }
        }
    }
}

/// `X-Progress`, where it is a number: words of a server are not written down.
fn percent(headers: &HeaderMap) -> Option<u8> {
    let text = headers.get(PROGRESS)?.to_str().ok()?;
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|percent| *percent <= 100)
}
