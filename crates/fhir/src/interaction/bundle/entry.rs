//! What the entries of a Bundle ask for.

use fhirpath::document::{Document, Element};
use http::Method;
use web::Problem;

use super::too_many;
use crate::interaction::{cursor::instant, manner::http_date, posted::invalid};

/// What an entry asks for.
pub(super) struct Asking {
    pub full_url: Option<String>,
    pub method: Method,
    /// `Patient/1`, `Patient?name=x`: below the base, without a slash at the beginning.
    pub url: String,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub if_none_exist: Option<String>,
    /// As HTTP writes it.
    pub if_modified_since: Option<String>,
    /// In JSON.
    pub resource: Option<String>,
}

/// The entries of a Bundle.
///
/// # Errors
/// 400 that names the entry; 413 for more than there may be.
pub(super) fn read(bundle: &Document<'_>, entries_max: usize) -> Result<Vec<Asking>, Problem> {
    let root = bundle.root();
    if root.resource_type().as_deref() != Some("Bundle") {
        return Err(
            invalid("what is sent here is a Bundle", "resourceType").with_code("MSG_RESOURCE_TYPE_MISMATCH")
        );
    }
    let entries: Vec<Element<'_>> = root.members().filter(|member| member.name() == "entry").collect();
    if entries.len() > entries_max {
        return Err(too_many(entries_max));
    }
    entries.iter().enumerate().map(|(nth, entry)| one(*entry).map_err(|why| at(nth, why))).collect()
}

/// A refusal for this entry.
fn at(nth: usize, why: &'static str) -> Problem {
    invalid(why, "").with_path(format!("Bundle.entry[{nth}]"))
}

fn one(entry: Element<'_>) -> Result<Asking, &'static str> {
    let text =
        |of: Element<'_>, name: &str| of.child(name).and_then(|it| it.text().map(|text| text.into_owned()));
    let request = entry.child("request").ok_or("request is missing")?;
    let method = text(request, "method").ok_or("request.method is missing")?;
    let method = match method.as_str() {
        "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        _ => return Err("request.method must be GET, HEAD, POST, PUT, PATCH or DELETE"),
    };
    let url = text(request, "url").ok_or("request.url is missing")?;
    let if_modified_since = match text(request, "ifModifiedSince") {
        Some(since) => Some(http_date(instant(&since).ok_or("request.ifModifiedSince must be an instant")?)),
        None => None,
    };
    Ok(Asking {
        full_url: text(entry, "fullUrl"),
        method,
        url: url.trim_start_matches('/').to_owned(),
        if_match: text(request, "ifMatch"),
        if_none_match: text(request, "ifNoneMatch"),
        if_none_exist: text(request, "ifNoneExist"),
        if_modified_since,
        resource: entry.child("resource").map(|resource| resource.to_json()),
    })
}
