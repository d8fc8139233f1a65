//! A page of a search: the records as they stand there, character by character.

use kernel::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::connector::{Found, Name, PullFault};

const UNREADABLE: PullFault = PullFault::again("the source's answer cannot be read");

/// What a page says.
pub(super) struct Bundle {
    pub entries: Vec<Entry>,
    pub next: Option<String>,
}

/// A record of a page.
pub(super) struct Entry {
    pub found: Found,
    /// As it is written there.
    pub updated: String,
    pub at: Timestamp,
    pub version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Searched<'a> {
    resource_type: String,
    #[serde(default)]
    link: Vec<Link>,
    #[serde(default, borrow)]
    entry: Vec<Hit<'a>>,
}

#[derive(Deserialize)]
struct Link {
    relation: String,
    url: String,
}

#[derive(Deserialize)]
struct Hit<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    search: Option<Mode>,
}

#[derive(Deserialize)]
struct Mode {
    mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    resource_type: String,
    id: String,
    #[serde(default)]
    meta: Meta,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Meta {
    last_updated: Option<String>,
    version_id: Option<String>,
}

pub(super) fn bundle(body: &[u8]) -> Result<Bundle, PullFault> {
    let read: Searched<'_> = serde_json::from_slice(body).map_err(|_| UNREADABLE)?;
    if read.resource_type != "Bundle" {
        return Err(PullFault::last("the source answers a search with something else than a Bundle"));
    }
    let is_match = |hit: &&Hit<'_>| {
        hit.search.as_ref().and_then(|search| search.mode.as_deref()).is_none_or(|mode| mode == "match")
    };
    let matches = read.entry.iter().filter(is_match).filter_map(|hit| hit.resource);
    let entries = matches.map(|raw| entry(raw.get())).collect::<Result<_, _>>()?;
    let next = read.link.into_iter().find(|link| link.relation == "next").map(|link| link.url);
    Ok(Bundle { entries, next })
}

fn entry(text: &str) -> Result<Entry, PullFault> {
    let head: Head = serde_json::from_str(text).map_err(|_| UNREADABLE)?;
    let timeless = PullFault::last("the source does not say when its records were changed");
    let updated = head.meta.last_updated.ok_or(timeless.clone())?;
    let at = updated.parse().map_err(|_| timeless)?;
    let name = Name { of: head.resource_type, id: head.id };
    let found = Found::new(name, text.to_owned());
    Ok(Entry { found, updated, at, version: head.meta.version_id.unwrap_or_default() })
}

/// The text of one record that was asked for.
pub(super) fn record(body: &[u8], name: &Name) -> Result<String, PullFault> {
    let text = std::str::from_utf8(body).map_err(|_| UNREADABLE)?;
    let head: Head = serde_json::from_str(text).map_err(|_| UNREADABLE)?;
    match head.resource_type == name.of && head.id == name.id {
        true => Ok(text.to_owned()),
        false => Err(PullFault::last("the source answers with another record than was asked for")),
    }
}

/// What a server says of itself.  <https://hl7.org/fhir/R4/capabilitystatement.html>
pub(super) struct Statement {
    pub version: String,
    /// Types that can be searched.
    pub searched: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Capabilities {
    resource_type: String,
    fhir_version: String,
    #[serde(default)]
    rest: Vec<Rest>,
}

#[derive(Deserialize)]
struct Rest {
    #[serde(default)]
    resource: Vec<Offered>,
}

#[derive(Deserialize)]
struct Offered {
    #[serde(rename = "type")]
    of: String,
    #[serde(default)]
    interaction: Vec<Interaction>,
}

#[derive(Deserialize)]
struct Interaction {
    code: String,
}

pub(super) fn statement(body: &[u8]) -> Option<Statement> {
    let read: Capabilities = serde_json::from_slice(body).ok()?;
    if read.resource_type != "CapabilityStatement" {
        return None;
    }
    let can = |one: &Offered| one.interaction.iter().any(|interaction| interaction.code == "search-type");
    let offered = read.rest.into_iter().flat_map(|rest| rest.resource);
    let searched = offered.filter(can).map(|one| one.of).collect();
    Some(Statement { version: read.fhir_version, searched })
}
